//! Ids, headers, forms, and what is answered to what is not a Command.

use oc2_transfer::{Request, Scope};
use serde_json::json;

use crate::harness::{builder, deny, message, recording, request, send, send_message, send_raw, send_request, strict};

#[tokio::test]
async fn a_response_carries_the_id_of_its_command_and_who_answers() {
    // LS-084, HTTPS-045
    let (consumer, _) = recording();
    let mut message = message(&deny());
    message["headers"]["request_id"] = json!("abc-1 \u{e4}");
    let answer = send_message(&consumer, &message).await;
    assert_eq!(answer.header("request_id"), "abc-1 \u{e4}");
    assert_eq!(answer.header("from"), "fw1");
    assert_eq!(answer.header("to"), &json!(["soc-1"]));
    // LS-079
    assert_eq!(answer.header("created").to_string().len(), 13);
}

#[tokio::test]
async fn an_id_beside_the_message_is_copied_into_the_response() {
    // HTTPS-046
    let (consumer, _) = recording();
    let body = json!({"body": {"openc2": {"request": deny()}}}).to_string();
    let request = Request { request_id: Some("beside".into()), ..request(body) };
    assert_eq!(send_request(&consumer, request).await.header("request_id"), "beside");
}

#[tokio::test]
async fn the_id_of_the_message_wins_over_the_one_beside_it() {
    // HTTPS-075, M10
    let (consumer, _) = recording();
    let mut message = message(&deny());
    message["headers"]["request_id"] = json!("within");
    let request = Request { request_id: Some("beside".into()), ..request(message.to_string()) };
    assert_eq!(send_request(&consumer, request).await.header("request_id"), "within");
}

#[tokio::test]
async fn a_message_without_an_id_is_refused_in_strict_mode_only() {
    // M10
    let message = json!({"body": {"openc2": {"request": deny()}}});
    let (lenient, recorder) = recording();
    send_message(&lenient, &message).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 1);
    send_message(&builder().settings(strict()).build(), &message).await.expect(400, "headers");
}

