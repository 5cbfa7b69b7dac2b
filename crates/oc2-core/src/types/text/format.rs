//! The forms a String may be bound to (LS 3.1.2), each as a check of a text that neither copies nor changes it.
//!
//! A refusal is a phrase that follows the quoted value: `"-a.example" is not a hostname: a label starts or ends with a
//! hyphen`. Every check takes time linear in the length of the text.

use std::net::{Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46, verify_dns_length};
use iri_string::types::{IriStr, UriStr};

/// A hostname (LS 3.1.2 `/hostname`; RFC 1034 3.5, RFC 1123 2.1). Gives the name without its final dot, if it has one.
///
/// A label may start with a digit, so a dotted quad is a hostname. A wildcard is not one, nor a label with an
/// underscore (DECISIONS L20, L32).
pub(crate) fn hostname(text: &str) -> Result<&str, &'static str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err("is not a hostname: it has no label");
    }
    if !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.')) {
        return Err("is not a hostname: it has a character other than letters, digits, hyphens and dots");
    }
    if name.len() > MAX_NAME {
        return Err("is not a hostname: it has more than 253 characters");
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err("is not a hostname: a label is empty");
        }
        if label.len() > MAX_LABEL {
            return Err("is not a hostname: a label has more than 63 characters");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("is not a hostname: a label starts or ends with a hyphen");
        }
    }
    Ok(name)
}

/// An internationalized hostname (LS 3.1.2 `/idn-hostname`; RFC 5890 2.3.2.3). Gives the name without its final dot,
/// if it has one.
///
/// What UTS 46 makes of the name counts: non-transitional processing with the STD3 rules and with hyphens, joiners,
/// direction and lengths checked, then the characters of RFC 5892 (DECISIONS L32). So letters in upper case and the full
/// stops of East Asia are accepted and an A-label that does not decode is refused. A [`hostname`] without A-labels is
/// valid as it is; elsewhere no other label has hyphens in third and fourth place.
pub(crate) fn idn_hostname(text: &str) -> Result<&str, &'static str> {
    let name = if text.is_ascii() {
        let name = hostname(text)?;
        if !name.split('.').any(is_a_label) {
            return Ok(name);
        }
        name
    } else {
        text.strip_suffix(FULL_STOPS).unwrap_or(text)
    };
    if name.len() > MAX_IDN_OCTETS {
        return Err("is not an internationalized hostname: it is too long");
    }
    let Ok(ascii) = Uts46::new().to_ascii(name.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Ignore)
    else {
        return Err(
            "is not an internationalized hostname: a label breaks a rule of IDNA (characters, hyphens, joiners, \
             direction, or an A-label that does not decode)",
        );
    };
    if !verify_dns_length(&ascii, false) {
        return Err(
            "is not an internationalized hostname: in ASCII form a label is empty or has more than 63 characters, \
             or the name has more than 253",
        );
    }
    let (unicode, _) = Uts46::new().to_unicode(name.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    if !unicode.split('.').all(follows_rfc_5892) {
        return Err("is not an internationalized hostname: a label has a character that RFC 5892 does not allow there");
    }
    Ok(name)
}

/// An email address (LS 3.1.2 `/email`): the addr-spec of RFC 5322 3.4.1 without comments, folding and obsolete forms
/// (DECISIONS L35). A quoted local part may have spaces, a domain literal not.
pub(crate) fn email(text: &str) -> Result<(), &'static str> {
    let domain = after_local_part(text, |_| false)?;
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match literal {
        Some(literal) if literal.chars().all(is_dtext) => Ok(()),
        Some(_) => Err("is not an email address: its domain literal has a character that is not allowed there"),
        None if is_dot_atom(domain, is_atext) => Ok(()),
        None => Err("is not an email address: its domain is neither atoms with dots between them nor a literal"),
    }
}

/// An internationalized email address (LS 3.1.2 `/idn-email`; RFC 6531 3.3): as [`email`], with characters beyond ASCII
/// in the local part, before an [`idn_hostname`] without final dot or the literal of an IP address (RFC 5321 4.1.3).
pub(crate) fn idn_email(text: &str) -> Result<(), &'static str> {
    let domain = after_local_part(text, is_utf8_non_ascii)?;
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match literal {
        Some(literal) if is_address_literal(literal) => Ok(()),
        Some(_) => Err("is not an email address: its domain literal is not an IP address"),
        None if idn_hostname(domain) == Ok(domain) => Ok(()),
        None => Err("is not an email address: its domain is not an internationalized hostname"),
    }
}

/// A URI (LS 3.1.2 `/uri`; RFC 3986 3): with a scheme, in ASCII (DECISIONS L35).
pub(crate) fn uri(text: &str) -> Result<(), &'static str> {
    if !text.is_ascii() {
        return Err("is not a URI: it has a character outside ASCII");
    }
    if !has_scheme(text) {
        return Err("is not a URI: it does not start with a scheme and a colon");
    }
    match UriStr::new(text) {
        Ok(_) => Ok(()),
        Err(_) => Err("is not a URI: what follows the scheme is not in the syntax of RFC 3986"),
    }
}

/// An IRI (LS 3.1.2 `/iri`; RFC 3987 2.2): with a scheme, and without the characters that only direct the display
/// (RFC 3987 4.1, DECISIONS L35).
pub(crate) fn iri(text: &str) -> Result<(), &'static str> {
    if !has_scheme(text) {
        return Err("is not an IRI: it does not start with a scheme and a colon");
    }
    if text.chars().any(is_bidi_formatting) {
        return Err("is not an IRI: it has a bidirectional formatting character");
    }
    match IriStr::new(text) {
        Ok(_) => Ok(()),
        Err(_) => Err("is not an IRI: what follows the scheme is not in the syntax of RFC 3987"),
    }
}

/// A Command-ID (LS 3.4.2.16), `^\S{0,36}$`. White space is what ECMAScript takes for it (DECISIONS L33).
pub(crate) fn command_id(text: &str) -> Result<(), &'static str> {
    if has_more_than(36, text) {
        return Err("is not a Command-ID: it has more than 36 characters");
    }
    if text.chars().any(is_ecmascript_space) {
        return Err("is not a Command-ID: it has white space");
    }
    Ok(())
}

/// A Version (LS 3.4.2.17) as others may send it: the form stands only in a description (DECISIONS L10, L37).
pub(crate) fn version_received(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("is not a Version: it is empty");
    }
    if has_more_than(16, text) {
        return Err("is not a Version: it has more than 16 characters");
    }
    Ok(())
}

