//! The Producer: from a Command to a message, from a message to its Responses.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use oc2_core::message::Recipients;
use oc2_core::types::time::DateTime;
use oc2_core::{Action, Command, Feature, Features, Headers, Invalid, Message, Mode, ResponseType};
use oc2_encoding::{EncodeError, Encodings};
use oc2_transfer::{AnyTransfer, Outgoing, Transfer, TransferError};
use tokio::time::{Instant, timeout_at};

use crate::broadcast::Broadcast;
use crate::commands::check;
use crate::error::ProducerError;
use crate::pending::{Correlation, Exchange};
use crate::prepared::{Prepared, new_request_id, response_wanted};
use crate::received::Received;
use crate::signing::Signing;

/// Sends Commands to where its transfer leads, and reads the Responses.
#[derive(Clone, Debug)]
pub struct Producer {
    transfer: AnyTransfer,
    encodings: Encodings,
    from: String,
    to: Option<Recipients>,
    mode: Mode,
    timeout: Duration,
    signing: Signing,
}

impl Producer {
    /// A Producer that uses this transfer; its identity is asked for next.
    pub fn builder(transfer: impl Transfer) -> ProducerBuilder<WantsIdentity> {
        ProducerBuilder {
            transfer: AnyTransfer::new(transfer),
            identity: WantsIdentity(()),
            to: None,
            mode: Mode::Lenient,
            timeout: DEFAULT_TIMEOUT,
            signing: Signing::default(),
            encodings: Encodings::default(),
        }
    }

    /// Sends a Command and waits for the Consumer's last word, or for the last one there is in time.
    ///
    /// # Errors
    /// The Command must not be sent, did not get through, or has no Response. One that wants none may have none: take
    /// [`send`](Self::send) for it.
    pub async fn ask(&self, command: Command) -> Result<Received, ProducerError> {
        let prepared = self.prepare(command)?;
        // What goes wrong is told in the end either way; where no answer is wanted, nothing is waited for then.
        let defers_errors = prepared.wanted != ResponseType::None;
        let outgoing = Outgoing { defers_errors, ..outgoing(&prepared, self.timeout) };
        self.begin(&prepared, outgoing).await?.finish().await?.ok_or(ProducerError::NoAnswer)
    }

    /// Sends a Command; its Responses come when they come.
    ///
    /// # Errors
    /// The Command must not be sent, or did not get through.
    pub async fn send(&self, command: Command) -> Result<Exchange, ProducerError> {
        self.exchange(&self.prepare(command)?).await
    }

    /// Sends a message as it is, under its own headers and without a look at its Command: for relays.
    ///
    /// # Errors
    /// The message did not get through.
    pub async fn send_message(&self, message: &Message) -> Result<Exchange, ProducerError> {
        self.exchange(&self.prepare_message(message)?).await
    }

    /// Sends bytes as they are, whatever they are. Responses are matched by the id that can be read in them; where there is
    /// none, by a new one that only the transfer carries.
    ///
    /// # Errors
    /// They did not get through.
    pub async fn send_bytes(&self, bytes: impl Into<Bytes>) -> Result<Exchange, ProducerError> {
        self.exchange(&self.prepare_bytes(bytes)).await
    }

    /// Asks whether the Consumer is alive: `query features` of no feature (LS 3.4.1.5).
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn heartbeat(&self) -> Result<Received, ProducerError> {
        self.features([]).await
    }

