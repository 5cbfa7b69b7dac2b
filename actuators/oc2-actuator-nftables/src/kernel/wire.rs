//! The steps of a transaction as messages of nf_tables, and back (linux/netfilter/nf_tables.h).

pub(crate) use oc2_netlink::{ACK, DUMP};
use oc2_netlink::{Attributes, Header, REQUEST, Writer};

use crate::image::{Chain, chain_names};
use crate::octets::Octets;
use crate::op::{Answer, Base, BaseHook, Data, DataSpec, Element, Expr, Key, KeySpec, Meta, Op, Reg, SetSpec, Target};
use crate::rank::Rank;

/// Writes a step as one or more messages, each with a number of its own.
pub(crate) fn write(op: &Op, table: &str, batch: &mut Writer, sequence: &mut u32, id: &mut u32) {
    let mut message = |kind: u16, flags: u16, write: &dyn Fn(&mut Writer)| {
        batch.message(request(kind, flags, *sequence), write);
        *sequence += 1;
    };
    match op {
        Op::AddTable => message(NEWTABLE, CREATE, &|w| w.put_text(1, table)),
        Op::DeleteTable => message(DELTABLE, 0, &|w| w.put_text(1, table)),
        Op::AddSet(spec, n_elements) => {
            *id += 1;
            let id = *id;
            let room = (*n_elements + n_elements / 2).max(MIN_ROOM);
            message(NEWSET, CREATE, &|w| write_set(spec, table, id, room, w));
        }
        Op::WidenSet(spec) => message(NEWSET, CREATE, &|w| write_set(spec, table, 0, MAX_ROOM, w)),
        Op::DeleteSet(name) => message(DELSET, 0, &|w| {
            w.put_text(1, table);
            w.put_text(2, name);
        }),
        Op::AddElements(set, elements) | Op::DeleteElements(set, elements) => {
            let (kind, flags) = if matches!(op, Op::AddElements(..)) { (NEWSETELEM, CREATE) } else { (DELSETELEM, 0) };
            for some in elements.chunks(MAX_ELEMENTS) {
                message(kind, flags, &|w| {
                    w.put_text(1, table);
                    w.put_text(2, set);
                    w.nest(3, |w| some.iter().for_each(|element| write_element(element, w)));
                });
            }
        }
        Op::AddChain(name, hook) => message(NEWCHAIN, CREATE, &|w| write_chain(name, *hook, table, w)),
        Op::FlushChain(name) => message(DELRULE, 0, &|w| {
            w.put_text(1, table);
            w.put_text(2, name);
        }),
        Op::AddRule(chain, rule) => message(NEWRULE, CREATE | APPEND, &|w| {
            w.put_text(1, table);
            w.put_text(2, chain);
            w.nest(4, |w| rule.iter().for_each(|expr| w.nest(LIST_ELEM, |w| write_expr(expr, w))));
        }),
    }
}

/// The header of a message to nf_tables.
pub(crate) fn request(kind: u16, flags: u16, sequence: u32) -> Header {
    Header { kind: NFTABLES << 8 | kind, flags: REQUEST | flags, sequence, family: NFPROTO_INET, resource: 0 }
}

/// The header of what stands around a transaction.
pub(crate) fn around(kind: u16, sequence: u32) -> Header {
    Header { kind, flags: REQUEST, sequence, family: 0, resource: NFTABLES }
}

/// To a map of keys that says how much room it needs the kernel gives as many buckets, once and for all; one that does not say grows
/// by the time, and not within a transaction.
fn write_set(spec: &SetSpec, table: &str, id: u32, room: usize, w: &mut Writer) {
    w.put_text(1, table);
    w.put_text(2, &spec.name);
    let (key_flags, key_type) = match spec.key {
        KeySpec::Exact(len) => (0, type_of(len)),
        KeySpec::Range(len) => (SET_INTERVAL, type_of(len)),
        KeySpec::RankPairs => (SET_INTERVAL | SET_CONCAT, (TYPE_INTEGER << 6 | TYPE_MARK) << 6 | TYPE_INTEGER),
    };
    let (data_flags, data) = match spec.data {
        DataSpec::Nothing => (0, None),
        DataSpec::Rank => (SET_MAP, Some((TYPE_INTEGER, Rank::ANSWER_LEN))),
        DataSpec::Verdict => (SET_MAP, Some((TYPE_VERDICT, VERDICT_LEN))),
    };
    w.put_u32(3, key_flags | data_flags);
    w.put_u32(4, key_type);
    w.put_u32(5, u32_of(spec.key.len()));
    if let Some((kind, len)) = data {
        w.put_u32(6, kind);
        w.put_u32(7, u32_of(len));
    }
    if spec.has_room() {
        w.nest(9, |w| w.put_u32(1, u32_of(room)));
    }
    if spec.key == KeySpec::RankPairs {
        w.nest(9, |w| {
            w.nest(2, |w| {
                for len in [Rank::LEN, Rank::ANSWER_LEN - Rank::LEN, Rank::LEN] {
                    w.nest(LIST_ELEM, |w| w.put_u32(1, u32_of(len)));
                }
            });
        });
    }
    w.put_u32(10, id);
}

