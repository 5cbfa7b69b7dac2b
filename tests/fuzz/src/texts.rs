//! Every type that is a text, each by its own rules.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use oc2_core::command::Pair;
use oc2_core::nsid::FieldName;
use oc2_core::target::{Ipv4Net, Ipv6Net};
use oc2_core::types::hashes::Hash;
use oc2_core::types::mac::MacAddr;
use oc2_core::types::port::L4Protocol;
use oc2_core::types::text::{
    CommandId, DomainName, EmailAddr, Hostname, IdnDomainName, IdnEmailAddr, IdnHostname, Iri, MimeType, RequestId,
    Uri, Version,
};
use oc2_core::{Action, Feature, Nsid, ResponseType, TargetName};
use oc2_profile_slpf::{Direction, DropProcess, Host, RuleNumber};

/// The first byte chooses a type, the rest is a text: one that is accepted is written as a text that is the same value.
pub fn texts(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let Ok(text) = str::from_utf8(bytes) else { return };
    KINDS[usize::from(*choice) % KINDS.len()](text);
}

/// What is done with a text of each type; says whether it is one.
pub(crate) const KINDS: &[fn(&str) -> bool] = &[
    hostname,
    survives::<IdnHostname>,
    domain_name,
    survives::<IdnDomainName>,
    survives::<EmailAddr>,
    survives::<IdnEmailAddr>,
    uri,
    survives::<Iri>,
    survives::<CommandId>,
    survives::<RequestId>,
    survives::<Version>,
    survives::<MimeType>,
    survives::<Nsid>,
    survives::<FieldName>,
    survives::<Ipv4Net>,
    survives::<Ipv6Net>,
    survives::<MacAddr>,
    survives::<Hash<16>>,
    survives::<Hash<20>>,
    survives::<Hash<32>>,
    survives::<Action>,
    survives::<Feature>,
    survives::<L4Protocol>,
    survives::<ResponseType>,
    survives::<TargetName>,
    survives::<Pair>,
    survives::<Host>,
    survives::<RuleNumber>,
    survives::<Direction>,
    survives::<DropProcess>,
];

fn hostname(text: &str) -> bool {
    let is_one = survives::<Hostname>(text);
    assert_eq!(is_one, text.parse::<DomainName>().is_ok(), "{text:?}: one of hostname and domain name alone");
    is_one
}

fn domain_name(text: &str) -> bool {
    survives::<DomainName>(text)
}

/// Every URI is an IRI (RFC 3987 1.2).
fn uri(text: &str) -> bool {
    let is_one = survives::<Uri>(text);
    assert!(!is_one || text.parse::<Iri>().is_ok(), "{text:?}: a URI, but not an IRI");
    is_one
}

fn survives<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) -> bool {
    let value: T = match text.parse() {
        Ok(value) => value,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "{text:?} is refused without a reason");
            return false;
        }
    };
    let written = value.to_string();
    match written.parse::<T>() {
        Ok(again) => {
            assert_eq!(again, value, "{text:?} is written as {written:?}, another value");
            assert_eq!(again.to_string(), written, "{text:?} is written otherwise again");
        }
        Err(error) => panic!("{text:?} is written as {written:?}, which is refused: {error}"),
    }
    true
}
