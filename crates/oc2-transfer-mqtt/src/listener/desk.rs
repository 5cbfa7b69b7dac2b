//! Where requests become tasks, and their replies publications.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use oc2_core::Rejection;
use oc2_encoding::ContentKind;
use oc2_transfer::{Handler, Peer, Refusal, Reply};
use tokio::select;
use tokio::task::{Id, JoinError, JoinSet};
use tracing::{debug, error, warn};

use super::Settings;
use super::intake::{Return, Verdict, judge};
use super::standing::Standing;
use crate::connection::{Connection, Happening, Receipt, Token, Unpublished};
use crate::flat;
use crate::link::{Delivery, Publication, Reach};
use crate::properties::Coding;

/// One task per Command that is not answered at once, and a limit on them. What arrives beyond it waits, at most as many as the Receive Maximum; the broker keeps
/// the rest.
pub(super) struct Desk<H> {
    connection: Connection,
    handler: Arc<H>,
    settings: Settings,
    peer: Arc<str>,
    commands: JoinSet<Reply>,
    /// Replies that follow others, or are long in coming.
    following: JoinSet<Reply>,
    under_way: HashMap<Id, Errand>,
    queue: VecDeque<(Delivery, Receipt)>,
    /// Responses that the broker has not taken yet.
    responses: HashMap<Token, Errand>,
    standing: Standing,
    is_stopping: bool,
}

/// What is left to do for a request.
struct Errand {
    /// `None` if it was acknowledged before.
    receipt: Option<Receipt>,
    route: Return,
    /// Whether the handler was done but for what follows.
    is_long_in_coming: bool,
    /// Whether what is under way is a replacement for a Response that was too large.
    is_replacement: bool,
}

impl Errand {
    fn new(receipt: Option<Receipt>, route: Return) -> Self {
        Self { receipt, route, is_long_in_coming: false, is_replacement: false }
    }
}

impl<H: Handler> Desk<H> {
    pub(super) fn new(connection: Connection, handler: Arc<H>, settings: Settings, peer: Arc<str>) -> Self {
        Self {
            connection,
            handler,
            settings,
            peer,
            commands: JoinSet::new(),
            following: JoinSet::new(),
            under_way: HashMap::new(),
            queue: VecDeque::new(),
            responses: HashMap::new(),
            standing: Standing::default(),
            is_stopping: false,
        }
    }