/// To a map of ranges a range is two elements: where it begins, and where it has ended.
fn write_element(element: &Element, w: &mut Writer) {
    match &element.key {
        Key::Other => w.nest(LIST_ELEM, |w| {
            w.put_u32(3, ELEM_CATCHALL);
            write_data(element.data, w);
        }),
        Key::Exact(key) => w.nest(LIST_ELEM, |w| {
            w.nest(1, |w| w.put(DATA_VALUE, key));
            write_data(element.data, w);
        }),
        Key::Pair(first, last) => w.nest(LIST_ELEM, |w| {
            w.nest(1, |w| w.put(DATA_VALUE, first));
            w.nest(10, |w| w.put(DATA_VALUE, last));
            write_data(element.data, w);
        }),
        Key::Range(first, last) => {
            w.nest(LIST_ELEM, |w| {
                w.nest(1, |w| w.put(DATA_VALUE, first));
                write_data(element.data, w);
            });
            if let Some(end) = successor(*last) {
                w.nest(LIST_ELEM, |w| {
                    w.nest(1, |w| w.put(DATA_VALUE, &end));
                    w.put_u32(3, ELEM_INTERVAL_END);
                });
            }
        }
    }
}

/// The next key; none behind the last of all.
fn successor(key: Octets) -> Option<Octets> {
    let mut next = key;
    for octet in next.iter_mut().rev() {
        *octet = octet.wrapping_add(1);
        if *octet != 0 {
            return Some(next);
        }
    }
    None
}

fn predecessor(key: Octets) -> Octets {
    let mut former = key;
    for octet in former.iter_mut().rev() {
        *octet = octet.wrapping_sub(1);
        if *octet != u8::MAX {
            break;
        }
    }
    former
}

fn write_data(data: Data, w: &mut Writer) {
    match data {
        Data::Nothing => {}
        Data::Rank(rank) => w.nest(2, |w| w.put(DATA_VALUE, &rank.answer())),
        Data::Verdict(target) => w.nest(2, |w| write_target(target, w)),
    }
}

fn write_target(target: Target, w: &mut Writer) {
    w.nest(DATA_VERDICT, |w| {
        let code = match target {
            Target::Drop => VERDICT_DROP,
            Target::Accept => VERDICT_ACCEPT,
            Target::Goto(_) => VERDICT_GOTO,
            Target::Return => VERDICT_RETURN,
        };
        w.put_u32(1, code.cast_unsigned());
        if let Target::Goto(chain) = target {
            w.put_text(2, chain);
        }
    });
}

fn write_chain(name: &str, hook: Option<BaseHook>, table: &str, w: &mut Writer) {
    w.put_text(1, table);
    w.put_text(3, name);
    if let Some(hook) = hook {
        w.nest(4, |w| {
            w.put_u32(1, hook_number(hook));
            w.put_u32(2, PRIORITY.cast_unsigned());
        });
        w.put_u32(5, VERDICT_ACCEPT.cast_unsigned());
        w.put_text(7, "filter");
    }
}

fn hook_number(hook: BaseHook) -> u32 {
    match hook {
        BaseHook::Input => 1,
        BaseHook::Forward => 2,
        BaseHook::Output => 3,
    }
}

