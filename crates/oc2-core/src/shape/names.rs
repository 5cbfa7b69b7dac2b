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
            let mut slot = slot_of(fields[row].name.as_bytes());
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            #[allow(clippy::cast_possible_truncation, reason = "a table has at most 255 rows")]
            {
                slots[slot] = row as u8 + 1;
            }
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

#[cold]
fn search(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name == name)
}

/// Whether two short texts are the same: both ends of each, eight or four bytes at a time, without a call.
#[doc(hidden)]
#[must_use]
#[inline(always)]
pub fn is_same_name(a: &[u8], b: &[u8]) -> bool {
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
            let mut slot = fields[row].id as usize % SLOTS;
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            #[allow(clippy::cast_possible_truncation, reason = "a table has at most 255 rows")]
            {
                slots[slot] = row as u8 + 1;
            }
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

const SLOTS: usize = 64;

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

    #[test]
    fn a_long_table_is_searched_too() {
        const ROW: Field = Field { id: 1, also: &[], name: "same", quoted: None, shape: None, required: false };
        const LONG: [Field; 60] = [ROW; 60];
        assert_eq!(Names::of(&LONG).find(&LONG, "same"), Some(0));
        assert_eq!(Names::of(&LONG).find(&LONG, "other"), None);
    }
}
