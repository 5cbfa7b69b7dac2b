//! Signing what is sent (LS 1.1 3.3.4, DECISIONS M14).

#[cfg(feature = "signature")]
use std::sync::Arc;

use oc2_core::Message;
#[cfg(feature = "signature")]
use oc2_encoding::SigningKey;
use oc2_encoding::{EncodeError, Encoding};

#[cfg(feature = "signature")]
use crate::producer::{Identified, ProducerBuilder};

/// The key that Commands are signed with, if they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signing {
    #[cfg(feature = "signature")]
    key: Option<Arc<SigningKey>>,
}

impl Signing {
    /// Signs a message as this encoding will write it.
    ///
    /// # Errors
    /// It cannot be written, or not in JSON by name, which is all that can be signed.
    #[cfg_attr(not(feature = "signature"), expect(clippy::unused_self, unused_variables, reason = "there is no key"))]
    pub(crate) fn sign(&self, message: &mut Message, encoding: &dyn Encoding) -> Result<(), EncodeError> {
        #[cfg(feature = "signature")]
        if let Some(key) = &self.key {
            let bytes = encoding.encode(message, encoding.default_form())?;
            message.signature = Some(key.sign(&bytes)?);
        }
        Ok(())
    }
}

#[cfg(feature = "signature")]
impl ProducerBuilder<Identified> {
    /// Signs every Command with this key, whose id tells Consumers who signed; they may insist that `from` is that id. What is
    /// sent as it is, is not signed. Only JSON by name can be.
    #[must_use]
    pub fn sign_with(mut self, key: SigningKey) -> Self {
        self.signing = Signing { key: Some(Arc::new(key)) };
        self
    }
}
