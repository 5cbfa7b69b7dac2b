//! The answer to one request: the steps from its head to its handler and back (HTTPS 3.2, 3.4).

use std::convert::Infallible;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use oc2_core::Rejection;
use oc2_encoding::MediaTypeError;
use oc2_transfer::{Encoded, Enduring, Handler, Later, Panicked, Peer, Refusal, Reply, Request, Scope, Started};
use tokio::time::timeout;
use tracing::error;

use crate::headers::{NO_CACHE, PATH, X_REQUEST_ID};

use super::Settings;
use super::entrance::{CHALLENGE, Entrance, Stranger};
use super::head::{Plain, too_large_a_body};
use super::limits::{Held, Place, Room};

/// What all requests of a connection share.
pub(super) struct Desk<H> {
    handler: Arc<H>,
    entrance: Entrance,
    settings: Arc<Settings>,
    room: Arc<Room>,
    is_turned_away: bool,
    is_stopping: AtomicBool,
    refused: Mutex<Option<(Rejection, Option<HeaderValue>)>>,
}

impl<H: Handler> Desk<H> {
    pub(super) fn new(handler: Arc<H>, entrance: Entrance, settings: Arc<Settings>, place: &Place) -> Self {
        let (room, is_turned_away) = (place.room(), place.is_turned_away);
        let (is_stopping, refused) = (AtomicBool::new(false), Mutex::default());
        Self { handler, entrance, settings, room, is_turned_away, is_stopping, refused }
    }

