//! Tests that every transfer must pass, for the tests of a transfer (feature `conform`).
//!
//! Each test is given a function that starts a listener with a [`Probe`] as its handler and tells the transfer that reaches
//! it. A test panics when the transfer fails it.
//!
//! ```
//! use std::sync::Arc;
//! use oc2_transfer::MemoryTransfer;
//! use oc2_transfer::conform::{self, Probe, Subject};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conform::a_body_and_its_answer_arrive(async |probe: Probe| Subject::alone(MemoryTransfer::to(Arc::new(probe)))).await;
//! # }
//! ```

use std::fmt;
use std::ops::AsyncFnOnce;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use oc2_core::StatusCode;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet, yield_now};

use crate::error::TransferError;
use crate::handler::{Encoded, Handler, Refusal, Reply, Request};
use crate::listener::Listener;
use crate::transfer::{Answer, Outgoing, Transfer};

/// A body comes back as it was sent.
pub async fn a_body_and_its_answer_arrive<T: Transfer>(start: impl AsyncFnOnce(Probe) -> Subject<T>) {
    let subject = start(Probe::default()).await;
    let answer = exchange(&subject.transfer, "a body").await;
    assert_eq!(answer.body, "a body");
    assert_eq!(answer.content_type.as_deref(), Some(MEDIA_TYPE));
    subject.stop().await;
}

/// A reply without a message keeps its status, in so far as the transfer carries one.
pub async fn an_empty_reply_keeps_its_status<T: Transfer>(start: impl AsyncFnOnce(Probe) -> Subject<T>) {
    let subject = start(Probe::default()).await;
    for &status in StatusCode::ALL {
        let answer = exchange(&subject.transfer, format!("empty {}", status.as_u16())).await;
        assert!(answer.body.is_empty(), "a body came with an empty {status:?}");
        let Some(arrived) = answer.status else { continue };
        // HTTP has no final 102 (DECISIONS H1).
        let is_final = status == StatusCode::Processing && arrived == StatusCode::Ok;
        assert!(arrived == status || is_final, "{status:?} arrived as {arrived:?}");
    }
    subject.stop().await;
}

/// A body of 1 MiB less one octet, the largest that every transfer carries, passes both ways.
pub async fn a_body_of_one_mebibyte_less_one_passes_both_ways<T: Transfer>(
    start: impl AsyncFnOnce(Probe) -> Subject<T>,
) {
    let subject = start(Probe::default()).await;
    let body: Bytes = (0..(1 << 20) - 1).map(|position: u32| position.to_le_bytes()[position as usize % 3]).collect();
    let answer = exchange(&subject.transfer, body.clone()).await;
    assert!(answer.body == body, "{} octets came back, and not the same", answer.body.len());
    subject.stop().await;
}

/// A thousand exchanges pass one after the other.
pub async fn a_thousand_exchanges_pass_one_after_the_other<T: Transfer>(start: impl AsyncFnOnce(Probe) -> Subject<T>) {
    let probe = Probe::default();
    let subject = start(probe.clone()).await;
    for number in 0..1000 {
        let body = format!("exchange {number}");
        assert_eq!(exchange(&subject.transfer, body.clone()).await.body, body);
    }
    assert_eq!(probe.handled(), 1000);
    subject.stop().await;
}

/// Of 64 exchanges at once each gets its own answer, also when they are answered in another order.
pub async fn sixty_four_exchanges_at_once_are_not_mixed_up<T: Transfer>(start: impl AsyncFnOnce(Probe) -> Subject<T>) {
    let subject = start(Probe::default()).await;
    let transfer = Arc::new(subject.transfer);
    let mut exchanges = JoinSet::new();
    for number in 0..64 {
        let transfer = Arc::clone(&transfer);
        exchanges.spawn(async move {
            let body = format!("dawdle {} {number}", 64 - number);
            assert_eq!(exchange(&*transfer, body.clone()).await.body, body);
        });
    }
    exchanges.join_all().await;
    subject.listener.stop().await;
}

