//! What was found and is not mended yet: the properties let these through, and `tests/it/found.rs` has an input for each.
//!
//! Whoever mends one takes it off here and takes `#[ignore]` off its test.

use std::net::IpAddr;

use oc2_core::any::{Any, Members, Tree};
use oc2_core::shape::read::ReadError;
use oc2_core::{Actuator, Content, Form, Message, Notation, Target};
use oc2_encoding::EncodeError;
use oc2_profile_slpf::{Host, Slpf};

/// A tree gives every integer as a signed one, and two readers take ids as unsigned ones only: that of the first item of a
/// list that is a message, and that of the name of a target.
pub(crate) fn is_id_in_tree(error: &ReadError) -> bool {
    let places = ["expected headers, an action or a status", "expected the name of a target"];
    error.message().starts_with("invalid type: integer") && places.iter().any(|place| error.message().ends_with(place))
}

/// A key that no table has is an id in one form and a name in another, and three ways lead from one to the other:
///
/// * its value is `{}`, which goes into every form though its key does not: an id becomes a name (`0`, `"0"`), and a name an id
///   in concise JSON (`"3"`, which is `duration`);
/// * it stood behind the id that told the form of concise JSON, and is written before it;
/// * it is the name of a target, `{"x-a":{"0":1}}` by id, which is written as `{"x-a:0":1}`.
pub(crate) fn has_key_of_one_form(message: &Message) -> bool {
    let is_decimal = |name: &str| name.parse::<u64>().is_ok();
    let has_one = |members: &Members| members.iter().any(|(key, _)| key.as_name().is_none_or(is_decimal));
    has_one(message.headers.others())
        || match message.content() {
            Content::Request(command) => {
                has_one(command.args.namespaces())
                    || matches!(&command.target, Target::Extended(target) if is_decimal(target.name().as_str()))
            }
            Content::Response(response) => has_one(&response.others) || has_one(response.results.namespaces()),
            Content::Notification(_) => false,
        }
}

/// A member that no table has and that stands before the first name or id that tells the form is kept as one of another
/// form, and cannot be written in its own.
pub(crate) fn is_member_before_form(form: Form, error: &EncodeError) -> bool {
    form.notation == Notation::Concise && error.to_string().contains(UNKNOWN)
}

/// An id of a member that no table has is read up to 2^64 - 1, and written up to 2^53 - 1.
pub(crate) fn is_large_id(error: &EncodeError) -> bool {
    error.to_string().ends_with("is beyond plus or minus 2^53 - 1")
}

/// What is said of values that have to stay in the form they came in.
pub(crate) const UNKNOWN: &str = "that nobody here knows cannot change its form";

/// An IPv4 address with a final dot is a hostname; the dot is dropped, and what is written is an address.
pub(crate) fn is_address_with_dot(host: &Host) -> bool {
    matches!(host, Host::Name(name) if name.as_str().parse::<IpAddr>().is_ok())
}

/// The same in the specifiers of a Command.
pub(crate) fn is_for_address_with_dot(message: &Message) -> bool {
    let Content::Request(command) = message.content() else { return false };
    let specifiers = command.actuator.as_ref().and_then(|actuator| actuator.of::<Slpf>().ok().flatten());
    specifiers.and_then(|specifiers| specifiers.hostname).is_some_and(|host| is_address_with_dot(&host))
}

/// The second look takes a name for an id that the reader does not: `"04"`.
pub(crate) fn is_glimpsed_as_id(members: &Members) -> bool {
    members.iter().any(|(key, _)| key.as_name().is_some_and(|name| name.parse::<u64>().is_ok()))
}

/// CBOR has floats that are not numbers, JSON and JADN do not (RFC 8259 6); values that nobody types keep them.
pub(crate) fn has_no_number(message: &Message) -> bool {
    anys_of(message).into_iter().any(|any| holds_no_number(&any.tree()))
}

fn holds_no_number(tree: &Tree) -> bool {
    match tree {
        Tree::Number(number) => !number.is_finite(),
        Tree::List(items) => items.iter().any(holds_no_number),
        Tree::Map(members) => members.iter().any(|(_, value)| holds_no_number(value)),
        _ => false,
    }
}

fn anys_of(message: &Message) -> Vec<&Any> {
    fn values(members: &Members) -> impl Iterator<Item = &Any> {
        members.iter().map(|(_, value)| value)
    }
    let mut anys: Vec<_> = values(message.headers.others()).collect();
    match message.content() {
        Content::Request(command) => {
            anys.extend(values(command.args.namespaces()));
            anys.extend(command.actuator.as_ref().map(Actuator::specifiers));
            if let Target::Extended(extended) = &command.target {
                anys.push(extended.value());
            }
        }
        Content::Response(response) => {
            anys.extend(values(&response.others));
            anys.extend(values(response.results.namespaces()));
        }
        Content::Notification(notification) => anys.push(notification.members()),
    }
    anys
}