fn write_expr(expr: &Expr, w: &mut Writer) {
    let mut named = |name: &str, write: &dyn Fn(&mut Writer)| {
        w.put_text(1, name);
        w.nest(2, write);
    };
    match expr {
        Expr::Meta(meta, reg) => named("meta", &|w| {
            w.put_u32(1, register(*reg));
            w.put_u32(2, meta_key(*meta));
        }),
        Expr::Payload { base, offset, len, reg } => named("payload", &|w| {
            w.put_u32(1, register(*reg));
            w.put_u32(2, if *base == Base::Network { 1 } else { 2 });
            w.put_u32(3, (*offset).into());
            w.put_u32(4, (*len).into());
        }),
        Expr::And(reg, mask) => named("bitwise", &|w| {
            w.put_u32(1, register(*reg));
            w.put_u32(2, register(*reg));
            w.put_u32(3, u32_of(mask.len()));
            w.nest(4, |w| w.put(DATA_VALUE, mask));
            w.nest(5, |w| w.put(DATA_VALUE, &vec![0; mask.len()]));
        }),
        Expr::Equals(reg, value) => named("cmp", &|w| {
            w.put_u32(1, register(*reg));
            w.put_u32(2, 0);
            w.nest(3, |w| w.put(DATA_VALUE, value));
        }),
        Expr::Differs(reg, value) => named("cmp", &|w| {
            w.put_u32(1, register(*reg));
            w.put_u32(2, CMP_NEQ);
            w.nest(3, |w| w.put(DATA_VALUE, value));
        }),
        Expr::Lookup { set, reg, answer } => named("lookup", &|w| {
            w.put_text(1, set);
            w.put_u32(2, register(*reg));
            match answer {
                Answer::Holds => {}
                Answer::Reg(into) => w.put_u32(3, register(*into)),
                Answer::Verdict => w.put_u32(3, VERDICT_REGISTER),
            }
        }),
        Expr::Load(reg, value) => named("immediate", &|w| {
            w.put_u32(1, register(*reg));
            w.nest(2, |w| w.put(DATA_VALUE, value));
        }),
        Expr::Verdict(target) => named("immediate", &|w| {
            w.put_u32(1, VERDICT_REGISTER);
            w.nest(2, |w| write_target(*target, w));
        }),
        Expr::Reject => named("reject", &|w| {
            w.put_u32(1, REJECT_ICMPX);
            w.put(2, &[ICMPX_HOST_UNREACHABLE]);
        }),
    }
}

/// An element of a set as the kernel lists it; the ends of ranges are apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    Element(Element),
    /// A range ends before this key.
    End(Octets),
    /// Nothing that we write.
    Foreign,
}

/// The elements in a message that lists some.
pub(crate) fn read_elements(attributes: Attributes<'_>) -> impl Iterator<Item = Listed> {
    let elements = attributes.nested(3).into_iter().flat_map(Attributes::iter);
    elements.map(|(_, octets)| read_element(Attributes(octets)).unwrap_or(Listed::Foreign))
}

fn read_element(element: Attributes<'_>) -> Option<Listed> {
    // What it answers, and nothing that ends by itself or counts.
    if element.iter().any(|(kind, _)| matches!(kind, 4 | 5 | 7 | 9)) {
        return None;
    }
    let value = |kind| element.nested(kind).and_then(|data| data.get(DATA_VALUE)).map(Octets::read);
    let flags = element.u32(3).unwrap_or(0);
    if flags & ELEM_INTERVAL_END != 0 {
        return value(1)?.map(Listed::End);
    }
    let key = match (flags & ELEM_CATCHALL != 0, value(1), value(10)) {
        (true, ..) => Key::Other,
        (false, Some(first), Some(last)) => Key::Pair(first?, last?),
        (false, Some(key), None) => Key::Exact(key?),
        (false, None, _) => return None,
    };
    let data = match element.nested(2) {
        None => Data::Nothing,
        Some(data) => match data.get(DATA_VALUE) {
            Some(value) => Data::Rank(Rank::answered(value)?),
            None => Data::Verdict(read_target(data)?),
        },
    };
    Some(Listed::Element(Element { key, data }))
}

/// What ranges begin and end where the kernel says; none if that makes no sense.
pub(crate) fn ranges(listed: Vec<Listed>, len: usize) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for one in listed {
        match one {
            Listed::Element(Element { key: Key::Exact(first), data }) => begins.push((first, data)),
            Listed::Element(other) => elements.push(other),
            Listed::End(end) => ends.push(end),
            Listed::Foreign => return None,
        }
    }
    begins.sort();
    ends.sort();
    // The kernel's own: a set of ranges may begin with an end.
    ends.retain(|end| end.iter().any(|octet| *octet != 0));
    let n_begins = begins.len();
    let mut ends = ends.into_iter();
    for (i, (first, data)) in begins.into_iter().enumerate() {
        let last = match ends.next() {
            Some(end) => predecessor(end),
            None if i + 1 == n_begins => Octets::read(&vec![u8::MAX; len])?,
            None => return None,
        };
        elements.push(Element { key: Key::Range(first, last), data });
    }
    ends.next().is_none().then_some(elements)
}

