//! The OpenAPI document is whole: what it says exists, and what it points to is there. (That it names every status and code
//! that an endpoint answers with, each reply of the behaviours is checked for.)

use std::collections::HashSet;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use zalt_http::MatchedRoute;

use crate::support::{Application, json_of};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document(application: &Application) -> Value {
    serde_json::to_value(zalt_http::openapi::document(&application.http)).unwrap()
}

fn operations(document: &Value) -> Vec<(String, &'static str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            METHODS
                .iter()
                .filter_map(move |method| Some((path.clone(), *method, item.get(method)?)))
        })
        .collect()
}

#[test]
fn every_operation_is_routed_and_described() {
    let application = Application::at("https://auth.example.com");
    let document = document(&application);
    let operations = operations(&document);
    assert_eq!(operations.len(), 77);
    let mut ids = HashSet::new();
    for (path, method, operation) in operations {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} names two operations");
        assert!(
            operation["summary"].is_string(),
            "{method} {path} has no summary"
        );
        assert_eq!(
            operation["tags"].as_array().unwrap().len(),
            1,
            "{method} {path}"
        );
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses
                .keys()
                .any(|status| status.starts_with(['2', '3'])),
            "{method} {path}"
        );
        for (status, response) in responses
            .iter()
            .filter(|(status, _)| status.as_str() >= "400")
        {
            let problem = &response["content"]["application/problem+json"];
            assert!(
                !problem["examples"].as_object().unwrap().is_empty(),
                "{method} {path} {status}"
            );
        }
        let request = Request::builder()
            .method(method.to_ascii_uppercase().as_str())
            .uri(path.replace("{id}", "x").replace("{key}", "x"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let reply = application.send(request);
        let unrouted = reply.status() == 405
            || (reply.status() == 404
                && json_of(&reply)["detail"] == "there is nothing at this path");
        assert!(!unrouted, "{method} {path} is documented and leads nowhere");
        // Cross-origin requests are refused before they are routed.
        let route = reply.extensions().get::<MatchedRoute>();
        if reply.status() != 403 {
            assert_eq!(route.map(MatchedRoute::as_str), Some(&*path), "{method}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_body_has_an_example() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                members.values().for_each(|member| walk(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, document)),
            _ => {}
        }
    }
    let application = Application::at("https://auth.example.com");
    let document = document(&application);
    walk(&document, &document);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let text = schema.to_string();
        let simple = schema.get("enum").is_some() || text.contains("$ref");
        assert!(simple || text.contains("example"), "{name} has no example");
    }
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    for (path, method, operation) in operations(&document) {
        for scheme in operation["security"].as_array().into_iter().flatten() {
            let name = scheme.as_object().unwrap().keys().next().unwrap();
            assert!(schemes.contains_key(name), "{method} {path}: {name}");
        }
    }
    assert_eq!(schemes["session_cookie"]["name"], "__Host-zalt_session");
    assert_eq!(document["servers"][0]["url"], "https://auth.example.com");
}