/// A Version (LS 3.4.2.17) as we send it, `^\d+\.\d+$` (DECISIONS L10, L37).
pub(crate) fn version_emitted(text: &str) -> Result<(), &'static str> {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    match text.split_once('.') {
        Some((major, minor)) if is_number(major) && is_number(minor) => Ok(()),
        _ => Err("is not a Version: it is not two decimal numbers with a dot between them"),
    }
}

/// A `request_id` of a Message (DECISIONS M9). The empty one passes; the caller takes it for absent.
pub(crate) fn request_id(text: &str) -> Result<(), &'static str> {
    if has_more_than(256, text) {
        return Err("is not a request_id: it has more than 256 characters");
    }
    if text.chars().any(char::is_control) {
        return Err("is not a request_id: it has a control character");
    }
    Ok(())
}

/// A media type (LS 3.4.1.1 `mime_type`; RFC 6838 4.2): `type/subtype`. Parameters may follow; their form is not
/// looked into, except that they have no control characters.
pub(crate) fn media_type(text: &str) -> Result<(), &'static str> {
    let (essence, parameters) = match text.split_once(';') {
        Some((essence, parameters)) => (essence.trim_end_matches([' ', '\t']), parameters),
        None => (text, ""),
    };
    match essence.split_once('/') {
        Some((kind, subtype)) if is_restricted_name(kind) && is_restricted_name(subtype) => {}
        Some(_) => return Err("is not a media type: a side of its slash is not a name of RFC 6838"),
        None => return Err("is not a media type: it has no slash"),
    }
    if parameters.chars().any(|c| c.is_control() && c != '\t') {
        return Err("is not a media type: its parameters have a control character");
    }
    Ok(())
}

/// The first Unicode noncharacter, if there is one: I-JSON has none (RFC 7493 2.1, DECISIONS L34).
pub(crate) fn noncharacter(text: &str) -> Option<char> {
    text.chars().find(|&c| matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE)
}

/// Whether the label claims to be an A-label (RFC 5890 2.3.1 XN-label).
fn is_a_label(label: &str) -> bool {
    label.as_bytes().get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xn--"))
}

/// Whether all characters of a label that UTS 46 has let through are allowed where they stand: the contextual rules of
/// RFC 5892 A.3 to A.9, and [`DISALLOWED`]. UTS 46 has the rules for the joiners (A.1, A.2).
fn follows_rfc_5892(label: &str) -> bool {
    let mut before = None;
    let mut rest = label.chars();
    while let Some(c) = rest.next() {
        let is_allowed = match c {
            '\u{B7}' => before == Some('l') && rest.as_str().starts_with('l'),
            '\u{375}' => rest.as_str().starts_with(is_greek),
            '\u{5F3}' | '\u{5F4}' => before.is_some_and(is_hebrew),
            '\u{30FB}' => label.contains(is_kana_or_han),
            // With A.8 kept, so is A.9.
            '\u{660}'..='\u{669}' => !label.contains(|c| matches!(c, '\u{6F0}'..='\u{6F9}')),
            c => DISALLOWED.partition_point(|&bound| bound <= u32::from(c)) % 2 == 0,
        };
        if !is_allowed {
            return false;
        }
        before = Some(c);
    }
    true
}

/// Script=Greek, without what is [`DISALLOWED`].
fn is_greek(c: char) -> bool {
    matches!(
        c,
        '\u{370}'..='\u{3E1}' | '\u{3F0}'..='\u{3FF}' | '\u{1D26}'..='\u{1D2A}' | '\u{1F00}'..='\u{1FFF}' | '\u{AB65}'
    )
}

/// Script=Hebrew. UTS 46 maps the presentation forms.
fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5F4}')
}

/// Script=Hiragana, Katakana or Han, without what is [`DISALLOWED`] and what UTS 46 maps.
fn is_kana_or_han(c: char) -> bool {
    matches!(
        c,
        '\u{3005}' | '\u{3007}'
            | '\u{3041}'..='\u{3096}' | '\u{309D}'..='\u{309F}'
            | '\u{30A1}'..='\u{30FA}' | '\u{30FD}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}'
            | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{FA0E}'..='\u{FA29}'
            | '\u{16FE3}' | '\u{16FF0}'..='\u{16FF6}' | '\u{1AFF0}'..='\u{1AFFE}' | '\u{1B000}'..='\u{1B16F}'
            | '\u{20000}'..='\u{33479}'
    )
}

/// What follows the local part of an address and its `@`. `beyond_ascii` says which further characters are letters.
fn after_local_part(text: &str, beyond_ascii: fn(char) -> bool) -> Result<&str, &'static str> {
    if let Some(quoted) = text.strip_prefix('"') {
        let Some(domain) = after_quoted_string(quoted, beyond_ascii)?.strip_prefix('@') else {
            return Err("is not an email address: its quoted local part is not followed by an @");
        };
        return Ok(domain);
    }
    let Some((local, domain)) = text.split_once('@') else {
        return Err("is not an email address: it has no @");
    };
    if !is_dot_atom(local, |c| is_atext(c) || beyond_ascii(c)) {
        return Err("is not an email address: its local part is neither atoms with dots between them nor quoted");
    }
    Ok(domain)
}

/// What follows the closing quote (RFC 5322 3.2.4), for a text that starts behind the opening one.
fn after_quoted_string(text: &str, beyond_ascii: fn(char) -> bool) -> Result<&str, &'static str> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let is_allowed = match c {
            '"' => return Ok(chars.as_str()),
            '\\' => matches!(chars.next(), Some(' '..='~')),
            ' '..='~' => true,
            c => beyond_ascii(c),
        };
        if !is_allowed {
            return Err("is not an email address: its quoted local part has a character that is not allowed there");
        }
    }
    Err("is not an email address: its quoted local part does not end")
}

fn is_dot_atom(text: &str, is_atext: impl Fn(char) -> bool) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(&is_atext))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_dtext(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '[' | '\\' | ']')
}

/// RFC 6531 3.3 and 6532 3.1, without the control characters U+0080 to U+009F.
fn is_utf8_non_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control()
}

/// RFC 5321 4.1.3; `IPv6` is the only tag in its registry.
fn is_address_literal(literal: &str) -> bool {
    match literal.split_once(':') {
        Some((tag, address)) => tag.eq_ignore_ascii_case("IPv6") && address.parse::<Ipv6Addr>().is_ok(),
        None => literal.parse::<Ipv4Addr>().is_ok(),
    }
}

/// RFC 3986 3.1.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
    })
}

fn is_bidi_formatting(c: char) -> bool {
    matches!(
        c,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    )
}

/// `WhiteSpace` and `LineTerminator` of ECMA-262: with U+FEFF and without U+0085, else as Unicode has it.
fn is_ecmascript_space(c: char) -> bool {
    c == '\u{FEFF}' || (c.is_whitespace() && c != '\u{0085}')
}

