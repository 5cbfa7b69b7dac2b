//! Patterns for what JSON Schema has no keyword for, or a keyword that validators take for a remark.
//!
//! Each is anchored, and written in what ECMAScript (with `u`) and the usual engines have in common; so characters beyond
//! the first plane stand as they are.

use oc2_core::shape::Octets;

/// `nsid:name`, a target of any profile (LS 3.1.4, DECISIONS L23).
pub(super) const TARGET: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,15}:[A-Za-z0-9][A-Za-z0-9_-]{0,31}$";

/// A format by its name, if there is a pattern for it.
pub(super) fn format(name: &str) -> Option<String> {
    let whole = match name {
        "hostname" => return Some(format!(r"^(?=.{{1,253}}\.?$){HOST_LABEL}(?:\.{HOST_LABEL})*\.?$")),
        "idn-hostname" => format!("{IDN_LABEL}(?:{DOT}{IDN_LABEL})*{DOT}?"),
        "email" => format!(r"{}@(?:{}|\[[!-Z^-~]*\])", local_part(""), dot_atom("")),
        "idn-email" => {
            let literal = format!(r"\[(?:{}|[Ii][Pp][Vv]6:{})\]", ipv4(), ipv6());
            format!("{}@(?:{IDN_LABEL}(?:{DOT}{IDN_LABEL})*|{literal})", local_part(BEYOND_ASCII))
        }
        "uri" => resource("", ""),
        "iri" => resource(UCSCHAR, IPRIVATE),
        "ipv4" => ipv4(),
        "ipv6" => ipv6(),
        _ => return None,
    };
    Some(format!("^(?:{whole})$"))
}

/// An address, and how many of its bits count (RFC 4632 3.1, RFC 4291 2.3).
pub(super) fn net(width: u32) -> String {
    if width > 32 {
        return format!("^(?:{})(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?$", ipv6());
    }
    format!("^{}(?:/(?:3[0-2]|[12]?[0-9]))?$", ipv4())
}

/// Octets as text; `lengths` are the numbers there may be, none for any.
pub(super) fn octets(text: Octets, lengths: &[u32]) -> String {
    let of_length = |n: &u32| match text {
        Octets::Base16 => format!("(?:[0-9A-F]{{2}}){{{n}}}"),
        Octets::Eui => format!("[0-9A-Fa-f]{{2}}(?::[0-9A-Fa-f]{{2}}){{{}}}", n.saturating_sub(1)),
        _ => {
            let rest = ["", ONE_OCTET, TWO_OCTETS][*n as usize % 3];
            format!("(?:{QUAD}){{{}}}{rest}", n / 3)
        }
    };
    let any_length = match text {
        Octets::Base16 => "(?:[0-9A-F]{2})*".to_owned(),
        Octets::Eui => "[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*".to_owned(),
        // Without padding or with all of it (DECISIONS L15); bits beyond the last octet are zero.
        _ => format!("(?:{QUAD})*(?:{ONE_OCTET}|{TWO_OCTETS})?"),
    };
    let lengths: Vec<_> = lengths.iter().map(of_length).collect();
    let whole = if lengths.is_empty() { any_length } else { lengths.join("|") };
    format!("^(?:{whole})$")
}

/// Four decimals without leading zeros (DECISIONS L18).
fn ipv4() -> String {
    const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    format!(r"{OCTET}(?:\.{OCTET}){{3}}")
}

/// Every form of RFC 4291 2.2: eight groups, or fewer and `::` for at least one; the last two may be a dotted quad.
fn ipv6() -> String {
    const GROUP: &str = "[0-9A-Fa-f]{1,4}";
    let ipv4 = ipv4();
    let last_two = format!("(?:{GROUP}:{GROUP}|{ipv4})");
    let mut forms = vec![format!("(?:{GROUP}:){{6}}{last_two}")];
    for n_before in 0..=7 {
        let before = match n_before {
            0 => String::new(),
            n => format!("{GROUP}(?::{GROUP}){{{}}}", n - 1),
        };
        let n_behind = 7 - n_before;
        let mut behind = Vec::new();
        if n_behind >= 1 {
            behind.push(format!("{GROUP}(?::{GROUP}){{0,{}}}", n_behind - 1));
        }
        if n_behind >= 2 {
            behind.push(format!("(?:{GROUP}:){{0,{}}}{ipv4}", n_behind - 2));
        }
        let behind = if behind.is_empty() { String::new() } else { format!("(?:{})?", behind.join("|")) };
        forms.push(format!("{before}::{behind}"));
    }
    format!("(?:{})", forms.join("|"))
}

