//! Which rule numbers are used up (DECISIONS S1).

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use oc2_profile_slpf::RuleNumber;

use crate::config::Config;

/// Every number that a rule ever had, so that none comes twice in the life of the store.
///
/// Numbers that were given automatically are arithmetic rows, however many they are; numbers that Producers placed are
/// kept one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbering {
    /// Descending, each below the one before.
    spans: Vec<Span>,
    placed: BTreeSet<RuleNumber>,
}

impl Numbering {
    /// What was kept of it.
    pub(crate) fn new(spans: impl IntoIterator<Item = Span>, placed: impl IntoIterator<Item = RuleNumber>) -> Self {
        let mut spans: Vec<Span> = spans.into_iter().collect();
        spans.sort_by_key(|span| std::cmp::Reverse(span.first));
        Self { spans, placed: placed.into_iter().collect() }
    }

    /// Whether a rule ever had this number.
    pub(crate) fn is_used(&self, number: RuleNumber) -> bool {
        self.placed.contains(&number) || self.spans.iter().any(|span| span.holds(number))
    }

    /// The numbers given automatically.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The numbers placed by Producers.
    pub(crate) fn placed(&self) -> impl ExactSizeIterator<Item = RuleNumber> {
        self.placed.iter().copied()
    }

    /// Uses up what was claimed.
    pub(crate) fn accept(&mut self, claims: &Claims) {
        self.placed.extend(&claims.placed);
        match (claims.span, self.spans.last_mut()) {
            (Some(span), Some(last)) if last.first == span.first => *last = span,
            (Some(span), _) => self.spans.push(span),
            (None, _) => {}
        }
    }

    /// Frees the numbers that were claimed for rules that never came into force, so that a Producer may ask for them
    /// again. Those given automatically stay used up: nobody asks for them.
    pub(crate) fn release(&mut self, claims: &Claims) {
        for number in &claims.placed {
            self.placed.remove(number);
        }
    }

    /// The span whose last number is the next one: below all others, and not placed.
    fn next(&self, claims: &Claims, config: &Config) -> Option<Span> {
        let step = config.rule_number_step;
        let ceiling = config.first_rule_number.as_i64();
        let below = |span: Span| span.last.saturating_sub(i64::from(step.get()));
        let mut span = match claims.span.or(self.spans.last().copied()) {
            Some(former) if former.step == step && below(former) <= ceiling => Span { last: below(former), ..former },
            Some(former) => Span::starting_at(below(former).min(ceiling), step),
            None => Span::starting_at(ceiling, step),
        };
        loop {
            let number = RuleNumber::new(span.last).ok()?;
            if !self.placed.contains(&number) && !claims.placed.contains(&number) {
                return Some(span);
            }
            span.last = below(span);
        }
    }
}

/// Numbers that were given automatically, or skipped: from `first` down to `last`, each by `step` below the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: i64,
    pub(crate) step: NonZeroU32,
    pub(crate) last: i64,
}

impl Span {
    fn starting_at(first: i64, step: NonZeroU32) -> Self {
        Self { first, step, last: first }
    }

    fn holds(self, number: RuleNumber) -> bool {
        let number = number.as_i64();
        (self.last..=self.first).contains(&number) && (self.first - number) % i64::from(self.step.get()) == 0
    }
}

/// Numbers that one change uses up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Asked for by `insert_rule`, and not used before.
    placed: BTreeSet<RuleNumber>,
    /// The span that ends with the last one given automatically.
    span: Option<Span>,
}

impl Claims {
    /// Claims a number that was asked for.
    pub(crate) fn place(&mut self, number: RuleNumber, numbering: &Numbering) {
        if !numbering.placed.contains(&number) {
            self.placed.insert(number);
        }
    }

    /// Claims the next number; none if there is none left.
    pub(crate) fn next(&mut self, numbering: &Numbering, config: &Config) -> Option<RuleNumber> {
        let span = numbering.next(self, config)?;
        self.span = Some(span);
        RuleNumber::new(span.last).ok()
    }

