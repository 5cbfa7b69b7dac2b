//! Names and ids of a table, found without comparing each of them.

use super::Field;

/// A table of hashes, made when the program is compiled.
#[derive(Clone, Copy)]
pub(super) struct Names {
    /// One more than the position of a row; 0 where there is none.
    slots: [u8; SLOTS],
}

impl Names {
    pub(super) const fn of(fields: &[Field]) -> Self {
        assert!(fields.len() <= u8::MAX as usize, "a table of more than 255 rows");
        let mut slots = [0; SLOTS];
        // A table that would crowd the slots is searched row by row.
        let mut row = if fields.len() > SLOTS / 2 { fields.len() } else { 0 };
        while row < fields.len() {
            slots = with_row(slots, row, slot_of(fields[row].name.as_bytes()));
            row += 1;
        }
        Self { slots }
    }

    #[inline(always)]
    pub(super) fn find(&self, fields: &[Field], name: &str) -> Option<usize> {
        let mut slot = slot_of(name.as_bytes());
        loop {
            let row = match self.slots[slot] {
                // A table that would have crowded the slots has none of its names there.
                0 if fields.len() <= SLOTS / 2 => return None,
                0 => return search(fields, name),
                row => usize::from(row) - 1,
            };
            if is_same_name(fields.get(row)?.name.as_bytes(), name.as_bytes()) {
                return Some(row);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// Puts a row where its hash says, or behind what is there.
const fn with_row(mut slots: [u8; SLOTS], row: usize, mut slot: usize) -> [u8; SLOTS] {
    while slots[slot] != 0 {
        slot = (slot + 1) % SLOTS;
    }
    #[allow(clippy::cast_possible_truncation, reason = "a table has at most 255 rows")]
    {
        slots[slot] = row as u8 + 1;
    }
    slots
}

/// What a table announces of its keys to a deserializer that can make use of it: that one finds a key where it stands, and tells
/// its position alone.
///
/// Serde lets a visitor announce texts. These are the keys in the order of the rows, each with 16 zeros behind it, and last the
/// [`index`](Self::index), each slot of which is a character.
#[derive(Clone, Copy, Debug)]
pub struct Announced {
    keys: &'static [&'static str],
    index: &'static [u8],
    /// The position that comes next where members stand in the order of the table.
    next: usize,
}

impl Announced {
    /// Nothing is announced.
    pub const NOTHING: Self = Self { keys: &[], index: &[], next: 0 };

    /// What the texts say.
    #[must_use]
    #[inline(always)]
    pub fn new(texts: &'static [&'static str]) -> Self {
        match texts.split_last() {
            Some((index, keys)) => Self { keys, index: index.as_bytes(), next: 0 },
            None => Self::NOTHING,
        }
    }

    /// The slots of the keys, as characters.
    #[must_use]
    pub const fn index(keys: &[&str]) -> [u8; SLOTS] {
        let mut slots = [0; SLOTS];
        // As in `Names`: what would crowd the slots is not announced.
        let mut row = if keys.len() > SLOTS / 2 { keys.len() } else { 0 };
        while row < keys.len() {
            let Some(start) = keys[row].as_bytes().first_chunk() else { panic!("a key without zeros behind it") };
            slots = with_row(slots, row, slot_of_start(u128::from_le_bytes(*start)));
            row += 1;
        }
        slots
    }

    /// The same as a text, for constants.
    #[must_use]
    pub const fn index_text(index: &'static [u8; SLOTS]) -> &'static str {
        match str::from_utf8(index) {
            Ok(text) => text,
            Err(_) => panic!("more rows than characters of ASCII"),
        }
    }

    /// Whether there is nothing to find a key in.
    #[must_use]
    #[inline(always)]
    pub fn is_nothing(&self) -> bool {
        self.index.is_empty()
    }

    /// How many bytes the key has that comes next, if the 16 bytes are its first ones; what follows them is to be looked at.
    #[must_use]
    #[inline(always)]
    pub fn in_order(&self, ahead: u128) -> Option<usize> {
        let known = self.keys.get(self.next)?.as_bytes();
        let n = known.len().checked_sub(16)?;
        let differ = u128::from_le_bytes(*known.first_chunk()?) ^ ahead;
        (differ & FIRST.get(n)? == 0).then_some(n)
    }

    /// The position of that key, which is past now.
    #[inline(always)]
    pub fn pass(&mut self) -> u8 {
        let position = self.next;
        self.next += 1;
        #[allow(clippy::cast_possible_truncation, reason = "a table has at most 255 rows")]
        {
            position as u8
        }
    }

    /// The position of the key of `n` bytes that stands at `at`; `ahead` are [the next 16 bytes](sixteen) from there.
    #[must_use]
    #[inline(always)]
    pub fn find(&mut self, text: &[u8], at: usize, n: usize, ahead: u128) -> Option<u8> {
        let start = ahead & FIRST[n.min(16)];
        let mut slot = slot_of_start(start);
        loop {
            let row = self.index.get(slot)?.checked_sub(1)?;
            let known = self.keys.get(usize::from(row))?.as_bytes();
            if known.len() == n + 16 && u128::from_le_bytes(*known.first_chunk()?) == start {
                if n > 16 && text.get(at..at + n) != known.get(..n) {
                    return None;
                }
                self.next = usize::from(row) + 1;
                return Some(row);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// The first so many of 16 bytes.
const FIRST: [u128; 17] = {
    let mut masks = [u128::MAX; 17];
    let mut n = 0;
    while n < 16 {
        masks[n] = (1 << (8 * n)) - 1;
        n += 1;
    }
    masks
};

/// The slot of a key by its first 16 bytes, for which it takes no look at each of them.
#[inline(always)]
const fn slot_of_start(start: u128) -> usize {
    #[allow(clippy::cast_possible_truncation, reason = "one half, and the other")]
    let word = (start as u64) ^ ((start >> 64) as u64).rotate_left(23);
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOTS.ilog2())) as usize
}

/// The 16 bytes of a text from a position on, the first one lowest; behind its end there are zeros.
#[doc(hidden)]
#[must_use]
#[inline(always)]
pub fn sixteen(text: &[u8], at: usize) -> u128 {
    match text.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(ahead) => u128::from_le_bytes(*ahead),
        None => sixteen_at_end(text, at),
    }
}

#[inline(never)]
fn sixteen_at_end(text: &[u8], at: usize) -> u128 {
    let rest = text.get(at..).unwrap_or_default();
    match text.last_chunk() {
        // The last ones of 16 that are there.
        Some(last) if !rest.is_empty() => u128::from_le_bytes(*last) >> (8 * (16 - rest.len())),
        _ => rest.iter().rev().fold(0, |ahead, byte| ahead << 8 | u128::from(*byte)),
    }
}

#[cold]
fn search(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name == name)
}

/// Whether two short texts are the same: both ends of each, eight or four bytes at a time, without a call.
#[inline(always)]
fn is_same_name(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let ends16 = |text: &[u8]| Some((*text.first_chunk::<16>()?, *text.last_chunk::<16>()?));
    let ends8 = |text: &[u8]| Some((*text.first_chunk::<8>()?, *text.last_chunk::<8>()?));
    let ends4 = |text: &[u8]| Some((*text.first_chunk::<4>()?, *text.last_chunk::<4>()?));
    match a.len() {
        8..=16 => ends8(a) == ends8(b),
        4..=7 => ends4(a) == ends4(b),
        1..=3 => a.first() == b.first() && a.get(a.len() / 2) == b.get(b.len() / 2) && a.last() == b.last(),
        17..=32 => ends16(a) == ends16(b),
        _ => a.iter().eq(b),
    }
}

/// A table of ids, made when the program is compiled.
#[derive(Clone, Copy)]
pub(super) struct Ids {
    /// One more than the position of a row; 0 where there is none.
    slots: [u8; SLOTS],
}

impl Ids {
    pub(super) const fn of(fields: &[Field]) -> Self {
        let mut slots = [0; SLOTS];
        let mut row = if fields.len() > SLOTS / 2 { fields.len() } else { 0 };
        while row < fields.len() {
            slots = with_row(slots, row, fields[row].id as usize % SLOTS);
            row += 1;
        }
        Self { slots }
    }

    /// The position of a row; `None` if no row has this id for its own.
    #[inline(always)]
    pub(super) fn find(&self, fields: &[Field], id: u64) -> Option<usize> {
        #[allow(clippy::cast_possible_truncation, reason = "it is below the number of slots")]
        let mut slot = (id % SLOTS as u64) as usize;
        loop {
            let row = usize::from(self.slots[slot]).checked_sub(1)?;
            if u64::from(fields.get(row)?.id) == id {
                return Some(row);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// Length, ends and middle tell the names of the standard's tables apart, but for a few.
const fn slot_of(name: &[u8]) -> usize {
    let n = name.len();
    if n == 0 {
        return 0;
    }
    (n * 5 + name[0] as usize * 3 + name[n / 2] as usize * 7 + name[n - 1] as usize * 11) % SLOTS
}

/// How many slots a table of hashes has.
pub const SLOTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::status::StatusCode;

    #[test]
    fn every_name_is_found_and_no_other() {
        for (index, field) in Action::SHAPE.fields.iter().enumerate() {
            assert_eq!(Action::SHAPE.by_name(field.name).map(|(found, _)| found), Some(index));
            assert!(Action::SHAPE.by_name(&field.name[1..]).is_none());
            assert!(Action::SHAPE.by_name(&format!("{}s", field.name)).is_none());
        }
        assert!(Action::SHAPE.by_name("").is_none());
    }

    #[test]
    fn every_id_is_found_and_no_other() {
        for shape in [&StatusCode::SHAPE, &Action::SHAPE] {
            for (index, field) in shape.fields.iter().enumerate() {
                assert_eq!(shape.by_id(field.id.into()).map(|(found, _)| found), Some(index));
            }
            for id in (0..1200).chain([u64::from(u32::MAX), u64::MAX]) {
                let is_there = shape.fields.iter().any(|field| u64::from(field.id) == id);
                assert_eq!(shape.by_id(id).is_some(), is_there, "{id}");
            }
        }
    }

    #[test]
    fn texts_of_every_length_differ_in_any_byte() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..text.len() {
            let text = &text[..length];
            let same = text.to_vec();
            assert!(is_same_name(text, &same));
            for other in 0..length {
                assert!(!is_same_name(text, &same[..other]));
                let mut changed = text.to_vec();
                changed[other] ^= 0x80;
                assert!(!is_same_name(text, &changed), "byte {other} of {length}");
            }
        }
    }

    const KEYS: &[&str] = crate::announced!(
        "action\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "sixteen_in_bytes\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "response_requested\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    );
    const NAMES: [&str; 4] = ["action", "sixteen_in_bytes", "response_requested", "1"];

    #[test]
    fn a_key_that_is_announced_is_found_where_it_stands() {
        for (position, name) in (0..).zip(NAMES) {
            // With anything behind it, and at the end.
            for end in ["", "\"", "\":0}", "s and more than sixteen bytes"] {
                let text = format!("{{\"{name}{end}");
                let ahead = sixteen(text.as_bytes(), 2);
                assert_eq!(Announced::new(KEYS).find(text.as_bytes(), 2, name.len(), ahead), Some(position), "{text}");
            }
        }
    }

    #[test]
    fn no_other_key_is_taken_for_one_that_is_announced() {
        for name in NAMES {
            let others =
                [&name[1..], &format!("{name}\0"), &format!("{name}s"), &name.to_uppercase().replace('1', "2"), ""];
            for other in others {
                let ahead = sixteen(other.as_bytes(), 0);
                assert_eq!(Announced::new(KEYS).find(other.as_bytes(), 0, other.len(), ahead), None, "{other:?}");
            }
        }
        let text = NAMES[2].replace("sted", "stEd");
        assert_eq!(Announced::new(KEYS).find(text.as_bytes(), 0, text.len(), sixteen(text.as_bytes(), 0)), None);
        let text = NAMES[0].as_bytes();
        assert_eq!({ Announced::NOTHING }.find(text, 0, 6, sixteen(text, 0)), None);
        assert_eq!(Announced::NOTHING.in_order(sixteen(text, 0)), None);
    }

    #[test]
    fn keys_in_the_order_of_the_table_are_seen_by_their_start() {
        let mut announced = Announced::new(KEYS);
        let in_order = |announced: &Announced, text: &str| announced.in_order(sixteen(text.as_bytes(), 0));
        assert_eq!(in_order(&announced, "sixteen_in_bytes"), None);
        assert_eq!(in_order(&announced, "action\":1"), Some(6));
        assert_eq!(announced.pass(), 0);
        assert_eq!(in_order(&announced, "sixteen_in_bytes\""), Some(16));
        // Of a longer one the rest is not among the 16 bytes.
        assert_eq!(announced.pass(), 1);
        assert_eq!(in_order(&announced, "response_requested"), None);
        let found = announced.find(b"response_requested", 0, 18, sixteen(b"response_requested", 0));
        assert_eq!(found, Some(2));
        assert_eq!(in_order(&announced, "1\":"), Some(1));
        assert_eq!(announced.pass(), 3);
        assert_eq!(in_order(&announced, "1\":"), None);
    }

    #[test]
    fn sixteen_bytes_are_those_ahead_and_zeros_behind_the_end() {
        let text: Vec<u8> = (1..=40).collect();
        for length in 0..=text.len() {
            for at in 0..=length + 1 {
                let rest = text[..length].get(at..).unwrap_or_default();
                let mut expected = [0; 16];
                expected.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                assert_eq!(sixteen(&text[..length], at).to_le_bytes(), expected, "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_long_table_is_searched_too() {
        const ROW: Field = Field { id: 1, also: &[], name: "same", quoted: None, shape: None, required: false };
        const LONG: [Field; 60] = [ROW; 60];
        assert_eq!(Names::of(&LONG).find(&LONG, "same"), Some(0));
        assert_eq!(Names::of(&LONG).find(&LONG, "other"), None);
    }
}