/// RFC 5322 3.4.1 without comments, folding and obsolete forms; `beyond` are further letters (RFC 6531 3.3).
fn local_part(beyond: &str) -> String {
    format!(r#"(?:{}|"(?:[ !#-\[\]-~{beyond}]|\\[ -~])*")"#, dot_atom(beyond))
}

fn dot_atom(beyond: &str) -> String {
    let atom = format!("[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{beyond}-]+");
    format!(r"{atom}(?:\.{atom})*")
}

/// RFC 3986, and with further characters RFC 3987 2.2; a scheme is required.
fn resource(ucschar: &str, iprivate: &str) -> String {
    const ESCAPED: &str = "%[0-9A-Fa-f]{2}";
    let unreserved = format!("A-Za-z0-9._~{ucschar}");
    let part = format!("(?:[{unreserved}!$&'()*+,;=:@-]|{ESCAPED})");
    let user = format!("(?:[{unreserved}!$&'()*+,;=:-]|{ESCAPED})*");
    let name = format!("(?:[{unreserved}!$&'()*+,;=-]|{ESCAPED})*");
    let later = format!(r"\[(?:{}|[Vv][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]", ipv6());
    let authority = format!("(?:{user}@)?(?:{later}|{name})(?::[0-9]*)?");
    let path = format!("(?://{authority}(?:/{part}*)*|/(?:{part}+(?:/{part}*)*)?|{part}+(?:/{part}*)*)?");
    let query = format!("(?:[{unreserved}{iprivate}!$&'()*+,;=:@/?-]|{ESCAPED})*");
    let fragment = format!("(?:[{unreserved}!$&'()*+,;=:@/?-]|{ESCAPED})*");
    format!(r"[A-Za-z][A-Za-z0-9+.-]*:{path}(?:\?{query})?(?:#{fragment})?")
}

/// RFC 1034 3.1 with the digits of RFC 1123 2.1.
const HOST_LABEL: &str = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/// What a label may look like; whether IDNA2008 has it no pattern can say.
const IDN_LABEL: &str = "[A-Za-z0-9\\u00A1-\\u2FFF\\u3001\\u3003-\\uFF0D\\uFF0F-\\uFF60\\uFF62-\u{10FFFF}](?:[A-Za-z0-9\\u00A1-\\u2FFF\\u3001\\u3003-\\uFF0D\\uFF0F-\\uFF60\\uFF62-\u{10FFFF}-]*[A-Za-z0-9\\u00A1-\\u2FFF\\u3001\\u3003-\\uFF0D\\uFF0F-\\uFF60\\uFF62-\u{10FFFF}])?";
/// What UTS 46 takes for a dot.
const DOT: &str = r"[.\u3002\uFF0E\uFF61]";
/// Characters beyond ASCII that are no controls.
const BEYOND_ASCII: &str = "\\u00A0-\u{10FFFF}";
/// RFC 3987 2.2 without formatting of direction (DECISIONS L35).
const UCSCHAR: &str = "\\u00A0-\\u061B\\u061D-\\u200D\\u2010-\\u2029\\u202F-\\u2065\\u206A-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFEF\u{10000}-\u{1FFFD}\u{20000}-\u{2FFFD}\u{30000}-\u{3FFFD}\u{40000}-\u{4FFFD}\u{50000}-\u{5FFFD}\u{60000}-\u{6FFFD}\u{70000}-\u{7FFFD}\u{80000}-\u{8FFFD}\u{90000}-\u{9FFFD}\u{A0000}-\u{AFFFD}\u{B0000}-\u{BFFFD}\u{C0000}-\u{CFFFD}\u{D0000}-\u{DFFFD}\u{E1000}-\u{EFFFD}";
const IPRIVATE: &str = "\\uE000-\\uF8FF\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}";

const QUAD: &str = "[A-Za-z0-9_-]{4}";
const ONE_OCTET: &str = "[A-Za-z0-9_-][AQgw](?:==)?";
const TWO_OCTETS: &str = "[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]=?";
