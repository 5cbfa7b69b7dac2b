//! Responses (LS 3.3.2).

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserializer, Serializer};

use crate::action::Action;
use crate::any::{Any, KEPT_IN_LENIENT, Key, Members, Others};
use crate::command::Pair;
use crate::form::{Form, Notation};
use crate::invalid::Invalid;
use crate::map;
use crate::nsid::Nsid;
use crate::profile::Profile;
use crate::shape::read::{
    Context, MAX_INTEGER, MemberKey, NULL, Read, ReadError, Seen, Segment, clauses, list, member_value, next_key,
    number, unique,
};
use crate::shape::write::{Write, Written};
use crate::shape::{Kind, Part, Room, Shape};
use crate::status::StatusCode;
use crate::target::TargetName;
use crate::types::text::Version;

map! {
    /// What a Consumer answers (LS 3.3.2).
    pub struct Response: "OpenC2-Response" in "LS 3.3.2 (LS-132)", Record later {
        /// The outcome.
        required status: StatusCode = 1,
        /// The outcome for people; no decision hangs on it.
        optional status_text: String = 2,
        /// What was asked for.
        defaulted results: Results = 3,
    } others
    /// Members that no table defines, kept for whoever knows them; none in strict mode (DECISIONS M15).
    others: KEPT_IN_LENIENT
}

impl Response {
    /// A Response without text and results.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, status_text: None, results: Results::default(), others: Members::default() }
    }

    /// The same with a text for people.
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Self {
        Self { status_text: Some(text.into()), ..self }
    }

    /// The same with the results of the profile `P` typed, so that it can be written in any form.
    ///
    /// # Errors
    /// They are ill-typed: the place and the reason.
    pub fn typed<P: Profile>(mut self) -> Result<Self, ReadError> {
        if let Some(results) = self.results.of::<P>()? {
            self.results.namespaces.set(P::NSID, Any::typed(results));
        }
        Ok(self)
    }

    /// All that is wrong with the results of the profile `P`.
    #[must_use]
    pub fn faults<P: Profile>(&self) -> Vec<ReadError> {
        self.results.check::<P>().err().unwrap_or_default()
    }

    pub(crate) fn settle(&mut self, context: &Context) -> Result<(), ReadError> {
        self.others.settle(context)?;
        self.results.namespaces.settle(context)
    }

    /// The same with results.
    #[must_use]
    pub fn with_results(self, results: Results) -> Self {
        Self { results, ..self }
    }
}

map! {
    /// Results of a Command (LS 3.3.2.2). Empty results are absent on the wire.
    pub struct Results: "Results" in "LS 3.3.2.2 (LS-146)", sealed by ResultsBuilder checked by fine {
        /// The versions of the language that are supported.
        optional versions: Versions = 1,
        /// The profiles that are supported.
        optional profiles: Profiles = 2,
        /// The targets that go with each action.
        optional pairs: Pairs = 3,
        /// How many commands a minute are taken, at least 0.
        optional rate_limit: RateLimit = 4,
    } others
    /// Results of profiles, each an object in the profile's namespace (LS 3.1.4).
    namespaces: NAMESPACES
}

impl Results {
    /// The results of the profile `P`; `None` if there are none.
    ///
    /// # Errors
    /// They are there and ill-typed.
    pub fn of<P: Profile>(&self) -> Result<Option<P::Results>, ReadError> {
        self.namespaces.value(P::NSID.as_str()).map(Any::of).transpose().map_err(placed::<P>)
    }

    fn check<P: Profile>(&self) -> Result<(), Vec<ReadError>> {
        let namespace = self.namespaces.value(P::NSID.as_str());
        namespace
            .map_or(Ok(()), Any::check::<P::Results>)
            .map_err(|errors| errors.into_iter().map(placed::<P>).collect())
    }

    /// The same results as a builder.
    #[must_use]
    pub fn into_builder(self) -> ResultsBuilder {
        ResultsBuilder(self)
    }
}

impl Default for Results {
    fn default() -> Self {
        Self::builder().0
    }
}

impl ResultsBuilder {
    /// Sets the results of the profile `P`.
    #[must_use]
    pub fn set<P: Profile>(self, results: P::Results) -> Self {
        self.set_any(P::NSID, Any::typed(results))
    }

    /// Sets the results of a profile that is known by its identifier only.
    #[must_use]
    pub fn set_any(mut self, nsid: Nsid, results: Any) -> Self {
        self.0.namespaces.set(nsid, results);
        self
    }
}

fn placed<P: Profile>(error: ReadError) -> ReadError {
    error.within(Segment::Name(P::NSID.as_str())).within(Segment::Name("results"))
}

fn fine(_: &Results) -> Result<(), Invalid> {
    Ok(())
}

