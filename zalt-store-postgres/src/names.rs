use std::fmt::Write;

use crate::options::OptionsError;

/// How the tables of one store are called: in which schema, and with what before each name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    schema: String,
    table_prefix: String,
}

/// Identifiers of PostgreSQL end after 63 bytes, and what is cut off would go without a word. The longest of ours are indexes
/// and the constraints that the server names after a table and its columns.
const LONGEST_SCHEMA: usize = 63;
const LONGEST_PREFIX: usize = 20;

impl Names {
    pub(crate) fn new(schema: &str, table_prefix: &str) -> Result<Self, OptionsError> {
        if schema.is_empty() || !is_name(schema, LONGEST_SCHEMA) || schema.starts_with("pg_") {
            return Err(OptionsError::Schema);
        }
        if !table_prefix.is_empty() && !is_name(table_prefix, LONGEST_PREFIX) {
            return Err(OptionsError::TablePrefix);
        }
        Ok(Self {
            schema: schema.to_owned(),
            table_prefix: table_prefix.to_owned(),
        })
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// Writes the names of this store into SQL that was written with `zalt.users` for a table and `zalt_users_by_active` for
    /// an index of it.
    pub(crate) fn qualify(&self, sql: &str) -> String {
        let mut qualified = String::with_capacity(sql.len() + 64);
        let mut rest = sql;
        while let Some(start) = rest.find("zalt") {
            let (before, found) = rest.split_at(start);
            qualified.push_str(before);
            if let Some(table) = found.strip_prefix("zalt.") {
                // Writing to a string can't fail.
                let _ = write!(qualified, "\"{}\".{}", self.schema, self.table_prefix);
                rest = table;
            } else if let Some(index) = found.strip_prefix("zalt_") {
                qualified.push_str(&self.table_prefix);
                rest = index;
            } else {
                qualified.push_str("zalt");
                rest = found.strip_prefix("zalt").unwrap_or_default();
            }
        }
        qualified.push_str(rest);
        qualified
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    let letters = |letter: u8| letter.is_ascii_lowercase() || letter == b'_';
    text.len() <= longest
        && text.bytes().next().is_some_and(letters)
        && text
            .bytes()
            .all(|letter| letters(letter) || letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_indexes_get_their_names() {
        let sql = "CREATE INDEX zalt_users_by_active ON zalt.users (active); SELECT 'zalt' FROM zalt.users";
        let names = Names::new("auth", "").unwrap();
        assert_eq!(
            names.qualify(sql),
            "CREATE INDEX users_by_active ON \"auth\".users (active); SELECT 'zalt' FROM \"auth\".users"
        );
        let names = Names::new("public", "auth_").unwrap();
        assert_eq!(
            names.qualify(sql),
            "CREATE INDEX auth_users_by_active ON \"public\".auth_users (active); \
             SELECT 'zalt' FROM \"public\".auth_users"
        );
    }

    #[test]
    fn names_are_plain_and_short() {
        for schema in [
            "",
            "Auth",
            "a b",
            "a\"b",
            "1a",
            "pg_temp",
            "a.b",
            "a-b",
            "é",
            &"a".repeat(64),
        ] {
            assert_eq!(
                Names::new(schema, ""),
                Err(OptionsError::Schema),
                "{schema}"
            );
        }
        for prefix in ["Auth", "a b", "1a", "a\"", &"a".repeat(21)] {
            assert_eq!(
                Names::new("public", prefix),
                Err(OptionsError::TablePrefix),
                "{prefix}"
            );
        }
    }
}
