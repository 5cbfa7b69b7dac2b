//! The times of a command (LS 3.3.1.4, DECISIONS L13, L14).

use oc2_core::types::time::{DateTime, Duration, Window};
use oc2_core::{Args, ResponseType};

const NOW: u64 = 1_000_000;
const MAX: u64 = (1 << 53) - 1;

fn time(milliseconds: u64) -> DateTime {
    DateTime::from_millis(milliseconds).expect("a time")
}

fn duration(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds).expect("a duration")
}

/// Start, stop and duration that are given; start and stop that follow, or the words.
type Row<'a> = ([Option<u64>; 3], Result<(u64, Option<u64>), &'a str>);

#[track_caller]
fn check_all(rows: &[Row<'_>]) {
    for ([start, stop, lasting], expected) in rows {
        let window = Window::resolve(start.map(time), stop.map(time), lasting.map(duration), time(NOW));
        let found = window.map(|window| (window.start.as_millis(), window.stop.map(DateTime::as_millis)));
        let expected = expected.map_err(str::to_owned);
        assert_eq!(found.map_err(|invalid| invalid.to_string()), expected, "{start:?} {stop:?} {lasting:?}");
    }
}

// LS-121 to LS-126
#[test]
fn what_is_not_given_is_derived() {
    check_all(&[
        ([None, None, None], Ok((NOW, None))),
        ([Some(5), None, None], Ok((5, None))),
        ([Some(MAX), None, None], Ok((MAX, None))),
        ([None, Some(NOW + 5), None], Ok((NOW, Some(NOW + 5)))),
        ([None, None, Some(5)], Ok((NOW, Some(NOW + 5)))),
        ([Some(5), Some(8), None], Ok((5, Some(8)))),
        ([Some(5), None, Some(3)], Ok((5, Some(8)))),
        ([None, Some(8), Some(3)], Ok((5, Some(8)))),
        ([None, Some(8), Some(8)], Ok((0, Some(8)))),
        ([Some(5), Some(5), None], Ok((5, Some(5)))),
        ([Some(5), None, Some(0)], Ok((5, Some(5)))),
        ([None, None, Some(0)], Ok((NOW, Some(NOW)))),
        ([None, Some(MAX), Some(MAX)], Ok((0, Some(MAX)))),
        ([Some(MAX), None, Some(0)], Ok((MAX, Some(MAX)))),
        ([None, None, Some(MAX - NOW)], Ok((NOW, Some(MAX)))),
    ]);
}

// LS-122, LS-123, L2, L14
#[test]
fn times_that_contradict_each_other_are_refused() {
    let three = Err("at most two of start_time, stop_time and duration may be given");
    let beyond = Err("start_time and duration lead beyond 2^53 - 1 milliseconds");
    check_all(&[
        ([Some(1), Some(2), Some(1)], three),
        ([Some(0), Some(0), Some(0)], three),
        ([Some(2), Some(1), None], Err("stop_time lies before start_time")),
        ([Some(MAX), Some(0), None], Err("stop_time lies before start_time")),
        ([None, Some(7), Some(8)], Err("stop_time and duration lead to a start before 1970")),
        ([Some(1), None, Some(MAX)], beyond),
        ([Some(MAX), None, Some(1)], beyond),
        ([Some(MAX), None, Some(MAX)], beyond),
        ([None, None, Some(MAX - NOW + 1)], beyond),
    ]);
}

// L13: the examples of the standard lie in 2018.
#[test]
fn a_window_in_the_past_is_legal_and_over() {
    check_all(&[
        ([None, Some(NOW - 1), None], Ok((NOW, Some(NOW - 1)))),
        ([Some(1), None, Some(500)], Ok((1, Some(501)))),
    ]);
    let window = |start, stop: Option<u64>| Window { start: time(start), stop: stop.map(time) };
    for (window, is_over, is_ahead) in [
        (window(NOW, None), false, false),
        (window(NOW - 1, None), false, false),
        (window(NOW + 1, None), false, true),
        (window(NOW, Some(NOW + 1)), false, false),
        (window(NOW, Some(NOW)), true, false),
        (window(1, Some(501)), true, false),
        (window(NOW, Some(NOW - 1)), true, false),
        (window(NOW + 1, Some(NOW + 1)), true, true),
        (window(NOW + 1, Some(NOW + 2)), false, true),
    ] {
        assert_eq!((window.is_over(time(NOW)), window.is_ahead(time(NOW))), (is_over, is_ahead), "{window:?}");
    }
}

#[test]
fn arguments_give_the_window_of_their_times() {
    let args = Args::builder().start_time(time(5)).duration(duration(3)).build().expect("arguments");
    assert_eq!(args.window(time(NOW)), Ok(Window { start: time(5), stop: Some(time(8)) }));
    assert_eq!(Args::default().window(time(NOW)), Ok(Window { start: time(NOW), stop: None }));
    let late = Args::builder().duration(duration(MAX)).build().expect("alone it contradicts nothing");
    late.window(time(NOW)).expect_err("beyond 2^53 - 1");
}

// LS-131
#[test]
fn whoever_does_not_say_which_answer_is_wanted_wants_the_complete_one() {
    assert_eq!(Args::default().response_wanted(), ResponseType::Complete);
    for response in ResponseType::ALL {
        let args = Args::builder().response_requested(*response).build().expect("arguments");
        assert_eq!(args.response_wanted(), *response);
    }
}

// L14
#[test]
fn times_and_durations_end_at_2_to_the_53_minus_1() {
    assert_eq!(DateTime::from_millis(MAX).map(DateTime::as_millis), Ok(MAX));
    assert_eq!(
        DateTime::from_millis(MAX + 1).expect_err("too late").to_string(),
        "9007199254740992 is not a time in milliseconds since 1970 (0..9007199254740991)"
    );
    assert_eq!(
        Duration::from_millis(u64::MAX).expect_err("too long").to_string(),
        "18446744073709551615 is not a duration in milliseconds (0..9007199254740991)"
    );
    assert_eq!(time(8).since(time(3)), duration(5));
    assert_eq!(time(3).since(time(8)), duration(0));
    assert_eq!(time(MAX).after(duration(0)), Ok(time(MAX)));
    time(MAX).after(duration(MAX)).expect_err("beyond");
}
