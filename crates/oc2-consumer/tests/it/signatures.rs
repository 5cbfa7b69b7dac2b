//! Whose signature counts, and for whom (DECISIONS M6, M14).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oc2_consumer::{Consumer, Objection, Permit, Policy, Question, Settings, Signatures};
use oc2_core::types::time::DateTime;
use oc2_encoding::{Cbor, Encodings, SigningKey, VerifyingKeys};
use oc2_transfer::{Peer, Request};
use serde_json::{Value, json};

use crate::harness::{AuditLog, Recorder, builder, deny, message, request, send_message, send_request};

/// RFC 8037 A.1
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

fn keys() -> VerifyingKeys {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "soc-1", "x": X});
    VerifyingKeys::from_json(key.to_string().as_bytes()).expect("a key")
}

fn sign(message: &mut Value) {
    sign_as("soc-1", message);
}

fn sign_as(key_id: &str, message: &mut Value) {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": X, "d": D});
    let key = SigningKey::from_json(key.to_string().as_bytes()).expect("a key");
    message["signature"] = key.sign(message.to_string().as_bytes()).expect("a message").into();
}

/// A message of now from soc-1.
fn fresh() -> Value {
    let mut message = message(&deny());
    message["headers"]["created"] = DateTime::now().as_millis().into();
    message
}

fn signed() -> Value {
    let mut message = fresh();
    sign(&mut message);
    message
}

fn consumer(signatures: Signatures) -> (Consumer, Recorder) {
    let recorder = Recorder::new();
    let settings = Settings::default().with_signatures(signatures);
    (builder().actuator(recorder.clone()).settings(settings).build(), recorder)
}

#[tokio::test]
async fn by_default_signatures_are_ignored() {
    let consumer = builder().actuator(Recorder::new()).build();
    let mut message = fresh();
    message["signature"] = "nothing of the kind".into();
    send_message(&consumer, &message).await.expect(200, "");
}

#[tokio::test]
async fn what_is_signed_must_be_signed_right() {
    let (consumer, recorder) = consumer(Signatures::verify(keys()));
    send_message(&consumer, &signed()).await.expect(200, "");
    send_message(&consumer, &fresh()).await.expect(200, "");
    assert_eq!(recorder.n_performed(), 2);
    let mut changed = signed();
    changed["body"]["openc2"]["request"]["target"]["ipv4_net"] = "0.0.0.0/0".into();
    send_message(&consumer, &changed)
        .await
        .expect(401, "signature: the signature is not one of this message by this key");
    let mut by_others = fresh();
    sign_as("soc-2", &mut by_others);
    // No more is said than of one that is wrong.
    send_message(&consumer, &by_others)
        .await
        .expect(401, "signature: the signature is not one of this message by this key");
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"EdDSA","kid":"soc-1","crit":["exp"]}"#] {
        let header = data_encoding::BASE64URL_NOPAD.encode(header.as_bytes());
        let mut message = fresh();
        message["signature"] = format!("{header}..").into();
        send_message(&consumer, &message).await.expect(401, "signature: ");
    }
    assert_eq!(recorder.n_performed(), 2);
}

#[tokio::test]
async fn where_signatures_are_required_nothing_goes_without() {
    let (consumer, recorder) = consumer(Signatures::require(keys()));
    send_message(&consumer, &fresh()).await.expect(401, "signature: the message has no signature");
    let query = message(&json!({"action": "query", "target": {"features": []}}));
    send_message(&consumer, &query).await.expect(401, "");
    // A bare Command has no place for one.
    send_message(&consumer, &deny()).await.expect(401, "");
    assert_eq!(recorder.n_performed(), 0);
    send_message(&consumer, &signed()).await.expect(200, "");
    // An answer that nobody wants is not given either.
    let mut silent = fresh();
    silent["body"]["openc2"]["request"]["args"] = json!({"response_requested": "none"});
    send_message(&consumer, &silent).await.expect_silence(401);
}

#[tokio::test]
async fn what_only_the_sender_understands_is_signed_too() {
    let (consumer, _) = consumer(Signatures::require(keys()));
    let mut message = fresh();
    message["headers"]["x-ticket"] = json!({"b": [1.50, "\u{20ac}"], "a": null});
    sign(&mut message);
    send_message(&consumer, &message).await.expect(200, "");
    let mut message = fresh();
    message["headers"]["x-ticket"] = json!(7);
    sign(&mut message);
    message["headers"]["x-ticket"] = json!(8);
    send_message(&consumer, &message).await.expect(401, "");
}