    /// Has the connection end once what is under way is answered.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Who this is, as far as that is known without a request.
    pub(super) fn peer(&self) -> Peer {
        self.entrance.peer()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether there is no place for this connection.
    pub(super) fn is_turned_away(&self) -> bool {
        self.is_turned_away
    }

    /// Says why the gate refused the request that hyper reads next.
    pub(super) fn note_refusal(&self, rejection: Rejection, request_id: Option<HeaderValue>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((rejection, request_id));
    }

    fn take_refusal(&self) -> Option<(Rejection, Option<HeaderValue>)> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Hands a message to the handler. Neither a lost connection nor the end of the listener stops it: only then does it get a task of
    /// its own, which is most of what an answer would cost.
    pub(super) fn start(&self, request: Request) -> Answering {
        let handler = Arc::clone(&self.handler);
        match catch_unwind(AssertUnwindSafe(|| handler.start(request))) {
            Ok(Started::Done(reply)) => Answering::Done(reply),
            Ok(Started::UnderWay(later)) => Answering::UnderWay(Enduring::new(later)),
            Err(_) => Answering::Done(self.failed("it panicked")),
        }
    }

    /// What came of it.
    pub(super) fn outcome(&self, handled: Result<Reply, Panicked>) -> Reply {
        handled.unwrap_or_else(|error| self.failed(error))
    }

    fn failed(&self, error: impl Display) -> Reply {
        error!(peer = %self.peer(), %error, "The handler of a message failed.");
        Reply::empty(oc2_core::StatusCode::InternalError)
    }

    async fn handle(&self, request: Request) -> Reply {
        match self.start(request) {
            Answering::Done(reply) => reply,
            Answering::UnderWay(handling) => self.outcome(handling.await),
        }
    }

    /// The message in a request that has nothing about it that hyper would have to see to, and room for it; none if something about it
    /// is out of order, which is for [`answer`] to say.
    pub(super) fn plain_request(&self, plain: &Plain, head: &[u8], body: &[u8]) -> Option<(Request, Held)> {
        let text = |place: &Option<Range<usize>>| str::from_utf8(head.get(place.clone()?)?).ok();
        let content_type = text(&plain.content_type);
        self.settings.encodings.check_accept(text(&plain.accept), content_type).ok()?;
        let peer = self.entrance.admit(&HeaderMap::new()).ok()?;
        let mut held = self.room.hold();
        if !held.take(body.len()) {
            return None;
        }
        let request_id = text(&plain.request_id).map(ToOwned::to_owned);
        let (content_type, body) = (content_type.map(ToOwned::to_owned), Bytes::copy_from_slice(body));
        let request = Request { peer, scope: Scope::Direct, content_type, request_id, body, needs_answer: true };
        Some((request, held))
    }

    fn refuse(&self, peer: Peer, rejection: Rejection, request_id: Option<&HeaderValue>) -> Reply {
        let request_id = request_id.and_then(legal);
        let refusal = Refusal { peer: peer.clone(), request_id, rejection };
        catch_unwind(AssertUnwindSafe(|| self.handler.refuse(refusal))).unwrap_or_else(|_| {
            error!(%peer, "The handler failed to word a refusal.");
            Reply::empty(oc2_core::StatusCode::InternalError)
        })
    }
}

/// How far an answer is.
pub(super) enum Answering {
    /// This is it.
    Done(Reply),
    /// It takes a while.
    UnderWay(Enduring<Later>),
}

/// Answers a request. Whatever its fault, its body is read if that can be done in peace, so that the connection can go on.
pub(super) async fn answer<H: Handler>(
    desk: Arc<Desk<H>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    if let Some((rejection, request_id)) = desk.take_refusal() {
        let reply = desk.refuse(desk.peer(), rejection, request_id.as_ref());
        return Ok(respond(reply, request_id, Then::Close));
    }
    let (parts, body) = request.into_parts();
    let request_id = only(&parts.headers, X_REQUEST_ID).ok().flatten().cloned();
    let peer = match desk.entrance.admit(&parts.headers) {
        Ok(peer) => peer,
        // Nothing more is read of a stranger, and nothing told.
        Err(Stranger { rejection, challenge }) => {
            let reply = desk.refuse(desk.peer(), rejection, request_id.as_ref());
            let mut response = respond(reply, request_id, Then::Close);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            return Ok(response);
        }
    };
    let checked = check(&parts, desk.settings());
    let body = match &checked {
        // Who waits for `100 Continue` shall not send a body for nothing.
        Err(rejection) if parts.headers.contains_key(EXPECT) => Err(rejection.clone()),
        Ok(_) | Err(_) => read(body, &desk).await,
    };
    // Where the next request begins behind a chunked body, only hyper knows (see the gate).
    let then = if body.is_err() || parts.headers.contains_key(TRANSFER_ENCODING) { Then::Close } else { Then::GoOn };
    let reply = match checked.and_then(|content_type| Ok((content_type, body?))) {
        // The body may be thrown away before its room is free again, but not after.
        Ok((content_type, (body, _held))) => {
            let request_id = request_id.as_ref().and_then(legal);
            // There is no way for what follows later (DECISIONS L7).
            let scope = Scope::Direct;
            desk.handle(Request { peer, scope, content_type, request_id, body, needs_answer: true }).await
        }
        Err(rejection) => desk.refuse(peer, rejection, request_id.as_ref()),
    };
    let mut response = respond(reply, request_id, then);
    if parts.method != Method::POST {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    Ok(response)
}

/// Whether the head asks for something that is here (DECISIONS H2, H9); its content type.
fn check(parts: &Parts, settings: &Settings) -> Result<Option<String>, Rejection> {
    if parts.method != Method::POST {
        return Err(Rejection::unsupported(format!("OpenC2 has no use for {}, only for POST", parts.method)));
    }
    if parts.uri.path() != PATH || parts.uri.query().is_some() {
        return Err(Rejection::not_found(format!("Commands are posted to {PATH}")));
    }
    let accept = accepted(&parts.headers)?;
    let content_type = only(&parts.headers, CONTENT_TYPE)?.map(text).transpose()?;
    match settings.encodings.check_accept(accept.as_deref(), content_type.as_deref()) {
        Err(MediaTypeError::Unsupported { expected, .. }) => {
            return Err(Rejection::malformed(format!("the answer would be {expected}, which Accept leaves out")));
        }
        Err(error) => return Err(Rejection::malformed(error.to_string())),
        Ok(()) => {}
    }
    only(&parts.headers, X_REQUEST_ID)?;
    Ok(content_type)
}

/// Reads a body to its end, within the limits; what is held of it, it counts against them.
async fn read<H: Handler>(body: Incoming, desk: &Desk<H>) -> Result<(Bytes, Held), Rejection> {
    let settings = desk.settings();
    let mut collecting = pin!(collect(Limited::new(body, settings.max_body), desk));
    // Most bodies come with their head, and need no timer.
    if let Poll::Ready(collected) = poll_fn(|cx| Poll::Ready(collecting.as_mut().poll(cx))).await {
        return collected;
    }
    let collected = timeout(settings.body_timeout, collecting).await;
    collected.unwrap_or_else(|_| Err(Rejection::unavailable("the body took too long")))
}

async fn collect<H: Handler>(mut body: Limited<Incoming>, desk: &Desk<H>) -> Result<(Bytes, Held), Rejection> {
    let (mut pieces, mut held) = (Pieces::default(), desk.room.hold());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
            true => too_large_a_body(desk.settings()),
            false => Rejection::malformed("the body is cut off or not chunked as it says"),
        })?;
        // Trailers say nothing that counts.
        let Ok(data) = frame.into_data() else { continue };
        if !held.take(data.len()) {
            return Err(Rejection::unavailable("too much is being sent at once; try again later"));
        }
        pieces.add(data);
    }
    Ok((pieces.whole(), held))
}

