//! Orders that are undone (DECISIONS L27).

use super::*;

#[test]
fn what_a_command_did_is_undone_while_it_is_as_it_left_it() {
    // L27
    let mut world = World::new();
    let made = world.noted(any(1), None);
    world.perform(any(2)).unwrap();
    let suspended = world.noted(Order::Remove(number(999_980)), Some(60_000));
    let longer = world.noted(Order::Remove(number(999_980)), Some(90_000));
    world.restart();
    world.undo(&made).unwrap();
    world.assert_agreement(&[]);
    // Of two suspensions the later one holds the rule.
    assert!(world.undo(&suspended).unwrap_err().text().contains("too late: the rule is not suspended by it"));
    world.undo(&longer).unwrap();
    world.assert_agreement(&[]);
    world.undo(&suspended).unwrap();
    world.assert_agreement(&[999_980]);
    for note in [&made, &suspended, &longer] {
        assert!(world.undo(note).unwrap_err().text().contains("too late"));
    }
    world.restart();
    world.assert_agreement(&[999_980]);
}

#[test]
fn what_others_changed_since_is_not_undone() {
    let mut world = World::new();
    let made = world.noted(placed(7, 1), None);
    world.perform_for(Order::Remove(number(7)), 1000).unwrap();
    let changed = world.undo(&made).unwrap_err();
    assert!(changed.text().contains("too late: another command changed the rule"), "{changed}");
    world.hand.pass(1);
    world.perform(Order::Replace(vec![rule(1, Some(number(7)), true)])).unwrap();
    world.undo(&made).unwrap_err();
    world.assert_agreement(&[7]);
}

#[test]
fn a_rule_that_was_deleted_for_good_and_what_a_file_replaced_is_not_noted() {
    let mut world = World::with_rules();
    for order in [Order::Remove(number(10)), Order::Replace(Vec::new())] {
        assert!(world.noted(order, None).is_empty());
    }
    // Nor is what had no effect.
    let past = Context::new("producer", Window { start: at(1), stop: Some(at(2)) });
    world.keeper_mut().perform(any(2), &past).unwrap();
    assert_eq!(past.undo.noted(), None);
}