#[tokio::test]
async fn an_empty_id_counts_as_none() {
    // M9
    let (consumer, _) = recording();
    let mut message = message(&deny());
    message["headers"]["request_id"] = json!("");
    assert!(send_message(&consumer, &message).await.header("request_id").is_null());
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_answered_under_its_id() {
    let (consumer, recorder) = recording();
    let bodies = [
        r#"{"headers":{"request_id":"q"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"x"}}}}}"#,
        r#"{"body":{"openc2":{"request":{"action":"up","target":{}}}},"headers":{"request_id":"q"}}"#,
        r#"{"headers":{"request_id":"q"},"body":{"openc2":{"request":{"action":"#,
        r#"{"headers":{"request_id":"q"},"body":{"openc2":{"request":{}}},"extra":1}"#,
    ];
    for body in bodies {
        let answer = send_raw(&consumer, body).await;
        answer.expect(400, "");
        assert_eq!(answer.header("request_id"), "q", "{body}");
    }
    assert_eq!(recorder.n_started(), 0);
}

#[tokio::test]
async fn an_error_names_the_place() {
    let (consumer, _) = recording();
    let target = json!({"ipv4_connection": {"dst_port": 65536}});
    send(&consumer, json!({"action": "deny", "target": target}))
        .await
        .expect(400, "target.ipv4_connection.dst_port: 65536 is not a port (0..65535)");
    let args = json!({"slpf": {"direction": "up"}});
    send(&consumer, json!({"action": "deny", "target": {"ipv4_net": "10.0.0.0/8"}, "args": args}))
        .await
        .expect(400, "args.slpf.direction: \"up\" is not one of both, ingress, egress");
}

#[tokio::test]
async fn bytes_that_are_no_text_or_nothing_at_all_are_malformed() {
    // LS-045
    let (consumer, _) = recording();
    for body in [&b""[..], b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"[]", b"null", b"{} {}"] {
        send_raw(&consumer, body).await.expect(400, "");
    }
}

#[tokio::test]
async fn a_bare_command_is_answered_bare_in_lenient_mode_and_refused_in_strict() {
    // M1
    let (consumer, _) = recording();
    let request = Request { request_id: Some("b".into()), ..request(deny().to_string()) };
    let answer = send_request(&consumer, request.clone()).await;
    assert_eq!(answer.message, Some(json!({"status": 200, "results": {"slpf": {"rule_number": 1234}}})));
    send_request(&builder().settings(strict()).build(), request).await.expect(400, "");
}

#[tokio::test]
async fn through_a_broker_a_bare_command_is_answered_with_who_answers() {
    // MQTT-033, MQTT-085, M1
    let (consumer, _) = recording();
    for (scope, command) in [(Scope::Device, deny()), (Scope::Device, json!({"action": "deny", "target": {}}))] {
        let request = Request { scope, request_id: Some("b".into()), ..request(command.to_string()) };
        let message = send_request(&consumer, request).await.message.expect("an answer");
        assert_eq!(message["headers"]["from"], "fw1", "{message}");
        assert!(message["body"]["openc2"]["response"]["status"].is_number(), "{message}");
    }
}

#[tokio::test]
async fn content_other_than_a_command_is_refused() {
    // M3, M13
    let (consumer, _) = recording();
    let with = |content| json!({"headers": {"request_id": "c"}, "body": {"openc2": content}});
    send_message(&consumer, &with(json!({"response": {"status": 200}}))).await.expect(400, "body.openc2.response");
    send_message(&consumer, &with(json!({"notification": {"a": 1}}))).await.expect(501, "notifications");
}

#[tokio::test]
async fn a_message_has_content_and_says_what_it_is() {
    // LS-072
    let (consumer, recorder) = recording();
    let whole = message(&deny());
    let request = |content_type: Option<&str>, body: String| Request {
        content_type: content_type.map(Into::into),
        ..request(body)
    };
    let json = "application/openc2+json;version=1.0";
    send_request(&consumer, request(None, whole.to_string())).await.expect(400, "");
    send_request(&consumer, request(Some(json), String::new())).await.expect(400, "");
    let mut without_kind = whole.clone();
    without_kind["body"]["openc2"] = json!({});
    send_request(&consumer, request(Some(json), without_kind.to_string())).await.expect(400, "body.openc2");
    let mut without_content = whole.clone();
    without_content["body"] = json!({});
    send_request(&consumer, request(Some(json), without_content.to_string())).await.expect(400, "body");
    assert_eq!(recorder.n_started(), 0);
    send_request(&consumer, request(Some(json), whole.to_string())).await.expect(200, "");
}

#[tokio::test]
async fn media_types_are_parsed_and_judged_by_mode() {
    // M2, HTTPS-031, HTTPS-055
    let lenient = recording().0;
    let strictly = builder().settings(strict()).build();
    let cases = [
        (Some("application/openc2+json;version=1.0"), true, true),
        (Some("Application/OpenC2+JSON; version=\"1.0\""), true, true),
        (Some("application/openc2+json"), true, false),
        (Some("application/json"), true, false),
        (Some("application/openc2-cmd+json;version=1.0"), true, false),
        (Some("application/openc2+json;version=2.0"), false, false),
        (Some("text/plain"), false, false),
        (Some("nonsense"), false, false),
        (None, false, false),
    ];
    for (content_type, in_lenient, in_strict) in cases {
        let query = json!({"action": "query", "target": {"features": []}});
        let request = || Request { content_type: content_type.map(Into::into), ..request(message(&query).to_string()) };
        assert_eq!(send_request(&lenient, request()).await.status() == 200, in_lenient, "{content_type:?}");
        assert_eq!(send_request(&strictly, request()).await.status() == 200, in_strict, "{content_type:?}");
    }
}

#[tokio::test]
async fn a_message_for_others_is_refused_only_where_that_is_enforced() {
    // M5
    let mut message = message(&deny());
    message["headers"]["to"] = json!(["fw2"]);
    let (consumer, recorder) = recording();
    send_message(&consumer, &message).await.expect(200, "");
    let mut settings = oc2_consumer::Settings::default();
    settings.enforce_to = true;
    consumer.reload(settings);
    message["headers"]["request_id"] = json!("another");
    send_message(&consumer, &message).await.expect(403, "headers.to");
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn a_sender_of_unreasonable_length_is_malformed() {
    // L24: what is remembered of a request is bounded.
    let (consumer, recorder) = recording();
    let mut message = message(&deny());
    message["headers"]["from"] = json!("\u{e4}".repeat(256));
    send_message(&consumer, &message).await.expect(200, "");
    message["headers"]["from"] = json!("a".repeat(257));
    let answer = send_message(&consumer, &message).await;
    answer.expect(400, "headers: from has more than 256 characters");
    assert!(answer.header("to").is_null());
    assert_eq!(recorder.n_performed(), 1);
}
