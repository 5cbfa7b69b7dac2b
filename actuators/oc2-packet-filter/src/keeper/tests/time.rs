//! Windows, and a clock that is set.

use super::*;

#[test]
fn windows_end_by_the_clock() {
    let mut world = World::new();
    world.perform_for(any(1), 1500).unwrap();
    world.perform(any(2)).unwrap();
    world.perform_for(Order::Remove(number(999_980)), 3000).unwrap();
    assert_eq!(world.keeper().next_deadline(), Some(at(NOON + 1500)));
    world.tick_after(1499);
    world.assert_agreement(&[999_990]);
    world.tick_after(1);
    world.assert_agreement(&[]);
    assert_eq!(world.keeper().next_deadline(), Some(at(NOON + 3000)));
    world.tick_after(1500);
    world.assert_agreement(&[999_980]);
    assert_eq!((world.keeper().next_deadline(), world.keeper().until_retry()), (None, None));
}

#[test]
fn a_clock_that_is_set_forward_ends_windows_at_once() {
    let mut world = World::new();
    world.perform_for(any(1), 3_600_000).unwrap();
    world.perform(any(2)).unwrap();
    world.perform_for(Order::Remove(number(999_980)), 7_200_000).unwrap();
    world.tick_after(86_400_000);
    world.assert_agreement(&[999_980]);
}

#[test]
fn a_clock_that_is_set_back_leaves_windows_as_they_were_commanded_and_brings_nothing_back() {
    let mut world = World::new();
    world.perform_for(any(1), 1000).unwrap();
    world.perform(any(2)).unwrap();
    world.perform_for(Order::Remove(number(999_980)), 1000).unwrap();
    world.perform_for(any(3), 3_600_000).unwrap();
    world.tick_after(2000);
    world.assert_agreement(&[999_970, 999_980]);
    world.set_clock(NOON - 86_400_000);
    world.assert_agreement(&[999_970, 999_980]);
    assert_eq!(world.keeper().next_deadline(), Some(at(NOON + 3_600_000)));
    world.restart();
    world.assert_agreement(&[999_970, 999_980]);
    world.set_clock(NOON + 3_600_000);
    world.assert_agreement(&[999_980]);
}

#[test]
fn a_restart_in_a_window_keeps_its_end() {
    let mut world = World::new();
    world.perform_for(any(1), 1500).unwrap();
    world.perform(any(2)).unwrap();
    world.perform_for(Order::Remove(number(999_980)), 1500).unwrap();
    world.restart();
    world.assert_agreement(&[999_990]);
    world.tick_after(1500);
    world.assert_agreement(&[999_980]);
}

#[test]
fn a_restart_after_a_window_has_its_outcome() {
    let mut world = World::new();
    world.perform_for(any(1), 50).unwrap();
    world.perform(any(2)).unwrap();
    world.perform_for(Order::Remove(number(999_980)), 50).unwrap();
    world.hand.pass(50);
    world.restart();
    world.assert_agreement(&[999_980]);
    world.restart();
    world.assert_agreement(&[999_980]);
}

#[test]
fn a_window_that_is_over_is_told_as_success_and_leaves_nothing() {
    let mut world = World::new();
    world.perform(any(1)).unwrap();
    let past = Context::new("producer", Window { start: at(1), stop: Some(at(2)) });
    assert_eq!(world.keeper_mut().perform(any(2), &past).unwrap(), Some(number(999_980)));
    assert_eq!(world.keeper_mut().perform(Order::Remove(number(999_990)), &past).unwrap(), None);
    world.assert_agreement(&[999_990]);
}
