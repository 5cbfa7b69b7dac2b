use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::*;

/// The alarms there are on this host.
fn alarms() -> Vec<(Alarm, Receiver<()>)> {
    let polling = || {
        let (ring, rings) = channel();
        (Alarm(Kind::Poll(Poll::start(move || _ = ring.send(())).unwrap())), rings)
    };
    let of_host = || {
        let (ring, rings) = channel();
        (Alarm::of_host(move || _ = ring.send(())).unwrap(), rings)
    };
    vec![of_host(), polling()]
}

fn in_millis(milliseconds: u64) -> DateTime {
    DateTime::from_millis(DateTime::now().as_millis() + milliseconds).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn linux_has_timers_that_follow_the_clock() {
    let alarm = Alarm::of_host(|| {}).unwrap();
    assert!(matches!(alarm.0, Kind::Timer(_)), "{alarm:?}");
}

#[test]
fn it_rings_when_its_time_has_come_and_not_before() {
    for (alarm, rings) in alarms() {
        for milliseconds in [0, 1, 30, 200] {
            let time = in_millis(milliseconds);
            alarm.set(Some(time));
            rings.recv().unwrap();
            assert!(DateTime::now() >= time, "{alarm:?}");
        }
    }
}

#[test]
fn a_time_that_is_over_rings_at_once() {
    for (alarm, rings) in alarms() {
        for time in [0, 1, 1_500_000_000_000] {
            alarm.set(DateTime::from_millis(time).ok());
            rings.recv().unwrap();
        }
    }
}

#[test]
fn it_can_be_set_to_an_earlier_time_while_it_waits() {
    for (alarm, rings) in alarms() {
        for far in [in_millis(3_600_000), DateTime::from_millis((1 << 53) - 1).unwrap()] {
            alarm.set(Some(far));
            alarm.set(Some(in_millis(20)));
            rings.recv().unwrap();
        }
    }
}

#[test]
fn it_does_not_ring_for_a_time_that_it_is_not_set_to_any_more() {
    for (alarm, rings) in alarms() {
        for other in [None, Some(in_millis(3_600_000)), DateTime::from_millis((1 << 53) - 1).ok()] {
            let given_up = set_anew_in_time(&alarm, &rings, other);
            // It would be heard then, and before what it is set to now.
            alarm.set(Some(DateTime::from_millis(given_up.as_millis() + 20).unwrap()));
            rings.recv().unwrap();
            assert!(DateTime::now() > given_up, "{alarm:?}");
        }
        assert_eq!(rings.recv_timeout(Duration::from_millis(50)), Err(RecvTimeoutError::Timeout), "{alarm:?}");
    }
}

/// The time it was set to and then not any more, before the clock showed it, however slow the machine is.
fn set_anew_in_time(alarm: &Alarm, rings: &Receiver<()>, other: Option<DateTime>) -> DateTime {
    for milliseconds in [20, 200, 2_000, 20_000] {
        let time = in_millis(milliseconds);
        alarm.set(Some(time));
        alarm.set(other);
        if DateTime::now() < time {
            return time;
        }
        rings.recv().unwrap();
    }
    panic!("too slow");
}

#[test]
fn its_thread_ends_with_it() {
    for (alarm, rings) in alarms() {
        alarm.set(Some(in_millis(3_600_000)));
        drop(alarm);
        // The sender goes with the thread.
        assert_eq!(rings.recv(), Err(std::sync::mpsc::RecvError));
    }
}

#[cfg(feature = "testing")]
#[test]
fn a_clock_that_is_set_rings_and_one_that_goes_on_rings_for_those_whose_time_has_come() {
    let at = |milliseconds| DateTime::from_millis(milliseconds).unwrap();
    let (hand, clock) = Hand::at(at(1000));
    let (ring, rings) = channel();
    let alarm = clock.alarm(move || _ = ring.send(())).unwrap();
    alarm.set(Some(at(1100)));
    hand.pass(99);
    assert!(rings.try_recv().is_err());
    hand.pass(1);
    rings.try_recv().unwrap();
    alarm.set(Some(at(2000)));
    hand.set(at(500));
    rings.try_recv().unwrap();
    assert_eq!(clock.now(), at(500));
    alarm.set(Some(at(500)));
    rings.recv().unwrap();
    drop(alarm);
    hand.set(at(9000));
    assert!(rings.recv().is_err());
}
