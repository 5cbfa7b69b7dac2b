//! One Command, many Consumers (DECISIONS Q11).

use std::sync::Arc;
use std::time::Duration;

use oc2_core::{ResponseType, StatusCode};
use oc2_producer::{Producer, ProducerError, Received, Responses};
use oc2_transfer::{Answer, MemoryTransfer, Reply, Request, Scope, TransferError};
use tokio::time::Instant;

use crate::support::{Consumer, MEDIA_TYPE, Script, command, query, reply};

/// An answer of a Consumer with this status.
fn of(from: &str, status: u16) -> Result<Answer, &'static str> {
    let body = format!(
        r#"{{"headers":{{"request_id":"ID","from":"{from}"}},"body":{{"openc2":{{"response":{{"status":{status}}}}}}}}}"#
    );
    Ok(Answer { status: None, content_type: Some(MEDIA_TYPE.to_owned()), body: body.into() })
}

/// Who said what, as `fw1 200`, until there is no more; interim ones with dots.
async fn all(responses: &mut Responses) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(received) = responses.next().await {
        all.push(received.as_ref().map_or_else(ToString::to_string, shown));
    }
    all
}

fn shown(received: &Received) -> String {
    let more = if received.is_final { "" } else { ".." };
    format!("{} {}{more}", received.from().unwrap_or("-"), received.response.status.as_u16())
}

async fn responses(producer: &Producer, expected: Option<usize>) -> Responses {
    let broadcast = producer.broadcast(query()).unwrap().timeout(Duration::from_secs(5));
    match expected {
        Some(expected) => broadcast.expected(expected).send().await.unwrap(),
        None => broadcast.send().await.unwrap(),
    }
}

async fn check(answers: Vec<Result<Answer, &'static str>>, expected: Option<usize>, shown: &[&str]) -> Responses {
    let producer = Script::new(answers, true).producer();
    let mut responses = responses(&producer, expected).await;
    assert_eq!(all(&mut responses).await, shown);
    responses
}

/// A Consumer of this name, which keeps silent if it has no status.
fn named(
    name: &'static str,
    status: Option<StatusCode>,
) -> Arc<Consumer<impl Fn(&Request) -> Reply + Send + Sync + 'static>> {
    Consumer::new(move |request| match status {
        Some(status) => {
            let id = request.request_id.as_deref().unwrap();
            let status_of = status.as_u16();
            reply(
                status,
                format!(
                    r#"{{"headers":{{"request_id":"{id}","from":"{name}"}},"body":{{"openc2":{{"response":{{"status":{status_of}}}}}}}}}"#
                ),
            )
        }
        None => Reply::empty(StatusCode::Ok),
    })
}

