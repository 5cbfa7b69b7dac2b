//! Strings that follow a format (LS 3.1.2, 3.4.2).

mod format;

pub(crate) use format::{identifier, noncharacter};

/// Declares a string that its constructor checks; `$check` gives the text to keep.
macro_rules! checked_text {
    ($(#[$meta:meta])* $name:ident: $type:literal in $clause:literal as $format:expr, $min:literal..$max:expr, $what:literal,
        $check:expr $(, absent when $absent:literal)?) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(compact_str::CompactString);

        impl $name {
            /// Checks a text.
            ///
            /// # Errors
            /// The text is not one; the error says why.
            pub fn new(text: &str) -> Result<Self, $crate::invalid::Invalid> {
                Self::kept(text).map(|kept| Self(kept.into()))
            }

            /// What is kept of a text.
            fn kept(text: &str) -> Result<&str, $crate::invalid::Invalid> {
                let check: fn(&str) -> Result<&str, &'static str> = $check;
                check(text).map_err(|reason| $crate::invalid::Invalid::text(text, reason))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::invalid::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::invalid::Invalid;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl $crate::shape::read::Read for $name {
            fn shape() -> &'static $crate::shape::Shape {
                use $crate::shape::{Format, Kind, Shape};
                const SHAPE: Shape =
                    Shape::plain($type, $clause, Kind::String { format: $format, min: $min, max: $max });
                &SHAPE
            }

            fn read<'de, D: serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::shape::read::text(context, deserializer, $what, Self::new)
            }

            fn read_to<'de, D: serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
                place: &mut impl $crate::shape::read::Place<Self>,
            ) -> Result<(), D::Error> {
                $crate::shape::read::text(context, deserializer, $what, |text| {
                    place.put(Self(Self::kept(text)?.into()));
                    Ok(())
                })
            }

            fn read_optional<'de, D: serde::Deserializer<'de>>(
                context: &mut $crate::shape::read::Context,
                deserializer: D,
                slot: &mut Option<Self>,
            ) -> Result<(), D::Error> {
                $crate::shape::read::text(context, deserializer, $what, |text| match text {
                    $($absent => Ok(()),)?
                    text => {
                        *slot = Some(Self(Self::kept(text)?.into()));
                        Ok(())
                    }
                })
            }
        }

        impl $crate::shape::write::Write for $name {
            fn write<S: serde::Serializer>(
                &self,
                _: $crate::form::Form,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

checked_text! {
    /// A hostname (LS 3.4.2.6, RFC 1123). A final dot is accepted and dropped.
    Hostname: "Hostname" in "LS 3.4.2.6 (LS-191, LS-022), DECISIONS L32" as Format::Named("hostname"), 1..Some(253), "a hostname", format::hostname
}

checked_text! {
    /// An internationalized hostname (LS 3.4.2.7, RFC 5890 2.3.2.3).
    IdnHostname: "IDN-Hostname" in "LS 3.4.2.7 (LS-192, LS-024), DECISIONS L32" as Format::Named("idn-hostname"), 1..None, "an internationalized hostname", format::idn_hostname
}

checked_text! {
    /// A domain name (LS 3.4.1.3). A final dot is accepted and dropped.
    DomainName: "Domain-Name" in "LS 3.4.1.3 (LS-155, LS-022), DECISIONS L20" as Format::Named("hostname"), 1..Some(253), "a domain name", format::hostname
}

checked_text! {
    /// An internationalized domain name (LS 3.4.1.7).
    IdnDomainName: "IDN-Domain-Name" in "LS 3.4.1.7 (LS-164, LS-024), DECISIONS L32" as Format::Named("idn-hostname"), 1..None, "an internationalized domain name", format::idn_hostname
}

checked_text! {
    /// An email address (LS 3.4.1.4, RFC 5322 3.4.1).
    EmailAddr: "Email-Addr" in "LS 3.4.1.4 (LS-156, LS-020), DECISIONS L35" as Format::Named("email"), 1..None, "an email address", |text| format::email(text).map(|()| text)
}

checked_text! {
    /// An internationalized email address (LS 3.4.1.8, RFC 6531).
    IdnEmailAddr: "IDN-Email-Addr" in "LS 3.4.1.8 (LS-165, LS-023), DECISIONS L35" as Format::Named("idn-email"), 1..None, "an internationalized email address", |text| format::idn_email(text).map(|()| text)
}

checked_text! {
    /// A uniform resource identifier (LS 3.4.1.17, RFC 3986).
    Uri: "URI" in "LS 3.4.1.17 (LS-183, LS-026), DECISIONS L35" as Format::Named("uri"), 1..None, "a URI", |text| format::uri(text).map(|()| text)
}

checked_text! {
    /// An internationalized resource identifier (LS 3.4.1.13, RFC 3987).
    Iri: "IRI" in "LS 3.4.1.13 (LS-176, LS-025), DECISIONS L35" as Format::Named("iri"), 1..None, "an IRI", |text| format::iri(text).map(|()| text)
}

checked_text! {
    /// The identifier of a Command: at most 36 characters, no white space (LS 3.4.2.16).
    CommandId: "Command-ID" in "LS 3.4.2.16 (LS-202), DECISIONS L33" as Format::Pattern(r"^\S{0,36}$"), 0..Some(36), "a command id", |text| format::command_id(text).map(|()| text)
}

checked_text! {
    /// The identifier that correlates a message with its answers: 1 to 256 characters, no control characters
    /// (LS 3.2, DECISIONS M9). An empty one on the wire counts as absent.
    RequestId: "String" in "LS 3.2 (LS-078), DECISIONS M9" as Format::Pattern(r"^[^\u0000-\u001F\u007F-\u009F]*$"), 0..Some(256), "a request id", |text| match text {
        "" => Err("is not a request id: it is empty"),
        _ => format::request_id(text).map(|()| text),
    }, absent when ""
}

checked_text! {
    /// A version of the language, at most 16 characters when received (LS 3.4.2.17, DECISIONS L10).
    Version: "Version" in "LS 3.4.2.17 (LS-203), DECISIONS L10" as Format::Free, 1..Some(16), "a version", |text| format::version_received(text).map(|()| text)
}

impl Version {
    /// Language Specification 1.0, the one published version.
    #[must_use]
    pub fn v1_0() -> Self {
        Self("1.0".into())
    }

    /// Whether it has the form that a sender must use, `major.minor`.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        format::version_emitted(&self.0).is_ok()
    }
}

checked_text! {
    /// A media type, `type/subtype` (RFC 6838). For what is sent; what is received is any String (DECISIONS L37).
    MimeType: "String" in "LS 3.4.1.1 (LS-153)" as Format::Free, 1..None, "a media type", |text| format::media_type(text).map(|()| text)
}
