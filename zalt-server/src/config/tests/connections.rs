use std::path::Path;

use super::{Problem, load, problems, with_file};
use crate::config::{ConfigError, ConnectionGiven};

#[test]
fn a_table_of_the_file_is_a_connection() {
    let config = with_file(
        "[connections.google]\nclient_id = \"a\"\nclient_secret = \"b\"\nscopes = [\"calendar\", \"drive\"]\n\
         [connections.work]\nprovider = \"oidc\"\nissuer = \"https://login.example.com\"\nclient_id = \"c\"\n\
         [connections.work.options]\nname = \"Work\"\n",
        &[],
    )
    .unwrap();
    let [google, work] = config.connections.as_slice() else {
        panic!("two connections were configured");
    };
    assert_eq!(google.key.as_str(), "google");
    assert_eq!(google.provider, "google", "the key names the preset");
    assert_eq!(google.client_id, "a");
    assert_eq!(google.client_secret.as_ref().unwrap().expose(), "b");
    assert_eq!(google.extra_scopes, ["calendar", "drive"]);
    assert_eq!(work.provider, "oidc");
    let issuer = work.issuer.as_ref().unwrap().as_str();
    assert_eq!(issuer, "https://login.example.com/");
    assert_eq!(work.options.get("name").unwrap(), "Work");
    assert!(work.client_secret.is_none() && work.endpoints.is_none());
}

#[test]
fn variables_stand_above_the_file_field_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "from a file\n").unwrap();
    let config = with_file(
        "[connections.code-host]\nprovider = \"oauth2\"\nclient_id = \"a\"\nclient_secret = \"b\"\n",
        &[
            ("ZALT_CONNECTIONS_CODE_HOST_CLIENT_ID", "c"),
            ("ZALT_CONNECTIONS_CODE_HOST_CLIENT_SECRET_FILE", secret.to_str().unwrap()),
            ("ZALT_CONNECTIONS_CODE_HOST_AUTHORIZATION_URL", "https://a.example/auth"),
            ("ZALT_CONNECTIONS_CODE_HOST_TOKEN_URL", "https://a.example/token"),
            ("ZALT_CONNECTIONS_CODE_HOST_USERINFO_URL", "https://a.example/user"),
            ("ZALT_CONNECTIONS_CODE_HOST_OPTIONS", "subject=id, name=login"),
        ],
    )
    .unwrap();
    let [host] = config.connections.as_slice() else {
        panic!("one connection was configured");
    };
    assert_eq!(host.key.as_str(), "code-host");
    assert_eq!(host.provider, "oauth2");
    assert_eq!(host.client_id, "c");
    assert_eq!(host.client_secret.as_ref().unwrap().expose(), "from a file");
    let endpoints = host.endpoints.as_ref().unwrap();
    assert_eq!(endpoints.token.as_str(), "https://a.example/token");
    assert_eq!(endpoints.revocation, None);
    assert_eq!(host.options.get("subject").unwrap(), "id");
    assert_eq!(host.options.get("name").unwrap(), "login");
}

#[test]
fn the_file_of_a_secret_is_found_from_where_it_is_named() {
    let found = problems(with_file(
        "[connections.google]\nclient_id = \"a\"\nclient_secret_file = \"no-such-file\"\n",
        &[],
    ));
    let [Problem::File { file, .. }] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(file.is_absolute() && file.ends_with(Path::new("no-such-file")));
}

#[test]
fn what_is_wrong_is_named_and_no_secret_is_repeated() {
    let text = |variables: &[(&str, &str)]| load(variables).unwrap_err().to_string();
    let missing = text(&[("ZALT_CONNECTIONS_GOOGLE_CLIENT_SECRET", "planted-secret")]);
    assert!(
        missing.contains("ZALT_CONNECTIONS_GOOGLE_CLIENT_ID"),
        "{missing}"
    );
    assert!(!missing.contains("planted-secret"), "{missing}");
    let unknown = text(&[("ZALT_CONNECTIONS_GOOGLE_CLIENT", "a")]);
    assert!(
        unknown.contains("ZALT_CONNECTIONS_GOOGLE_CLIENT is no variable"),
        "{unknown}"
    );
    let key = text(&[("ZALT_CONNECTIONS_GÖÖGLE_CLIENT_ID", "a")]);
    assert!(key.contains("1 to 40 of a to z"), "{key}");
    let url = text(&[
        ("ZALT_CONNECTIONS_A_CLIENT_ID", "a"),
        ("ZALT_CONNECTIONS_A_ISSUER", "login"),
    ]);
    assert!(
        url.contains("ZALT_CONNECTIONS_A_ISSUER: write a whole address"),
        "{url}"
    );
    let half = text(&[
        ("ZALT_CONNECTIONS_A_CLIENT_ID", "a"),
        ("ZALT_CONNECTIONS_A_TOKEN_URL", "https://a.example/token"),
    ]);
    assert!(
        half.contains("authorization_url, token_url and userinfo_url"),
        "{half}"
    );
    let both = problems(load(&[
        ("ZALT_CONNECTIONS_A_CLIENT_ID", "a"),
        ("ZALT_CONNECTIONS_A_CLIENT_SECRET", "planted-secret"),
        ("ZALT_CONNECTIONS_A_CLIENT_SECRET_FILE", "/no/such/file"),
    ]));
    assert!(
        matches!(both.as_slice(), [Problem::Both { .. }]),
        "{both:?}"
    );
}

#[test]
fn the_file_is_held_to_its_keys() {
    let found = problems(with_file("[connections.google]\nclientid = \"a\"\n", &[]));
    let key = found.iter().any(|problem| {
        matches!(
            problem,
            Problem::UnknownKey { key, suggestion: Some(meant), .. }
                if key == "connections.google.clientid" && meant == "client_id"
        )
    });
    assert!(key, "{found:?}");
    let found = problems(with_file("[connections]\ngoogle = \"a\"\n", &[]));
    assert!(
        matches!(found.as_slice(), [Problem::Value { .. }]),
        "{found:?}"
    );
}

#[test]
fn flags_make_one_too() {
    let fields = [("client_id", "a".to_owned()), ("scopes", "x,y".to_owned())];
    let made = ConnectionGiven::of_flags("google", &fields, &["tenant=t".to_owned()]).unwrap();
    assert_eq!(made.provider, "google");
    assert_eq!(made.extra_scopes, ["x", "y"]);
    assert_eq!(made.options.get("tenant").unwrap(), "t");
    let refused = ConnectionGiven::of_flags("google", &fields, &["tenant".to_owned()]);
    let Err(ConfigError(found)) = refused else {
        panic!("an option without a value was taken");
    };
    assert!(
        matches!(found.as_slice(), [Problem::Value { .. }]),
        "{found:?}"
    );
}