    /// Asks what the Consumer can do (LS 4.1); what stands twice is asked for once.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn features(&self, features: impl IntoIterator<Item = Feature>) -> Result<Received, ProducerError> {
        self.ask(Command::new(Action::Query, features.into_iter().collect::<Features>())).await
    }

    /// The message that asks for a Command, ready to be sent: a new id, the present time, who asks.
    ///
    /// # Errors
    /// The Command must not be sent, or cannot be written.
    pub fn prepare(&self, command: Command) -> Result<Prepared, ProducerError> {
        let remarks = check(&command).map_err(ProducerError::Forbidden)?;
        Ok(Prepared { remarks, ..self.dangerous().prepare(command)? })
    }

    /// A message as it is, ready to be sent.
    ///
    /// # Errors
    /// The message cannot be written.
    pub fn prepare_message(&self, message: &Message) -> Result<Prepared, EncodeError> {
        let encoding = self.encodings.preferred();
        Ok(Prepared {
            body: encoding.encode(message, encoding.default_form())?.into(),
            media_type: encoding.media_type(),
            request_id: message.headers.request_id().cloned().unwrap_or_else(new_request_id),
            wanted: response_wanted(message),
            remarks: Vec::new(),
        })
    }

    /// Bytes as they are, ready to be sent.
    pub fn prepare_bytes(&self, bytes: impl Into<Bytes>) -> Prepared {
        let (body, encoding) = (bytes.into(), self.encodings.preferred());
        let (request_id, wanted) = match encoding.decode(&body, Mode::Lenient) {
            Ok(decoded) => (decoded.message.headers.request_id().cloned(), response_wanted(&decoded.message)),
            Err(error) => {
                let glimpse = error.glimpse();
                (glimpse.request_id.clone(), glimpse.response_requested.unwrap_or(ResponseType::Complete))
            }
        };
        Prepared {
            body,
            media_type: encoding.media_type(),
            request_id: request_id.unwrap_or_else(new_request_id),
            wanted,
            remarks: Vec::new(),
        }
    }

    /// Sends what was prepared; sent again it is the same Command again, under the same id.
    ///
    /// # Errors
    /// It did not get through.
    pub async fn exchange(&self, prepared: &Prepared) -> Result<Exchange, ProducerError> {
        self.begin(prepared, outgoing(prepared, self.timeout)).await
    }

    /// The same for so many Consumers and so much time.
    pub(crate) async fn exchange_for(
        &self,
        prepared: &Prepared,
        expected: Option<usize>,
        timeout: Duration,
    ) -> Result<Exchange, ProducerError> {
        self.begin(prepared, Outgoing { expected, ..outgoing(prepared, timeout) }).await
    }

    async fn begin(&self, prepared: &Prepared, outgoing: Outgoing) -> Result<Exchange, ProducerError> {
        let (sent, timeout) = (Instant::now(), outgoing.timeout);
        let answers = timeout_at(sent + timeout, self.transfer.exchange(outgoing))
            .await
            .map_err(|_| TransferError::Timeout(timeout))??;
        let correlation = Correlation {
            request_id: prepared.request_id.clone(),
            wanted: prepared.wanted,
            encodings: self.encodings.clone(),
            mode: self.mode,
        };
        Ok(Exchange::new(correlation, answers, sent, timeout))
    }

    /// A Command for as many Consumers as the transfer reaches. Their Responses come one by one, until the deadline or until as
    /// many as expected have answered (DECISIONS Q11); see [`Broadcast`].
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Duration;
    /// #
    /// # use oc2_core::{Action, Command, Content, Features, Headers, Message, Mode, Response, StatusCode};
    /// # use oc2_encoding::{Encoding, Json};
    /// # use oc2_producer::Producer;
    /// # use oc2_transfer::{Encoded, Handler, MemoryTransfer, Refusal, Reply, Request};
    /// #
    /// # struct Consumer(&'static str);
    /// #
    /// # impl Handler for Consumer {
    /// #     async fn handle(&self, request: Request) -> Reply {
    /// #         let decoded = Json.decode(&request.body, Mode::Strict).expect("a Command");
    /// #         let id = decoded.message.headers.request_id().expect("an id").clone();
    /// #         let headers = Headers::builder().request_id(id).from(self.0).build().expect("headers");
    /// #         let response = Message::response(headers, Response::new(StatusCode::Ok));
    /// #         let bytes = Json.encode(&response, decoded.form).expect("bytes").into();
    /// #         Reply::new(StatusCode::Ok, Encoded { bytes, media_type: Json.media_type() })
    /// #     }
    /// #
    /// #     fn refuse(&self, refusal: Refusal) -> Reply {
    /// #         Reply::empty(refusal.rejection.status())
    /// #     }
    /// # }
    /// #
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let consumers = ["fw1", "fw2", "fw3"].map(|name| Arc::new(Consumer(name)));
    /// // Over a broker: `MqttTransfer::new(options, producer_id, Destination::All)?` of `oc2-transfer-mqtt`.
    /// let producer = Producer::builder(MemoryTransfer::to_all(consumers)).identity("operator@example.com").build();
    ///
    /// let query = Command::new(Action::Query, Features::default());
    /// let mut responses = producer.broadcast(query)?.expected(3).timeout(Duration::from_secs(5)).send().await?;
    /// while let Some(received) = responses.next().await {
    ///     let received = received?;
    ///     println!("{:?}: {}", received.from(), received.response.status);
    /// }
    /// assert_eq!((responses.n_final(), responses.is_complete()), (3, true));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The Command must not be sent, or cannot be written.
    pub fn broadcast(&self, command: Command) -> Result<Broadcast<'_>, ProducerError> {
        Ok(self.broadcast_prepared(self.prepare(command)?))
    }

    /// A message for as many Consumers as the transfer reaches, as it was prepared.
    pub fn broadcast_prepared(&self, prepared: Prepared) -> Broadcast<'_> {
        Broadcast::new(self, prepared, self.timeout)
    }

    /// What the standard forbids a Producer: to find out how Consumers deal with it.
    #[must_use]
    pub fn dangerous(&self) -> Dangerous<'_> {
        Dangerous(self)
    }

    fn headers(&self) -> Result<Headers, Invalid> {
        let headers = Headers::builder().request_id(new_request_id()).created(DateTime::now()).from(self.from.as_str());
        let headers = match &self.to {
            Some(to) => headers.to(to.clone()),
            None => headers,
        };
        headers.build()
    }
}

