//! What many measurements come to.

use std::time::Duration;

/// The one in the middle; 0 of none.
#[must_use]
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The time that so many of a thousand do not exceed; 0 of none.
#[must_use]
pub fn quantile(times: &[Duration], per_mille: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * per_mille / 1000).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_does_not_depend_on_the_order() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn one_of_a_hundred_takes_longer_than_the_990th_of_a_thousand() {
        let times: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 990), Duration::from_millis(100));
        assert_eq!(quantile(&times, 500), Duration::from_millis(51));
        assert_eq!(quantile(&times, 1000), Duration::from_millis(100));
        assert_eq!(quantile(&[], 500), Duration::ZERO);
    }
}
