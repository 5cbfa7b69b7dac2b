//! The Producer's side: an HTTP/1.1 client that posts to the one path of OpenC2 (HTTPS 3.2, 3.4).

mod address;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod token;

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
#[cfg(feature = "tls")]
use http::header::AUTHORIZATION;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, DATE, HOST, LOCATION};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use oc2_core::StatusCode;
use oc2_encoding::MAX_MESSAGE;
use oc2_transfer::{Answer, Answers, Outgoing, Transfer, TransferError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio::sync::OnceCell;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use crate::headers::{NO_CACHE, PATH, X_REQUEST_ID};

use self::address::Address;

#[cfg(feature = "tls")]
pub use self::tls::ClientTls;
#[cfg(feature = "tls")]
use self::tls::Failed;
#[cfg(feature = "tls")]
pub use self::token::Token;

/// Posts Commands to one Consumer, and keeps its connections for the next ones.
///
/// A message is sent once. If a kept connection turns out to be closed before anything was written to it, the message goes
/// over another; after that, a lost connection is [`TransferError::Lost`]: the Command may have been performed. To send it again
/// under its request id is for those who know the Consumer: one that remembers answered requests (DECISIONS M12) answers it
/// again, another performs it twice.
///
/// Redirects are not followed. A status that OpenC2 does not have is an error, unless an OpenC2 message comes with it.
#[derive(Debug)]
pub struct HttpTransfer {
    address: Address,
    connect_timeout: Duration,
    kept: Mutex<Vec<Kept>>,
    /// What `https://` is spoken with; that of the system if nothing else was chosen.
    #[cfg(feature = "tls")]
    tls: OnceCell<ClientTls>,
    #[cfg(feature = "tls")]
    token: Option<Token>,
}

impl HttpTransfer {
    /// A transfer to the Consumer at this URL: `https://HOST[:PORT]` or, for tests, `http://HOST[:PORT]`, with or without
    /// `/.well-known/openc2`. It connects with the first message, and gives a connection 10 seconds to come about. By itself it
    /// trusts the Consumers that the authorities of the system vouch for, and has nothing to show them.
    ///
    /// # Errors
    /// The URL is not of this kind. `https` needs the feature `aws-lc-rs` or `ring`.
    pub fn new(url: &str) -> Result<Self, TransferError> {
        Ok(Self {
            address: Address::parse(url)?,
            connect_timeout: Duration::from_secs(10),
            kept: Mutex::default(),
            #[cfg(feature = "tls")]
            tls: OnceCell::new(),
            #[cfg(feature = "tls")]
            token: None,
        })
    }

    /// The same with TLS like this.
    ///
    /// # Errors
    /// The URL is an `http://`, which would not use it.
    #[cfg(feature = "tls")]
    pub fn with_tls(self, tls: ClientTls) -> Result<Self, TransferError> {
        self.address.check_secure("is plain HTTP, and settings of TLS were given")?;
        Ok(Self { tls: OnceCell::new_with(Some(tls)), ..self })
    }

    /// The same with a token in each request.
    ///
    /// # Errors
    /// The URL is an `http://`, and anybody on the way could take the token; to an address of this host itself there is no way.
    #[cfg(feature = "tls")]
    pub fn with_token(self, token: Token) -> Result<Self, TransferError> {
        if !self.address.is_loopback() {
            self.address.check_secure("is plain HTTP, and a token would be there for all to read")?;
        }
        Ok(self.with_token_in_clear(token))
    }

    /// The same with a token in each request, though the URL be an `http://`: whoever reads it on the way can use it.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_token_in_clear(self, token: Token) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The same with another time for a connection to come about.
    #[must_use]
    pub fn with_connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    async fn post(&self, outgoing: Outgoing) -> Result<Answer, TransferError> {
        let deadline = after(outgoing.timeout);
        let late = |_| TransferError::Timeout(outgoing.timeout);
        let mut request = self.request(&outgoing)?;
        loop {
            let kept = timeout_at(deadline, self.kept_connection()).await.map_err(late)?;
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect(deadline).await?,
            };
            match timeout_at(deadline, connection.try_send_request(request)).await.map_err(late)? {
                Ok(response) => {
                    let answer = timeout_at(deadline, answer(response)).await.map_err(late)??;
                    self.keep(connection);
                    return Ok(answer);
                }
                Err(mut error) => match error.take_message() {
                    // Nothing of it was written.
                    Some(unsent) if is_kept => request = unsent,
                    Some(_) => return Err(self.unreachable("the connection was closed at once")),
                    None => return Err(self.broken(&error.into_error())),
                },
            }
        }
    }

    fn request(&self, outgoing: &Outgoing) -> Result<Request<Full<Bytes>>, TransferError> {
        let media_type = HeaderValue::from_str(outgoing.media_type)
            .map_err(|_| TransferError::Protocol(format!("{:?} is not a media type", outgoing.media_type)))?;
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(PATH);
        let headers = request.headers_mut();
        headers.insert(HOST, self.address.host_field());
        headers.insert(CONTENT_TYPE, media_type.clone());
        headers.insert(ACCEPT, media_type);
        headers.insert(CACHE_CONTROL, NO_CACHE);
        headers.insert(DATE, now());
        // An id that no header can carry is in the message all the same.
        let request_id = outgoing.request_id.as_ref().and_then(|id| HeaderValue::from_bytes(id.as_bytes()).ok());
        headers.extend(request_id.map(|request_id| (X_REQUEST_ID, request_id)));
        #[cfg(feature = "tls")]
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.field().map_err(|reason| self.unreachable(reason))?);
        }
        Ok(request)
    }

    /// A connection of before that is still open.
    async fn kept_connection(&self) -> Option<Connection> {
        // If the runtime stood still for a while, nobody has looked yet whether the Consumer closed it.
        yield_now().await;
        loop {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let mut connection = kept.connection;
            if kept.since.elapsed() < MAX_REST && connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: Connection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.since.elapsed() < MAX_REST && !kept.connection.is_closed());
        if kept.len() < MAX_KEPT && !connection.is_closed() {
            kept.push(Kept { connection, since: Instant::now() });
        }
    }

    async fn connect(&self, deadline: Instant) -> Result<Connection, TransferError> {
        let deadline = deadline.min(after(self.connect_timeout));
        let connected = timeout_at(deadline, async {
            let stream = TcpStream::connect(self.address.endpoint()).await.map_err(|e| self.unreachable(e))?;
            stream.set_nodelay(true).map_err(|error| self.unreachable(error))?;
            #[cfg(feature = "tls")]
            if self.address.is_secure() {
                let tls = self.tls.get_or_try_init(async || ClientTls::of_system()).await;
                let tls = tls.map_err(|error| self.unreachable(error))?;
                let stream = tls.connect(stream, self.address.host()).await.map_err(|failed| match failed {
                    Failed::Refused(reason) => self.refused(reason),
                    Failed::Lost(reason) => self.unreachable(reason),
                })?;
                return self.speak_http(stream).await;
            }
            self.speak_http(stream).await
        });
        connected.await.map_err(|_| self.unreachable("no connection in time"))?
    }

    async fn speak_http(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Connection, TransferError> {
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (connection, driver) = handshake.map_err(|error| self.unreachable(error))?;
        // Its end is noticed by the sending half.
        tokio::spawn(driver);
        Ok(connection)
    }

    /// Something was written, and no answer came back.
    fn broken(&self, error: &hyper::Error) -> TransferError {
        #[cfg(feature = "tls")]
        if let Some(reason) = tls::refused(error) {
            return self.refused(reason);
        }
        match error.is_parse() {
            // What speaks TLS answers with an alert.
            true if !self.address.is_secure() => {
                TransferError::Protocol(format!("{}; if TLS is spoken there, it is https://", in_full(error)))
            }
            true => TransferError::Protocol(in_full(error)),
            false => TransferError::Lost(in_full(error)),
        }
    }

    #[cfg(feature = "tls")]
    fn refused(&self, reason: String) -> TransferError {
        TransferError::Refused { peer: self.address.to_string(), reason }
    }

    fn unreachable(&self, reason: impl ToString) -> TransferError {
        TransferError::Unreachable { peer: self.address.to_string(), reason: reason.to_string() }
    }
}

