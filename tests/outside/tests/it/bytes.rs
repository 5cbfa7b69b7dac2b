//! From the bytes of a request to the bytes of its response, as a Consumer goes.

use oc2_actuator::{AnyActuator, Context};
use oc2_core::types::time::DateTime;
use oc2_core::{Content, Headers, Message, Mode, Rejection, Response, Results, StatusCode};
use oc2_encoding::{Encoding, Json};
use oc2_tests_outside::lock::{self, Door, Doors, Lock};

async fn answer(any: &AnyActuator, request: &str) -> String {
    let decoded = Json.decode(request.as_bytes(), Mode::Lenient).expect(request);
    let Content::Request(command) = decoded.message.into_content() else { panic!("{request}") };
    let response = match perform(any, &command).await {
        Ok(results) => Response::new(StatusCode::Ok).with_results(results),
        Err(rejection) => rejection.into(),
    };
    let response = Message::response(Headers::default(), response);
    let bytes = Json.encode(&response, decoded.form).expect("a response");
    assert_eq!(Json.decode(&bytes, Mode::Lenient).expect("a response").message, response);
    String::from_utf8(bytes).expect("UTF-8")
}

async fn perform(any: &AnyActuator, command: &oc2_core::Command) -> Result<Results, Rejection> {
    if !any.is_addressed(command)? {
        return Err(Rejection::not_found("nobody here"));
    }
    let window = command.args.window(DateTime::from_millis(1000).expect("a time")).expect("times that agree");
    let results = any.prepare(command, Context::new("a", window)).await?.perform().await?;
    let builder = match results {
        Some(results) => Results::builder().set_any(any.nsid(), results),
        None => Results::builder(),
    };
    Ok(builder.build().expect("results"))
}

/// A message with this content.
fn in_message(kind: &str, content: &str) -> String {
    format!(r#"{{"body":{{"openc2":{{"{kind}":{content}}}}}}}"#)
}

#[tokio::test]
async fn a_stranger_s_commands_are_answered() {
    let any = AnyActuator::new(Doors::new("north", [Door::new("AB1").expect("a door")]));
    for (request, response) in [
        (
            r#"{"action":"query","target":{"x-lock:door":"AB1"}}"#,
            r#"{"status":200,"results":{"x-lock":{"bolt":"open","since":0}}}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"AB1"},"args":{"x-lock":{"force":true,"except":["k"]}},"actuator":{"x-lock":{"building":"north"}}}"#,
            r#"{"status":200,"results":{"x-lock":{"bolt":"locked","since":1000}}}"#,
        ),
        (r#"{"action":"deny","target":{"x-lock:door":"AB1"}}"#, r#"{"status":200}"#),
        // Nested, as drafts write it.
        (
            r#"{"action":"query","target":{"x-lock":{"door":"AB1"}}}"#,
            r#"{"status":200,"results":{"x-lock":{"bolt":"locked","since":1000}}}"#,
        ),
        (
            r#"{"action":"contain","target":{"x-lock:zone":{"floor":0,"wing":"east"}},"args":{"response_requested":"complete"}}"#,
            r#"{"status":200,"results":{"x-lock":{"doors":1}}}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"AB1"},"actuator":{"x-lock":{"building":"south"}}}"#,
            r#"{"status":404,"status_text":"nobody here"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"AB1"},"actuator":{"slpf":{}}}"#,
            r#"{"status":404,"status_text":"nobody here"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"AB1"},"actuator":{"x-lock":{"building":5}}}"#,
            r#"{"status":400,"status_text":"actuator.x-lock.building: invalid type: integer `5`, expected a string"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"front"}}"#,
            r#"{"status":400,"status_text":"target.x-lock:door: \"front\" is not a door"}"#,
        ),
        (
            r#"{"action":"contain","target":{"x-lock:zone":{}}}"#,
            r#"{"status":400,"status_text":"target.x-lock:zone: a floor or a wing is due"}"#,
        ),
        (
            r#"{"action":"contain","target":{"x-lock:zone":{"floor":128}}}"#,
            r#"{"status":400,"status_text":"target.x-lock:zone.floor: 128 is not a floor (-128..127)"}"#,
        ),
        (
            r#"{"action":"contain","target":{"x-lock:zone":{"floor":1,"room":2}}}"#,
            r#"{"status":400,"status_text":"target.x-lock:zone: unknown member \"room\"; Zone has floor, wing"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"AB1"},"args":{"x-lock":{"except":["a","a"]}}}"#,
            r#"{"status":400,"status_text":"args.x-lock.except: \"a\" stands twice"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"AB1"},"args":{"x-lock":{"except":["a",1]}}}"#,
            r#"{"status":400,"status_text":"args.x-lock.except[1]: invalid type: integer `1`, expected a string"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:door":"AB1"},"args":{"x-lock":{"colour":"red"}}}"#,
            r#"{"status":501,"status_text":"Option not supported: args.x-lock.colour"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-lock:window":"AB1"}}"#,
            r#"{"status":501,"status_text":"Target type not supported"}"#,
        ),
        (
            r#"{"action":"deny","target":{"x-other:door":"AB1"}}"#,
            r#"{"status":501,"status_text":"Target type not supported"}"#,
        ),
    ] {
        assert_eq!(answer(&any, &in_message("request", request)).await, in_message("response", response), "{request}");
    }
}

// DECISIONS M1
#[tokio::test]
async fn a_bare_command_of_a_stranger_is_answered_bare() {
    let any = AnyActuator::new(Doors::new("north", [Door::new("AB1").expect("a door")]));
    let response = answer(&any, r#"{"action":"deny","target":{"x-lock:door":"AB1"}}"#).await;
    assert_eq!(response, r#"{"status":200,"results":{"x-lock":{"bolt":"locked","since":1000}}}"#);
}

#[test]
fn a_producer_of_the_profile_reads_its_results() {
    let json = in_message("response", r#"{"status":200,"results":{"x-lock":{"bolt":"none","since":5}}}"#);
    let message = Json.decode(json.as_bytes(), Mode::Strict).expect("a message").message;
    let Content::Response(response) = message.into_content() else { panic!("a response") };
    let results = response.results.of::<Lock>().expect("typed").expect("present");
    assert_eq!(results.bolt, Some(lock::Bolt::None));
    let error = in_message("response", r#"{"status":200,"results":{"x-lock":{"bolt":"ajar"}}}"#);
    let message = Json.decode(error.as_bytes(), Mode::Strict).expect("a message").message;
    let Content::Response(response) = message.into_content() else { panic!("a response") };
    assert_eq!(
        response.results.of::<Lock>().expect_err("ill-typed").to_string(),
        "results.x-lock.bolt: \"ajar\" is not one of open, locked, none"
    );
}
