//! What is sent.

use std::collections::HashSet;

use oc2_core::{Args, Feature, Headers, Message, ResponseType, types::time::Duration};
use oc2_producer::ProducerError;
use serde_json::{Value, json};

use crate::support::{Consumer, MEDIA_TYPE, command, producer_of, query, response_to};

/// The messages that reach a Consumer, as JSON, with the ids beside them.
macro_rules! sent {
    (|$producer:ident| $send:expr) => {{
        let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
        let $producer = producer_of(&consumer).build();
        $send;
        let message = |request: &oc2_transfer::Request| {
            let message: Value = serde_json::from_slice(&request.body).unwrap();
            (message, request.request_id.clone().unwrap())
        };
        consumer.requests().iter().map(message).collect::<Vec<_>>()
    }};
}

pub(crate) fn is_uuid_v4(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, character)| match position {
            8 | 13 | 18 | 23 => character == b'-',
            14 => character == b'4',
            19 => matches!(character, b'8' | b'9' | b'a' | b'b'),
            _ => character.is_ascii_digit() || matches!(character, b'a'..=b'f'),
        })
}

// LS-082, LS-083, HTTPS-037, HTTPS-039 to HTTPS-044
#[tokio::test]
async fn a_command_travels_in_a_message_with_id_time_and_sender() {
    let sent = sent!(|producer| producer.ask(command(ResponseType::Complete)).await.unwrap());
    let (message, beside) = &sent[0];
    let headers = &message["headers"];
    assert!(is_uuid_v4(beside), "{beside}");
    assert_eq!(headers["request_id"], **beside);
    assert_eq!(headers["from"], "tests");
    assert_eq!(headers["created"].as_u64().unwrap().to_string().len(), 13, "{headers}");
    assert_eq!(headers.as_object().unwrap().len(), 3, "{headers}");
    let request = json!({
        "action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"response_requested": "complete"}
    });
    assert_eq!(message["body"], json!({"openc2": {"request": request}}));
}

// HTTPS-034, MQTT-034
#[tokio::test]
async fn recipients_are_named_if_there_are_any() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    producer_of(&consumer).to(["fw1", "fw2"]).build().heartbeat().await.unwrap();
    producer_of(&consumer).to(Vec::<String>::new()).build().heartbeat().await.unwrap();
    let to = |n: usize| serde_json::from_slice::<Value>(&consumer.requests()[n].body).unwrap()["headers"]["to"].clone();
    assert_eq!((to(0), to(1)), (json!(["fw1", "fw2"]), Value::Null));
}

// HTTPS-041, LS-083
#[tokio::test]
async fn no_id_is_used_twice() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    let producer = producer_of(&consumer).build();
    let ids: HashSet<_> = (0..100_000).map(|_| producer.prepare(query()).unwrap().request_id().clone()).collect();
    assert_eq!(ids.len(), 100_000);
    assert!(ids.iter().all(|id| is_uuid_v4(id.as_str())));
}

// DECISIONS M12
#[tokio::test]
async fn what_was_prepared_is_the_same_command_each_time_it_is_sent() {
    let sent = sent!(|producer| {
        let prepared = producer.prepare(query()).unwrap();
        for _ in 0..2 {
            producer.exchange(&prepared).await.unwrap().finish().await.unwrap();
        }
    });
    assert_eq!(sent[0], sent[1]);
}

// LS-160
#[tokio::test]
async fn a_heartbeat_asks_for_no_feature() {
    let sent = sent!(|producer| producer.heartbeat().await.unwrap());
    let request = json!({"action": "query", "target": {"features": []}});
    assert_eq!(sent[0].0["body"]["openc2"]["request"], request);
}

// LS-158, LS-204, LS-206
#[tokio::test]
async fn features_are_asked_for_once_each() {
    let sent =
        sent!(|producer| { producer.features([Feature::Pairs, Feature::Versions, Feature::Pairs]).await.unwrap() });
    assert_eq!(sent[0].0["body"]["openc2"]["request"]["target"], json!({"features": ["pairs", "versions"]}));
}

