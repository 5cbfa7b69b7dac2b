//! What a reader knows besides the value: how tolerant to be, how deep it is, and where it failed.

use serde::de::{Error, Expected, Unexpected};

use super::clauses;
use super::error::{Note, Place, ReadError, Segment};
use crate::any::{Any, Key};
use crate::form::Notation;
use crate::nsid::Nsid;
use crate::profile::Checks;
use crate::shape::{Field, Part, Shape};
use crate::target::Extended;

/// How tolerant a reader is (DECISIONS, general policy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Accepts what peers in the field send, where that is safe, and notes it.
    #[default]
    Lenient,
    /// Accepts what the standard defines and nothing else.
    Strict,
}

/// Bounds on what is read (DECISIONS L24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects and lists within each other. Default 32.
    pub depth: usize,
    /// Items of a list, members of an object that no table defines. Default 1000.
    pub items: usize,
    /// Parents of a process above each other (LS 3.4.1.15). Default 16.
    pub parents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 32, items: 1000, parents: 16 }
    }
}

/// Strict or lenient, the form that is met, limits, the place of an error, and what was tolerated.
#[derive(Debug, Default)]
pub struct Context {
    mode: Mode,
    limits: Limits,
    /// How tables are written, once that is clear.
    notation: Option<Notation>,
    /// A Record was met as an array, and nothing yet that tells names from ids.
    is_positional: bool,
    is_binary: bool,
    depth: usize,
    parents: usize,
    last_object_was_empty: bool,
    last_item_was_null: bool,
    /// What there is to tell; a message usually gives no reason for any of it.
    told: Option<Box<Told>>,
}

/// What a reader has to tell of a value besides the value.
#[derive(Debug, Default)]
struct Told {
    /// Where the error on its way up happened.
    place: Place,
    notes: Vec<Note>,
    /// What was found wrong, for a reader that goes on.
    faults: Option<Faults>,
}

impl Told {
    fn n_faults(&self) -> usize {
        self.faults.as_ref().map_or(0, |faults| faults.n_found)
    }
}

/// What a reader found wrong that goes on after it.
#[derive(Debug, Default)]
struct Faults {
    found: Vec<ReadError>,
    n_found: usize,
    /// The error on its way up was recorded where it arose.
    is_recorded: bool,
    /// What profiles check of the parts they define.
    checks: Option<Vec<Checks>>,
}

impl Context {
    /// A context with the default limits.
    #[must_use]
    #[inline]
    pub fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same for an encoding that has octets and numbers as keys (CBOR).
    #[must_use]
    #[inline]
    pub fn of_binary(self) -> Self {
        Self { is_binary: true, ..self }
    }

    /// The same for values that are known to be written in this notation.
    #[must_use]
    #[inline]
    pub fn in_notation(self, notation: Notation) -> Self {
        Self { notation: Some(notation), ..self }
    }

    /// The same for a reader that goes on after an error, to find them all. It has to read from something that holds every
    /// value apart, such as a [`Tree`](crate::any::Tree).
    #[must_use]
    pub fn finding_all(self) -> Self {
        self.with_faults(Faults::default())
    }

    /// The same for a reader that goes on after an error, and also checks what these profiles define. What nobody defines, and
    /// a Consumer would answer with 501, is checked for its form (DECISIONS L2).
    #[must_use]
    pub fn checking(self, checks: Vec<Checks>) -> Self {
        self.with_faults(Faults { checks: Some(checks), ..Faults::default() })
    }

    fn with_faults(mut self, faults: Faults) -> Self {
        self.told.get_or_insert_default().faults = Some(faults);
        self
    }

    fn faults(&self) -> Option<&Faults> {
        self.told.as_ref()?.faults.as_ref()
    }

    fn faults_mut(&mut self) -> Option<&mut Faults> {
        self.told.as_mut()?.faults.as_mut()
    }

    /// How tolerant this reader is.
    #[must_use]
    #[inline]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether only what the standard defines is accepted.
    #[must_use]
    #[inline]
    pub fn is_strict(&self) -> bool {
        self.mode == Mode::Strict
    }

    /// The bounds of this reader.
    #[must_use]
    #[inline]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How tables are written, as far as that could be told.
    #[must_use]
    #[inline]
    pub fn notation(&self) -> Notation {
        self.notation.unwrap_or(if self.is_positional { Notation::Compact } else { Notation::Verbose })
    }