/// A shutdown finishes the Command under way, answers it, and takes no other.
pub async fn a_shutdown_finishes_the_command_under_way<T: Transfer>(start: impl AsyncFnOnce(Probe) -> Subject<T>) {
    let probe = Probe::default();
    let Subject { transfer, mut listener } = start(probe.clone()).await;
    let transfer = Arc::new(transfer);
    let under_way = tokio::spawn({
        let transfer = Arc::clone(&transfer);
        async move { exchange(&*transfer, "wait").await }
    });
    probe.waits().await;
    listener.begin_shutdown();
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!listener.has_returned(), "the listener returned before the Command was done");
    probe.release();
    assert_eq!(under_way.await.expect("the exchange does not panic").body, "wait");
    listener.stop().await;
    if let Ok(mut answers) = transfer.exchange(Outgoing::new("late", MEDIA_TYPE)).await {
        assert!(!matches!(answers.next().await, Some(Ok(_))), "a Command was answered after the shutdown");
    }
    assert_eq!(probe.handled(), 1);
}

/// A handler that panics is answered for with 500 and no message, and the next Command passes.
pub async fn a_handler_that_panics_is_500_and_the_next_command_passes<T: Transfer>(
    start: impl AsyncFnOnce(Probe) -> Subject<T>,
) {
    let subject = start(Probe::default()).await;
    let answer = exchange(&subject.transfer, "panic").await;
    assert!(answer.status.is_none_or(|status| status == StatusCode::InternalError), "{answer:?}");
    assert!(answer.body.is_empty(), "{answer:?}");
    assert_eq!(exchange(&subject.transfer, "next").await.body, "next");
    subject.stop().await;
}

/// What follows a reply arrives after it. For transfers that have a way for it.
pub async fn what_follows_a_reply_arrives_after_it<T: Transfer>(start: impl AsyncFnOnce(Probe) -> Subject<T>) {
    let probe = Probe::default();
    let subject = start(probe.clone()).await;
    let mut answers = subject.transfer.exchange(Outgoing::new("later on", MEDIA_TYPE)).await.expect("it gets through");
    assert_eq!(answers.next().await.expect("there is an answer").expect("it arrives").body, "first");
    probe.waits().await;
    assert_eq!(exchange(&subject.transfer, "meanwhile").await.body, "meanwhile");
    probe.release();
    assert_eq!(answers.next().await.expect("another follows").expect("it arrives").body, "later on");
    drop(answers);
    subject.stop().await;
}

/// What a test looks at: a transfer, and the listener behind it.
#[derive(Debug)]
pub struct Subject<T> {
    transfer: T,
    listener: Running,
}

impl<T: Transfer> Subject<T> {
    /// Starts a listener with a probe; the transfer reaches it.
    pub fn start(listener: impl Listener, probe: Probe, transfer: T) -> Self {
        let (shutdown, told) = oneshot::channel();
        let served = tokio::spawn(listener.serve(probe, async move {
            // A sender that is gone says the same.
            let _ = told.await;
        }));
        Self { transfer, listener: Running { shutdown: Some(shutdown), served: Some(served) } }
    }

    /// A transfer without a listener.
    pub fn alone(transfer: T) -> Self {
        Self { transfer, listener: Running { shutdown: None, served: None } }
    }

    async fn stop(self) {
        self.listener.stop().await;
    }
}

/// A handler that does as the body of a request says: `panic`; `wait` until it is released; `empty STATUS` replies without
/// a message; `dawdle N` lets others go first N times; `later` is answered `first`, and comes back once it is released. The
/// others come back as they are.
#[derive(Clone, Debug, Default)]
pub struct Probe(Arc<State>);

impl Probe {
    /// How many requests were handled to the end.
    #[must_use]
    pub fn handled(&self) -> usize {
        self.0.handled.load(Ordering::SeqCst)
    }

    /// Returns once one more request waits.
    pub async fn waits(&self) {
        take(&self.0.waiting).await;
    }

    /// Lets one request that waits go on.
    pub fn release(&self) {
        self.0.released.add_permits(1);
    }