/// A namespace is an object under a namespace identifier (LS 3.1.4); a Producer tolerates others (DECISIONS M15).
const NAMESPACES: Others = Others { admit: namespace, room: Room::Profiles(Part::Results) };

fn namespace(context: &mut Context, key: &Key, value: &Any) -> Result<Option<Key>, String> {
    context.meet_namespace(key).map_err(|error: ReadError| error.to_string())?;
    let nsid = Nsid::of_key(key);
    if let Some(nsid) = nsid
        && (value.is_object() || !(value.is_null() || context.is_strict()))
    {
        context.check_part(Part::Results, nsid, value);
    }
    // By name whatever it holds, or it could stand here by its id as well.
    let by_name = nsid.filter(|_| matches!(key, Key::Number(_))).map(Key::from);
    let (deviation, clause) = match nsid {
        _ if value.is_null() => (NULL, clauses::NULL),
        Some(_) if value.is_object() => return Ok(by_name),
        _ => ("not a namespace with its object", EXTENSIONS),
    };
    let res = context.tolerate(deviation);
    res.inspect_err(|_| context.blame(clause)).map(|()| by_name).map_err(|error: ReadError| error.to_string())
}

const EXTENSIONS: &str = "LS 3.1.4 (LS-043), DECISIONS L31";

/// Declares a list that is absent on the wire when it is empty: `$empty` says what to make of an empty one, `$check` of
/// any other.
macro_rules! listed {
    ($(#[$meta:meta])* $name:ident: $type:literal in $clause:literal of $item:ty, min $min:literal, unique $unique:literal,
        $what:literal, $empty:expr, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(Vec<$item>);

        impl $name {
            /// Checks a list.
            ///
            /// # Errors
            /// It is empty, or breaks the rule of the type.
            pub fn new(items: Vec<$item>) -> Result<Self, Invalid> {
                if items.is_empty() {
                    return Err(Invalid::new("an empty list is to be left out"));
                }
                let check: fn(&[$item]) -> Result<(), Invalid> = $check;
                check(&items).map(|()| Self(items))
            }

            /// The values in order.
            #[must_use]
            pub fn as_slice(&self) -> &[$item] {
                &self.0
            }
        }

        impl Read for $name {
            fn shape() -> &'static Shape {
                const SHAPE: Shape = Shape::plain(
                    $type,
                    $clause,
                    Kind::ArrayOf { item: <$item>::shape, min: $min, max: None, unique: $unique },
                );
                &SHAPE
            }

            fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
                Self::new(list(context, deserializer, $what)?).map_err(D::Error::custom)
            }

            fn read_optional<'de, D: Deserializer<'de>>(
                context: &mut Context,
                deserializer: D,
                slot: &mut Option<Self>,
            ) -> Result<(), D::Error> {
                let items: Vec<$item> = list(context, deserializer, $what)?;
                if items.is_empty() {
                    let admit: fn(&mut Context) -> Result<(), ReadError> = $empty;
                    return admit(context).map_err(D::Error::custom);
                }
                *slot = Some(Self::new(items).map_err(D::Error::custom)?);
                Ok(())
            }
        }

        impl Write for $name {
            fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.write(form, serializer)
            }
        }
    };
}

listed! {
    /// Versions of the language, at least one, each once (LS 3.3.2.2).
    Versions: "ArrayOf" in "LS 3.3.2.2 (LS-147)" of Version, min 1, unique true, "versions", |context| context.tolerate("an empty list is to be left out"), unique
}

listed! {
    /// Profiles, at least one (LS 3.3.2.2). An empty list is legal to receive and means absence (LS 3.1.3, DECISIONS
    /// L31). Versions are unique by their table, profiles are not.
    Profiles: "ArrayOf" in "LS 3.3.2.2 (LS-148)" of Nsid, min 0, unique false, "profiles", |_| Ok(()), |_| Ok(())
}

/// The targets that go with each action (LS 3.4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// In the order of the ids of the actions.
    targets_of: Vec<(Action, Vec<TargetName>)>,
}

impl Pairs {
    /// The pairs, each once.
    ///
    /// # Errors
    /// There is none.
    pub fn new(pairs: impl IntoIterator<Item = Pair>) -> Result<Self, Invalid> {
        let mut targets_of: Vec<(Action, Vec<TargetName>)> = Vec::new();
        for Pair { action, target } in pairs {
            match targets_of.iter_mut().find(|(known, _)| *known == action) {
                None => targets_of.push((action, vec![target])),
                Some((_, targets)) if targets.contains(&target) => {}
                Some((_, targets)) => targets.push(target),
            }
        }
        if targets_of.is_empty() {
            return Err(Invalid::new("at least one action is due"));
        }
        Ok(Self::sorted(targets_of))
    }