    /// What the deserializer may expect as keys; nothing before it is clear what they are.
    #[inline(always)]
    pub(crate) fn announced<T>(&self, names: &'static [T], ids: &'static [T]) -> &'static [T] {
        match self.notation {
            Some(Notation::Verbose | Notation::Compact) => names,
            Some(Notation::Concise) if !self.is_binary => ids,
            _ => &[],
        }
    }

    /// Whether it is known how tables are written.
    #[must_use]
    #[inline]
    pub fn has_notation(&self) -> bool {
        self.notation.is_some()
    }

    /// Whether the encoding has octets and numbers as keys (CBOR).
    #[must_use]
    #[inline]
    pub fn is_binary(&self) -> bool {
        self.is_binary
    }

    /// Whether an id may stand where a form for people has a name.
    #[inline]
    pub(crate) fn may_have_ids(&self) -> bool {
        self.is_binary || matches!(self.notation, None | Some(Notation::Concise))
    }

    /// Whether names stand for names beyond doubt, and a key of another kind is to be looked at.
    #[inline]
    pub(crate) fn is_by_name(&self) -> bool {
        matches!(self.notation, Some(Notation::Verbose | Notation::Compact))
    }

    /// Whether ids stand for names beyond doubt.
    #[inline]
    pub(crate) fn is_concise(&self) -> bool {
        self.notation == Some(Notation::Concise)
    }

    /// A Record stands as an object: in the forms by name only.
    #[inline]
    pub(crate) fn meet_object<E: Error>(&mut self, name: &str) -> Result<(), E> {
        match self.notation {
            None if self.is_positional => {}
            None => {
                self.notation = Some(Notation::Verbose);
                return Ok(());
            }
            Some(Notation::Verbose) => return Ok(()),
            Some(Notation::Compact | Notation::Concise) => {}
        }
        Err(E::custom(format_args!("an object, where {name} is a list like the Records around it (JADN 4)")))
    }

    /// A Record stands as an array: in the forms by position only.
    pub(crate) fn meet_list<E: Error>(&mut self, expected: &dyn Expected) -> Result<(), E> {
        match self.notation {
            None if self.is_binary => self.notation = Some(Notation::Concise),
            None => self.is_positional = true,
            Some(Notation::Verbose) => return Err(E::invalid_type(Unexpected::Seq, expected)),
            Some(Notation::Compact | Notation::Concise) => {}
        }
        Ok(())
    }

    /// A name stands where some forms have an id.
    #[inline]
    pub(crate) fn meet_name<E: Error>(&mut self) -> Result<(), E> {
        match self.notation {
            Some(Notation::Verbose | Notation::Compact) => Ok(()),
            Some(Notation::Concise) => self.tolerate("a name, where ids are used (JADN 4)"),
            None => {
                self.notation = Some(self.notation());
                Ok(())
            }
        }
    }

    /// An id stands where some forms have a name.
    pub(crate) fn meet_id<E: Error>(&mut self) -> Result<(), E> {
        match self.notation {
            Some(Notation::Concise) => Ok(()),
            Some(Notation::Verbose | Notation::Compact) => self.tolerate("an id, where names are used"),
            None => {
                self.notation = Some(Notation::Concise);
                Ok(())
            }
        }
    }

    /// Whether the key of a namespace is what it has to be, whatever the namespace.
    pub(crate) fn knows_namespace(&self, key: &Key) -> bool {
        self.is_by_name() && matches!(key, Key::Name(_))
    }

    /// The key of a namespace: an id where ids are used, if the registry has one. What it does not have nobody here knows
    /// otherwise.
    pub(crate) fn meet_namespace<E: Error>(&mut self, key: &Key) -> Result<(), E> {
        if self.knows_namespace(key) {
            return Ok(());
        }
        match (key, Nsid::of_key(key)) {
            (Key::Number(_), Some(_)) => self.meet_id(),
            (Key::Name(_), Some(nsid)) if nsid.registered_id().is_some() => self.meet_name(),
            _ => Ok(()),
        }
    }

    /// What was tolerated so far, and what is legal and worth a look; in strict mode only the latter.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        self.told.as_ref().map_or(&[], |told| &told.notes)
    }

    /// The same, for keeps.
    #[must_use]
    pub fn into_notes(self) -> Vec<Note> {
        self.told.map(|told| told.notes).unwrap_or_default()
    }

    /// Accepts a deviation in lenient mode and notes it; refuses it in strict mode.
    ///
    /// # Errors
    /// The deviation, in strict mode.
    pub fn tolerate<E: Error>(&mut self, deviation: &str) -> Result<(), E> {
        if self.is_strict() {
            return Err(E::custom(deviation));
        }
        self.remark(deviation);
        Ok(())
    }

    /// Notes something that is legal and worth a look.
    pub(crate) fn remark(&mut self, text: &str) {
        let notes = &mut self.told.get_or_insert_default().notes;
        if notes.len() < MAX_NOTES {
            notes.push(Note { place: Place::default(), text: text.into() });
        }
    }

    /// Reads at a place below the present one; an error or a note within learns where it happened.
    ///
    /// # Errors
    /// Those of `read`, and a nesting beyond the limit.
    #[inline(always)]
    pub fn at<T, E: Error>(
        &mut self,
        segment: Segment<'_>,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.placed(segment, |context| {
            context.depth += 1;
            let res = if context.depth > context.limits.depth { Err(context.too_deep()) } else { read(context) };
            context.depth -= 1;
            res
        })
    }

    /// Reads the items of a list, which are all a level below the present place; `read` reads each as [`placed`](Self::placed).
    ///
    /// # Errors
    /// Those of `read`, and a nesting beyond the limit.
    pub(crate) fn within_list<T, E: Error>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        if self.is_at_bottom() {
            return self.placed(Segment::Index(0), |context| Err(context.too_deep()));
        }
        self.depth += 1;
        let res = read(self);
        self.depth -= 1;
        res
    }

    /// The same as [`at`](Self::at) on the present level.
    ///
    /// # Errors
    /// Those of `read`.
    #[inline(always)]
    pub(crate) fn placed<T, E: Error>(
        &mut self,
        segment: Segment<'_>,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let (n_notes, n_faults) = self.told.as_ref().map_or((0, 0), |told| (told.notes.len(), told.n_faults()));
        let res = read(self);
        if res.is_err() || self.told.is_some() {
            self.place_within(segment, res.is_err(), n_notes, n_faults);
        }
        res
    }

    #[cold]
    fn too_deep<E: Error>(&mut self) -> E {
        self.blame(clauses::BOUNDS);
        E::custom(format_args!("nested more than {} levels deep", self.limits.depth))
    }

    /// Tells an error, and the notes and faults beyond the first so many, where they happened.
    #[cold]
    fn place_within(&mut self, segment: Segment<'_>, is_error: bool, n_notes: usize, n_faults: usize) {
        let told = self.told.get_or_insert_default();
        if is_error {
            told.place.push(segment);
        }
        for note in &mut told.notes[n_notes..] {
            note.place.push(segment);
        }
        if let Some(faults) = &mut told.faults {
            for fault in faults.found.iter_mut().skip(n_faults) {
                fault.place.push(segment);
            }
        }
    }

    /// Whether nothing can be read below the present place.
    pub(crate) fn is_at_bottom(&self) -> bool {
        self.depth >= self.limits.depth
    }

    /// Reads something whose places are told from its own top, whatever it is wrapped in.
    pub(crate) fn as_top<T, E>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let n_notes = self.notes().len();
        let res = read(self);
        if res.is_err() {
            self.told.get_or_insert_default().place.complete = true;
        }
        for note in self.told.iter_mut().flat_map(|told| &mut told.notes[n_notes..]) {
            note.place.complete = true;
        }
        res
    }

    /// Names the clause that the error on its way up offends, unless a value within has named its own.
    pub fn blame(&mut self, clause: &'static str) {
        let place = &mut self.told.get_or_insert_default().place;
        if place.clause.is_empty() {
            place.clause = clause;
        }
    }

    /// The clause of the error on its way up, so far.
    fn blamed(&self) -> &'static str {
        self.told.as_ref().map_or("", |told| told.place.clause)
    }

    /// Names the clause that an error about a whole value of this type offends, unless a value within has named its own. A
    /// value of the wrong JSON type offends the table that says how types are written (LS 3.1.5).
    pub(crate) fn blame_shape<E: Error>(&mut self, shape: &Shape, error: &E) {
        let is_of_wrong_type = || error.to_string().starts_with(clauses::WRONG_TYPE);
        if self.finds_all() && !self.is_binary && self.blamed().is_empty() && is_of_wrong_type() {
            self.blame(clauses::of_kind(&shape.kind));
        }
        self.blame(shape.clause);
    }

    /// Names the clause by which a member must be present: null in its place is as good as nothing.
    pub(crate) fn blame_null<E: Error>(&mut self, shape: &Shape, field: &Field, error: &E) {
        if self.finds_all() && field.required && error.to_string().starts_with(clauses::NULL_FOUND) {
            self.told.get_or_insert_default().place.clause = clauses::of_missing(shape, field.name);
        }
    }

    /// Records an error, if this reader goes on after errors.
    ///
    /// # Errors
    /// The error itself, if it does not.
    pub fn recover<E: Error>(&mut self, error: E) -> Result<(), E> {
        let Some(Told { place, faults: Some(faults), .. }) = self.told.as_deref_mut() else { return Err(error) };
        let place = std::mem::take(place);
        if std::mem::take(&mut faults.is_recorded) {
            return Ok(());
        }
        faults.n_found += 1;
        if faults.found.len() < MAX_FAULTS {
            faults.found.push(ReadError::new(error.to_string()).at(place));
        }
        Ok(())
    }

    /// How many errors were recorded.
    #[inline]
    pub fn n_faults(&self) -> usize {
        self.told.as_ref().map_or(0, |told| told.n_faults())
    }

    /// Fails if errors were recorded since there were `n_before`: nothing can be made of what was read.
    ///
    /// # Errors
    /// One that [`recover`](Self::recover) knows to be recorded.
    #[inline]
    pub fn settle<E: Error>(&mut self, n_before: usize) -> Result<(), E> {
        match self.faults_mut() {
            Some(faults) if faults.n_found > n_before => {
                faults.is_recorded = true;
                Err(E::custom("see the errors within"))
            }
            _ => Ok(()),
        }
    }

    /// Every error that was recorded, in the order of the document; at most 100 are kept.
    #[must_use]
    pub fn into_faults(self) -> Vec<ReadError> {
        self.told.and_then(|told| told.faults).map(|faults| faults.found).unwrap_or_default()
    }

    /// Whether what nobody defines is checked for its form.
    pub(crate) fn checks_extensions(&self) -> bool {
        self.faults().is_some_and(|faults| faults.checks.is_some())
    }

    /// Checks a part in a namespace, if its profile is known here.
    pub(crate) fn check_part(&mut self, part: Part, nsid: Nsid, value: &Any) {
        if !self.finds_all() {
            return;
        }
        if self.checks_extensions() && !nsid.is_established() {
            self.remark("the namespace is neither registered nor marked as private by x- (LS 3.1.4)");
        }
        self.check_with(nsid, |checks| checks.part(part, value));
    }

    /// Checks a target of a profile, if that is known here.
    pub(crate) fn check_target(&mut self, target: &Extended) {
        self.check_with(target.nsid(), |checks| checks.target(target));
    }

    fn check_with(&mut self, nsid: Nsid, check: impl Fn(&Checks) -> Result<(), Vec<ReadError>>) {
        let Some(faults) = self.faults_mut() else { return };
        let found = faults
            .checks
            .iter()
            .flatten()
            .filter(|checks| checks.nsid() == nsid)
            .filter_map(|checks| check(checks).err());
        let found: Vec<_> = found.flatten().collect();
        faults.n_found += found.len();
        let n_free = MAX_FAULTS.saturating_sub(faults.found.len());
        faults.found.extend(found.into_iter().take(n_free));
    }

    /// Whether this reader goes on after errors.
    #[inline]
    pub(crate) fn finds_all(&self) -> bool {
        self.faults().is_some()
    }

    /// Remembers of an item of a Record whether it was null.
    #[inline]
    pub(crate) fn leave_item(&mut self, was_null: bool) {
        self.last_item_was_null = was_null;
    }

    /// Whether the item of a Record that was read last was null.
    #[inline]
    pub(crate) fn last_item_was_null(&self) -> bool {
        self.last_item_was_null
    }

    /// Remembers of an object that was read whether it had no members, whatever they were worth.
    #[inline]
    pub fn leave_object(&mut self, is_empty: bool) {
        self.last_object_was_empty = is_empty;
    }

    /// Whether the object that was read last had no members.
    #[inline]
    pub(crate) fn last_object_was_empty(&self) -> bool {
        self.last_object_was_empty
    }

    /// Reads one more parent of a process.
    pub(crate) fn as_parent<T, E: Error>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        if self.parents == self.limits.parents {
            self.blame(clauses::BOUNDS);
            return Err(E::custom(format_args!("more than {} parents above each other", self.limits.parents)));
        }
        self.parents += 1;
        let res = read(self);
        self.parents -= 1;
        res
    }

    /// The error with its place, for the caller that started the reading.
    #[must_use]
    pub fn fail(&mut self, message: impl Into<String>) -> ReadError {
        let place = self.told.as_mut().map(|told| std::mem::take(&mut told.place)).unwrap_or_default();
        ReadError::new(message).at(place)
    }
}

const MAX_FAULTS: usize = 100;
const MAX_NOTES: usize = 20;
