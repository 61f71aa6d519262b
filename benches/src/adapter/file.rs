//! The adapter file as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Operation;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdapterFile {
    pub(super) name: String,
    /// Of every request.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Values that are the same for everybody.
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    pub(super) operations: BTreeMap<Operation, OperationFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationFile {
    #[serde(default)]
    pub(super) prepare: Vec<StepFile>,
    pub(super) steps: Vec<StepFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepFile {
    /// A method and a path.
    pub(super) request: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) json: Option<serde_json::Value>,
    pub(super) form: Option<BTreeMap<String, String>>,
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) expect: Vec<u16>,
    /// In place of a request: a mail to this address.
    pub(super) mail_to: Option<String>,
    #[serde(default)]
    pub(super) take: BTreeMap<String, TakeFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TakeFile {
    Json(String),
    Header(String),
    Cookie(String),
    Digits(usize),
    After(String),
}