/// RFC 6838 4.2.
fn is_restricted_name(name: &str) -> bool {
    name.len() <= 127
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&octet))
}

fn has_more_than(limit: usize, text: &str) -> bool {
    text.len() > limit && text.chars().nth(limit).is_some()
}

/// RFC 1034 3.1: 255 octets on the wire, which has one for the first length and one for the root.
const MAX_NAME: usize = 253;

const MAX_LABEL: usize = 63;

/// What the longest name takes when decomposed: a character has at most four parts of three octets, and costs the ASCII
/// form at least one. The bound is here because the work of Punycode is quadratic in the length of a label.
const MAX_IDN_OCTETS: usize = MAX_NAME * 4 * 3;

/// The full stop, and what UTS 46 maps to it.
const FULL_STOPS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

/// The characters that UTS 46 lets through and RFC 5892 disallows: the exceptions of its 2.6, the conjoining jamo (2.9),
/// the combining marks for symbols and music (2.4), and whatever is not a letter, a mark or a decimal digit (2.1).
///
/// Ranges in the order of Unicode, each with its first character and the one behind its last. They may run across
/// characters that UTS 46 maps or refuses, and across up to 16 that are not assigned. Computed from the categories in
/// `icu_properties` 2.4; a character that Unicode gets later is accepted as far as `idna` knows it.
const DISALLOWED: [u32; 492] = [
    0xA1, 0xB7, 0xBB, 0xD8, 0xF7, 0xF8, 0x2C2, 0x2C6, 0x2D2, 0x2EC, 0x2ED, 0x2EE, 0x2EF, 0x300, 0x3F6, 0x3F7, 0x482,
    0x483, 0x488, 0x48A, 0x55A, 0x560, 0x589, 0x590, 0x5BE, 0x5BF, 0x5C0, 0x5C1, 0x5C3, 0x5C4, 0x5C6, 0x5C7, 0x606,
    0x610, 0x61B, 0x620, 0x640, 0x641, 0x66A, 0x66E, 0x6D4, 0x6D5, 0x6DE, 0x6DF, 0x6E9, 0x6EA, 0x700, 0x70E, 0x7F6,
    0x7FB, 0x7FE, 0x800, 0x830, 0x83F, 0x85E, 0x85F, 0x888, 0x889, 0x964, 0x966, 0x970, 0x971, 0x9F2, 0x9FC, 0x9FD,
    0x9FE, 0xA76, 0xA77, 0xAF0, 0xAF2, 0xB70, 0xB71, 0xB72, 0xB78, 0xBF0, 0xBFB, 0xC77, 0xC80, 0xC84, 0xC85, 0xD4F,
    0xD50, 0xD58, 0xD5F, 0xD70, 0xD7A, 0xDF4, 0xDF5, 0xE3F, 0xE40, 0xE4F, 0xE50, 0xE5A, 0xE5C, 0xF01, 0xF0B, 0xF0D,
    0xF18, 0xF1A, 0xF20, 0xF2A, 0xF35, 0xF36, 0xF37, 0xF38, 0xF39, 0xF3A, 0xF3E, 0xF85, 0xF86, 0xFBE, 0xFC6, 0xFC7,
    0xFDB, 0x104A, 0x1050, 0x109E, 0x10A0, 0x10FB, 0x10FC, 0x1100, 0x1200, 0x1360, 0x137D, 0x1390, 0x139A, 0x1400,
    0x1401, 0x166D, 0x166F, 0x169B, 0x169D, 0x16EB, 0x16F1, 0x1735, 0x1737, 0x17D4, 0x17D7, 0x17D8, 0x17DC, 0x17F0,
    0x180B, 0x1940, 0x1946, 0x19DA, 0x1A00, 0x1A1E, 0x1A20, 0x1AA0, 0x1AA7, 0x1AA8, 0x1AAE, 0x1ABE, 0x1ABF, 0x1B4E,
    0x1B50, 0x1B5A, 0x1B6B, 0x1B74, 0x1B80, 0x1BFC, 0x1C00, 0x1C3B, 0x1C40, 0x1C7E, 0x1C80, 0x1CC0, 0x1CC8, 0x1CD3,
    0x1CD4, 0x2010, 0x205F, 0x20A0, 0x214E, 0x214F, 0x2183, 0x2185, 0x242A, 0x2440, 0x244B, 0x24EB, 0x2C00, 0x2CE5,
    0x2CEB, 0x2CF9, 0x2D00, 0x2D70, 0x2D71, 0x2E00, 0x2E2F, 0x2E30, 0x2E64, 0x2E80, 0x2EF3, 0x3001, 0x3005, 0x3008,
    0x302A, 0x302E, 0x303C, 0x303D, 0x3040, 0x30A0, 0x30A1, 0x3190, 0x3192, 0x31C0, 0x31E6, 0x3248, 0x3280, 0x4DC0,
    0x4E00, 0xA490, 0xA4C7, 0xA4FE, 0xA500, 0xA60D, 0xA610, 0xA670, 0xA674, 0xA67E, 0xA67F, 0xA6E6, 0xA6F0, 0xA6F2,
    0xA717, 0xA720, 0xA722, 0xA789, 0xA78B, 0xA828, 0xA82C, 0xA830, 0xA83A, 0xA874, 0xA878, 0xA8CE, 0xA8D0, 0xA8F8,
    0xA8FB, 0xA8FC, 0xA8FD, 0xA92E, 0xA930, 0xA95F, 0xA97D, 0xA9C1, 0xA9CE, 0xA9DE, 0xA9E0, 0xAA5C, 0xAA60, 0xAA77,
    0xAA7A, 0xAADE, 0xAAE0, 0xAAF0, 0xAAF2, 0xAB5B, 0xAB5C, 0xAB6A, 0xAB6C, 0xABEB, 0xABEC, 0xD7B0, 0xD7FC, 0xFBB2,
    0xFDD0, 0xFDFD, 0xFE00, 0xFE45, 0xFE47, 0x10100, 0x101A1, 0x101D0, 0x101FD, 0x102E1, 0x102FC, 0x10320, 0x10324,
    0x10341, 0x10342, 0x1034A, 0x1034B, 0x1039F, 0x103A0, 0x103D0, 0x103D6, 0x1056F, 0x10570, 0x10857, 0x10860,
    0x10877, 0x10880, 0x108A7, 0x108B0, 0x108FB, 0x10900, 0x10916, 0x10920, 0x1093F, 0x10940, 0x109BC, 0x109BE,
    0x109C0, 0x10A00, 0x10A40, 0x10A59, 0x10A7D, 0x10A80, 0x10A9D, 0x10AA0, 0x10AC8, 0x10AC9, 0x10AEB, 0x10AF7,
    0x10B39, 0x10B40, 0x10B58, 0x10B60, 0x10B78, 0x10B80, 0x10B99, 0x10BB0, 0x10CFA, 0x10D00, 0x10D6E, 0x10D6F,
    0x10D8E, 0x10D90, 0x10E60, 0x10E7F, 0x10EAD, 0x10EAE, 0x10EC9, 0x10ECB, 0x10ED0, 0x10ED9, 0x10F1D, 0x10F27,
    0x10F51, 0x10F5A, 0x10F86, 0x10F8A, 0x10FC5, 0x10FCC, 0x11047, 0x11066, 0x110BB, 0x110C2, 0x11140, 0x11144,
    0x11174, 0x11176, 0x111C5, 0x111C9, 0x111CD, 0x111CE, 0x111DB, 0x111DC, 0x111DD, 0x111F5, 0x11238, 0x1123E,
    0x112A9, 0x112AA, 0x113D4, 0x113D9, 0x1144B, 0x11450, 0x1145A, 0x1145E, 0x114C6, 0x114C7, 0x115C1, 0x115D8,
    0x11641, 0x11644, 0x11660, 0x1166D, 0x116B9, 0x116BA, 0x1173A, 0x11740, 0x1183B, 0x1183C, 0x118EA, 0x118F3,
    0x11944, 0x11947, 0x119E2, 0x119E3, 0x11A3F, 0x11A47, 0x11A9A, 0x11A9D, 0x11A9E, 0x11AA3, 0x11B00, 0x11B0A,
    0x11BE1, 0x11BE2, 0x11C41, 0x11C46, 0x11C5A, 0x11C72, 0x11EF7, 0x11EF9, 0x11F43, 0x11F50, 0x11FC0, 0x12000,
    0x12400, 0x12480, 0x12550, 0x12687, 0x12FF1, 0x12FF3, 0x16A6E, 0x16A70, 0x16AF5, 0x16AF6, 0x16B37, 0x16B40,
    0x16B44, 0x16B46, 0x16B5B, 0x16B62, 0x16D6D, 0x16D70, 0x16E80, 0x16E9B, 0x16FE2, 0x16FE3, 0x16FF4, 0x16FF7,
    0x1BC9C, 0x1BC9D, 0x1BC9F, 0x1BCA0, 0x1CC00, 0x1CEFE, 0x1CF50, 0x1CFC4, 0x1D000, 0x1D246, 0x1D253, 0x1D25B,
    0x1D25D, 0x1D25F, 0x1D260, 0x1D280, 0x1D2C0, 0x1D379, 0x1D800, 0x1DA00, 0x1DA37, 0x1DA3B, 0x1DA6D, 0x1DA75,
    0x1DA76, 0x1DA84, 0x1DA85, 0x1DA8C, 0x1DB00, 0x1DB1D, 0x1E14F, 0x1E150, 0x1E2FF, 0x1E300, 0x1E5FF, 0x1E600,
    0x1E8C7, 0x1E8D0, 0x1E95E, 0x1E960, 0x1EC71, 0x1ECB5, 0x1ED01, 0x1ED3E, 0x1EEF0, 0x1EEF2, 0x1F000, 0x1F1AF,
    0x1F1E6, 0x1F200, 0x1F260, 0x1F266, 0x1F300, 0x1F8D9, 0x1F900, 0x1FBFB,
];

