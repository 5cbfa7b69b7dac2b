//! The forms a String may be bound to (LS 3.1.2), each as a check of a text that neither copies nor changes it.
//!
//! A refusal is a phrase that follows the quoted value: `"-a.example" is not a hostname: a label starts or ends with a
//! hyphen`. Every check takes time linear in the length of the text.

mod character;
mod command_id;
mod email;
mod hostname;
mod idn_email;
mod idn_hostname;
mod iri;
mod media_type;
mod request_id;
#[cfg(test)]
mod testing;
mod uri;
mod version;

pub(crate) use character::noncharacter;
pub(crate) use command_id::command_id;
pub(crate) use email::email;
pub(crate) use hostname::hostname;
pub(crate) use idn_email::idn_email;
pub(crate) use idn_hostname::idn_hostname;
pub(crate) use iri::iri;
pub(crate) use media_type::media_type;
pub(crate) use request_id::{identifier, request_id};
pub(crate) use uri::uri;
pub(crate) use version::{version_emitted, version_received};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_answered() {
        for unit in [
            "a", "a.", "-", "xn--", "xn--a.", "@", "a@", "\"", "\\", "[", ":", "a:", "%", "ä", "ä.", "\u{200C}",
            "\u{FDD0}",
        ] {
            let text = unit.repeat(1 << 16);
            let _ = (hostname(&text), idn_hostname(&text), email(&text), idn_email(&text), uri(&text), iri(&text));
            let _ = (command_id(&text), version_received(&text), version_emitted(&text), request_id(&text));
            let _ = (media_type(&text), noncharacter(&text));
        }
    }
}
