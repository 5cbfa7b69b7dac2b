//! A Command that was sent and waits for its Responses: matched by request id, until a deadline.

use std::time::Duration;

use oc2_core::types::text::RequestId;
use oc2_core::{Body, Content, Envelope, Form, Headers, Message, Mode, Response, ResponseType, StatusCode};
use oc2_encoding::{Decoded, Encodings};
use oc2_transfer::{Answer, Answers, TransferError};
use tokio::time::{Instant, timeout_at};

use crate::error::{AnswerError, ProducerError};
use crate::received::Received;

/// A Command that was sent, and its Responses as they arrive.
#[derive(Debug)]
pub struct Exchange {
    correlation: Correlation,
    answers: Answers,
    sent: Instant,
    timeout: Duration,
}

impl Exchange {
    pub(crate) fn new(correlation: Correlation, answers: Answers, sent: Instant, timeout: Duration) -> Self {
        Self { correlation, answers, sent, timeout }
    }

    /// The id of the Command.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.correlation.request_id
    }

    /// The next Response, or why an answer is none; `None` if there are no more, or none in time. Where no answer is wanted,
    /// only what is there already is given.
    ///
    /// Several come where several Consumers answer, and where one answers 102 first and finishes later; an answer that is no
    /// Response does not end the exchange.
    pub async fn next(&mut self) -> Option<Result<Received, ProducerError>> {
        let deadline = match self.correlation.wanted {
            ResponseType::None => Instant::now(),
            ResponseType::Ack | ResponseType::Status | ResponseType::Complete => self.deadline(),
        };
        // Past the deadline, what is there already is still given.
        let answer = timeout_at(deadline, self.answers.next()).await.ok()??;
        Some(match answer {
            Ok(answer) => self.correlation.read(&answer, self.sent.elapsed()).map_err(ProducerError::from),
            Err(error) => Err(error.into()),
        })
    }

    /// Waits for the first last word of a Consumer, or else gives the last 102 there was; `None` if no answer was wanted and
    /// none came.
    ///
    /// # Errors
    /// What came instead of a Response, if anything did; else that nothing came, or not in time.
    pub async fn finish(mut self) -> Result<Option<Received>, ProducerError> {
        let mut interim = None;
        let mut failure = None;
        while let Some(received) = self.next().await {
            match received {
                Ok(received) if received.is_final => return Ok(Some(received)),
                Ok(received) => interim = Some(received),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match (interim, failure) {
            (Some(interim), _) => Ok(Some(interim)),
            (None, Some(error)) => Err(error),
            (None, None) if self.correlation.wanted == ResponseType::None => Ok(None),
            (None, None) if self.deadline() <= Instant::now() => Err(TransferError::Timeout(self.timeout).into()),
            (None, None) => Err(ProducerError::NoAnswer),
        }
    }

    fn deadline(&self) -> Instant {
        self.sent + self.timeout
    }
}

/// What makes an answer a Response to the Command.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) request_id: RequestId,
    pub(crate) wanted: ResponseType,
    pub(crate) encodings: Encodings,
    pub(crate) mode: Mode,
}

impl Correlation {
    fn read(&self, answer: &Answer, elapsed: Duration) -> Result<Received, AnswerError> {
        match answer.status {
            _ if !answer.body.is_empty() => self.read_message(answer, elapsed),
            Some(status) => Ok(self.without_message(status, elapsed)),
            None => Err(AnswerError::Empty),
        }
    }

    /// Where there is no message, the status of the transfer counts (DECISIONS R5).
    fn without_message(&self, status: StatusCode, elapsed: Duration) -> Received {
        let notes = match self.wanted {
            ResponseType::None => Vec::new(),
            ResponseType::Ack | ResponseType::Status | ResponseType::Complete => vec![NO_MESSAGE.to_owned()],
        };
        Received {
            response: Response::new(status),
            headers: Headers::default(),
            signature: None,
            has_message: false,
            is_final: self.is_final(status),
            notes,
            elapsed,
        }
    }

    fn read_message(&self, answer: &Answer, elapsed: Duration) -> Result<Received, AnswerError> {
        let (Decoded { message, form, .. }, mut notes) = self.decode(answer)?;
        let Message { headers, body: Body::OpenC2(content), signature } = message;
        let response = match content {
            Content::Response(response) => response,
            Content::Request(_) => return Err(AnswerError::OtherContent("a Command")),
            Content::Notification(_) => return Err(AnswerError::OtherContent("a notification")),
        };
        notes.extend(self.correlate(&headers, form)?);
        notes.extend(remark_on_created(&headers));
        notes.extend(answer.status.and_then(|status| remark_on_status(status, response.status)));
        let is_final = self.is_final(response.status);
        Ok(Received { response, headers, signature, has_message: true, is_final, notes, elapsed })
    }

    fn decode(&self, answer: &Answer) -> Result<(Decoded, Vec<String>), AnswerError> {
        let (encoding, deviation) = match self.encodings.for_content_type(answer.content_type.as_deref(), self.mode) {
            Ok(selection) => (selection.encoding, selection.deviation.map(str::to_owned)),
            // What says to be something else may be a Response all the same; if it is not, that it says so tells more.
            Err(error) if self.mode == Mode::Lenient => {
                let encoding = self.encodings.preferred();
                let decoded = encoding.decode(&answer.body, self.mode).map_err(|_| error.clone())?;
                return Ok(with_notes(decoded, Some(error.to_string())));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(with_notes(encoding.decode(&answer.body, self.mode)?, deviation))
    }

    /// A Response names the Command's id (LS 3.2); a bare one has no place for it (DECISIONS M1).
    fn correlate(&self, headers: &Headers, form: Form) -> Result<Option<String>, AnswerError> {
        match headers.request_id() {
            Some(found) if *found == self.request_id => Ok(None),
            Some(found) => Err(AnswerError::OtherRequest { expected: self.request_id.clone(), found: found.clone() }),
            None if form.envelope == Envelope::Bare => Ok(None),
            None if self.mode == Mode::Lenient => Ok(Some("headers: the request_id is missing".to_owned())),
            None => Err(AnswerError::NoRequestId),
        }
    }

    /// 102 is the last word where no other is due (DECISIONS L5, L6).
    fn is_final(&self, status: StatusCode) -> bool {
        status != StatusCode::Processing || matches!(self.wanted, ResponseType::Ack | ResponseType::Status)
    }
}

fn with_notes(decoded: Decoded, deviation: Option<String>) -> (Decoded, Vec<String>) {
    let notes = deviation.into_iter().chain(decoded.notes.iter().map(ToString::to_string)).collect();
    (decoded, notes)
}

/// The Response counts (DECISIONS R5); 102 travels as another status where the transfer has no final 102 (DECISIONS H1).
fn remark_on_status(of_transfer: StatusCode, of_response: StatusCode) -> Option<String> {
    let is_same = of_transfer == of_response || (of_transfer, of_response) == (StatusCode::Ok, StatusCode::Processing);
    (!is_same).then(|| {
        format!("the status of the transfer is {}, that of the Response {}", of_transfer.as_u16(), of_response.as_u16())
    })
}

/// Some count seconds (DECISIONS M4).
fn remark_on_created(headers: &Headers) -> Option<String> {
    let created = headers.created().filter(|created| created.as_millis() < FIRST_LIKELY)?;
    Some(format!("headers.created: {created} lies before 1974; milliseconds are due"))
}

const NO_MESSAGE: &str = "a Response is due; there is only the status of the transfer";
const FIRST_LIKELY: u64 = 100_000_000_000;