#[cfg(test)]
mod tests {
    use super::*;

    // LS-022, LS-155, LS-191
    #[test]
    fn a_hostname_has_letters_digits_and_hyphens() {
        check(
            hostname,
            &[
                ("a", VALID),
                ("a.example", VALID),
                ("A.EXAMPLE", VALID),
                ("localhost", VALID),
                ("a-b.example", VALID),
                ("r3---sn-4g5e6n7k.example", VALID),
                ("xn--bcher-kva.example", VALID),
                ("xn--zzzzzzz99999.example", VALID),
                ("3com.example", VALID),
                ("example.123", VALID),
                ("192.0.2.1", VALID),
                ("", "it has no label"),
                ("-a.example", HYPHEN),
                ("a-.example", HYPHEN),
                ("a.-", HYPHEN),
                ("a..example", "a label is empty"),
                (".example", "a label is empty"),
                ("_dmarc.example", OTHER_CHARACTER),
                ("*.example", OTHER_CHARACTER),
                ("a b.example", OTHER_CHARACTER),
                ("a.example\n", OTHER_CHARACTER),
                ("a.example:80", OTHER_CHARACTER),
                ("2001:db8::1", OTHER_CHARACTER),
                ("bücher.example", OTHER_CHARACTER),
                ("a\u{3002}example", OTHER_CHARACTER),
            ],
        );
    }

    // LS-022
    #[test]
    fn a_label_has_at_most_63_characters_and_a_name_253() {
        let label = |length: usize| "a".repeat(length);
        let name = |last: usize| [label(63), label(63), label(63), label(last)].join(".");
        let too_long = "it has more than 253 characters";
        assert_eq!((name(61).len(), name(62).len()), (253, 254));
        for format in [hostname, idn_hostname] {
            check(
                format,
                &[
                    (&label(63), VALID),
                    (&label(64), "a label has more than 63 characters"),
                    (&format!("{}.example", label(63)), VALID),
                    (&format!("example.{}", label(64)), "a label has more than 63 characters"),
                    (&name(61), VALID),
                    (&name(62), too_long),
                    (&format!("{}.", name(61)), VALID),
                    (&format!("{}.", name(62)), too_long),
                    (&format!("{}..", name(61)), too_long),
                ],
            );
        }
    }

    // LS-022, LS-024
    #[test]
    fn one_final_dot_is_dropped() {
        for format in [hostname, idn_hostname] {
            assert_eq!(format("a.example"), Ok("a.example"));
            assert_eq!(format("a.example."), Ok("a.example"));
            assert_eq!(format("A."), Ok("A"));
            check(format, &[(".", "it has no label"), ("..", "a label is empty"), ("a.example..", "a label is empty")]);
        }
        assert_eq!(idn_hostname("Bücher.example."), Ok("Bücher.example"));
        assert_eq!(idn_hostname("例え。テスト。"), Ok("例え。テスト"));
        check(idn_hostname, &[("。", LENGTH), ("bücher.example..", LENGTH), ("bücher.example.\u{3002}", LENGTH)]);
    }