/// What the standard forbids a Producer. See [`Producer::dangerous`].
#[derive(Clone, Copy, Debug)]
pub struct Dangerous<'p>(&'p Producer);

impl Dangerous<'_> {
    /// The message that asks for a Command which a Producer must not send, ready to be sent.
    ///
    /// # Errors
    /// The Command cannot be written.
    pub fn prepare(self, command: Command) -> Result<Prepared, EncodeError> {
        let mut message = Message::request(self.0.headers()?, command);
        self.0.signing.sign(&mut message, &*self.0.encodings.preferred())?;
        self.0.prepare_message(&message)
    }
}

/// Builds a [`Producer`].
#[derive(Clone)]
pub struct ProducerBuilder<Identity> {
    transfer: AnyTransfer,
    identity: Identity,
    to: Option<Recipients>,
    mode: Mode,
    timeout: Duration,
    encodings: Encodings,
    pub(crate) signing: Signing,
}

/// A builder of a Producer that has no identity yet.
#[derive(Clone, Debug)]
pub struct WantsIdentity(());

/// A builder of a Producer that has an identity.
#[derive(Clone, Debug)]
pub struct Identified(String);

impl ProducerBuilder<WantsIdentity> {
    /// Who sends the Commands: `from` of every message (HTTPS 1.1 3.3.2, DECISIONS M6), at most 256 characters and no control
    /// characters (DECISIONS M16).
    #[must_use]
    pub fn identity(self, identity: impl Into<String>) -> ProducerBuilder<Identified> {
        let Self { transfer, identity: _, to, mode, timeout, encodings, signing } = self;
        ProducerBuilder { transfer, identity: Identified(identity.into()), to, mode, timeout, encodings, signing }
    }
}

impl ProducerBuilder<Identified> {
    /// Whom the Commands are meant for: `to` of every message. By default, and with no recipients, nobody is named.
    #[must_use]
    pub fn to<R: Into<String>>(self, recipients: impl IntoIterator<Item = R>) -> Self {
        Self { to: Recipients::new(recipients.into_iter().map(Into::into).collect()).ok(), ..self }
    }

    /// How Responses are read. Default lenient.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// How long to wait for answers, 24 hours at most. Default 60 seconds: a Consumer may take 30 to perform a Command before
    /// it says that it is still at it (DECISIONS L7).
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(LONGEST_TIMEOUT), ..self }
    }

    /// How Commands are written, the first of them, and how answers may be written. Default JSON by name.
    #[must_use]
    pub fn encodings(self, encodings: Encodings) -> Self {
        Self { encodings, ..self }
    }

    /// The finished Producer.
    #[must_use]
    pub fn build(self) -> Producer {
        let Self { transfer, identity: Identified(from), to, mode, timeout, encodings, signing } = self;
        Producer { transfer, encodings, from, to, mode, timeout, signing }
    }
}

impl<Identity: fmt::Debug> fmt::Debug for ProducerBuilder<Identity> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProducerBuilder").field(&self.identity).finish()
    }
}

fn outgoing(prepared: &Prepared, timeout: Duration) -> Outgoing {
    let request_id = Some(prepared.request_id.to_string());
    Outgoing { request_id, timeout, ..Outgoing::new(prepared.body.clone(), prepared.media_type) }
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// Keeps deadlines within what clocks can represent.
pub(crate) const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
