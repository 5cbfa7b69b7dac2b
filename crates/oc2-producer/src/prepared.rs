//! Messages that are ready to be sent.

use bytes::Bytes;
use oc2_core::types::text::RequestId;
use oc2_core::{Content, Message, ResponseType};
use uuid::Uuid;

/// A message that is ready to be sent, to the byte. Sent twice it is the same Command, which a Consumer performs once
/// (DECISIONS M12).
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) body: Bytes,
    pub(crate) media_type: &'static str,
    pub(crate) request_id: RequestId,
    pub(crate) wanted: ResponseType,
    pub(crate) remarks: Vec<String>,
}

impl Prepared {
    /// The message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The id its Responses are matched by.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Which answer is wanted.
    #[must_use]
    pub fn response_wanted(&self) -> ResponseType {
        self.wanted
    }

    /// What the standard advises against, in sentences for people.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }
}

/// A new id: a version 4 UUID (LS 3.2, HTTPS 1.1 3.3.3).
pub(crate) fn new_request_id() -> RequestId {
    let mut text = Uuid::encode_buffer();
    RequestId::new(Uuid::new_v4().hyphenated().encode_lower(&mut text)).expect("a UUID is 36 characters of ASCII")
}

/// Which answer a message asks for; what is no Command is asked to be answered.
pub(crate) fn response_wanted(message: &Message) -> ResponseType {
    match message.content() {
        Content::Request(command) => command.args.response_wanted(),
        Content::Response(_) | Content::Notification(_) => ResponseType::Complete,
    }
}