    pub(super) fn reporting_to(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    /// What happens next on the connection; meanwhile replies become publications. Nothing is lost when it is given up.
    pub(super) async fn next(&mut self) -> Happening {
        loop {
            select! {
                happening = self.connection.next() => {
                    self.standing.follows(&happening);
                    return happening;
                }
                Some(ended) = self.commands.join_next_with_id() => self.ends(ended),
                Some(ended) = self.following.join_next_with_id() => self.ends(ended),
            }
            // Replies that are ready together go out together.
            while let Some(ended) = self.commands.try_join_next_with_id() {
                self.ends(ended);
            }
            self.begin_waiting();
            self.report();
            if self.is_stopping && self.is_idle() {
                // Whoever stops looks again.
                return Happening::Ready { is_new_session: false };
            }
        }
    }

    pub(super) fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Delivery(delivery, receipt) => self.arrives(delivery, receipt),
            Happening::Published(token, result) => self.is_published(token, result),
            // What has not begun comes again.
            Happening::Cut { .. } => self.queue.retain(|(delivery, _)| delivery.ticket.is_none()),
            Happening::Ready { .. } => {}
        }
        self.report();
    }

    fn report(&self) {
        self.standing.has_requests(self.queue.len() + self.under_way.len() + self.responses.len());
    }

    /// Takes nothing new. What waits is left to the broker.
    pub(super) fn stops(&mut self) {
        self.is_stopping = true;
        self.queue.clear();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.commands.is_empty() && self.following.is_empty() && self.responses.is_empty()
    }

    pub(super) async fn close(self) {
        self.connection.close().await;
    }

    fn arrives(&mut self, delivery: Delivery, receipt: Receipt) {
        if self.is_stopping {
            return;
        }
        if delivery.ticket.is_none() && self.queue.len() >= MAX_UNPROMISED {
            return warn!(topic = delivery.topic, "Too many messages at QoS 0; one was thrown away.");
        }
        self.queue.push_back((delivery, receipt));
        if self.connection.is_crowded() {
            self.let_others_through();
        }
        self.begin_waiting();
    }

    /// Acknowledges what is long in coming: what came after it can only be acknowledged then, and the broker gives no more than so
    /// many at a time.
    fn let_others_through(&mut self) {
        let Self { connection, under_way, commands, .. } = self;
        if under_way.len() <= commands.len() {
            return;
        }
        let late = under_way.values_mut().filter(|errand| errand.is_long_in_coming);
        for errand in late {
            if let Some(receipt) = errand.receipt.take() {
                connection.acknowledge(receipt);
            }
        }
    }

    fn begin_waiting(&mut self) {
        while self.commands.len() < self.settings.max_commands.max(1) {
            let Some((delivery, receipt)) = self.queue.pop_front() else { return };
            self.begin(&delivery, receipt);
        }
    }

    fn begin(&mut self, delivery: &Delivery, receipt: Receipt) {
        match judge(delivery, &self.settings, &self.peer) {
            Verdict::Handle(request, route) => {
                let handler = Arc::clone(&self.handler);
                let handled = Box::pin(async move { handler.handle(request).await });
                self.handle(handled, Errand::new(Some(receipt), route));
            }
            Verdict::Refuse(refusal, route) => {
                let reason = refusal.rejection.text();
                warn!(topic = delivery.topic, request_id = refusal.request_id, reason, "A message was refused.");
                let reply = self.handler.refuse(refusal);
                self.answer(reply, Errand::new(Some(receipt), route));
            }
            Verdict::Ignore(reason) => {
                warn!(topic = delivery.topic, reason, "A message was ignored.");
                self.connection.acknowledge(receipt);
            }
            Verdict::Unsubscribe => {
                warn!(topic = delivery.topic, "A message on a topic that is not ours; unsubscribing.");
                self.connection.unsubscribe(&delivery.topic);
                self.connection.acknowledge(receipt);
            }
        }
    }

    /// Lets a Command be handled. What has its reply at once does without a task, which would cost more than most of these do.
    fn handle(&mut self, mut handled: Pin<Box<impl Future<Output = Reply> + Send + 'static>>, errand: Errand) {
        // Whoever is not ready is asked again, by a task that can be woken.
        let mut context = Context::from_waker(Waker::noop());
        match catch_unwind(AssertUnwindSafe(|| handled.as_mut().poll(&mut context))) {
            Ok(Poll::Ready(reply)) => self.answer(reply, errand),
            Ok(Poll::Pending) => {
                let task = self.commands.spawn(handled);
                self.under_way.insert(task.id(), errand);
            }
            Err(_) => {
                error!(request_id = errand.route.request_id, "The handler panicked.");
                self.answer(self.fail(&errand.route), errand);
            }
        }
    }

    /// A Command has its reply, or its handler panicked.
    fn ends(&mut self, ended: Result<(Id, Reply), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(errand) = self.under_way.remove(&id) else { return };
        let reply = ended.map(|(_, reply)| reply).unwrap_or_else(|panic| {
            error!(error = %panic, request_id = errand.route.request_id, "The handler panicked.");
            self.fail(&errand.route)
        });
        self.answer(reply, errand);
    }

    /// What is said of a failure of our own: nothing but that there was one.
    fn fail(&self, route: &Return) -> Reply {
        self.handler.refuse(Refusal {
            peer: Peer::Unauthenticated(Arc::clone(&self.peer)),
            request_id: route.request_id.clone(),
            rejection: Rejection::failed("internal error"),
        })
    }

    /// Publishes a reply, if it has a message; the request is acknowledged when the broker has it. Without a message there is
    /// nothing to wait for (MQTT-123), unless it follows: then the broker keeps the request, and gives it to the next process if
    /// need be, as long as there is room for others.
    fn answer(&mut self, mut reply: Reply, mut errand: Errand) {
        if let Some(later) = reply.later.take() {
            let receipt = if reply.body.is_none() { errand.receipt.take() } else { None };
            let following = Errand { receipt, is_long_in_coming: true, ..Errand::new(None, errand.route.clone()) };
            if self.following.len() < MAX_FOLLOWING {
                let task = self.following.spawn(later);
                self.under_way.insert(task.id(), following);
            } else {
                warn!(request_id = following.route.request_id, "Too many Responses are due later; one was given up.");
                self.is_done(&following);
            }
        }
        let Some(encoded) = reply.body else { return self.is_done(&errand) };
        let coding = Coding::of_media_type(encoded.media_type);
        let token = self.connection.publish(Publication {
            topic: Arc::clone(&errand.route.topic),
            payload: laid_out(encoded.bytes, coding, errand.route.is_flat),
            kind: ContentKind::Response,
            coding,
            expiry: None,
        });
        self.responses.insert(token, errand);
    }

    fn is_published(&mut self, token: Token, result: Result<Reach, Unpublished>) {
        let Some(errand) = self.responses.remove(&token) else { return };
        let request_id = errand.route.request_id.as_deref();
        match result {
            Ok(Reach::Broker) => {}
            Ok(Reach::Nobody) => debug!(request_id, "Nobody listens to a Response."),
            Err(Unpublished::TooLarge(reason)) if !errand.is_replacement => {
                warn!(request_id, reason, "A Response is too large; an error is sent in its place.");
                let reply = self.fail(&errand.route);
                return self.answer(reply, Errand { is_replacement: true, ..errand });
            }
            Err(Unpublished::TooLarge(reason) | Unpublished::Refused(reason)) => {
                error!(request_id, reason, "A Response was not taken by the broker.");
            }
        }
        self.is_done(&errand);
    }

    /// If the connection is another one by now, the broker gives the request again, and the handler knows its answer.
    fn is_done(&mut self, errand: &Errand) {
        if let Some(receipt) = errand.receipt {
            self.connection.acknowledge(receipt);
        }
    }
}

fn laid_out(message: Bytes, coding: Coding, is_flat: bool) -> Bytes {
    let flat = (is_flat && coding == Coding::Json).then(|| flat::fold(&message)).flatten();
    flat.unwrap_or(message)
}

/// Nothing is promised for messages at QoS 0, and the Receive Maximum does not limit them.
const MAX_UNPROMISED: usize = 1024;
/// How many Responses may be due later.
const MAX_FOLLOWING: usize = 4096;
