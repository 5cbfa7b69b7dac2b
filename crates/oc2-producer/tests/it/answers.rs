//! What comes back.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use oc2_core::{Mode, ResponseType, StatusCode};
use oc2_producer::{AnswerError, Producer, ProducerError, Received};
use oc2_transfer::{Answer, Handler, MemoryTransfer, Refusal, Reply, Request, TransferError};
use tokio::time::Instant;

use crate::support::{Consumer, MEDIA_TYPE, Script, answer, command, producer_of, query, reply, response_to};

/// What a Producer makes of a reply with this body, in which `ID` stands for the id of the request.
async fn received(mode: Mode, body: &'static str) -> Result<Received, ProducerError> {
    let consumer = Consumer::new(move |request| {
        reply(StatusCode::Ok, body.replace("ID", request.request_id.as_deref().unwrap_or_default()))
    });
    producer_of(&consumer).mode(mode).build().ask(query()).await
}

/// The sentence about a reply that is no Response, in both modes.
async fn check_refused(body: &'static str, expected: &str) {
    for mode in [Mode::Lenient, Mode::Strict] {
        let error = received(mode, body).await.expect_err(body);
        assert!(matches!(error, ProducerError::Answer(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{body} ({mode:?}): {error}");
    }
}

/// What is noted about a reply that deviates, which strict mode refuses.
async fn check_tolerated(body: &'static str, expected: &[&str]) {
    let received_leniently = received(Mode::Lenient, body).await.expect(body);
    assert_eq!(received_leniently.notes.len(), expected.len(), "{:?}", received_leniently.notes);
    for (note, expected) in received_leniently.notes.iter().zip(expected) {
        assert!(note.contains(expected), "{note}");
    }
    received(Mode::Strict, body).await.expect_err(body);
}

const GOOD: &str = r#"{"headers":{"request_id":"ID","from":"fw1"},"body":{"openc2":{"response":{"status":200}}}}"#;

// LS-226, LS-228
#[tokio::test]
async fn a_response_is_read() {
    for mode in [Mode::Lenient, Mode::Strict] {
        let received = received(mode, GOOD).await.unwrap();
        assert_eq!((received.response.status, received.from()), (StatusCode::Ok, Some("fw1")));
        assert!(received.has_message && received.is_final && received.notes.is_empty(), "{received:?}");
    }
}

// LS-078
#[tokio::test]
async fn a_response_under_another_id_is_refused() {
    check_refused(
        r#"{"headers":{"request_id":"other"},"body":{"openc2":{"response":{"status":200}}}}"#,
        "its request_id is other, that of the Command is ",
    )
    .await;
}

// ARCH-002, LS-228
#[tokio::test]
async fn what_is_no_response_is_refused() {
    check_refused(
        r#"{"headers":{"request_id":"ID"},"body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#,
        "it is a Command",
    )
    .await;
    check_refused(
        r#"{"headers":{"request_id":"ID"},"body":{"openc2":{"notification":{"a":1}}}}"#,
        "it is a notification",
    )
    .await;
    check_refused("pong", "not JSON").await;
    check_refused(r#"{"headers":{"request_id":"ID"},"body":{"openc2":{"response":{"status":204}}}}"#, "204").await;
    check_refused(
        r#"{"headers":{"request_id":"ID"},"body":{"openc2":{"response":{"status":200,"status":500}}}}"#,
        "status",
    )
    .await;
    check_refused(
        r#"{"headers":{"request_id":"ID"},"body":{"openc2":{"response":{"status":200,"status_text":"\ud800"}}}}"#,
        "",
    )
    .await;
    check_refused(GOOD_TWICE, "not JSON").await;
}

const GOOD_TWICE: &str = r#"{"headers":{"request_id":"ID"},"body":{"openc2":{"response":{"status":200}}}} {}"#;

#[tokio::test]
async fn a_response_that_names_no_id_is_tolerated() {
    check_tolerated(r#"{"body":{"openc2":{"response":{"status":200}}}}"#, &["the request_id is missing"]).await;
    check_tolerated(r#"{"status":200}"#, &["a bare Response is no message"]).await;
}

// DECISIONS M4
#[tokio::test]
async fn a_time_in_seconds_is_noted() {
    let body = r#"{"headers":{"request_id":"ID","created":1595268027},"body":{"openc2":{"response":{"status":200}}}}"#;
    let received = received(Mode::Lenient, body).await.unwrap();
    assert_eq!(received.notes, ["headers.created: 1595268027 lies before 1974; milliseconds are due"]);
}

#[tokio::test]
async fn another_content_type_is_tolerated_if_a_response_comes_with_it() {
    let script = |body: &'static str, content_type: Option<&str>| {
        let content_type = content_type.map(str::to_owned);
        Script::new([Ok(Answer { content_type, body: body.into(), status: Some(StatusCode::Ok) })], false).producer()
    };
    for content_type in
        [None, Some("text/plain"), Some("application/json"), Some("application/openc2+json;version=2.0")]
    {
        let received = script(GOOD, content_type).ask(query()).await.unwrap();
        assert_eq!(received.notes.len(), 1, "{content_type:?}: {:?}", received.notes);
    }
    let error = script("<html>502</html>", Some("text/html")).ask(query()).await.unwrap_err();
    assert!(error.to_string().contains(r#"the content type "text/html""#), "{error}");
}

// DECISIONS R5
#[tokio::test]
async fn the_status_of_the_response_counts() {
    let consumer = Consumer::new(|request| Reply {
        status: StatusCode::InternalError,
        ..response_to(request, r#"{"status":200}"#)
    });
    let received = producer_of(&consumer).build().ask(query()).await.unwrap();
    assert_eq!(received.response.status, StatusCode::Ok);
    assert_eq!(received.notes, ["the status of the transfer is 500, that of the Response 200"]);
}

// DECISIONS H1, HTTPS-067
#[tokio::test]
async fn a_102_in_a_200_is_as_it_should_be() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":102}"#));
    let received = producer_of(&consumer).build().ask(command(ResponseType::Complete)).await.unwrap();
    assert_eq!((received.response.status, received.is_final), (StatusCode::Processing, false));
    assert!(received.notes.is_empty(), "{:?}", received.notes);
}

// DECISIONS R5
#[tokio::test]
async fn without_a_message_the_status_of_the_transfer_counts() {
    let consumer = Consumer::new(|_| Reply::empty(StatusCode::ServiceUnavailable));
    let received = producer_of(&consumer).build().ask(query()).await.unwrap();
    assert_eq!(received.response.status, StatusCode::ServiceUnavailable);
    assert!(!received.has_message && received.is_final);
    assert_eq!(received.notes, ["a Response is due; there is only the status of the transfer"]);
}

// DECISIONS H3
#[tokio::test]
async fn where_no_answer_is_wanted_an_empty_one_is_as_it_should_be() {
    let consumer = Consumer::new(|_| Reply::empty(StatusCode::Ok));
    let exchange = producer_of(&consumer).build().send(command(ResponseType::None)).await.unwrap();
    let received = exchange.finish().await.unwrap().unwrap();
    assert_eq!((received.response.status, received.has_message), (StatusCode::Ok, false));
    assert!(received.notes.is_empty(), "{:?}", received.notes);
}

#[tokio::test]
async fn neither_message_nor_status_is_refused() {
    let nothing = Answer { status: None, content_type: None, body: Vec::new().into() };
    let error = Script::new([Ok(nothing)], false).producer().ask(query()).await.unwrap_err();
    assert!(matches!(error, ProducerError::Answer(AnswerError::Empty)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn where_no_answer_is_wanted_none_is_waited_for() {
    let started = Instant::now();
    let producer = Script::new([], true).producer();
    assert!(producer.send(command(ResponseType::None)).await.unwrap().finish().await.unwrap().is_none());
    assert_eq!(started.elapsed(), Duration::ZERO);
    let error = producer.ask(command(ResponseType::None)).await.unwrap_err();
    assert!(matches!(error, ProducerError::NoAnswer), "{error:?}");
}

struct Silent;

impl Handler for Silent {
    async fn handle(&self, _: Request) -> Reply {
        pending().await
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        Reply::empty(refusal.rejection.status())
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_keeps_silent_is_waited_for_no_longer_than_told() {
    let started = Instant::now();
    let builder = Producer::builder(MemoryTransfer::to(Arc::new(Silent))).identity("tests");
    let error = builder.timeout(Duration::from_secs(5)).build().ask(query()).await.unwrap_err();
    assert!(matches!(error, ProducerError::Transfer(TransferError::Timeout(_))), "{error:?}");
    assert!(error.to_string().starts_with("no answer within 5 s"), "{error}");
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_an_open_channel_is_a_timeout_and_in_a_closed_one_none() {
    let error = Script::new([], true).producer().ask(query()).await.unwrap_err();
    assert!(matches!(error, ProducerError::Transfer(TransferError::Timeout(_))), "{error:?}");
    let error = Script::new([], false).producer().ask(query()).await.unwrap_err();
    assert!(matches!(error, ProducerError::NoAnswer), "{error:?}");
}

#[tokio::test]
async fn a_timeout_beyond_all_clocks_is_no_panic() {
    let consumer = Consumer::new(|request| response_to(request, r#"{"status":200}"#));
    producer_of(&consumer).timeout(Duration::MAX).build().heartbeat().await.unwrap();
}

// LS-078, DECISIONS L7
#[tokio::test(start_paused = true)]
async fn an_interim_response_is_told_from_the_final_one() {
    let answers = [r#"{"status":102}"#, r#"{"status":200}"#].map(|response| Ok(answer(response)));
    let producer = Script::new(answers, true).producer();
    let mut exchange = producer.send(command(ResponseType::Complete)).await.unwrap();
    for (status, is_final) in [(StatusCode::Processing, false), (StatusCode::Ok, true)] {
        let received = exchange.next().await.unwrap().unwrap();
        assert_eq!((received.response.status, received.is_final), (status, is_final));
    }
    let received = producer.ask(command(ResponseType::Complete)).await.unwrap();
    assert_eq!(received.response.status, StatusCode::Ok);
}

#[tokio::test(start_paused = true)]
async fn an_interim_response_is_what_there_is_if_no_final_one_comes_in_time() {
    let producer = Script::new([Ok(answer(r#"{"status":102}"#))], true).producer();
    let received = producer.ask(command(ResponseType::Complete)).await.unwrap();
    assert_eq!((received.response.status, received.is_final), (StatusCode::Processing, false));
}

// DECISIONS L5, L6
#[tokio::test(start_paused = true)]
async fn a_102_is_final_where_nothing_else_is_due() {
    let started = Instant::now();
    let producer = Script::new([Ok(answer(r#"{"status":102}"#))], true).producer();
    for wanted in [ResponseType::Ack, ResponseType::Status] {
        let received = producer.ask(command(wanted)).await.unwrap();
        assert!(received.is_final, "{wanted}");
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

// DECISIONS Q11
#[tokio::test(start_paused = true)]
async fn several_consumers_may_answer() {
    let answers = [r#"{"status":200}"#, r#"{"status":501}"#, r#"{"status":200}"#].map(|response| Ok(answer(response)));
    let producer = Script::new(answers, true).producer();
    let mut exchange = producer.send(query()).await.unwrap();
    let mut statuses = Vec::new();
    while let Some(received) = exchange.next().await {
        statuses.push(received.unwrap().response.status.as_u16());
    }
    assert_eq!(statuses, [200, 501, 200]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_response_does_not_end_the_exchange() {
    let noise = Answer { status: None, content_type: Some(MEDIA_TYPE.to_owned()), body: "noise".into() };
    let answers = [Ok(noise.clone()), Err("a hiccup"), Ok(answer(r#"{"status":200}"#))];
    let received = Script::new(answers, true).producer().ask(query()).await.unwrap();
    assert_eq!(received.response.status, StatusCode::Ok);
    let error = Script::new([Ok(noise), Err("a hiccup")], true).producer().ask(query()).await.unwrap_err();
    assert!(matches!(error, ProducerError::Answer(AnswerError::Unreadable(_))), "{error:?}");
}

#[tokio::test]
async fn a_signature_is_handed_on_as_it_came() {
    let body = r#"{"headers":{"request_id":"ID"},"body":{"openc2":{"response":{"status":200}}},"signature":"a..b"}"#;
    assert_eq!(received(Mode::Strict, body).await.unwrap().signature.as_deref(), Some("a..b"));
}