    pub(crate) fn placed(&self) -> impl Iterator<Item = RuleNumber> {
        self.placed.iter().copied()
    }

    pub(crate) fn span(&self) -> Option<Span> {
        self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_down() {
        let mut numbering = Numbering::default();
        assert_eq!(take(&mut numbering, &counting(100, 10), 3), [100, 90, 80]);
        assert_eq!(numbering.spans().len(), 1);
        for (number, expected) in [(100, true), (90, true), (80, true), (70, false), (85, false), (110, false)] {
            assert_eq!(numbering.is_used(number_of(number)), expected, "{number}");
        }
    }

    #[test]
    fn placed_numbers_are_skipped_and_used() {
        let mut numbering = Numbering::default();
        place(&mut numbering, &[100, 80, 85]);
        assert_eq!(take(&mut numbering, &counting(100, 10), 3), [90, 70, 60]);
        assert!(numbering.is_used(number_of(85)));
    }

    #[test]
    fn numbers_go_on_below_the_last_after_a_change_of_the_settings() {
        let mut numbering = Numbering::default();
        take(&mut numbering, &counting(100, 10), 3);
        assert_eq!(take(&mut numbering, &counting(1000, 10), 2), [70, 60]);
        assert_eq!(take(&mut numbering, &counting(1000, 7), 2), [53, 46]);
        assert_eq!(take(&mut numbering, &counting(20, 7), 2), [20, 13]);
        let used: Vec<i64> = (0..=100).rev().filter(|number| numbering.is_used(number_of(*number))).collect();
        assert_eq!(used, [100, 90, 80, 70, 60, 53, 46, 20, 13]);
    }

    #[test]
    fn what_is_kept_and_read_back_is_the_same() {
        let mut numbering = Numbering::default();
        take(&mut numbering, &counting(100, 10), 3);
        take(&mut numbering, &counting(100, 3), 3);
        place(&mut numbering, &[5, -5]);
        let kept = Numbering::new(numbering.spans().iter().rev().copied(), numbering.placed());
        assert_eq!(kept, numbering);
    }

    #[test]
    fn released_numbers_may_be_asked_for_again_but_none_comes_twice_automatically() {
        let mut numbering = Numbering::default();
        let mut claims = Claims::default();
        claims.place(number_of(7), &numbering);
        claims.next(&numbering, &counting(100, 10)).unwrap();
        numbering.accept(&claims);
        numbering.release(&claims);
        assert!(!numbering.is_used(number_of(7)));
        assert_eq!(take(&mut numbering, &counting(100, 10), 1), [90]);
    }

    #[test]
    fn a_number_that_was_placed_before_is_not_released() {
        let mut numbering = Numbering::default();
        place(&mut numbering, &[7]);
        let mut claims = Claims::default();
        claims.place(number_of(7), &numbering);
        numbering.release(&claims);
        assert!(numbering.is_used(number_of(7)));
    }

    #[test]
    fn the_last_number_is_the_last() {
        let lowest = -(1 << 53) + 1;
        let mut numbering = Numbering::default();
        assert_eq!(take(&mut numbering, &counting(lowest + 15, 10), 2), [lowest + 15, lowest + 5]);
        assert_eq!(Claims::default().next(&numbering, &counting(lowest + 15, 10)), None);
    }

    fn take(numbering: &mut Numbering, config: &Config, n: usize) -> Vec<i64> {
        let mut claims = Claims::default();
        let numbers = (0..n).map(|_| claims.next(numbering, config).unwrap().as_i64()).collect();
        numbering.accept(&claims);
        numbers
    }

    fn place(numbering: &mut Numbering, numbers: &[i64]) {
        let mut claims = Claims::default();
        numbers.iter().for_each(|number| claims.place(number_of(*number), numbering));
        numbering.accept(&claims);
    }

    fn counting(first: i64, step: u32) -> Config {
        let rule_number_step = NonZeroU32::new(step).unwrap();
        Config { first_rule_number: number_of(first), rule_number_step, ..Config::default() }
    }

    fn number_of(number: i64) -> RuleNumber {
        RuleNumber::new(number).unwrap()
    }
}