/// A rule as the kernel lists it, if it is one that we write.
pub(crate) fn read_rule(attributes: Attributes<'_>) -> Option<Vec<Expr>> {
    let exprs = attributes.nested(4).into_iter().flat_map(Attributes::iter);
    exprs.map(|(_, octets)| read_expr(Attributes(octets))).collect()
}

fn read_expr(expr: Attributes<'_>) -> Option<Expr> {
    let data = expr.nested(2)?;
    let reg = |kind| data.u32(kind).and_then(read_register);
    let value = |kind| data.nested(kind).and_then(|data| data.get(DATA_VALUE)).map(<[u8]>::to_vec);
    Some(match expr.text(1)? {
        "meta" => Expr::Meta(META.into_iter().find(|meta| Some(meta_key(*meta)) == data.u32(2))?, reg(1)?),
        "payload" => Expr::Payload {
            base: match data.u32(2)? {
                1 => Base::Network,
                2 => Base::Transport,
                _ => return None,
            },
            offset: data.u32(3)?.try_into().ok()?,
            len: data.u32(4)?.try_into().ok()?,
            reg: reg(1)?,
        },
        "bitwise" if data.u32(6).unwrap_or(0) == 0 && reg(1) == reg(2) && is_zero(&value(5)?) => {
            Expr::And(reg(1)?, value(4)?)
        }
        "cmp" if data.u32(2) == Some(0) => Expr::Equals(reg(1)?, value(3)?),
        "cmp" if data.u32(2) == Some(CMP_NEQ) => Expr::Differs(reg(1)?, value(3)?),
        "lookup" if data.u32(5).unwrap_or(0) == 0 => {
            let answer = match data.u32(3) {
                None => Answer::Holds,
                Some(VERDICT_REGISTER) => Answer::Verdict,
                Some(into) => Answer::Reg(read_register(into)?),
            };
            Expr::Lookup { set: data.text(1)?.to_owned(), reg: reg(2)?, answer }
        }
        "immediate" if data.u32(1) == Some(VERDICT_REGISTER) => Expr::Verdict(read_target(data.nested(2)?)?),
        "immediate" => Expr::Load(reg(1)?, value(2)?),
        "reject" if data.u32(1) == Some(REJECT_ICMPX) && data.get(2) == Some(&[ICMPX_HOST_UNREACHABLE]) => Expr::Reject,
        _ => return None,
    })
}

fn read_target(data: Attributes<'_>) -> Option<Target> {
    let verdict = data.nested(DATA_VERDICT)?;
    Some(match verdict.u32(1)?.cast_signed() {
        VERDICT_ACCEPT => Target::Accept,
        VERDICT_DROP => Target::Drop,
        VERDICT_RETURN => Target::Return,
        VERDICT_GOTO => {
            let chain = verdict.text(2)?;
            Target::Goto(chain_names().find(|known| *known == chain)?)
        }
        _ => return None,
    })
}

/// A chain as the kernel lists it, without its rules, if it is one that we make.
pub(crate) fn read_chain(attributes: Attributes<'_>) -> Option<Chain> {
    let hook = match attributes.nested(4) {
        None => None,
        Some(hook) => {
            let is_ours = hook.u32(2) == Some(PRIORITY.cast_unsigned())
                && attributes.u32(5) == Some(VERDICT_ACCEPT.cast_unsigned())
                && attributes.text(7) == Some("filter");
            let hooks = [BaseHook::Input, BaseHook::Forward, BaseHook::Output];
            let found = hooks.into_iter().find(|known| Some(hook_number(*known)) == hook.u32(1));
            Some(found.filter(|_| is_ours)?)
        }
    };
    Some(Chain { name: attributes.text(3)?.to_owned(), hook, rules: Vec::new() })
}