// MQTT-038
#[tokio::test(start_paused = true)]
async fn every_consumer_in_memory_answers_under_its_name() {
    let statuses = [("fw1", Some(StatusCode::Ok)), ("fw2", None), ("fw3", Some(StatusCode::NotImplemented))];
    let consumers = statuses.map(|(name, status)| named(name, status));
    let producer = Producer::builder(MemoryTransfer::to_all(consumers.clone())).identity("tests").build();
    let mut responses = producer.broadcast(query()).unwrap().send().await.unwrap();
    let mut all = all(&mut responses).await;
    all.sort_unstable();
    assert_eq!(all, ["fw1 200", "fw3 501"]);
    for consumer in consumers {
        let [request] = &consumer.requests()[..] else { panic!("one request") };
        assert_eq!(
            (request.scope, request.request_id.as_deref()),
            (Scope::Broadcast, Some(responses.request_id().as_str()))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_when_as_many_as_expected_have_answered() {
    let started = Instant::now();
    let responses = check(vec![of("fw1", 200), of("fw2", 501), of("fw3", 200)], Some(2), &["fw1 200", "fw2 501"]).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!((responses.n_answered(), responses.n_final(), responses.is_complete()), (2, 2, true));
}

#[tokio::test(start_paused = true)]
async fn without_a_number_responses_come_until_the_deadline() {
    let started = Instant::now();
    let responses = check(vec![of("fw1", 200), of("fw2", 200)], None, &["fw1 200", "fw2 200"]).await;
    assert_eq!(started.elapsed().as_secs(), 5);
    assert!(!responses.is_complete());
    check(vec![of("fw1", 200)], Some(2), &["fw1 200"]).await;
    assert_eq!(started.elapsed().as_secs(), 10);
}

// MQTT-044
#[tokio::test(start_paused = true)]
async fn duplicates_are_dropped() {
    let answers = vec![of("fw1", 200), of("fw1", 200), of("fw2", 200), of("fw1", 500), of("fw2", 200)];
    let responses = check(answers, None, &["fw1 200", "fw2 200"]).await;
    assert_eq!(responses.n_answered(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_interim_response_does_not_count_as_the_last_word() {
    let answers = vec![of("fw1", 102), of("fw1", 102), of("fw2", 200), of("fw1", 200), of("fw1", 102)];
    check(answers, Some(2), &["fw1 102..", "fw2 200", "fw1 200"]).await;
    let responses = check(vec![of("fw1", 102), of("fw2", 200)], Some(2), &["fw1 102..", "fw2 200"]).await;
    assert_eq!((responses.n_answered(), responses.n_final(), responses.is_complete()), (2, 1, false));
}

#[tokio::test(start_paused = true)]
async fn a_102_is_the_last_word_where_nothing_else_is_due() {
    for wanted in [ResponseType::Ack, ResponseType::Status] {
        let producer = Script::new([of("fw1", 102), of("fw2", 102)], true).producer();
        let started = Instant::now();
        let mut responses = producer.broadcast(command(wanted)).unwrap().expected(2).send().await.unwrap();
        assert_eq!(all(&mut responses).await, ["fw1 102", "fw2 102"], "{wanted}");
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_answer_is_wanted_none_of_a_fleet_is_waited_for() {
    let started = Instant::now();
    let producer = Script::new([], true).producer();
    let mut responses = producer.broadcast(command(ResponseType::None)).unwrap().send().await.unwrap();
    assert!(responses.next().await.is_none());
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_response_does_not_end_the_others() {
    let noise = Answer { status: None, content_type: Some(MEDIA_TYPE.to_owned()), body: "noise".into() };
    let producer = Script::new([Ok(noise), of("fw1", 200)], true).producer();
    let mut responses = responses(&producer, Some(1)).await;
    let error = responses.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ProducerError::Answer(_)), "{error:?}");
    assert_eq!(all(&mut responses).await, ["fw1 200"]);
}

#[tokio::test(start_paused = true)]
async fn consumers_without_a_name_count_as_one() {
    let nameless = || Ok(crate::support::answer(r#"{"status":200}"#));
    check(vec![nameless(), nameless(), of("fw1", 200)], Some(2), &["- 200", "fw1 200"]).await;
}

#[tokio::test]
async fn what_is_sent_again_is_the_same_command() {
    let consumer = named("fw1", Some(StatusCode::Ok));
    let producer = Producer::builder(MemoryTransfer::to_all([Arc::clone(&consumer)])).identity("tests").build();
    let broadcast = producer.broadcast(query()).unwrap().expected(1);
    for _ in 0..2 {
        assert_eq!(all(&mut broadcast.send().await.unwrap()).await, ["fw1 200"]);
    }
    let [first, second] = &consumer.requests()[..] else { panic!("two requests") };
    assert_eq!((&first.body, &first.request_id), (&second.body, &second.request_id));
    assert_eq!(first.body, broadcast.prepared().bytes());
}

#[tokio::test]
async fn what_a_producer_must_not_send_is_not_sent_to_a_fleet() {
    let args = oc2_core::Args::builder().response_requested(ResponseType::Ack).build().unwrap();
    let error = Script::new([], false).producer().broadcast(query().with_args(args)).unwrap_err();
    assert!(matches!(error, ProducerError::Forbidden(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_failures_of_a_transfer_are_told() {
    let producer = Script::new([Err("a hiccup"), of("fw1", 200)], false).producer();
    let mut responses = responses(&producer, None).await;
    let error = responses.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ProducerError::Transfer(TransferError::Lost(_))), "{error:?}");
    assert_eq!(all(&mut responses).await, ["fw1 200"]);
}
