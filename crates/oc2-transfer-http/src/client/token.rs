//! The token of a Producer (RFC 6750, DECISIONS H6).

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderValue;

/// Where the token comes from that a Consumer is shown. It is asked for with each message, so that a token can be renewed.
#[derive(Clone)]
pub struct Token(Arc<dyn Fn() -> io::Result<String> + Send + Sync>);

impl Token {
    /// A token in a file, which has nothing else in it.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::from_fn(move || fs::read_to_string(&path))
    }

    /// A token that a function tells. It should not take long.
    #[must_use]
    pub fn from_fn(token: impl Fn() -> io::Result<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(token))
    }

    /// The `Authorization` field.
    pub(super) fn field(&self) -> Result<HeaderValue, String> {
        let token = (self.0)().map_err(|error| format!("our token cannot be read: {error}"))?;
        let token = token.trim();
        // RFC 6750 2.1
        let is_token = !token.is_empty() && token.bytes().all(|o| o.is_ascii_alphanumeric() || b"-._~+/=".contains(&o));
        let field = is_token.then(|| HeaderValue::try_from(format!("Bearer {token}")).ok()).flatten();
        let mut field = field.ok_or("our token is none: it has to be letters, digits and -._~+/= only")?;
        field.set_sensitive(true);
        Ok(field)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_asked_for_each_time_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let token = Token::from_file(&path);
        assert!(token.field().unwrap_err().starts_with("our token cannot be read: "));
        for text in ["abc.def-_~+/==", "another"] {
            fs::write(&path, format!("{text}\n")).unwrap();
            let field = token.field().unwrap();
            assert_eq!(field, format!("Bearer {text}"));
            assert!(!format!("{field:?} {token:?}").contains(text));
        }
    }

    #[test]
    fn what_is_no_token_is_not_sent() {
        for text in ["", "\n", "a b", "a\r\nX: b", "a\u{e4}", "a\0"] {
            let error = Token::from_fn(move || Ok(text.to_owned())).field().unwrap_err();
            assert_eq!(error, "our token is none: it has to be letters, digits and -._~+/= only");
        }
    }
}
