//! CBOR by hand (RFC 8949), and Responses in it by the ids of the tables (LS 3.1.5.1, JADN 4.4).

use serde_json::{Map, Value, json};

/// A data item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Integer(i64),
    Octets(Vec<u8>),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Boolean(bool),
    Null,
    Number(f64),
}

impl Item {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A map with ids as keys.
    pub(crate) fn by_id(members: impl IntoIterator<Item = (i64, Self)>) -> Self {
        Self::Map(members.into_iter().map(|(id, value)| (Self::Integer(id), value)).collect())
    }

    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        match self {
            Self::Integer(value) => match u64::try_from(*value) {
                Ok(value) => head(out, 0, value),
                Err(_) => head(out, 1, value.unsigned_abs() - 1),
            },
            Self::Octets(octets) => {
                head(out, 2, count(octets.len()));
                out.extend(octets);
            }
            Self::Text(text) => {
                head(out, 3, count(text.len()));
                out.extend(text.bytes());
            }
            Self::List(items) => {
                head(out, 4, count(items.len()));
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(members) => {
                head(out, 5, count(members.len()));
                for (key, value) in members {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Boolean(value) => out.push(0xf4 + u8::from(*value)),
            Self::Null => out.push(0xf6),
            Self::Number(value) => {
                out.push(0xfb);
                out.extend(value.to_be_bytes());
            }
        }
    }

    /// Reads one item that is all there is, of definite lengths and without tags.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let mut rest = octets;
        let item = take(&mut rest, 0)?;
        rest.is_empty().then_some(item)
    }

    /// The member under an id.
    pub(crate) fn member(&self, id: i64) -> Option<&Self> {
        let Self::Map(members) = self else { return None };
        members.iter().find(|(key, _)| *key == Self::Integer(id)).map(|(_, value)| value)
    }

    /// Whether no key of it is a name, at whatever depth.
    pub(crate) fn has_ids_only(&self) -> bool {
        match self {
            Self::Map(members) => {
                members.iter().all(|(key, value)| matches!(key, Self::Integer(_)) && value.has_ids_only())
            }
            Self::List(items) => items.iter().all(Self::has_ids_only),
            _ => true,
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    let octets = value.to_be_bytes();
    match value {
        0..24 => out.push(major | octets[7]),
        24..0x100 => out.extend([major | 24, octets[7]]),
        0x100..0x1_0000 => out.extend([&[major | 25][..], &octets[6..]].concat()),
        0x1_0000..0x1_0000_0000 => out.extend([&[major | 26][..], &octets[4..]].concat()),
        _ => out.extend([&[major | 27][..], &octets].concat()),
    }
}

fn take(rest: &mut &[u8], depth: usize) -> Option<Item> {
    let first = octets(rest, 1)?[0];
    let (major, short) = (first >> 5, first & 0x1f);
    if major == 7 {
        return match short {
            20 | 21 => Some(Item::Boolean(short == 21)),
            22 => Some(Item::Null),
            26 => Some(Item::Number(f32::from_be_bytes(octets(rest, 4)?.try_into().ok()?).into())),
            27 => Some(Item::Number(f64::from_be_bytes(octets(rest, 8)?.try_into().ok()?))),
            _ => None,
        };
    }
    let value = match short {
        0..24 => u64::from(short),
        24..28 => octets(rest, 1 << (short - 24))?.iter().fold(0, |value, octet| value << 8 | u64::from(*octet)),
        _ => return None,
    };
    let count = usize::try_from(value).ok()?;
    // An item takes an octet at least, so that no length is believed that cannot be.
    let is_possible = count <= rest.len() && depth < DEEPEST;
    match major {
        0 => i64::try_from(value).ok().map(Item::Integer),
        1 => i64::try_from(value).ok().map(|value| Item::Integer(-1 - value)),
        2 => octets(rest, count).map(|own| Item::Octets(own.to_vec())),
        3 => String::from_utf8(octets(rest, count)?.to_vec()).ok().map(Item::Text),
        4 if is_possible => (0..count).map(|_| take(rest, depth + 1)).collect::<Option<_>>().map(Item::List),
        5 if is_possible => {
            let member = |_| Some((take(rest, depth + 1)?, take(rest, depth + 1)?));
            (0..count).map(member).collect::<Option<_>>().map(Item::Map)
        }
        _ => None,
    }
}

fn octets<'o>(rest: &mut &'o [u8], n_octets: usize) -> Option<&'o [u8]> {
    let (taken, left) = rest.split_at_checked(n_octets)?;
    *rest = left;
    Some(taken)
}

/// A message with a Response, by the names of the tables; what has an id that no table has is left out.
pub(crate) fn message(octets: &[u8]) -> Option<Value> {
    let Item::List(parts) = Item::read(octets)? else { return None };
    let [headers, body, ..] = &parts[..] else { return None };
    let response = body.member(1)?.member(2)?;
    let named = |item: &Item, names: &[(i64, &str)]| {
        let members = names.iter().filter_map(|(id, name)| Some(((*name).to_owned(), value(item.member(*id)?))));
        Value::Object(members.collect::<Map<_, _>>())
    };
    let headers = named(headers, &[(1, "request_id"), (2, "created"), (3, "from"), (4, "to")]);
    let mut own = named(response, &[(1, "status"), (2, "status_text")]);
    if let Some(results) = response.member(3) {
        own["results"] = named(results, &[(1, "versions"), (2, "profiles"), (4, "rate_limit")]);
        if let Some(number) = results.member(SLPF).and_then(|slpf| slpf.member(RULE_NUMBER)) {
            own["results"]["slpf"] = json!({"rule_number": value(number)});
        }
    }
    Some(json!({"headers": headers, "body": {"openc2": {"response": own}}}))
}

/// A value without maps.
fn value(item: &Item) -> Value {
    match item {
        Item::Integer(value) => json!(value),
        Item::Number(value) => json!(value),
        Item::Text(text) => json!(text),
        Item::Boolean(value) => json!(value),
        Item::List(items) => items.iter().map(value).collect(),
        Item::Octets(_) | Item::Map(_) | Item::Null => Value::Null,
    }
}

/// Ids of the packet filtering profile: the profile, its result, its target (SLPF 2.1.1.2, 2.1.4; DECISIONS E2).
pub(crate) const SLPF: i64 = 1024;
pub(crate) const RULE_NUMBER: i64 = 1024;
const DEEPEST: usize = 32;

/// The media type of HTTP (DECISIONS M2).
pub(crate) const MEDIA_TYPE: &str = "application/openc2+cbor;version=1.0";

/// The actions by their ids (LS 3.3.1.1).
pub(crate) const ACTIONS: [(i64, &str); 20] = [
    (1, "scan"),
    (2, "locate"),
    (3, "query"),
    (6, "deny"),
    (7, "contain"),
    (8, "allow"),
    (9, "start"),
    (10, "stop"),
    (11, "restart"),
    (14, "cancel"),
    (15, "set"),
    (16, "update"),
    (18, "redirect"),
    (19, "create"),
    (20, "delete"),
    (22, "detonate"),
    (23, "restore"),
    (28, "copy"),
    (30, "investigate"),
    (32, "remediate"),
];

/// The targets by their ids (LS 3.3.1.2), and that of the profile.
pub(crate) const TARGETS: [(i64, &str); 19] = [
    (1, "artifact"),
    (2, "command"),
    (3, "device"),
    (7, "domain_name"),
    (8, "email_addr"),
    (9, "features"),
    (10, "file"),
    (11, "idn_domain_name"),
    (12, "idn_email_addr"),
    (13, "ipv4_net"),
    (14, "ipv6_net"),
    (15, "ipv4_connection"),
    (16, "ipv6_connection"),
    (17, "mac_addr"),
    (18, "process"),
    (19, "uri"),
    (20, "iri"),
    (25, "properties"),
    (RULE_NUMBER, "slpf:rule_number"),
];

/// The id of a name in one of these tables.
pub(crate) fn id_of(table: &[(i64, &str)], name: &str) -> Option<i64> {
    table.iter().find(|(_, own)| *own == name).map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(item: &Item, octets: &[u8]) {
        assert_eq!(item.to_octets(), octets);
        assert_eq!(Item::read(octets).as_ref(), Some(item));
        for n_octets in 0..octets.len() {
            assert_eq!(Item::read(&octets[..n_octets]), None, "{n_octets}");
        }
    }

    #[test]
    fn items_are_written_and_read_as_rfc_8949_has_them() {
        // RFC 8949 appendix A
        check(&Item::Integer(23), &[0x17]);
        check(&Item::Integer(24), &[0x18, 0x18]);
        check(&Item::Integer(1_000_000), &[0x1a, 0, 0x0f, 0x42, 0x40]);
        check(&Item::Integer(-1000), &[0x39, 0x03, 0xe7]);
        check(&Item::Number(1.1), &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]);
        check(&Item::Octets(vec![1, 2, 3, 4]), &[0x44, 1, 2, 3, 4]);
        check(&Item::List(vec![Item::Boolean(true), Item::Null, Item::text("a")]), &[0x83, 0xf5, 0xf6, 0x61, b'a']);
        check(&Item::by_id([(1, Item::Integer(2)), (3, Item::Integer(4))]), &[0xa2, 1, 2, 3, 4]);
        assert_eq!(Item::read(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(Item::read(&[0x81; 100]), None);
        assert_eq!(Item::read(&[0x17, 0x17]), None);
    }

    #[test]
    fn a_response_is_read_by_its_ids() {
        let response = Item::by_id([
            (1, Item::Integer(200)),
            (3, Item::by_id([(SLPF, Item::by_id([(RULE_NUMBER, Item::Integer(1234))]))])),
        ]);
        let body = Item::by_id([(1, Item::by_id([(2, response)]))]);
        let own = Item::List(vec![Item::by_id([(1, Item::text("a"))]), body]);
        assert!(own.has_ids_only());
        let expected = json!({"headers": {"request_id": "a"},
            "body": {"openc2": {"response": {"status": 200, "results": {"slpf": {"rule_number": 1234}}}}}});
        assert_eq!(message(&own.to_octets()), Some(expected));
        assert!(!Item::Map(vec![(Item::text("status"), Item::Integer(200))]).has_ids_only());
    }
}
