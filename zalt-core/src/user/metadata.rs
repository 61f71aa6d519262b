use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A JSON object of bounded size: at most 8 KiB as text and eight levels deep.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

/// Why a JSON value can't be kept as [`Metadata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Too many bytes.
    #[error("metadata has at most {} bytes as JSON text", Metadata::MAX_BYTES)]
    TooLarge,
    /// Too deep.
    #[error("metadata is at most {} levels deep", Metadata::MAX_DEPTH)]
    TooDeep,
    /// Not an object.
    #[error("metadata is a JSON object")]
    NotAnObject,
}

impl Metadata {
    /// The most bytes that the JSON text may have.
    pub const MAX_BYTES: usize = 8 * 1024;
    /// The most objects and lists that may stand within one another.
    pub const MAX_DEPTH: usize = 8;

    /// Takes a JSON object that is within the bounds.
    pub fn new(value: Value) -> Result<Self, MetadataError> {
        let Value::Object(object) = value else {
            return Err(MetadataError::NotAnObject);
        };
        let metadata = Self(object);
        metadata.check()?;
        Ok(metadata)
    }

    /// Merges `patch` into the object (RFC 7396): a null removes its member, an object merges, else the value replaces.
    pub fn merged(&self, patch: &Self) -> Result<Self, MetadataError> {
        let mut merged = self.clone();
        merge(&mut merged.0, &patch.0);
        merged.check()?;
        Ok(merged)
    }

    /// The object.
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    fn check(&self) -> Result<(), MetadataError> {
        if self.0.values().any(|value| depth(value) >= Self::MAX_DEPTH) {
            return Err(MetadataError::TooDeep);
        }
        let text = serde_json::to_string(&self.0).map_err(|_| MetadataError::TooLarge)?;
        if text.len() > Self::MAX_BYTES {
            Err(MetadataError::TooLarge)
        } else {
            Ok(())
        }
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {
                into.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(changes)) => merge(inner, changes),
            (_, Value::Object(changes)) => {
                // A fresh object drops the nulls of the patch.
                let mut fresh = Map::new();
                merge(&mut fresh, changes);
                into.insert(name.clone(), Value::Object(fresh));
            }
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bounds_are_typed_errors() {
        assert_eq!(Metadata::new(json!([])), Err(MetadataError::NotAnObject));
        assert_eq!(
            Metadata::new(json!({ "a": "x".repeat(8 * 1024) })),
            Err(MetadataError::TooLarge)
        );
        let mut deep = json!(1);
        for _ in 0..9 {
            deep = json!({ "a": deep });
        }
        assert_eq!(Metadata::new(deep), Err(MetadataError::TooDeep));
    }

    #[test]
    fn a_patch_merges_as_rfc_7396_says() {
        let before = Metadata::new(json!({ "a": 1, "b": { "c": 2, "d": 3 } })).unwrap();
        let patch =
            Metadata::new(json!({ "a": null, "b": { "c": null, "e": { "f": null } } })).unwrap();
        let after = before.merged(&patch).unwrap();
        assert_eq!(
            Value::Object(after.as_object().clone()),
            json!({ "b": { "d": 3, "e": {} } })
        );
    }
}
