//! The outcome of a Command as a number (LS 3.3.2.1).

use crate::enumerated;

enumerated! {
    /// The status of a Response (LS 3.3.2.1). No other number can be written; none is read.
    pub enum StatusCode: "Status-Code" in "LS 3.3.2.1 (LS-136)" by id {
        /// The Command was accepted and is not complete.
        Processing = 102 "Processing",
        /// The Command succeeded.
        Ok = 200 "OK",
        /// The Consumer takes the Command for a mistake of the Producer, such as malformed syntax.
        BadRequest = 400 "Bad Request",
        /// Credentials are missing or were refused.
        Unauthorized = 401 "Unauthorized",
        /// The Command was understood and is not authorized.
        Forbidden = 403 "Forbidden",
        /// Nothing matches the Command.
        NotFound = 404 "Not Found",
        /// An unexpected condition in the Consumer.
        InternalError = 500 "Internal Error",
        /// The functionality needed is not supported.
        NotImplemented = 501 "Not Implemented",
        /// Temporary overload or maintenance.
        ServiceUnavailable = 503 "Service Unavailable",
    }
}

impl StatusCode {
    /// The number on the wire, for transfers that have a place for it.
    #[must_use]
    pub fn as_u16(self) -> u16 {
        // The table holds no number beyond 503.
        u16::try_from(self.id()).unwrap_or(500)
    }

    /// The status with this number.
    #[must_use]
    pub fn from_u16(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_u16() == number)
    }

    /// Whether the Command is done or under way: 102 and 200.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Processing | Self::Ok)
    }
}
