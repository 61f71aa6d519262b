use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, Request, Response};
use serde_json::Value;
use std::time::Duration;
use url::Url;
use zalt_core::connection::{ProviderError, SettingsProblem};
use zalt_outbound::{Reach, SendError};

use crate::transport::Transport;

/// Calls one provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) transport: &'a dyn Transport,
    pub(crate) reach: Reach,
}

impl Caller<'_> {
    /// Any answer with a status that says that somebody is there.
    pub(crate) async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, ProviderError> {
        let answer = self
            .transport
            .send(request, self.reach)
            .await
            .map_err(|error| provider_error(&error))?;
        match answer.status().as_u16() {
            408 | 425 | 429 | 500.. => Err(ProviderError::Unreachable),
            300..=399 => Err(ProviderError::BadAnswer {
                what: "a redirect where none is followed",
            }),
            _ => Ok(answer),
        }
    }

    /// A public document, with what its headers say.
    pub(crate) async fn document(&self, url: &Url) -> Result<Response<Vec<u8>>, ProviderError> {
        let request = Request::get(url.as_str()).header(ACCEPT, "application/json");
        let answer = self.send(whole(request, "")?).await?;
        if answer.status() == 200 {
            Ok(answer)
        } else {
            Err(ProviderError::BadAnswer {
                what: "a status other than 200 for a public document",
            })
        }
    }

    /// What a provider says to the holder of an access token.
    pub(crate) async fn ask(
        &self,
        url: &Url,
        access_token: &str,
        headers: &[(&'static str, &str)],
        body: Option<&str>,
    ) -> Result<Value, ProviderError> {
        let mut request = match body {
            None => Request::get(url.as_str()),
            Some(_) => Request::post(url.as_str()),
        }
        .header(AUTHORIZATION, format!("Bearer {access_token}"));
        if !headers.iter().any(|(name, _)| *name == "accept") {
            request = request.header(ACCEPT, "application/json");
        }
        if body.is_some_and(|body| !body.is_empty()) {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.account(whole(request, body.unwrap_or_default())?)
            .await
    }

    /// What a provider answers about a person.
    pub(crate) async fn account(&self, request: Request<Vec<u8>>) -> Result<Value, ProviderError> {
        let answer = self.send(request).await?;
        if answer.status() != 200 {
            return Err(ProviderError::BadAnswer {
                what: "a status other than 200 for the person's account",
            });
        }
        serde_json::from_slice(answer.body()).map_err(|_| ProviderError::BadAnswer {
            what: "the person's account",
        })
    }
}

/// A request with its body. What can't be put together has a token or an address in it that is no text of HTTP.
pub(crate) fn whole(
    request: http::request::Builder,
    body: &str,
) -> Result<Request<Vec<u8>>, ProviderError> {
    request
        .body(body.as_bytes().to_vec())
        .map_err(|_| ProviderError::BadAnswer {
            what: "a token or an address that can't be sent",
        })
}

/// How long an answer is fresh: `max-age` of `Cache-Control`, or no time at all where it must not be kept.
pub(crate) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let control = headers.get(CACHE_CONTROL)?.to_str().ok()?;
    let mut directives = control.split(',').map(str::trim);
    if directives
        .clone()
        .any(|one| one.eq_ignore_ascii_case("no-store") || one.eq_ignore_ascii_case("no-cache"))
    {
        return Some(Duration::ZERO);
    }
    directives.find_map(|one| {
        let (name, seconds) = one.split_once('=')?;
        let seconds = seconds.trim().trim_matches('"').parse().ok()?;
        name.trim()
            .eq_ignore_ascii_case("max-age")
            .then(|| Duration::from_secs(seconds))
    })
}

pub(crate) fn provider_error(error: &SendError) -> ProviderError {
    match error {
        SendError::TimedOut => ProviderError::TimedOut,
        SendError::TooLarge => ProviderError::BadAnswer {
            what: "more than is read of an answer",
        },
        SendError::Blocked => ProviderError::Misconfigured(SettingsProblem::new(
            "issuer or endpoints",
            "the provider is at an address that may not be connected to; a host in a private network has to be allowed by name",
        )),
        SendError::Request => ProviderError::BadAnswer {
            what: "an address or a token that can't be sent",
        },
        _ => ProviderError::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_control_is_read_where_it_says_how_long() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, text.parse().unwrap());
            max_age(&headers)
        };
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(
            read("public, max-age=19800, must-revalidate"),
            seconds(19800)
        );
        assert_eq!(read("Max-Age=\"60\""), seconds(60));
        assert_eq!(read("max-age=60, no-store"), seconds(0));
        assert_eq!(read("private"), None);
        assert_eq!(read("max-age=-1"), None);
        assert_eq!(read("max-age=99999999999999999999999"), None);
    }
}
