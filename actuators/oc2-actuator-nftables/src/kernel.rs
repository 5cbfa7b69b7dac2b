//! How nf_tables is spoken to: messages of netlink, without a process, a library or a text in between.

mod monitor;
mod transaction;
mod wire;

use std::collections::BTreeMap;
use std::io;

use oc2_netlink::{Attributes, Socket, Writer};

pub(crate) use self::monitor::Monitor;
pub(crate) use self::transaction::{Failure, commit};
use self::wire::Listed;
use crate::image::{Chain, Image};
use crate::op::{Element, KeySpec, SetSpec};

/// Whether a table of the kernel is as an image has it, and has nothing else in it.
///
/// It is looked at set by set: all that is in it, and all that should be, is many times what the rules take.
///
/// # Errors
/// The kernel does not say.
pub(crate) fn is_as(socket: &mut Socket, table: &str, image: &Image) -> io::Result<bool> {
    let Some(specs) = list(socket, table, wire::GETSET, wire::read_set)? else { return Ok(false) };
    let specs: BTreeMap<String, SetSpec> = specs.into_iter().map(|spec| (spec.name.clone(), spec)).collect();
    if chains(socket, table)?.is_none_or(|chains| chains != by_name(image.chains())) {
        return Ok(false);
    }
    let mut n_sets = 0;
    for (spec, _, expected) in image.sets() {
        n_sets += 1;
        if specs.get(&spec.name) != Some(&spec) {
            return Ok(false);
        }
        let mut expected: Vec<_> = expected.collect();
        expected.sort_unstable();
        if elements(socket, table, &spec)? != Some(expected) {
            return Ok(false);
        }
    }
    Ok(n_sets == specs.len())
}

/// The chains of a table with their rules; none if there is anything in them that we would not write.
fn chains(socket: &mut Socket, table: &str) -> io::Result<Option<BTreeMap<String, Chain>>> {
    let Some(chains) = list(socket, table, wire::GETCHAIN, wire::read_chain)? else { return Ok(None) };
    let mut chains = by_name(chains);
    let rule = |attributes: Attributes<'_>| Some((attributes.text(2)?.to_owned(), wire::read_rule(attributes)?));
    let Some(rules) = list(socket, table, wire::GETRULE, rule)? else { return Ok(None) };
    for (chain, rule) in rules {
        let Some(chain) = chains.get_mut(&chain) else { return Ok(None) };
        chain.rules.push(rule);
    }
    Ok(Some(chains))
}

fn by_name(chains: Vec<Chain>) -> BTreeMap<String, Chain> {
    chains.into_iter().map(|chain| (chain.name.clone(), chain)).collect()
}

/// Whether this kernel has nf_tables and lets us ask.
///
/// # Errors
/// Why not.
pub(crate) fn ask() -> io::Result<()> {
    Ok(Socket::open(0)?.ask(|sequence| wire::request(wire::GETGEN, wire::ACK, sequence), |_| {})?)
}

/// The things of one kind in a table; none if one of them is not as we make them.
fn list<T>(
    socket: &mut Socket,
    table: &str,
    kind: u16,
    read: impl Fn(Attributes<'_>) -> Option<T>,
) -> io::Result<Option<Vec<T>>> {
    let mut things = Some(Vec::new());
    let listed = socket.list(
        |sequence| wire::request(kind, wire::DUMP, sequence),
        |w| w.put_text(1, table),
        |message| {
            let attributes = Attributes::of(message);
            if attributes.text(1) == Some(table) {
                things = things.take().and_then(|mut things| {
                    things.push(read(attributes)?);
                    Some(things)
                });
            }
        },
    );
    match listed {
        Ok(()) => Ok(things),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Vec::new())),
        Err(error) => Err(error),
    }
}

fn elements(socket: &mut Socket, table: &str, spec: &SetSpec) -> io::Result<Option<Vec<Element>>> {
    let mut listed = Vec::new();
    let write = |w: &mut Writer| {
        w.put_text(1, table);
        w.put_text(2, &spec.name);
    };
    let header = |sequence| wire::request(wire::GETSETELEM, wire::DUMP, sequence);
    socket.list(header, write, |message| listed.extend(wire::read_elements(Attributes::of(message))))?;
    let elements = match spec.key {
        KeySpec::Range(len) => wire::ranges(listed, len),
        KeySpec::Exact(_) | KeySpec::RankPairs => {
            let element = |listed| match listed {
                Listed::Element(element) => Some(element),
                Listed::End(_) | Listed::Foreign => None,
            };
            listed.into_iter().map(element).collect()
        }
    };
    Ok(elements.map(|mut elements: Vec<Element>| {
        elements.sort_unstable();
        elements
    }))
}