#[tokio::test]
async fn a_key_speaks_for_its_id_and_the_names_it_is_given() {
    let names = |name: &str| {
        let mut message = fresh();
        message["headers"]["from"] = name.into();
        sign(&mut message);
        message
    };
    let (strict, _) = consumer(Signatures::require(keys()));
    send_message(&strict, &names("soc-1")).await.expect(200, "");
    send_message(&strict, &names("soc-2")).await.expect(401, "signature: headers.from is not a name of who signed");
    let mut nameless = fresh();
    nameless["headers"].as_object_mut().expect("headers").remove("from");
    sign(&mut nameless);
    send_message(&strict, &nameless).await.expect(200, "");
    let (generous, _) = consumer(Signatures::require(keys()).may_say("soc-1", ["soc-2"]).may_say("soc-9", ["soc-3"]));
    send_message(&generous, &names("soc-2")).await.expect(200, "");
    send_message(&generous, &names("soc-3")).await.expect(401, "");
}

#[tokio::test]
async fn a_signature_counts_for_a_while() {
    let created = |created: Option<u64>| {
        let mut message = fresh();
        message["headers"]["created"] = created.into();
        sign(&mut message);
        message
    };
    let now = DateTime::now().as_millis();
    let (consumer, _) = consumer(Signatures::require(keys()).max_age(Some(Duration::from_secs(60))));
    send_message(&consumer, &created(Some(now - 30_000))).await.expect(200, "");
    send_message(&consumer, &created(Some(now + 30_000))).await.expect(200, "");
    send_message(&consumer, &created(Some(now - 90_000)))
        .await
        .expect(401, "signature: the message was signed too long ago");
    send_message(&consumer, &created(Some(now + 600_000)))
        .await
        .expect(401, "signature: headers.created is in the future");
    send_message(&consumer, &created(None)).await.expect(401, "signature: a signed message needs headers.created");
    let mut settings = Settings::default();
    settings.signatures = Some(Arc::new(Signatures::require(keys()).max_age(None)));
    consumer.reload(settings);
    send_message(&consumer, &created(Some(1_595_268_027_000))).await.expect(200, "");
}

#[tokio::test]
async fn a_message_that_was_overheard_is_of_no_use() {
    // ARCH-017
    let (consumer, recorder) = consumer(Signatures::require(keys()));
    let message = signed().to_string();
    for address in ["192.0.2.7", "192.0.2.66"] {
        let peer = Peer::Unauthenticated(address.into());
        send_request(&consumer, Request { peer, ..request(message.clone()) }).await.expect(200, "");
    }
    assert_eq!(recorder.n_performed(), 1);
}

#[tokio::test]
async fn cbor_cannot_be_signed() {
    let settings = Settings::default().with_signatures(Signatures::require(keys()));
    let encodings = Encodings::default().and(Cbor);
    let consumer = builder().actuator(Recorder::new()).settings(settings).encodings(encodings).build();
    // {"body": {"openc2": {"request": {"action": "query", "target": {"features": []}}}}}
    let body = b"\xa1\x64body\xa1\x66openc2\xa1\x67request\xa2\x66action\x65query\x66target\xa1\x68features\x80";
    let content_type = Some("application/openc2+cbor;version=1.0".into());
    let reply = oc2_transfer::Handler::handle(&consumer, Request { content_type, ..request(body.to_vec()) }).await;
    assert_eq!(reply.status.as_u16(), 401);
}

/// Notes who asks.
#[derive(Clone, Default)]
struct Doorman(Arc<Mutex<Vec<Peer>>>);

impl Policy for Doorman {
    async fn decide(&self, question: &Question<'_>) -> Result<Permit, Objection> {
        self.0.lock().unwrap().push(question.peer.clone());
        Ok(Permit::default())
    }
}

#[tokio::test]
async fn who_signed_is_the_peer_where_the_transfer_knows_none() {
    let log = AuditLog::start();
    let doorman = Doorman::default();
    let settings = Settings::default().with_signatures(Signatures::verify(keys()));
    let consumer =
        Consumer::builder("fw1").policy(doorman.clone()).actuator(Recorder::new()).settings(settings).build();
    let gateway = Peer::Authenticated("gateway".into());
    send_message(&consumer, &signed()).await.expect(200, "");
    send_message(&consumer, &fresh()).await.expect(200, "");
    send_request(&consumer, Request { peer: gateway.clone(), ..request(signed().to_string()) }).await.expect(200, "");
    let seen = doorman.0.lock().unwrap().clone();
    assert_eq!(seen, [Peer::Authenticated("soc-1".into()), Peer::Unauthenticated("192.0.2.7".into()), gateway]);
    let told: Vec<_> =
        log.take().iter().map(|event| (event.field("peer").to_owned(), event.field("key_id").to_owned())).collect();
    assert_eq!(
        told,
        [("192.0.2.7", "soc-1"), ("192.0.2.7", ""), ("gateway", "soc-1")].map(|(a, b)| (a.into(), b.into()))
    );
}
