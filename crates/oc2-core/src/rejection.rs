//! Why a Consumer did not perform a Command, and the one place that knows the status for it.

use std::fmt;

use crate::response::Response;
use crate::shape::read::ReadError;
use crate::status::StatusCode;

/// A Command that was not performed: the class of the cause, and a sentence for the Producer.
///
/// The sentence leaves the host: no paths, command lines or backtraces belong in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    class: Class,
    text: String,
    clause: &'static str,
}

/// Who or what is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The Producer sent something that is not a Command.
    Malformed,
    /// Credentials are missing or were refused.
    Unauthenticated,
    /// The Producer may not do this.
    Forbidden,
    /// Nothing matches the Command.
    NotFound,
    /// Something unexpected happened here.
    Failed,
    /// This Consumer cannot do this.
    Unsupported,
    /// Not now.
    Unavailable,
}

impl Class {
    /// The status that stands for the class (LS 3.3.2.1, DECISIONS L2).
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BadRequest,
            Self::Unauthenticated => StatusCode::Unauthorized,
            Self::Forbidden => StatusCode::Forbidden,
            Self::NotFound => StatusCode::NotFound,
            Self::Failed => StatusCode::InternalError,
            Self::Unsupported => StatusCode::NotImplemented,
            Self::Unavailable => StatusCode::ServiceUnavailable,
        }
    }
}

impl Rejection {
    /// A rejection of this class.
    #[must_use]
    pub fn new(class: Class, text: impl Into<String>) -> Self {
        Self { class, text: text.into(), clause: "" }
    }

    /// 400
    #[must_use]
    pub fn malformed(text: impl Into<String>) -> Self {
        Self::new(Class::Malformed, text)
    }

    /// 404
    #[must_use]
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(Class::NotFound, text)
    }

    /// 500
    #[must_use]
    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(Class::Failed, text)
    }

    /// 501
    #[must_use]
    pub fn unsupported(text: impl Into<String>) -> Self {
        Self::new(Class::Unsupported, text)
    }

    /// 503
    #[must_use]
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(Class::Unavailable, text)
    }

    /// The same, by this clause.
    #[must_use]
    pub fn against(self, clause: &'static str) -> Self {
        Self { clause, ..self }
    }

    /// The clause that is offended, as [`ReadError::clause`] has it. Empty if no one clause is.
    #[must_use]
    pub fn clause(&self) -> &'static str {
        self.clause
    }

    /// The class of the cause.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.class.status()
    }

    /// The sentence for the Producer.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Rejection {}

/// An ill-typed value is the Producer's fault.
impl From<ReadError> for Rejection {
    fn from(error: ReadError) -> Self {
        Self::malformed(error.to_string())
    }
}

impl From<Rejection> for Response {
    fn from(rejection: Rejection) -> Self {
        Self::new(rejection.status()).with_text(rejection.text)
    }
}
