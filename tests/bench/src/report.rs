//! What was measured, as a table and as JSON.

use std::fmt;

use serde_json::{Value, json};

/// The rows so far.
#[derive(Clone, Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

/// One thing that was measured, and the floor that was measured with it.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub what: String,
    /// What it is compared with; absent for a figure that is judged by itself.
    pub floor: Option<f64>,
    /// The figure.
    pub ours: f64,
    /// What both are.
    pub unit: Unit,
    /// Ours over the floor: the median of rounds, not the ratio of medians. Absent without a floor.
    pub ratio: Option<f64>,
    /// What is wanted; absent where nothing is.
    pub bar: Option<Bar>,
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many a second.
    PerSecond,
    /// How many microseconds.
    Microseconds,
    /// How many milliseconds.
    Milliseconds,
    /// How many MiB.
    MiB,
}

/// What is wanted of a ratio, or of the figure where there is no floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Report {
    /// Adds a row, and prints it.
    pub fn add(&mut self, row: Row) {
        eprintln!("{row}");
        self.rows.push(row);
    }

    /// The rows as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        Value::Array(self.rows.iter().map(Row::json).collect())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<76}{:>12}{:>12}{:>6}{:>8}{:>8}", "what", "floor", "ours", "", "ratio", "bar")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl Row {
    /// Whether what is wanted is there; none where nothing is wanted.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        let judged = self.ratio.unwrap_or(self.ours);
        self.bar.map(|bar| match bar {
            Bar::AtLeast(least) => judged >= least,
            Bar::AtMost(most) => judged <= most,
        })
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "floor": self.floor,
            "ours": self.ours,
            "unit": self.unit.to_string(),
            "ratio": self.ratio,
            "bar": self.bar.map(|bar| bar.to_string()),
            "met": self.is_met(),
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |figure: Option<f64>| figure.map(|figure| format!("{figure:.1}")).unwrap_or_default();
        let ratio = self.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let bar = self.bar.map(|bar| bar.to_string()).unwrap_or_default();
        let verdict = match self.is_met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        let (what, unit) = (&self.what, self.unit.to_string());
        let (floor, ours) = (figure(self.floor), figure(Some(self.ours)));
        write!(f, "{what:<76}{floor:>12}{ours:>12} {unit:<5}{ratio:>8}{bar:>8} {verdict}")
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PerSecond => "/s",
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::MiB => "MiB",
        })
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::AtMost(most) => write!(f, "<= {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_judged_where_there_is_a_floor() {
        let row =
            |ratio, bar| Row { what: "x".into(), floor: None, ours: 70.0, unit: Unit::MiB, ratio, bar: Some(bar) };
        assert_eq!(row(None, Bar::AtMost(60.0)).is_met(), Some(false));
        assert_eq!(row(Some(1.5), Bar::AtMost(1.5)).is_met(), Some(true));
        assert_eq!(row(Some(0.4), Bar::AtLeast(0.5)).is_met(), Some(false));
        assert_eq!(row(Some(0.4), Bar::AtLeast(0.5)).json()["bar"], ">= 0.5");
    }
}
