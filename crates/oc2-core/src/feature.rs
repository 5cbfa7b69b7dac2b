//! What `query features` asks for (LS 3.4.1.5, 3.4.2.4).

use std::fmt;

use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer};

use crate::enumerated;
use crate::form::Form;
use crate::shape::read::{Context, Read, Taker, each};
use crate::shape::write::{Write, Written};
use crate::shape::{Kind, Shape};

enumerated! {
    /// Something a Consumer tells about itself (LS 3.4.2.4).
    pub enum Feature: "Feature" in "LS 3.4.2.4 (LS-188)" {
        /// The versions of the language it supports.
        Versions = 1 "versions",
        /// The actuator profiles it supports.
        Profiles = 2 "profiles",
        /// The pairs of action and target it supports.
        Pairs = 3 "pairs",
        /// How many commands a minute it takes.
        RateLimit = 4 "rate_limit",
    }
}

/// Features asked for, each once (LS 3.4.1.5). An empty list asks whether the Consumer is alive.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// Those that are asked for, and `None` behind them.
    asked: [Option<Feature>; Feature::ALL.len()],
}

impl Features {
    /// Whether the feature is asked for.
    #[must_use]
    pub fn contains(&self, feature: Feature) -> bool {
        self.asked.contains(&Some(feature))
    }

    /// The features in the order they were asked for.
    pub fn iter(&self) -> impl Iterator<Item = Feature> {
        self.asked.iter().copied().flatten()
    }
}

impl Features {
    /// Asks for one more; false if it was asked for before.
    fn insert(&mut self, feature: Feature) -> bool {
        if self.contains(feature) {
            return false;
        }
        if let Some(free) = self.asked.iter_mut().find(|asked| asked.is_none()) {
            *free = Some(feature);
        }
        true
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What stands more than once counts once (LS 3.4.1.5, DECISIONS L9).
impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        let mut distinct = Self::default();
        for feature in features {
            distinct.insert(feature);
        }
        distinct
    }
}

impl Read for Features {
    fn shape() -> &'static Shape {
        const SHAPE: Shape = Shape::plain(
            "Features",
            "LS 3.4.1.5 (LS-157)",
            Kind::ArrayOf { item: Feature::shape, min: 0, max: Some(10), unique: true },
        );
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let mut distinct = Self::default();
        let mut stands_twice = false;
        let mut take = Taker(|feature: Feature| stands_twice |= !distinct.insert(feature));
        each(context, deserializer, "features", &mut take)?;
        if stands_twice {
            context.remark("a feature stands more than once");
        }
        Ok(distinct)
    }
}

impl Write for Features {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.iter().count()))?;
        self.iter().try_for_each(|feature| items.serialize_element(&Written(&feature, form)))?;
        items.end()
    }
}