fn query_for_a_while() -> oc2_core::Command {
    query().with_args(Args::builder().duration(Duration::from_millis(5).unwrap()).build().unwrap())
}

// ARCH-001, LS-208
#[tokio::test]
async fn what_a_producer_must_not_send_is_not_sent() {
    let sent = sent!(|producer| {
        let error = producer.ask(query_for_a_while()).await.unwrap_err();
        assert!(matches!(error, ProducerError::Forbidden(_)), "{error}");
    });
    assert_eq!(sent, []);
}

#[tokio::test]
async fn what_a_producer_must_not_send_is_sent_by_those_who_say_so() {
    let sent = sent!(|producer| {
        let prepared = producer.dangerous().prepare(query_for_a_while()).unwrap();
        producer.exchange(&prepared).await.unwrap().finish().await.unwrap();
    });
    assert_eq!(sent[0].0["body"]["openc2"]["request"]["args"], json!({"duration": 5}));
}

#[tokio::test]
async fn a_message_is_sent_under_its_own_headers() {
    let headers = Headers::builder().request_id("a b".parse::<oc2_core::types::text::RequestId>().unwrap());
    let message = Message::request(headers.from("somebody").build().unwrap(), query());
    let sent = sent!(|producer| producer.send_message(&message).await.unwrap().finish().await.unwrap());
    assert_eq!(sent[0].0["headers"], json!({"request_id": "a b", "from": "somebody"}));
    assert_eq!(sent[0].1, "a b");
}

#[tokio::test]
async fn bytes_are_sent_as_they_are_under_the_id_that_is_in_them() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":400}"#));
    let producer = producer_of(&consumer).build();
    for (bytes, id) in [
        (
            r#" {"headers":{"request_id":"7"},"body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}} "#,
            Some("7"),
        ),
        (r#"{"headers":{"request_id":"8"},"body":{"openc2":{"request":{"action":"nonsense"}}}}"#, Some("8")),
        (r#"{"action":"query","target":{"features":[]}}"#, None),
        ("not JSON", None),
    ] {
        let received = producer.send_bytes(bytes).await.unwrap().finish().await.unwrap().unwrap();
        assert_eq!(received.response.status.as_u16(), 400);
        let request = consumer.requests().pop().unwrap();
        assert_eq!((&request.body[..], request.content_type.as_deref()), (bytes.as_bytes(), Some(MEDIA_TYPE)));
        let beside = request.request_id.unwrap();
        assert!(id.map_or_else(|| is_uuid_v4(&beside), |id| beside == id), "{bytes}: {beside}");
    }
}

#[tokio::test]
async fn bytes_say_which_answer_is_wanted_even_if_they_are_no_message() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    let producer = producer_of(&consumer).build();
    for (bytes, wanted) in [
        (r#"{"action":"query","target":{"features":[]},"args":{"response_requested":"ack"}}"#, ResponseType::Ack),
        (r#"{"action":"query","target":{"none":[]},"args":{"response_requested":"none"}}"#, ResponseType::None),
        (r#"{"status":200}"#, ResponseType::Complete),
        ("", ResponseType::Complete),
    ] {
        assert_eq!(producer.prepare_bytes(bytes).response_wanted(), wanted, "{bytes}");
    }
}

// LS-163
#[tokio::test]
async fn what_the_standard_advises_against_is_sent_with_a_remark() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    let file = oc2_core::target::File::builder().path("a/b").build().unwrap();
    let prepared =
        producer_of(&consumer).build().prepare(oc2_core::Command::new(oc2_core::Action::Scan, file)).unwrap();
    assert_eq!(prepared.remarks().len(), 1);
    assert!(prepared.remarks()[0].contains("not an absolute path"), "{:?}", prepared.remarks());
}

#[test]
fn an_exchange_can_be_left_to_another_thread() {
    fn is_send<T: Send>(_: T) {}
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    let producer = producer_of(&consumer).build();
    is_send(producer.ask(query()));
    is_send(async { producer.send(query()).await?.finish().await });
}