    async fn obey(&self, body: Bytes) -> Reply {
        let words = str::from_utf8(&body).unwrap_or_default().split(' ').collect::<Vec<_>>();
        match words[..] {
            ["panic"] => panic!("a body told the probe to panic"),
            ["wait"] => {
                self.0.waiting.add_permits(1);
                take(&self.0.released).await;
            }
            ["empty", status] => {
                let status = status.parse().ok().and_then(StatusCode::from_u16);
                return Reply::empty(status.unwrap_or(StatusCode::BadRequest));
            }
            ["later", ..] => {
                let first = Encoded { bytes: "first".into(), media_type: MEDIA_TYPE };
                let probe = self.clone();
                return Reply::new(StatusCode::Processing, first).and_later(async move {
                    probe.0.waiting.add_permits(1);
                    take(&probe.0.released).await;
                    Reply::new(StatusCode::Ok, Encoded { bytes: body, media_type: MEDIA_TYPE })
                });
            }
            ["dawdle", n_turns, ..] => {
                for _ in 0..n_turns.parse().unwrap_or(0) {
                    yield_now().await;
                }
            }
            _ => {}
        }
        Reply::new(StatusCode::Ok, Encoded { bytes: body, media_type: MEDIA_TYPE })
    }
}

impl Handler for Probe {
    async fn handle(&self, request: Request) -> Reply {
        let reply = self.obey(request.body).await;
        self.0.handled.fetch_add(1, Ordering::SeqCst);
        reply
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let body = Encoded { bytes: refusal.rejection.text().to_owned().into(), media_type: MEDIA_TYPE };
        Reply::new(refusal.rejection.status(), body)
    }
}

#[derive(Debug)]
struct State {
    handled: AtomicUsize,
    waiting: Semaphore,
    released: Semaphore,
}

impl Default for State {
    fn default() -> Self {
        Self { handled: AtomicUsize::new(0), waiting: Semaphore::new(0), released: Semaphore::new(0) }
    }
}

/// A listener that serves, if there is one.
struct Running {
    shutdown: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<Result<(), TransferError>>>,
}

impl Running {
    fn begin_shutdown(&mut self) {
        self.shutdown = None;
    }

    fn has_returned(&self) -> bool {
        self.served.as_ref().is_some_and(JoinHandle::is_finished)
    }

    async fn stop(mut self) {
        self.begin_shutdown();
        if let Some(served) = self.served.take() {
            served.await.expect("the listener does not panic").expect("the listener ends well");
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

async fn exchange(transfer: &impl Transfer, body: impl Into<Bytes>) -> Answer {
    let mut answers = transfer.exchange(Outgoing::new(body, MEDIA_TYPE)).await.expect("the message gets through");
    answers.next().await.expect("there is an answer").expect("it arrives")
}

async fn take(permits: &Semaphore) {
    permits.acquire().await.expect("nobody closes it").forget();
}

const MEDIA_TYPE: &str = "application/openc2+json;version=1.0";

#[cfg(test)]
mod tests {
    use crate::memory::MemoryTransfer;

    use super::*;

    async fn memory(probe: Probe) -> Subject<MemoryTransfer<Probe>> {
        Subject::alone(MemoryTransfer::to(Arc::new(probe)))
    }

    #[tokio::test]
    async fn memory_carries_bodies() {
        a_body_and_its_answer_arrive(memory).await;
        a_body_of_one_mebibyte_less_one_passes_both_ways(memory).await;
    }

    #[tokio::test]
    async fn memory_brings_what_follows() {
        what_follows_a_reply_arrives_after_it(memory).await;
    }

    #[tokio::test]
    async fn memory_keeps_the_status_of_an_empty_reply() {
        an_empty_reply_keeps_its_status(memory).await;
    }

    #[tokio::test]
    async fn memory_carries_many_exchanges() {
        a_thousand_exchanges_pass_one_after_the_other(memory).await;
        sixty_four_exchanges_at_once_are_not_mixed_up(memory).await;
    }
}
