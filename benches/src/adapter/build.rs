use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::{HeaderName, Method};

use super::error::{AdapterError, Place};
use super::file::{AdapterFile, OperationFile, StepFile, TakeFile};
use super::step::{Action, RequestTemplate, Source, Step, Take};
use super::template::{Escape, Template};
use super::values::{Names, Slot, Subject};
use super::{Adapter, Flow, Operation};

/// Reads the text of an adapter file and checks all of it.
pub(super) fn build(text: &str) -> Result<Adapter, AdapterError> {
    let file: AdapterFile = toml::from_str(text)?;
    let mut builder = Builder {
        names: Names::default(),
        headers: &file.headers,
    };
    let mut flows = BTreeMap::new();
    for (operation, written) in &file.operations {
        flows.insert(*operation, builder.flow(*operation, written)?);
    }
    let mut adapter = Adapter {
        name: file.name,
        names: builder.names,
        constants: Subject::default(),
        flows,
    };
    for (name, value) in &file.values {
        adapter.set(name, value)?;
    }
    Ok(adapter)
}

struct Builder<'f> {
    names: Names,
    /// Of every request.
    headers: &'f BTreeMap<String, String>,
}

impl Builder<'_> {
    fn flow(&mut self, operation: Operation, file: &OperationFile) -> Result<Flow, AdapterError> {
        if file.steps.is_empty() {
            return Err(AdapterError::NoSteps { operation });
        }
        let mut all = |steps: &[StepFile], prepare| {
            let numbered = (1..).zip(steps);
            let built = numbered.map(|(step, written)| {
                let place = Place {
                    operation,
                    prepare,
                    step,
                };
                self.step(place, written)
            });
            built.collect::<Result<Vec<_>, _>>()
        };
        let steps = all(&file.steps, false)?;
        let prepare = all(&file.prepare, true)?;
        Ok(Flow {
            needs: needs(&steps),
            steps,
            prepare,
        })
    }

    fn step(&mut self, place: Place, file: &StepFile) -> Result<Step, AdapterError> {
        let action = match (&file.request, &file.mail_to) {
            (Some(request), None) => self.request(place, request, file)?,
            (None, Some(to)) => {
                if file.json.is_some() || file.form.is_some() || file.body.is_some() {
                    return Err(AdapterError::Bodies { place });
                }
                let to = Template::parse(to, Escape::Nothing, &mut self.names);
                Action::Mail { to }
            }
            _ => return Err(AdapterError::RequestOrMail { place }),
        };
        let mail = matches!(action, Action::Mail { .. });
        let mut takes = Vec::new();
        for (name, from) in &file.take {
            let source = source(place, from)?;
            if mail && !matches!(source, Source::Digits(_) | Source::After(_)) {
                let name = name.clone();
                return Err(AdapterError::TakeFromMail { place, name });
            }
            let slot = self.names.find_or_add(name);
            takes.push(Take { slot, source });
        }
        Ok(Step { action, takes })
    }

    fn request(
        &mut self,
        place: Place,
        request: &str,
        file: &StepFile,
    ) -> Result<Action, AdapterError> {
        let malformed = || AdapterError::Request {
            place,
            text: request.to_owned(),
        };
        let (method, path) = request.split_once(' ').ok_or_else(malformed)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| malformed())?;
        let upper = method
            .as_str()
            .bytes()
            .all(|byte| byte.is_ascii_uppercase());
        // Placeholders apart, the path has to be one. What values make of it they are escaped for.
        let plain = path.replace("${", "").replace('}', "");
        if !upper || !path.starts_with('/') || plain.parse::<http::Uri>().is_err() {
            return Err(malformed());
        }
        let (kind, body) = self.body(place, file)?;
        let mut headers = Vec::new();
        let kind = kind.map(|kind| (CONTENT_TYPE.as_str().to_owned(), kind.to_owned()));
        // What a step says stands above what all say.
        let mut written: BTreeMap<_, _> = kind.into_iter().collect();
        let named = self.headers.iter().chain(&file.headers);
        written.extend(named.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
        for (name, value) in written {
            let template = Template::parse(&value, Escape::Nothing, &mut self.names);
            let fit = !value.bytes().any(|byte| !(b' '..=b'~').contains(&byte));
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) if fit => headers.push((name, template)),
                _ => return Err(AdapterError::Header { place, name }),
            }
        }
        Ok(Action::Request(Box::new(RequestTemplate {
            method,
            path: Template::parse(path, Escape::Percent, &mut self.names),
            headers,
            body,
            expect: file.expect.clone(),
        })))
    }

    fn body(
        &mut self,
        place: Place,
        file: &StepFile,
    ) -> Result<(Option<&'static str>, Option<Template>), AdapterError> {
        Ok(match (&file.json, &file.form, &file.body) {
            (None, None, None) => (None, None),
            (Some(json), None, None) => {
                // Dollars and braces mean nothing to JSON, so placeholders come through as they are.
                let text = json.to_string();
                let template = Template::parse(&text, Escape::Json, &mut self.names);
                (Some("application/json"), Some(template))
            }
            (None, Some(form), None) => {
                let fields = form.iter().map(|(name, value)| (&**name, &**value));
                let template = Template::form(fields, &mut self.names);
                (Some("application/x-www-form-urlencoded"), Some(template))
            }
            (None, None, Some(text)) => {
                let template = Template::parse(text, Escape::Nothing, &mut self.names);
                (None, Some(template))
            }
            _ => return Err(AdapterError::Bodies { place }),
        })
    }
}

fn source(place: Place, from: &TakeFile) -> Result<Source, AdapterError> {
    Ok(match from {
        TakeFile::Json(pointer) => Source::Json(pointer.clone()),
        TakeFile::Cookie(name) => Source::Cookie(name.clone()),
        TakeFile::Digits(count) => Source::Digits(*count),
        TakeFile::After(words) => Source::After(words.clone()),
        TakeFile::Header(name) => {
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                Source::Header(name)
            } else {
                let name = name.clone();
                return Err(AdapterError::Header { place, name });
            }
        }
    })
}

/// What the steps need and none before has taken. An address and a password everybody has.
fn needs(steps: &[Step]) -> Vec<Slot> {
    let mut held = vec![Slot::EMAIL, Slot::PASSWORD];
    let mut needs = Vec::new();
    for step in steps {
        for slot in step.needs() {
            if !held.contains(&slot) {
                held.push(slot);
                needs.push(slot);
            }
        }
        held.extend(step.yields());
    }
    needs
}
