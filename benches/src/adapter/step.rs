use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;

use super::template::Template;
use super::values::{Slot, Subject};
use crate::client::Reply;

/// One step of an operation: a request, or a mail that has to come.
#[derive(Debug)]
pub struct Step {
    pub(super) action: Action,
    pub(super) takes: Vec<Take>,
}

#[derive(Debug)]
pub(super) enum Action {
    Request(Box<RequestTemplate>),
    Mail { to: Template },
}

#[derive(Debug)]
pub(super) struct RequestTemplate {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Option<Template>,
    /// The statuses of success; any of 200 to 299 where it is empty.
    pub(super) expect: Vec<u16>,
}

/// A value to take from an answer.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) slot: Slot,
    pub(super) source: Source,
}

/// Where in the answer it is.
#[derive(Debug)]
pub(super) enum Source {
    /// A JSON pointer (RFC 6901) into the body.
    Json(String),
    Header(HeaderName),
    /// The value of a cookie that is set.
    Cookie(String),
    /// The first line of the text that has this many digits and nothing else.
    Digits(usize),
    /// What follows these words in the text, up to a blank, a quote, an ampersand or an angle bracket.
    After(String),
}

/// What a step does.
#[derive(Debug)]
pub enum Call {
    /// Sends this.
    Send(Box<Request<Full<Bytes>>>),
    /// Waits for a mail to this address.
    AwaitMail(String),
}

/// What a step got.
#[derive(Debug)]
pub enum Fetch<'f> {
    /// An answer.
    Reply(&'f Reply),
    /// A mail.
    Mail(&'f str),
}

/// Why a step can't be done, or did not bring what it was to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeError {
    /// Whoever is acted for does not hold this value.
    Missing(Slot),
    /// This value can't be part of a request there.
    Unfit(Slot),
    /// The answer has another status.
    Status(u16),
    /// This value is not in the answer.
    NotThere(Slot),
}

impl Step {
    /// Whether it waits for a mail.
    pub(super) const fn is_mail(&self) -> bool {
        matches!(self.action, Action::Mail { .. })
    }

    /// The values that it takes.
    pub(super) fn yields(&self) -> impl Iterator<Item = Slot> {
        self.takes.iter().map(|take| take.slot)
    }

    /// The values that it needs.
    pub(super) fn needs(&self) -> Vec<Slot> {
        match &self.action {
            Action::Mail { to } => to.slots().collect(),
            Action::Request(request) => {
                let headers = request.headers.iter().map(|(_, value)| value);
                let templates = headers.chain([&request.path]).chain(&request.body);
                templates.flat_map(Template::slots).collect()
            }
        }
    }

    /// What it does for somebody who holds these values. `prefix` stands before every path.
    pub fn call<'v>(
        &self,
        prefix: &str,
        value: impl Fn(Slot) -> Option<&'v str> + Copy,
    ) -> Result<Call, TakeError> {
        let request = match &self.action {
            Action::Mail { to } => {
                return Ok(Call::AwaitMail(
                    to.render(value).map_err(TakeError::Missing)?,
                ));
            }
            Action::Request(request) => request,
        };
        let render = |template: &Template| template.render(value).map_err(TakeError::Missing);
        let uri = format!("{prefix}{}", render(&request.path)?);
        let mut built = Request::new(match &request.body {
            Some(body) => Full::from(render(body)?),
            None => Full::default(),
        });
        *built.method_mut() = request.method.clone();
        *built.uri_mut() = uri.parse().map_err(|_| unfit(&request.path))?;
        for (name, template) in &request.headers {
            let text = render(template)?;
            let value = HeaderValue::from_str(&text).map_err(|_| unfit(template))?;
            built.headers_mut().append(name.clone(), value);
        }
        Ok(Call::Send(Box::new(built)))
    }

    /// Looks whether the answer is one of success, and takes from it what is wanted.
    pub fn take(&self, fetched: &Fetch<'_>, taken: &mut Subject) -> Result<(), TakeError> {
        if let (Action::Request(request), Fetch::Reply(reply)) = (&self.action, fetched) {
            let status = reply.status.as_u16();
            let expected = if request.expect.is_empty() {
                reply.status.is_success()
            } else {
                request.expect.contains(&status)
            };
            if !expected {
                return Err(TakeError::Status(status));
            }
        }
        for take in &self.takes {
            let value = take.source.find(fetched);
            taken.set(take.slot, &value.ok_or(TakeError::NotThere(take.slot))?);
        }
        Ok(())
    }
}

/// Only a value can be to blame: the rest was checked when the file was read.
fn unfit(template: &Template) -> TakeError {
    TakeError::Unfit(template.slots().next().unwrap_or(Slot::EMAIL))
}

impl Source {
    fn find(&self, fetched: &Fetch<'_>) -> Option<String> {
        match (self, fetched) {
            (Self::Json(pointer), Fetch::Reply(reply)) => in_json(&reply.body, pointer),
            (Self::Header(name), Fetch::Reply(reply)) => {
                let value = reply.headers.get(name)?.to_str().ok()?;
                Some(value.to_owned())
            }
            (Self::Cookie(name), Fetch::Reply(reply)) => {
                let lines = reply.headers.get_all(SET_COOKIE).iter();
                let mut cookies = lines.filter_map(|line| line.to_str().ok()?.split_once('='));
                let (_, rest) = cookies.find(|(set, _)| set == name)?;
                let (value, _) = rest.split_once(';').unwrap_or((rest, ""));
                Some(value.to_owned())
            }
            (Self::Digits(_) | Self::After(_), Fetch::Reply(reply)) => {
                self.in_text(std::str::from_utf8(&reply.body).ok()?)
            }
            (_, Fetch::Mail(text)) => self.in_text(text),
        }
    }

    fn in_text(&self, text: &str) -> Option<String> {
        match self {
            Self::Digits(count) => {
                let is_it = |line: &&str| {
                    line.len() == *count && line.bytes().all(|byte| byte.is_ascii_digit())
                };
                text.lines().map(str::trim).find(is_it).map(str::to_owned)
            }
            Self::After(words) => {
                let (_, rest) = text.split_once(words.as_str())?;
                let ends = |c: char| c.is_whitespace() || "\"'&<>".contains(c);
                let value = rest.split(ends).next()?;
                (!value.is_empty()).then(|| value.to_owned())
            }
            Self::Json(_) | Self::Header(_) | Self::Cookie(_) => None,
        }
    }
}

fn in_json(body: &[u8], pointer: &str) -> Option<String> {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    match value.pointer(pointer)? {
        String(text) => Some(text.clone()),
        Number(number) => Some(number.to_string()),
        Bool(bool) => Some(bool.to_string()),
        Null | Array(_) | Object(_) => None,
    }
}
