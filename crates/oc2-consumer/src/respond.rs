//! From a Response to the bytes of a Reply: headers, form, and silence where silence is wanted.

mod template;

use std::sync::Arc;

use oc2_core::message::Recipients;
use oc2_core::types::text::RequestId;
use oc2_core::types::time::DateTime;
use oc2_core::{Form, Headers, Message, Response, ResponseType, StatusCode};
use oc2_encoding::{EncodeError, Encoding};
use oc2_transfer::{Encoded, Reply};

pub(crate) use self::template::Template;

/// What the answer to a message takes over from the message.
#[derive(Clone, Debug)]
pub(crate) struct Responder {
    pub(crate) identity: Arc<str>,
    pub(crate) encoding: Arc<dyn Encoding>,
    pub(crate) form: Form,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) to: Option<Arc<str>>,
    pub(crate) wanted: ResponseType,
}

impl Responder {
    /// The reply: nothing but the status if no answer is wanted, whatever happened (SLPF 3.2.1.7.1, DECISIONS L3, H3).
    pub(crate) fn reply(&self, response: Response) -> Reply {
        let status = response.status;
        if self.wanted == ResponseType::None {
            // Accepted is all that is told, whatever becomes of it (DECISIONS H3).
            return Reply::empty(if status.is_success() { StatusCode::Ok } else { status });
        }
        match self.write(DateTime::now(), response) {
            Ok(bytes) => Reply::new(status, Encoded { bytes: bytes.into(), media_type: self.encoding.media_type() }),
            Err(error) => {
                tracing::error!(%error, "A Response could not be written.");
                Reply::empty(StatusCode::InternalError)
            }
        }
    }

    /// The octets of an answer that is given at this time.
    fn write(&self, now: DateTime, response: Response) -> Result<Vec<u8>, EncodeError> {
        self.encoding.encode(&Message::response(self.headers(now), response), self.form)
    }

    fn headers(&self, now: DateTime) -> Headers {
        let mut headers = Headers::builder().created(now);
        if let Some(request_id) = &self.request_id {
            headers = headers.request_id(request_id.clone());
        }
        if let Some(Ok(to)) = self.to.as_deref().map(|to| Recipients::new(vec![to.to_owned()])) {
            headers = headers.to(to);
        }
        // An identity that no peer would read is worth less than the answer (DECISIONS M16).
        let named = headers.clone().from(&*self.identity).build();
        named.or_else(|_| headers.build()).unwrap_or_default()
    }
}
