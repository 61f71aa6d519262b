use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::Key;

use super::histogram::Snapshot;

/// Writes the text format of Prometheus, version 0.0.4. The series of one name come one after the other.
pub(super) struct Writer {
    help: BTreeMap<String, String>,
    text: String,
    /// The name whose series are being written.
    current: String,
}

impl Writer {
    pub(super) const fn new(help: BTreeMap<String, String>) -> Self {
        Self {
            help,
            text: String::new(),
            current: String::new(),
        }
    }

    pub(super) fn counter(&mut self, key: &Key, value: &AtomicU64) {
        self.begin(key, "counter");
        let value = value.load(Ordering::Relaxed);
        self.line(key, "", None, &value.to_string());
    }

    pub(super) fn gauge(&mut self, key: &Key, value: &AtomicU64) {
        self.begin(key, "gauge");
        let value = f64::from_bits(value.load(Ordering::Relaxed));
        self.line(key, "", None, &value.to_string());
    }

    pub(super) fn histogram(&mut self, key: &Key, snapshot: &Snapshot) {
        self.begin(key, "histogram");
        for (bound, count) in &snapshot.cumulative {
            self.line(key, "_bucket", Some(&bound.to_string()), &count.to_string());
        }
        let count = snapshot.count.to_string();
        self.line(key, "_bucket", Some("+Inf"), &count);
        self.line(key, "_sum", None, &snapshot.sum.to_string());
        self.line(key, "_count", None, &count);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn begin(&mut self, key: &Key, kind: &str) {
        let name = key.name();
        if self.current == name {
            return;
        }
        name.clone_into(&mut self.current);
        if let Some(help) = self.help.get(name) {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            // Writing to a string can't fail.
            let _ = writeln!(self.text, "# HELP {name} {help}");
        }
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    fn line(&mut self, key: &Key, suffix: &str, bound: Option<&str>, value: &str) {
        self.text.push_str(key.name());
        self.text.push_str(suffix);
        let labels = key.labels().map(|label| (label.key(), label.value()));
        let mut separator = '{';
        for (name, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.text, "{separator}{name}=\"{value}\"");
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}