    // LS-024
    #[test]
    fn an_internationalized_hostname_follows_idna() {
        check(
            idn_hostname,
            &[
                ("a.example", VALID),
                ("192.0.2.1", VALID),
                ("bücher.example", VALID),
                ("bu\u{308}cher.example", VALID),
                ("BÜCHER.example", VALID),
                ("xn--bcher-kva.example", VALID),
                ("XN--BCHER-KVA.example", VALID),
                ("straße.example", VALID),
                ("例え.テスト", VALID),
                ("例え。テスト", VALID),
                ("a\u{3002}b", VALID),
                ("a\u{FF0E}b", VALID),
                ("a\u{FF61}b", VALID),
                ("\u{FF0E}", LENGTH),
                ("\u{FF61}", LENGTH),
                ("\u{3002}example", LENGTH),
                ("\u{FF0E}example", LENGTH),
                ("\u{FF61}example", LENGTH),
                (&"실례".repeat(40), LENGTH),
                (&format!("{}\u{FF61}com", "παράδειγμα".repeat(5)), VALID),
                ("실례.테스트", VALID),
                ("пример.испытание", VALID),
                ("παράδειγμα.δοκιμή", VALID),
                ("מבחן.example", VALID),
                ("मानक\u{94D}\u{200D}ष.example", VALID),
                ("نامه\u{200C}ای.example", VALID),
                // An A-label has to decode, to a label of the canonical form.
                ("xn--zzzzzzz99999.example", IDNA),
                ("xn--ihqwcrb4cv8a8dqg056pqjye", VALID),
                ("xn--X", IDNA),
                ("xn--.example", HYPHEN),
                ("xn--a.example", IDNA),
                ("xn--a-.example", HYPHEN),
                ("xn--abc-.example", HYPHEN),
                ("xn--bücher.example", IDNA),
                // XN--AA---o47jg78q decodes to a label with hyphens in third and fourth place.
                ("XN--aa---o47jg78q", IDNA),
                // Without A-labels and in ASCII, a label with them is as good as any other (DECISIONS L32).
                ("ab--cd.example", VALID),
                ("r3---sn-4g5e6n7k.example", VALID),
                ("xn-a.example", VALID),
                ("ab--cd.bücher.example", IDNA),
                ("ab--cd.xn--bcher-kva.example", IDNA),
                ("bü--cher.example", IDNA),
                ("-bücher.example", IDNA),
                ("bücher-.example", IDNA),
                ("bücher_.example", IDNA),
                ("*.bücher.example", IDNA),
                ("büc her.example", IDNA),
                ("bücher.example/", IDNA),
                ("bücher\u{FFFD}.example", IDNA),
                ("bücher\u{E000}.example", IDNA),
                ("bücher\u{202E}.example", IDNA),
                ("bücher\u{2028}.example", IDNA),
                ("-> $1.00 <--", OTHER_CHARACTER),
                ("-hello-", HYPHEN),
                ("\u{308}bücher.example", IDNA),
                ("\u{300}hello", IDNA),
                ("\u{488}hello", IDNA),
                ("\u{903}hello", IDNA),
                ("\u{200D}ष", IDNA),
                ("a\u{200D}b.example", IDNA),
                ("a\u{200C}b.example", IDNA),
                ("\u{200D}", IDNA),
                // Right to left: no other direction within the label, no digit at the start of another one.
                ("מבחןa.example", IDNA),
                ("0מבחן.example", IDNA),
                ("1a.מבחן", IDNA),
                ("bücher..example", LENGTH),
                (".bücher", LENGTH),
                ("\u{AD}", LENGTH),
                ("ü.\u{AD}.example", LENGTH),
            ],
        );
    }

    // LS-024
    #[test]
    fn an_internationalized_hostname_has_no_character_that_rfc_5892_disallows() {
        for c in "\u{640}\u{7FA}\u{302E}\u{302F}\u{3031}\u{3032}\u{3033}\u{3034}\u{3035}\u{303B}\
                  ☃←⯿\u{1F600}\u{1FAF0}\u{A1}\u{A7}\u{A9}\u{B0}\u{BB}\u{BF}\u{D7}\u{F7}\u{2010}\u{2019}\u{2044}\u{205E}\u{20AC}\
                  \u{20D0}\u{2180}\u{3001}\u{3008}\u{3020}\u{3021}\u{3030}\u{303D}\u{303F}\u{30A0}\u{1100}\u{A960}\u{D7FB}\
                  \u{55A}\u{61F}\u{964}\u{E3F}\u{488}\u{9F4}\u{16EE}\u{1D165}\u{1D200}"
            .chars()
        {
            // Between letters of its own direction.
            let text = if matches!(c, '\u{61F}' | '\u{640}' | '\u{7FA}') { format!("ب{c}ب") } else { format!("例{c}例") };
            check(idn_hostname, &[(&text, RFC_5892)]);
        }
        check(
            idn_hostname,
            &[
                ("☃.example", RFC_5892),
                ("a.☃", RFC_5892),
                ("실\u{302E}례.테스트", RFC_5892),
                ("\u{302E}실례.테스트", IDNA),
                // As A-labels: U+2603, U+1F4A9, and U+00B7 between other letters than it may.
                ("xn--n3h.example", RFC_5892),
                ("XN--LS8H.example", RFC_5892),
                ("xn--al-0ea.example", RFC_5892),
                ("xn--ll-0ea.example", VALID),
                // What UTS 46 maps is measured by what becomes of it.
                ("ªµº²①Ⅷ.example", VALID),
                ("ﬁ\u{AD}ﷲ.example", IDNA),
                ("ﬁ\u{AD}.example", VALID),
                ("½.example", RFC_5892),
                ("ŀl.example", VALID),
                ("ŀa.example", RFC_5892),
                // Exceptions of RFC 5892 2.6 that are allowed.
                ("ßς\u{F0B}\u{3007}", VALID),
                ("\u{6FD}\u{6FE}", VALID),
                ("北京大学中文\u{3005}", VALID),
                ("क\u{94D}ष१.example", VALID),
                ("\u{20000}\u{31350}.example", VALID),
                ("\u{10FB}a.example", RFC_5892),
            ],
        );
    }