impl Transfer for HttpTransfer {
    async fn exchange(&self, outgoing: Outgoing) -> Result<Answers, TransferError> {
        self.post(outgoing).await.map(Answers::one)
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// A connection that waits for the next message.
#[derive(Debug)]
struct Kept {
    connection: Connection,
    since: Instant,
}

/// Reads an answer to its end.
async fn answer(response: Response<Incoming>) -> Result<Answer, TransferError> {
    let (parts, body) = response.into_parts();
    let body = match Limited::new(body, MAX_MESSAGE).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(TransferError::Protocol(format!("it is larger than {MAX_MESSAGE} octets")));
        }
        Err(error) => return Err(TransferError::Lost(in_full(&*error))),
    };
    let content_type = text(&parts.headers, CONTENT_TYPE);
    let status = StatusCode::from_u16(parts.status.as_u16());
    if status.is_none() && (body.is_empty() || !is_openc2(content_type.as_deref())) {
        return Err(TransferError::Protocol(foreign(&parts)));
    }
    Ok(Answer { status, content_type, body })
}

/// Whether a media type is one of OpenC2, whatever its version and encoding.
fn is_openc2(media_type: Option<&str>) -> bool {
    let name = media_type.unwrap_or_default().trim_start().get(..NAME.len());
    name.is_some_and(|name| name.eq_ignore_ascii_case(NAME))
}

/// What to say of a status that OpenC2 does not have.
fn foreign(parts: &Parts) -> String {
    let status = parts.status;
    match text(&parts.headers, LOCATION) {
        Some(location) if status.is_redirection() => {
            format!("HTTP status {status} sends to {location:?}, and redirects are not followed")
        }
        Some(_) | None => format!("HTTP status {status} is none of OpenC2"),
    }
}

/// An error with its causes.
fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// So much later, if there is such a time.
fn after(time: Duration) -> Instant {
    Instant::now() + time.min(LONGEST)
}

/// The time as an IMF-fixdate (RFC 7231 7.1.1.1).
fn now() -> HeaderValue {
    HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now())).expect("a date is ASCII")
}

/// How the media types of OpenC2 begin.
const NAME: &str = "application/openc2";

/// Longer than anybody waits, and short enough to be added to a time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many connections are kept.
const MAX_KEPT: usize = 64;

/// How long a connection is kept: less than the 75 seconds of [`HttpListener`](crate::HttpListener).
const MAX_REST: Duration = Duration::from_secs(60);
