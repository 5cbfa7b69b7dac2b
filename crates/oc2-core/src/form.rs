//! How a message was written, remembered so that its answer is written alike (DECISIONS M1).

/// The form of a message.
///
/// So far there is one serialisation, JSON by name (LS 3.1.5); the others get their place here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Form {
    /// Whether the content travels in a Message or bare.
    pub envelope: Envelope,
}

impl Form {
    /// JSON by name, in a Message: what we send unless asked in another form.
    pub const DEFAULT: Self = Self { envelope: Envelope::Message };

    /// The same form with another envelope.
    #[must_use]
    pub const fn with_envelope(self, envelope: Envelope) -> Self {
        Self { envelope }
    }
}

/// What is around the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// A Message with headers and a body (LS 1.1 3.2, HTTPS 1.1 3.3.2).
    #[default]
    Message,
    /// Nothing: the bare Command or Response of HTTPS 1.0.
    Bare,
}
