//! What `query features` asks for (LS 3.4.1.5, 3.4.2.4).

use serde::{Deserializer, Serializer};

use crate::enumerated;
use crate::form::Form;
use crate::shape::read::{Context, Read, list};
use crate::shape::write::Write;
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features(Vec<Feature>);

impl Features {
    /// Whether the feature is asked for.
    #[must_use]
    pub fn contains(&self, feature: Feature) -> bool {
        self.0.contains(&feature)
    }

    /// The features in the order they were asked for.
    pub fn iter(&self) -> impl Iterator<Item = Feature> {
        self.0.iter().copied()
    }
}

/// What stands more than once counts once (LS 3.4.1.5, DECISIONS L9).
impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        let mut distinct = Vec::with_capacity(Feature::ALL.len());
        for feature in features {
            if !distinct.contains(&feature) {
                distinct.push(feature);
            }
        }
        Self(distinct)
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
        let features: Vec<Feature> = list(context, deserializer, "features")?;
        let n_features = features.len();
        let distinct = Self::from_iter(features);
        if distinct.0.len() < n_features {
            context.remark("a feature stands more than once");
        }
        Ok(distinct)
    }
}

impl Write for Features {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(form, serializer)
    }
}