    fn sorted(mut targets_of: Vec<(Action, Vec<TargetName>)>) -> Self {
        if !targets_of.is_sorted_by_key(|(action, _)| *action) {
            targets_of.sort_unstable_by_key(|(action, _)| *action);
        }
        Self { targets_of }
    }

    /// Whether the pair is listed.
    #[must_use]
    pub fn contains(&self, pair: Pair) -> bool {
        self.iter().any(|(action, targets)| action == pair.action && targets.contains(&pair.target))
    }

    /// The actions in the order of their ids, each with its targets.
    pub fn iter(&self) -> impl Iterator<Item = (Action, &[TargetName])> {
        self.targets_of.iter().map(|(action, targets)| (*action, targets.as_slice()))
    }
}

impl Read for Pairs {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "Action-Targets",
            "LS 3.4.2.1 (LS-184)",
            Kind::MapOf { key: Action::shape, value: Targets::shape, min: 1 },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let mut pairs = None;
        Self::read_optional(context, deserializer, &mut pairs)?;
        pairs.ok_or_else(|| D::Error::custom("at least one action is due"))
    }

    fn read_optional<'de, D: Deserializer<'de>>(
        context: &mut Context,
        deserializer: D,
        slot: &mut Option<Self>,
    ) -> Result<(), D::Error> {
        let pairs = deserializer.deserialize_any(PairsVisitor(context))?;
        if pairs.targets_of.is_empty() {
            return context.tolerate("at least one action is due");
        }
        *slot = Some(pairs);
        Ok(())
    }
}

impl Write for Pairs {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.targets_of.len()))?;
        for (action, targets) in &self.targets_of {
            let targets = Written(targets, form);
            match form.notation {
                Notation::Concise => map.serialize_entry(&action.id(), &targets)?,
                Notation::Verbose | Notation::Compact => map.serialize_entry(action.name(), &targets)?,
            }
        }
        map.end()
    }
}

struct PairsVisitor<'c>(&'c mut Context);

impl<'de> Visitor<'de> for PairsVisitor<'_> {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of actions and lists of targets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let Self(context) = self;
        let n_faults = context.n_faults();
        let mut targets_of: Vec<(Action, Vec<TargetName>)> = Vec::new();
        let mut seen = Seen::default();
        while let Some(key) = next_key(context, &Action::SHAPE, &mut map)? {
            let res = match key {
                MemberKey::Known(index, field) => {
                    let targets = member_value::<A, Targets>(context, &mut map, Segment::Name(field.name));
                    targets.and_then(|Targets(targets)| {
                        seen.insert(index, field).inspect_err(|_: &A::Error| context.blame(clauses::DISTINCT))?;
                        targets_of.push((Action::ALL[index], targets));
                        Ok(())
                    })
                }
                MemberKey::Foreign(key) => {
                    context.blame(Pairs::shape().clause);
                    Err(A::Error::custom(format_args!("{key} is not one of {}", Action::SHAPE.names())))
                }
            };
            if let Err(error) = res {
                context.recover(error)?;
            }
        }
        context.settle(n_faults)?;
        Ok(Pairs::sorted(targets_of))
    }
}

/// The targets of one action: at least one, each once (LS 3.4.2.1).
struct Targets(Vec<TargetName>);

impl Read for Targets {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "Targets",
            "LS 3.4.2.1 (LS-185)",
            Kind::ArrayOf { item: TargetName::shape, min: 1, max: None, unique: true },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let targets: Vec<TargetName> = list(context, deserializer, "targets")?;
        if targets.is_empty() {
            return Err(D::Error::custom("at least one target is due"));
        }
        unique(&targets).map_err(D::Error::custom)?;
        Ok(Self(targets))
    }
}

/// Commands a minute, at least 0 (LS 3.3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct RateLimit(f64);

impl RateLimit {
    /// Checks a number.
    ///
    /// # Errors
    /// It is negative, or beyond 2^53 - 1.
    pub fn new(per_minute: f64) -> Result<Self, Invalid> {
        if (0.0..=MAX_INTEGER as f64).contains(&per_minute) {
            return Ok(Self(per_minute));
        }
        Err(Invalid::new(format!("{per_minute} is not a number of at least 0 and at most 2^53 - 1")))
    }

    /// Commands a minute.
    #[must_use]
    pub fn per_minute(self) -> f64 {
        self.0
    }
}

impl Read for RateLimit {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain("Number", "LS 3.3.2.2 (LS-150)", Kind::Number { min: 0.0 });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(_: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, "a number of at least 0").map(Self)
    }
}

impl Write for RateLimit {
    /// An integral number is written without a fraction, as people write it; by id in CBOR it stays a float (JADN 4.4).
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let is_float = form.notation == Notation::Concise && !serializer.is_human_readable();
        if self.0.fract() == 0.0 && !is_float {
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}