    // LS-024
    #[test]
    fn characters_of_rfc_5892_appendix_a_need_their_context() {
        check(
            idn_hostname,
            &[
                // A.1, A.2
                ("क\u{200D}ष", IDNA),
                ("क\u{94D}\u{200D}ष", VALID),
                ("क\u{94D}\u{200C}ष", VALID),
                ("ب\u{64A}\u{200C}ب\u{64A}", VALID),
                // A.3
                ("l·l", VALID),
                ("L·L.example", VALID),
                ("col·lecció.example", VALID),
                ("l·l·l", VALID),
                ("a·l", RFC_5892),
                ("l·a", RFC_5892),
                ("·l", RFC_5892),
                ("l·", RFC_5892),
                ("l.·l", RFC_5892),
                ("l·.l", RFC_5892),
                ("l··l", RFC_5892),
                ("l·l.a·l", RFC_5892),
                // A.4
                ("α\u{375}β", VALID),
                ("α\u{375}ἀ", VALID),
                ("\u{375}α", VALID),
                ("α\u{375}S", RFC_5892),
                ("α\u{375}ϣ", RFC_5892),
                ("α\u{375}", RFC_5892),
                ("α\u{375}.β", RFC_5892),
                // A.5, A.6
                ("א\u{5F3}ב", VALID),
                ("א\u{5F4}ב", VALID),
                ("א\u{5B0}\u{5F4}ב", VALID),
                ("א\u{5F3}", VALID),
                ("\u{5F3}ב", RFC_5892),
                ("\u{5F4}ב", RFC_5892),
                ("ب\u{5F3}ב", RFC_5892),
                ("ب\u{5F4}ב", RFC_5892),
                ("A\u{5F3}ב", IDNA),
                ("A\u{5F4}ב", IDNA),
                // A.7
                ("\u{30FB}ぁ", VALID),
                ("\u{30FB}ァ", VALID),
                ("\u{30FB}\u{FF71}", VALID),
                ("\u{30FB}丈", VALID),
                ("\u{FF65}丈", VALID),
                ("a\u{30FB}b\u{30FB}\u{3005}", VALID),
                ("\u{30FB}\u{F900}", VALID),
                ("\u{30FB}\u{2A700}", VALID),
                ("\u{30FB}", RFC_5892),
                ("def\u{30FB}abc", RFC_5892),
                ("a\u{30FB}b.丈", RFC_5892),
                ("실\u{30FB}례", RFC_5892),
                // A.8, A.9
                ("ب\u{660}ب", VALID),
                ("ب\u{660}\u{669}", VALID),
                ("ب\u{6F0}\u{6F9}", VALID),
                ("\u{6F0}0", VALID),
                ("ب\u{660}.ب\u{6F0}", VALID),
                ("ب\u{660}\u{6F0}", IDNA),
                ("ب\u{6F9}ب\u{669}", IDNA),
            ],
        );
    }

    // Where UTS 46 refuses the label for its direction already, the rules are seen here only.
    #[test]
    fn contextual_rules_hold_without_those_for_the_direction() {
        for label in ["A\u{5F3}ב", "A\u{5F4}ב", "ب\u{660}\u{6F0}", "ب\u{6F9}ب\u{669}", "\u{6F0}\u{660}"] {
            assert!(!follows_rfc_5892(label), "{label:?}");
        }
        assert!(follows_rfc_5892("\u{660}a\u{661}") && follows_rfc_5892("\u{6F0}a\u{6F1}") && follows_rfc_5892(""));
    }