/// A body as it comes. Most come in one piece, which is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    joined: BytesMut,
}

impl Pieces {
    fn add(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
            return;
        }
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.first);
        }
        self.joined.extend_from_slice(&piece);
    }

    fn whole(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }
}

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    Close,
}

pub(super) fn respond(reply: Reply, request_id: Option<HeaderValue>, then: Then) -> http::Response<Full<Bytes>> {
    let media_type = |body: &Encoded| HeaderValue::from_maybe_shared(Bytes::from_static(body.media_type.as_bytes()));
    let (content_type, body) = match reply.body.map(|body| (media_type(&body), body)) {
        Some((Ok(media_type), Encoded { bytes, .. })) if !bytes.is_empty() => (Some(media_type), bytes),
        Some(_) | None => (None, Bytes::new()),
    };
    let mut response = http::Response::new(Full::new(body));
    *response.status_mut() = status(reply.status);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, NO_CACHE);
    headers.extend(content_type.map(|content_type| (CONTENT_TYPE, content_type)));
    headers.extend(request_id.map(|request_id| (X_REQUEST_ID, request_id)));
    if reply.status == oc2_core::StatusCode::Unauthorized {
        headers.insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    if let Then::Close = then {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The status on the wire: HTTP has no final 102 (DECISIONS H1).
fn status(status: oc2_core::StatusCode) -> StatusCode {
    match status {
        oc2_core::StatusCode::Processing => StatusCode::OK,
        status => StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The value of a field that may stand once.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Rejection> {
    let mut values = headers.get_all(&name).iter();
    let value = values.next().filter(|value| !value.is_empty());
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Rejection::malformed(format!("the request has two {name} fields"))),
    }
}

/// All `Accept` fields as one (RFC 7230 3.2.2).
fn accepted(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let values = headers.get_all(ACCEPT).iter().map(text).collect::<Result<Vec<_>, _>>()?;
    Ok((!values.is_empty()).then(|| values.join(",")))
}

fn text(value: &HeaderValue) -> Result<String, Rejection> {
    let text = value.to_str().map_err(|_| Rejection::malformed("a header field is not ASCII"))?;
    Ok(text.to_owned())
}

/// A request id as it may be used (DECISIONS M9). One that may not is still echoed.
fn legal(request_id: &HeaderValue) -> Option<String> {
    let text = str::from_utf8(request_id.as_bytes()).ok()?;
    let is_legal = text.chars().count() <= 256 && !text.chars().any(char::is_control);
    is_legal.then(|| text.to_owned())
}
