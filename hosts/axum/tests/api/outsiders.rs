//! Who isn't signed in, and who has no business here, learn nothing (A2).

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Client;

/// A body that each field of an operation's schema accepts.
fn body(description: &Value, operation: &Value) -> Option<Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let fields = schema["properties"].as_object()?;
    let example = |(name, schema): (&String, &Value)| (name.clone(), example(description, schema));
    Some(Value::Object(fields.iter().map(example).collect()))
}

fn example(description: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return example(description, &description["components"]["schemas"][name]);
    }
    if let Some(any) = schema["oneOf"].as_array() {
        return example(
            description,
            any.iter()
                .find(|one| one["type"] == "null")
                .unwrap_or(&any[0]),
        );
    }
    if let Some(first) = schema["enum"].as_array() {
        return first[0].clone();
    }
    match (schema["type"].as_str().unwrap(), schema["format"].as_str()) {
        ("string", Some("uuid")) => json!(Uuid::from_u128(5)),
        ("string", Some("email")) => json!("somebody@acme.example"),
        ("string", Some("date-time")) => json!("2999-01-01T00:00:00Z"),
        ("string", _) => json!("something"),
        ("integer", _) => json!(1),
        ("array", _) => json!([]),
        ("null", _) => Value::Null,
        ("object", _) => {
            let fields = schema["properties"].as_object().unwrap();
            let all = fields
                .iter()
                .map(|(name, schema)| (name.clone(), example(description, schema)));
            Value::Object(all.collect())
        }
        other => panic!("no example of {other:?}"),
    }
}

#[tokio::test]
async fn a2_what_is_not_theirs_and_what_is_not_there_get_the_same_bytes() {
    let client = Client::new();
    let acme = client
        .post("ann", "/api/organizations", json!({ "name": "Acme" }))
        .await;
    let organization = acme.json["organization"].as_str().unwrap().to_owned();
    let workspace = acme.json["workspace"].as_str().unwrap().to_owned();
    let on = format!("/api/organizations/{organization}");
    let domain = json!({ "name": "acme", "kind": "sandbox" });
    let domain = client
        .post(
            "ann",
            &format!("{on}/workspaces/{workspace}/domains"),
            domain,
        )
        .await;
    let domain = domain.json["domain"].as_str().unwrap().to_owned();
    let invited = json!({ "email": "bob@acme.example", "role": "member" });
    let invited = client
        .post("ann", &format!("{on}/invitations"), invited)
        .await;
    let invitation = invited.json["invitation"].as_str().unwrap().to_owned();
    let role = json!({ "name": "Auditor", "base": "member", "adds": [] });
    let role = client.post("ann", &format!("{on}/roles"), role).await.json["role"].to_string();

    let ids: [(&str, String); 5] = [
        ("{organization}", organization),
        ("{workspace}", workspace),
        ("{domain}", domain),
        ("{invitation}", invitation),
        ("{user}", crate::client::user("ann").to_string()),
    ];
    let mut asked = 0;
    for (description, prefix) in client.descriptions().iter().zip(["/api", "/staff"]) {
        for (path, methods) in description["paths"].as_object().unwrap() {
            if !path.contains("{organization}") {
                continue;
            }
            for (method, operation) in methods.as_object().unwrap() {
                let action = if path.contains("/domains/") {
                    "configure"
                } else {
                    "rename"
                };
                let path = path.replace("{role}", &role).replace("{action}", action);
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let body = body(description, operation);
                let (mut theirs, mut nowhere) =
                    (format!("{prefix}{path}"), format!("{prefix}{path}"));
                let mut swaps = Vec::new();
                for (name, id) in &ids {
                    let random = Uuid::new_v4().to_string();
                    theirs = theirs.replace(name, id);
                    nowhere = nowhere.replace(name, &random);
                    swaps.push((random, id));
                }
                let found = client
                    .send("zoe", method.clone(), &theirs, &[], body.clone())
                    .await;
                let missing = client
                    .send("zoe", method.clone(), &nowhere, &[], body)
                    .await;
                let mut text = String::from_utf8(missing.bytes).unwrap();
                for (random, id) in swaps {
                    text = text.replace(&random, id);
                }
                let what = format!("{method} {path}");
                assert_eq!(text, String::from_utf8(found.bytes).unwrap(), "{what}");
                assert_eq!(missing.status, found.status, "{what}");
                assert_eq!(missing.headers, found.headers, "{what}");
                assert!(
                    found.status == 404 || path.contains("/checks/"),
                    "{what}: {}",
                    found.status
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 60, "{asked}");
}

#[tokio::test]
async fn nobody_who_is_not_signed_in_gets_further_than_that() {
    let client = Client::new();
    for (description, prefix) in client.descriptions().iter().zip(["/api", "/staff"]) {
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if ["preview", "permissions"].contains(&operation["operationId"].as_str().unwrap())
                {
                    continue; // the link is the key; the table is everybody's
                }
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let path = format!("{prefix}{}", path.replace(['{', '}'], "x"));
                let answer = client.send("", method.clone(), &path, &[], None).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (401, "signed_out"),
                    "{method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn people_of_an_organization_get_nowhere_on_the_staffs_side() {
    let client = Client::new();
    let acme = client
        .post("ann", "/api/organizations", json!({ "name": "Acme" }))
        .await;
    let organization = acme.json["organization"].as_str().unwrap().to_owned();
    let [_, staff] = client.descriptions();
    for (path, methods) in staff["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if method == "get" {
                continue; // what they look for is an empty list to others, which the story sees
            }
            let path = format!("/staff{}", path.replace("{organization}", &organization));
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = client
                .send("ann", method, &path, &[], body(staff, operation))
                .await;
            assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{path}");
        }
    }
}
