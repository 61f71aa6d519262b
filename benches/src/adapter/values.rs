/// The names of the values of one adapter, each with its place.
#[derive(Debug, Clone)]
pub struct Names(Vec<String>);

/// The place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(usize);

impl Slot {
    /// The e-mail address. Every subject has one.
    pub const EMAIL: Self = Self(0);
    /// The password. Every subject has one.
    pub const PASSWORD: Self = Self(1);
}

impl Default for Names {
    fn default() -> Self {
        Self(vec!["email".to_owned(), "password".to_owned()])
    }
}

impl Names {
    /// The place of a name, if anything uses it.
    pub fn find(&self, name: &str) -> Option<Slot> {
        self.0.iter().position(|known| known == name).map(Slot)
    }

    /// The name of a place.
    pub fn name(&self, slot: Slot) -> &str {
        self.0.get(slot.0).map_or("", String::as_str)
    }

    pub(super) fn find_or_add(&mut self, name: &str) -> Slot {
        self.find(name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            Slot(self.0.len() - 1)
        })
    }
}

/// Somebody whom the driver acts for, as the values that they hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject(Vec<Option<Box<str>>>);

impl Subject {
    /// Somebody with an account.
    pub fn new(email: &str, password: &str) -> Self {
        Self(vec![Some(email.into()), Some(password.into())])
    }

    /// A value, if they hold it.
    pub fn get(&self, slot: Slot) -> Option<&str> {
        self.0.get(slot.0)?.as_deref()
    }

    /// Gives them a value in place of the one before.
    pub fn set(&mut self, slot: Slot, value: &str) {
        if self.0.len() <= slot.0 {
            self.0.resize(slot.0 + 1, None);
        }
        if let Some(place) = self.0.get_mut(slot.0) {
            *place = Some(value.into());
        }
    }

    pub(super) fn forget(&mut self, slot: Slot) {
        if let Some(place) = self.0.get_mut(slot.0) {
            *place = None;
        }
    }

    /// Takes over all values that another holds.
    pub fn take_over(&mut self, other: Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), None);
        }
        for (place, value) in self.0.iter_mut().zip(other.0) {
            if value.is_some() {
                *place = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_places() {
        let mut names = Names::default();
        let token = names.find_or_add("token");
        assert_eq!(names.find_or_add("token"), token);
        assert_eq!(names.find("email"), Some(Slot::EMAIL));
        assert_eq!(names.find("password"), Some(Slot::PASSWORD));
        assert_eq!((names.name(token), names.find("other")), ("token", None));

        let mut ada = Subject::new("ada@example.com", "a walk");
        assert_eq!(ada.get(token), None);
        let mut taken = Subject::default();
        taken.set(token, "t1");
        ada.take_over(taken);
        assert_eq!(ada.get(token), Some("t1"));
        assert_eq!(ada.get(Slot::EMAIL), Some("ada@example.com"));
    }
}
