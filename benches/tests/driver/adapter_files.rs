//! What is wrong with an adapter file is said.

use zalt_benches::adapter::{Adapter, AdapterError, Operation};

const STEP: &str = "name = \"x\"\n[[operations.sign_in.steps]]\n";

fn refused(text: &str) -> AdapterError {
    Adapter::parse(text).unwrap_err()
}

#[test]
fn the_adapter_of_our_server_has_all_but_what_it_has_not() {
    let zalt = Adapter::zalt();
    for operation in Operation::ALL {
        let has = zalt.flow(operation).is_some();
        assert_eq!(has, operation != Operation::ListUsers, "{operation:?}");
    }
    assert!(zalt.flow(Operation::SignUp).unwrap().reads_mail());
}

#[test]
fn keys_that_mean_nothing_and_operations_that_are_none_are_refused() {
    for text in [
        "",
        "name = \"x\"",
        "name = \"x\"\nshoe_size = 44\n[operations]",
        "name = \"x\"\n[[operations.sign_off.steps]]\nrequest = \"GET /\"",
        "name = \"x\"\n[[operations.sign_in.steps]]\nrequest = \"GET /\"\nretries = 1",
        "name = \"x\"\n[[operations.sign_in.steps]]\nrequest = \"GET /\"\ntake = { a = { xpath = \"/\" } }",
    ] {
        assert!(matches!(refused(text), AdapterError::Toml(_)), "{text}");
    }
}

#[test]
fn each_mistake_in_a_step_has_its_name() {
    let of = |rest: &str| refused(&format!("{STEP}{rest}"));
    assert!(matches!(
        of("take = {}"),
        AdapterError::RequestOrMail { place } if place.to_string() == "sign-in, step 1"
    ));
    assert!(matches!(
        of("request = \"GET /\"\nmail_to = \"x\""),
        AdapterError::RequestOrMail { .. }
    ));
    for request in [
        "GET",
        "/path",
        "GET path",
        "get /",
        "GET /a b",
        "GET http://192.0.2.1/",
    ] {
        let error = of(&format!("request = {request:?}"));
        assert!(
            matches!(&error, AdapterError::Request { text, .. } if text == request),
            "{error}"
        );
    }
    for bodies in [
        "request = \"POST /\"\njson = {}\nbody = \"\"",
        "request = \"POST /\"\nform = {}\nbody = \"\"",
        "mail_to = \"x\"\nbody = \"\"",
    ] {
        assert!(
            matches!(of(bodies), AdapterError::Bodies { .. }),
            "{bodies}"
        );
    }
    for headers in ["{ \"a b\" = \"\" }", "{ a = \"b\\nc\" }"] {
        let error = of(&format!("request = \"GET /\"\nheaders = {headers}"));
        assert!(matches!(error, AdapterError::Header { .. }), "{headers}");
    }
    let error = of("mail_to = \"x\"\ntake = { code = { json = \"/code\" } }");
    assert!(matches!(error, AdapterError::TakeFromMail { name, .. } if name == "code"));
    let error = refused("name = \"x\"\n[operations.sign_in]\nsteps = []");
    assert!(matches!(
        error,
        AdapterError::NoSteps {
            operation: Operation::SignIn
        }
    ));
    let error = refused(&format!(
        "values = {{ key = \"k\" }}\n{STEP}request = \"GET /\""
    ));
    assert!(matches!(error, AdapterError::Unused { name } if name == "key"));
}