    #[test]
    fn the_table_of_disallowed_characters_has_ranges_in_order() {
        assert!(DISALLOWED.is_sorted_by(|a, b| a < b));
        assert_eq!(DISALLOWED.len() % 2, 0);
        // Letters with two cases are allowed if they are in lower case, and UTS 46 maps the others.
        let cased = |c: &char| c.is_lowercase() && c.to_uppercase().ne([*c]);
        for c in ('\u{80}'..=char::MAX).filter(cased) {
            let text = format!("{c}l");
            let (mapped, verdict) = Uts46::new().to_unicode(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
            assert!(verdict.is_err() || follows_rfc_5892(&mapped), "{c:?}");
        }
    }

    // LS-024
    #[test]
    fn an_internationalized_hostname_is_measured_in_its_ascii_form() {
        // In ASCII, 56 such letters are `xn--`, the 55 of them that are ASCII, a hyphen and three for the last one.
        let label = |letters: usize| format!("{}ü", "a".repeat(letters - 1));
        let name = |last: usize| [label(56), label(56), label(56), label(last)].join(".");
        check(
            idn_hostname,
            &[
                (&label(56), VALID),
                (&label(57), LENGTH),
                (&name(54), VALID),
                (&name(55), LENGTH),
                (&format!("{}.", name(54)), VALID),
                (&format!("{}.", name(55)), LENGTH),
                (&"ü".repeat(MAX_IDN_OCTETS / 2), IDNA),
                (&"ü".repeat(MAX_IDN_OCTETS / 2 + 1), "it is too long"),
            ],
        );
    }

    // LS-022, LS-024
    #[test]
    fn an_ascii_name_is_a_hostname_in_both_senses_or_in_neither() {
        for text in ascii_names() {
            assert_eq!(idn_hostname(&text), hostname(&text), "{text:?}");
        }
    }

    // LS-024
    #[test]
    fn the_short_way_for_ascii_answers_as_idna_does() {
        for text in ascii_names() {
            let idna = Uts46::new().to_ascii(
                text.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::VerifyAllowRootDot,
            );
            assert_eq!(idn_hostname(&text).is_ok(), idna.is_ok(), "{text:?}");
        }
    }

    // LS-020
    #[test]
    fn an_email_address_is_an_addr_spec() {
        check(
            email,
            &[
                ("a@b.example", VALID),
                ("a@b", VALID),
                ("first.last+tag@b.example", VALID),
                ("!#$%&'*+-/=?^_`{|}~@b.example", VALID),
                ("a@under_score.example", VALID),
                ("a@[192.0.2.1]", VALID),
                ("a@[IPv6:2001:db8::1]", VALID),
                ("a@[x@y]", VALID),
                (r#""a b"@c.example"#, VALID),
                (r#""a@b"@c.example"#, VALID),
                (r#""a\"b\\"@c.example"#, VALID),
                (r#"".."@c.example"#, VALID),
                (r#"""@c.example"#, VALID),
                ("", "it has no @"),
                ("a", "it has no @"),
                ("a@", DOMAIN),
                ("@b", LOCAL),
                ("@", LOCAL),
                ("a b@c", LOCAL),
                (" a@c", LOCAL),
                (".a@c", LOCAL),
                ("a.@c", LOCAL),
                ("a..b@c", LOCAL),
                ("a(comment)@c", LOCAL),
                ("Name <a@c>", LOCAL),
                (r#"a."b"@c"#, LOCAL),
                ("ä@c.example", LOCAL),
                ("a@ä.example", DOMAIN),
                ("a@b@c", DOMAIN),
                ("a@.b", DOMAIN),
                ("a@b.", DOMAIN),
                ("a@b..c", DOMAIN),
                ("a@b c", DOMAIN),
                ("a@b\r\n", DOMAIN),
                ("a@(comment)b", DOMAIN),
                ("a@[192.0.2.1", DOMAIN),
                ("a@192.0.2.1]", DOMAIN),
                ("a@[", DOMAIN),
                ("a@[192.0.2.1] ", DOMAIN),
                ("a@[a b]", "its domain literal has a character that is not allowed there"),
                ("a@[a[b]", "its domain literal has a character that is not allowed there"),
                (r"a@[a\b]", "its domain literal has a character that is not allowed there"),
                (r#""a"#, "its quoted local part does not end"),
                (r#"""#, "its quoted local part does not end"),
                (r#""a\"@c"#, "its quoted local part does not end"),
                (r#""a""#, "its quoted local part is not followed by an @"),
                (r#""a"b@c"#, "its quoted local part is not followed by an @"),
                (r#""a".b@c"#, "its quoted local part is not followed by an @"),
                ("\"a\tb\"@c", QUOTED),
                ("\"a\r\n b\"@c", QUOTED),
                ("\"a\\\tb\"@c", QUOTED),
                ("\"a\u{7F}\"@c", QUOTED),
                ("\"ä\"@c", QUOTED),
                ("\"\\", QUOTED),
            ],
        );
    }

    // LS-023
    #[test]
    fn an_internationalized_email_address_has_an_internationalized_hostname() {
        let not_a_hostname = "its domain is not an internationalized hostname";
        let not_an_address = "its domain literal is not an IP address";
        check(
            idn_email,
            &[
                ("a@b.example", VALID),
                ("ä@b.example", VALID),
                ("用户@例子.广告", VALID),
                ("δοκιμή@παράδειγμα.δοκιμή", VALID),
                ("\"ä b\"@bücher.example", VALID),
                ("a@xn--bcher-kva.example", VALID),
                ("ä@[192.0.2.1]", VALID),
                ("ä@[IPv6:2001:db8::1]", VALID),
                ("ä@[ipv6:::1]", VALID),
                ("ä", "it has no @"),
                ("ä.bücher.example", "it has no @"),
                ("@bücher.example", LOCAL),
                ("ä ö@bücher.example", LOCAL),
                ("ä..ö@bücher.example", LOCAL),
                ("ä\u{85}@bücher.example", LOCAL),
                ("\"ä\u{85}\"@bücher.example", QUOTED),
                ("\"\\ä\"@bücher.example", QUOTED),
                ("ä@", not_a_hostname),
                ("ä@bücher.example.", not_a_hostname),
                ("ä@b.example.", not_a_hostname),
                ("ä@例え。", not_a_hostname),
                ("ä@under_score.example", not_a_hostname),
                ("ä@xn--zzzzzzz99999", not_a_hostname),
                ("ä@b@c", not_a_hostname),
                ("ä@[192.0.2.1", not_a_hostname),
                ("ä@[]", not_an_address),
                ("ä@[192.0.2.256]", not_an_address),
                ("ä@[192.0.2.01]", not_an_address),
                ("ä@[2001:db8::1]", not_an_address),
                ("ä@[IPv6:fe80::1%1]", not_an_address),
                ("ä@[tag:content]", not_an_address),
                ("ä@[ä]", not_an_address),
            ],
        );
    }

    // LS-026
    #[test]
    fn a_uri_has_a_scheme_and_is_ascii() {
        check(
            uri,
            &[
                ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", VALID),
                ("http://example.com", VALID),
                ("HTTPS://user:pw@example.com:8443/a/b?c=d&e#f", VALID),
                ("http://[2001:db8::1]:80/", VALID),
                ("http://192.0.2.1/%C3%A4", VALID),
                ("mailto:a@b.example", VALID),
                ("file:///etc/hosts", VALID),
                ("a:", VALID),
                ("x-y+z.1:/", VALID),
                ("", NO_SCHEME),
                ("//host/x", NO_SCHEME),
                ("/a:b", NO_SCHEME),
                ("example.com/path", NO_SCHEME),
                ("?a", NO_SCHEME),
                ("#a", NO_SCHEME),
                (":a", NO_SCHEME),
                ("1http://example.com", NO_SCHEME),
                (" http://example.com", NO_SCHEME),
                ("ht_tp://example.com", NO_SCHEME),
                ("http://exämple.org/", "it has a character outside ASCII"),
                ("http://example.com/ä", "it has a character outside ASCII"),
                ("http://example.com/a b", NOT_3986),
                ("http://example.com/\n", NOT_3986),
                ("http://example.com/%", NOT_3986),
                ("http://example.com/%2", NOT_3986),
                ("http://example.com/%GG", NOT_3986),
                ("http://example.com/<a>", NOT_3986),
                ("http://example.com/\"a\"", NOT_3986),
                (r"http://example.com\a", NOT_3986),
                ("http://example.com/{a}", NOT_3986),
                ("http://example.com/#a#b", NOT_3986),
                ("http://example.com:port/", NOT_3986),
                ("http://[2001:db8::1/", NOT_3986),
                ("http://[2001:db8::1::2]/", NOT_3986),
                ("http://a@b@example.com/", NOT_3986),
            ],
        );
    }

    // LS-025
    #[test]
    fn an_iri_has_a_scheme_and_may_leave_ascii() {
        check(
            iri,
            &[
                ("http://exämple.org/ä", VALID),
                ("http://例え.テスト/道?質問=答え#節", VALID),
                ("http://example.com/?\u{E000}", VALID),
                ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", VALID),
                ("urn:ä", VALID),
                ("", NO_SCHEME),
                ("//exämple.org/ä", NO_SCHEME),
                ("/ä", NO_SCHEME),
                ("ä", NO_SCHEME),
                ("ä:b", NO_SCHEME),
                ("a bare string", NO_SCHEME),
                ("http://exämple.org/a b", NOT_3987),
                ("http://exämple.org/<ä>", NOT_3987),
                ("http://exämple.org/%", NOT_3987),
                ("http://exämple.org/\u{E000}", NOT_3987),
                ("http://exämple.org/\u{FDD0}", NOT_3987),
                ("http://exämple.org/\u{FFFD}", NOT_3987),
                ("http://exämple.org/\u{85}", NOT_3987),
            ],
        );
    }

    // LS-025
    #[test]
    fn an_iri_has_no_bidirectional_formatting() {
        let formatting =
            "\u{061C}\u{200E}\u{200F}\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\u{2066}\u{2067}\u{2068}\u{2069}";
        for c in formatting.chars() {
            let text = format!("http://example.com/{c}");
            check(iri, &[(&text, "it has a bidirectional formatting character")]);
        }
        check(iri, &[("http://example.com/%E2%80%8E", VALID), ("http://example.com/\u{2065}", VALID)]);
    }

    // LS-202
    #[test]
    fn a_command_id_has_at_most_36_characters() {
        let too_long = "it has more than 36 characters";
        check(
            command_id,
            &[
                ("", VALID),
                ("a", VALID),
                ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", VALID),
                ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6f", too_long),
                (&"a".repeat(36), VALID),
                (&"a".repeat(37), too_long),
                (&"ä".repeat(36), VALID),
                (&"ä".repeat(37), too_long),
                (&"\u{1F600}".repeat(36), VALID),
                (&"\u{1F600}".repeat(37), too_long),
            ],
        );
    }

    // LS-202
    #[test]
    fn a_command_id_has_no_white_space_of_ecmascript() {
        let ecmascript = "\t\n\u{B}\u{C}\r \u{A0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\
                          \u{2007}\u{2008}\u{2009}\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}";
        for c in '\0'..=char::MAX {
            let expected = if ecmascript.contains(c) { "it has white space" } else { VALID };
            check(command_id, &[(&format!("a{c}"), expected)]);
        }
    }

    // LS-203
    #[test]
    fn a_version_is_received_loosely() {
        check(
            version_received,
            &[
                ("1.0", VALID),
                ("1", VALID),
                ("v1.0-draft", VALID),
                (&"ä".repeat(16), VALID),
                (&"ä".repeat(17), "it has more than 16 characters"),
                ("", "it is empty"),
            ],
        );
    }

    // LS-203
    #[test]
    fn a_version_is_emitted_as_major_and_minor() {
        let other = "it is not two decimal numbers with a dot between them";
        check(
            version_emitted,
            &[
                ("1.0", VALID),
                ("12.034", VALID),
                ("", other),
                (".", other),
                ("1", other),
                ("1.", other),
                (".0", other),
                ("1.0.0", other),
                ("1.0\n", other),
                (" 1.0", other),
                ("+1.0", other),
                ("1.a", other),
                ("\u{661}.\u{660}", other),
            ],
        );
    }

    #[test]
    fn a_request_id_has_at_most_256_characters_and_no_controls() {
        check(
            request_id,
            &[
                ("", VALID),
                ("two words", VALID),
                ("ä\u{A0}\u{FEFF}\u{1F600}", VALID),
                (&"ä".repeat(256), VALID),
                (&"ä".repeat(257), "it has more than 256 characters"),
                ("a\n", "it has a control character"),
                ("\0", "it has a control character"),
                ("\u{7F}", "it has a control character"),
                ("\u{85}", "it has a control character"),
            ],
        );
    }

    // LS-153
    #[test]
    fn a_media_type_is_two_names_with_a_slash() {
        let not_a_name = "a side of its slash is not a name of RFC 6838";
        check(
            media_type,
            &[
                ("text/plain", VALID),
                ("Application/OpenC2+json", VALID),
                ("application/vnd.a-b_c.d+xml", VALID),
                ("x/!", not_a_name),
                ("x/a!#$&-^_.+", VALID),
                ("text/plain;charset=utf-8", VALID),
                ("text/plain ; charset=\"a b/c\"", VALID),
                ("text/plain;", VALID),
                (&format!("{0}/{0}", "a".repeat(127)), VALID),
                (&format!("a/{}", "a".repeat(128)), not_a_name),
                ("not a type", "it has no slash"),
                ("", "it has no slash"),
                ("text", "it has no slash"),
                ("text;a/b", "it has no slash"),
                ("/plain", not_a_name),
                ("text/", not_a_name),
                ("text/plain/x", not_a_name),
                ("text /plain", not_a_name),
                (" text/plain", not_a_name),
                ("text/plain ", not_a_name),
                ("*/*", not_a_name),
                ("text/plaín", not_a_name),
                ("text/plain;a=\r\n", "its parameters have a control character"),
            ],
        );
    }

    #[test]
    fn noncharacters_are_the_last_two_of_each_plane_and_32_more() {
        let found: Vec<char> =
            ('\0'..=char::MAX).filter(|c| noncharacter(c.encode_utf8(&mut [0; 4])).is_some()).collect();
        let mut expected: Vec<char> = ('\u{FDD0}'..='\u{FDEF}').collect();
        expected.extend(
            (0..=0x10_u32).flat_map(|plane| [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF]).filter_map(char::from_u32),
        );
        assert_eq!(found, expected);
        assert_eq!(noncharacter(""), None);
        assert_eq!(noncharacter("a\u{FFFD}ä\u{1FFFF}\u{FDD0}"), Some('\u{1FFFF}'));
    }

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

    /// Each row has a text and how its refusal ends.
    #[track_caller]
    fn check<'a, T>(format: impl Fn(&'a str) -> Result<T, &'static str>, rows: &[(&'a str, &str)]) {
        for &(text, expected) in rows {
            match format(text) {
                Ok(_) => assert_eq!(VALID, expected, "{text:?} is accepted"),
                Err(phrase) => {
                    assert_ne!(VALID, expected, "{text:?} {phrase}");
                    assert!(phrase.starts_with("is not a"), "{text:?} {phrase}");
                    assert!(phrase.ends_with(&format!(": {expected}")), "{text:?} {phrase}, not: {expected}");
                }
            }
        }
    }

    /// Every text of at most six characters of a few kinds.
    fn ascii_names() -> impl Iterator<Item = String> {
        const KINDS: [char; 6] = ['a', 'Z', '0', '-', '.', '_'];
        (0..=6).flat_map(|length| {
            (0..KINDS.len().pow(length)).map(move |number| {
                (0..length).map(|place| KINDS[number / KINDS.len().pow(place) % KINDS.len()]).collect()
            })
        })
    }

    const VALID: &str = "";
    const OTHER_CHARACTER: &str = "it has a character other than letters, digits, hyphens and dots";
    const HYPHEN: &str = "a label starts or ends with a hyphen";
    const IDNA: &str = "a label breaks a rule of IDNA (characters, hyphens, joiners, direction, or an A-label that \
                        does not decode)";
    const RFC_5892: &str = "a label has a character that RFC 5892 does not allow there";
    const LENGTH: &str = "in ASCII form a label is empty or has more than 63 characters, or the name has more than 253";
    const LOCAL: &str = "its local part is neither atoms with dots between them nor quoted";
    const QUOTED: &str = "its quoted local part has a character that is not allowed there";
    const DOMAIN: &str = "its domain is neither atoms with dots between them nor a literal";
    const NO_SCHEME: &str = "it does not start with a scheme and a colon";
    const NOT_3986: &str = "what follows the scheme is not in the syntax of RFC 3986";
    const NOT_3987: &str = "what follows the scheme is not in the syntax of RFC 3987";
}
