//! What a product is asked, read from a file, so that every product is driven by the same code.
//!
//! An adapter says for each operation which requests it takes, with placeholders such as `${email}`, and what to take from
//! their answers. `docs/benchmark-adapter.md` describes the file; [`Adapter::zalt`] is the one for our own server, which is
//! driven in no other way.

mod build;
mod error;
mod file;
mod step;
mod template;
mod values;

pub use error::AdapterError;
pub use step::{Call, Fetch, Step, TakeError};
pub use values::{Names, Slot, Subject};

use serde::Deserialize;

/// What can be asked of a product.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Operation {
    /// Anything that costs the server nothing but the answer: what the others are held against.
    Nothing,
    /// Somebody new makes an account, up to being signed in.
    SignUp,
    /// Somebody signs in with their password.
    SignIn,
    /// A session is found to be live.
    SessionCheck,
    /// A refresh token is exchanged for the next one.
    Refresh,
    /// A session is ended.
    Revoke,
    /// An administrator looks at a page of users.
    ListUsers,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Nothing,
        Self::SignUp,
        Self::SignIn,
        Self::SessionCheck,
        Self::Refresh,
        Self::Revoke,
        Self::ListUsers,
    ];

    /// What reports call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::SignUp => "sign-up",
            Self::SignIn => "sign-in",
            Self::SessionCheck => "session check",
            Self::Refresh => "refresh",
            Self::Revoke => "revoke",
            Self::ListUsers => "list of users",
        }
    }
}

/// A product's operations.
#[derive(Debug)]
pub struct Adapter {
    name: String,
    names: Names,
    constants: Subject,
    flows: std::collections::BTreeMap<Operation, Flow>,
}

/// How one operation is done.
#[derive(Debug)]
pub struct Flow {
    steps: Vec<Step>,
    prepare: Vec<Step>,
    needs: Vec<Slot>,
}

impl Adapter {
    /// Reads an adapter file.
    pub fn parse(text: &str) -> Result<Self, AdapterError> {
        build::build(text)
    }

    /// The adapter of our own server.
    pub fn zalt() -> Self {
        Self::parse(include_str!("../../adapters/zalt.toml")).unwrap()
    }

    /// What the product is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of all values.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// The values that are the same for everybody.
    pub const fn constants(&self) -> &Subject {
        &self.constants
    }

    /// Gives a constant another value, such as a secret that is in no file.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), AdapterError> {
        let slot = self.names.find(name).ok_or_else(|| AdapterError::Unused {
            name: name.to_owned(),
        })?;
        self.constants.set(slot, value);
        Ok(())
    }

    /// How an operation is done; `None` where the product does not have it.
    pub fn flow(&self, operation: Operation) -> Option<&Flow> {
        self.flows.get(&operation)
    }

    /// The steps that bring somebody into the position to do this operation: its own preparation, or else a sign-in.
    pub fn preparation(&self, operation: Operation) -> &[Step] {
        let own = self.flow(operation).map(|flow| flow.prepare.as_slice());
        match own {
            Some(steps @ [_, ..]) => steps,
            _ => self
                .flow(Operation::SignIn)
                .map_or(&[], |flow| flow.steps.as_slice()),
        }
    }

    /// Somebody with what they have for good, and nothing that a step gave them: a second device of theirs.
    pub fn second_device(&self, subject: &Subject) -> Subject {
        let mut second = subject.clone();
        let flows = self.flows.values();
        for step in flows.flat_map(|flow| flow.steps.iter().chain(&flow.prepare)) {
            for slot in step.yields() {
                second.forget(slot);
            }
        }
        second
    }

    /// What somebody still lacks for an operation.
    pub fn lacks(&self, operation: Operation, subject: &Subject) -> Vec<Slot> {
        let needs = self.flow(operation).map_or(&[][..], |flow| &flow.needs);
        let missing =
            |slot: &Slot| subject.get(*slot).is_none() && self.constants.get(*slot).is_none();
        needs.iter().copied().filter(missing).collect()
    }
}

impl Flow {
    /// Whether it, or what prepares it, waits for a mail.
    pub fn reads_mail(&self) -> bool {
        self.steps.iter().chain(&self.prepare).any(Step::is_mail)
    }

    /// The requests, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}
