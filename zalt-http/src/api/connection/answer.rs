use http::{HeaderMap, Method};
use url::form_urlencoded;
use zalt_core::attempt::ConnectionAnswer;
use zalt_core::connection::ConnectionKey;

/// What a provider sends back with the browser, from the query or a form.
#[derive(Default)]
pub(super) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
    user: Option<String>,
}

impl Answer {
    /// Reads one. A parameter that is there twice makes it worth nothing: whoever looks at the first and whoever looks at the
    /// last would see two answers (RFC 6749, section 3.1).
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            let slot = match &*name {
                "state" => &mut answer.state,
                "code" => &mut answer.code,
                "error" => &mut answer.error,
                "iss" => &mut answer.iss,
                "user" => &mut answer.user,
                // Providers add what they like.
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Self::default();
            }
        }
        answer
    }

    /// The query of an address that brings the same.
    pub(super) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let parameters = [
            ("state", &self.state),
            ("code", &self.code),
            ("error", &self.error),
            ("iss", &self.iss),
            ("user", &self.user),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    pub(super) fn as_sent(&self) -> ConnectionAnswer<'_> {
        ConnectionAnswer {
            state: self.state.as_deref(),
            code: self.code.as_deref(),
            error: self.error.as_deref(),
            iss: self.iss.as_deref(),
            user_json: self.user.as_deref(),
        }
    }
}

/// Whether a request is the form that a provider has the browser post, which comes from another site by design. Its endpoint
/// looks at no cookie, changes nothing, and leads the browser to the same address with GET.
pub(crate) fn is_form_post(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let key = path
        .strip_prefix("/v1/client/connections/")
        .and_then(|rest| rest.strip_suffix("/callback"));
    *method == Method::POST
        && key.is_some_and(|key| ConnectionKey::parse(key).is_ok())
        && is_form(headers)
}

/// Whether the body is a form, as its one `Content-Type` says.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(http::header::CONTENT_TYPE).iter();
    let essence = types
        .next()
        .and_then(|value| value.to_str().ok()?.split(';').next());
    types.next().is_none()
        && essence.is_some_and(|essence| {
            essence
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::CONTENT_TYPE;

    use super::*;

    #[test]
    fn a_parameter_that_is_there_twice_spoils_the_answer() {
        let answer = Answer::parse(
            b"state=a&code=b&iss=https%3A%2F%2Fa.example&session_state=x&session_state=y",
        );
        assert_eq!(answer.query(), "state=a&code=b&iss=https%3A%2F%2Fa.example");
        for twice in [
            "state=a&state=a",
            "state=a&code=b&code=c",
            "iss=a&state=b&iss=",
        ] {
            assert_eq!(Answer::parse(twice.as_bytes()).query(), "", "{twice}");
        }
    }

    #[test]
    fn only_the_form_of_a_callback_may_come_from_elsewhere() {
        let form = |content_type: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            headers
        };
        let headers = form("application/x-www-form-urlencoded; charset=utf-8");
        let path = "/v1/client/connections/apple/callback";
        assert!(is_form_post(&Method::POST, path, &headers));
        assert!(!is_form_post(&Method::PUT, path, &headers));
        assert!(!is_form_post(&Method::POST, path, &form("text/plain")));
        for path in [
            "/v1/client/connections/a%2fb/callback",
            "/v1/client/connections//callback",
            "/v1/client/connections/a/b/callback",
            "/v1/client/connections/apple/callback/",
            "/v1/client/sign-ins",
        ] {
            assert!(!is_form_post(&Method::POST, path, &headers), "{path}");
        }
    }
}
