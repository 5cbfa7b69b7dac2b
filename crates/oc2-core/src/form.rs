//! How a message was written, remembered so that its answer is written alike (DECISIONS M1, E1).

/// The form of a message. Together with the encoding, JSON or CBOR, it says how every value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Form {
    /// Whether the content travels in a Message or bare.
    pub envelope: Envelope,
    /// How tables are written.
    pub notation: Notation,
}

impl Form {
    /// By name, in a Message: what we send in JSON unless asked in another form.
    pub const DEFAULT: Self = Self { envelope: Envelope::Message, notation: Notation::Verbose };

    /// The same form with another envelope.
    #[must_use]
    pub const fn with_envelope(self, envelope: Envelope) -> Self {
        Self { envelope, ..self }
    }

    /// The same form with another notation.
    #[must_use]
    pub const fn with_notation(self, notation: Notation) -> Self {
        Self { notation, ..self }
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

/// How tables are written (LS 3.1.5, JADN 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Notation {
    /// Names for fields and enumerated values, objects for Records, text for octets: the JSON of LS 3.1.5 (JADN 4.1), and CBOR
    /// of the same, which no standard defines and others send.
    #[default]
    Verbose,
    /// As verbose, with Records as arrays (JADN 4.2). JSON only.
    Compact,
    /// Ids for names, Records as arrays, octets as such: the CBOR of JADN 4.4, and in JSON, where octets are base64url, the
    /// concise form of JADN 4.3.
    Concise,
}

impl Notation {
    /// Whether Records are arrays.
    #[must_use]
    pub const fn is_positional(self) -> bool {
        matches!(self, Self::Compact | Self::Concise)
    }
}