/// A set as the kernel lists it, if it is one that we make.
pub(crate) fn read_set(attributes: Attributes<'_>) -> Option<SetSpec> {
    let len = usize::try_from(attributes.u32(5)?).ok()?;
    let flags = attributes.u32(3).unwrap_or(0);
    let key = match flags & !SET_MAP {
        0 => KeySpec::Exact(len),
        SET_INTERVAL => KeySpec::Range(len),
        both if both == SET_INTERVAL | SET_CONCAT && len == KeySpec::RankPairs.len() => KeySpec::RankPairs,
        _ => return None,
    };
    let data = match (flags & SET_MAP != 0, attributes.u32(6)) {
        (false, _) => DataSpec::Nothing,
        (true, Some(TYPE_VERDICT)) => DataSpec::Verdict,
        (true, _) if attributes.u32(7) == Some(u32_of(Rank::ANSWER_LEN)) => DataSpec::Rank,
        (true, _) => return None,
    };
    Some(SetSpec { name: attributes.text(2)?.to_owned(), key, data })
}

fn is_zero(octets: &[u8]) -> bool {
    octets.iter().all(|octet| *octet == 0)
}

fn register(reg: Reg) -> u32 {
    FIRST_REGISTER + u32::from(reg.0)
}

/// The kernel names a register of four octets that begins one of sixteen by the latter.
fn read_register(number: u32) -> Option<Reg> {
    let first = match number {
        1..=4 => 4 * (number - 1),
        _ => number.checked_sub(FIRST_REGISTER)?,
    };
    u8::try_from(first).ok().filter(|reg| *reg < 16).map(Reg)
}

fn meta_key(meta: Meta) -> u32 {
    match meta {
        Meta::NfProto => 15,
        Meta::L4Proto => 16,
        Meta::Iif => 4,
        Meta::IifName => 6,
        Meta::OifName => 7,
    }
}

/// What a program that lists the set takes its keys for.
fn type_of(len: usize) -> u32 {
    match len {
        4 => 7,
        16 => 8,
        _ => TYPE_INTEGER,
    }
}

fn u32_of(len: usize) -> u32 {
    u32::try_from(len).expect("keys are short")
}

const META: [Meta; 5] = [Meta::NfProto, Meta::L4Proto, Meta::Iif, Meta::IifName, Meta::OifName];

pub(crate) const NEWTABLE: u16 = 0;
const DELTABLE: u16 = 2;
const NEWCHAIN: u16 = 3;
pub(crate) const GETCHAIN: u16 = 4;
const NEWRULE: u16 = 6;
pub(crate) const GETRULE: u16 = 7;
const DELRULE: u16 = 8;
const NEWSET: u16 = 9;
pub(crate) const GETSET: u16 = 10;
const DELSET: u16 = 11;
const NEWSETELEM: u16 = 12;
pub(crate) const GETSETELEM: u16 = 13;
const DELSETELEM: u16 = 14;
pub(crate) const GETGEN: u16 = 16;

/// The part of netfilter that nf_tables is.
pub(crate) const NFTABLES: u16 = 10;
pub(crate) const BATCH_BEGIN: u16 = 16;
pub(crate) const BATCH_END: u16 = 17;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
const NFPROTO_INET: u8 = 1;

const LIST_ELEM: u16 = 1;
const DATA_VALUE: u16 = 1;
const DATA_VERDICT: u16 = 2;
const SET_INTERVAL: u32 = 4;
const SET_MAP: u32 = 8;
const SET_CONCAT: u32 = 0x80;
const ELEM_INTERVAL_END: u32 = 1;
const ELEM_CATCHALL: u32 = 2;
const TYPE_INTEGER: u32 = 4;
const TYPE_MARK: u32 = 19;
const TYPE_VERDICT: u32 = 0xffff_ff00;
const VERDICT_LEN: usize = 16;
const VERDICT_DROP: i32 = 0;
const VERDICT_ACCEPT: i32 = 1;
const VERDICT_GOTO: i32 = -4;
const VERDICT_RETURN: i32 = -5;
const VERDICT_REGISTER: u32 = 0;
const FIRST_REGISTER: u32 = 8;
const REJECT_ICMPX: u32 = 2;
const ICMPX_HOST_UNREACHABLE: u8 = 2;
/// Before the chains that other programs call `filter`.
const PRIORITY: i32 = -10;
const CMP_NEQ: u32 = 1;
/// Of a map that is new, in elements: 32,768 buckets, a quarter of a MiB.
const MIN_ROOM: usize = 24_576;
/// Of one that is there: more than anybody has.
const MAX_ROOM: usize = 1 << 24;
/// With room to spare below the 64 KiB of a list.
const MAX_ELEMENTS: usize = 256;
