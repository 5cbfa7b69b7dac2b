//! Members of an object that its table does not have.

use std::borrow::Cow;

use super::Any;
use super::distinct::Distinct;
use super::key::Key;
use crate::form::{Form, Notation};
use crate::nsid::Nsid;
use crate::shape::Room;
use crate::shape::read::{Context, ReadError, decimal, stands_twice};

/// Members of an object that its table does not have, in the order they came or were set.
#[derive(Clone, Debug, Default)]
pub struct Members {
    entries: Vec<(Key, Any)>,
    distinct: Distinct,
}

impl Members {
    /// The value of a member.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Any> {
        self.iter().find(|(known, _)| known.as_name() == Some(name)).map(|(_, any)| any)
    }

    /// Adds a member; gives it back if the key is taken.
    pub fn insert(&mut self, key: impl Into<Key>, value: Any) -> Option<Any> {
        let key = key.into();
        if !self.is_new(&key) {
            return Some(value);
        }
        self.append(key, value);
        None
    }

    /// Whether the key is not taken; it is from now on.
    pub(crate) fn is_new(&mut self, key: &Key) -> bool {
        self.distinct.adds(&self.entries, key)
    }

    /// Adds a member whose key is new.
    pub(crate) fn append(&mut self, key: Key, value: Any) {
        if self.entries.capacity() == 0 {
            self.entries = Vec::with_capacity(TYPICAL);
        }
        self.entries.push((key, value));
    }

    /// Sets a member, in the place of one of the same key if there is one.
    pub fn set(&mut self, key: impl Into<Key>, value: Any) {
        let key = key.into();
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => {
                self.insert(key, value);
            }
        }
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Any)> {
        self.entries.iter().map(|(key, any)| (key, any))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The members without the namespaces that are null, which is absence (DECISIONS M8, L36). They stood here while others
    /// came, so that none stands twice.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn present(self, others: &Others) -> Self {
        if self.is_empty() { self } else { self.without_null(others) }
    }

    fn without_null(self, others: &Others) -> Self {
        if !others.are_namespaces() || !self.entries.iter().any(|(_, any)| any.is_null()) {
            return self;
        }
        let mut present = Self::default();
        for (key, any) in self.entries.into_iter().filter(|(_, any)| !any.is_null()) {
            present.insert(key, any);
        }
        present
    }

    /// Tells members that were read before the notation was clear how they were written: what looked like a name may be an
    /// id, and the reverse.
    pub(crate) fn settle(&mut self, context: &Context) -> Result<(), ReadError> {
        for (key, any) in std::mem::take(self).entries {
            let name = key.text();
            let id = decimal(&name).filter(|_| context.is_concise());
            let key = match (context.is_binary(), id) {
                (true, _) => key,
                (false, Some(id)) => Key::Number(id),
                (false, None) => Key::Name(name.clone()),
            };
            if self.insert(key, any.settled(context)).is_some() {
                return Err(stands_twice(&name));
            }
        }
        Ok(())
    }
}

/// The order of members has no meaning (LS-004).
impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        let value = |key: &Key| other.iter().find(|(known, _)| *known == key).map(|(_, any)| any);
        self.len() == other.len() && self.iter().all(|(key, any)| value(key) == Some(any))
    }
}

/// What becomes of members that a table does not have; for [`map!`](crate::map).
#[derive(Clone, Copy, Debug)]
pub struct Others {
    /// Admits a member, and may have it kept under another key.
    pub admit: fn(&mut Context, &Key, &Any) -> Result<Option<Key>, String>,
    /// What the schema says of them; the keys are namespaces, of which a registered one has an id, where profiles have room
    /// (LS 3.1.4).
    pub room: Room,
}

impl Others {
    /// The key that a member has in a form.
    pub(crate) fn key_in<'k>(&self, form: Form, key: &'k Key) -> Cow<'k, Key> {
        let is_by_id = form.notation == Notation::Concise && self.are_namespaces();
        let nsid = key.as_name().filter(|_| is_by_id).and_then(|name| name.parse::<Nsid>().ok());
        nsid.and_then(|nsid| nsid.registered_id()).map_or(Cow::Borrowed(key), |id| Cow::Owned(Key::Number(id.into())))
    }

    fn are_namespaces(&self) -> bool {
        matches!(self.room, Room::Profiles(_))
    }
}

/// Every member is kept.
pub const KEPT: Others = Others { admit: |_, _, _| Ok(None), room: Room::Any };

/// Members are kept in lenient mode and refused in strict mode.
pub const KEPT_IN_LENIENT: Others = Others {
    admit: |context, _, _| {
        context.tolerate("unknown member").map(|()| None).map_err(|error: ReadError| error.to_string())
    },
    room: Room::None,
};

/// Most objects have no more.
const TYPICAL: usize = 2;
