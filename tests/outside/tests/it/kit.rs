//! An actuator with a state, through the test kit.

use oc2_actuator::AnyActuator;
use oc2_actuator::testing::{check, matrix, perform};
use oc2_core::types::time::DateTime;
use oc2_core::{Action, Actuator, Args, Command, Features, StatusCode, Target as CommonTarget};
use oc2_tests_outside::lock::{self, Bolt, Door, Doors, Floor, Keys, Lock, Results, Specifiers, Target, Zone};

fn doors() -> Doors {
    Doors::new("north", ["AB1", "AB2"].map(|name| Door::new(name).expect(name)))
}

fn door(action: Action, name: &str) -> Command {
    let target = Target::Door(Door::new(name).expect(name));
    Command::new(action, CommonTarget::extended::<Lock>(target).expect("a row of the table"))
}

fn with(command: Command, args: lock::Args) -> Command {
    let args = Args::builder().start_time(DateTime::from_millis(7).expect("a time")).set::<Lock>(args).build();
    command.with_args(args.expect("arguments"))
}

fn moved(bolt: Bolt) -> Result<Option<Results>, (StatusCode, &'static str)> {
    let since = DateTime::from_millis(7).expect("a time");
    Ok(Some(Results { bolt: Some(bolt), since: Some(since), doors: None }))
}

#[tokio::test]
async fn the_actuator_keeps_to_the_rows_of_its_profile() {
    matrix(doors()).await;
    matrix(doors().without("force")).await;
    let pairs: Vec<_> = AnyActuator::new(doors()).pairs().iter().map(ToString::to_string).collect();
    assert_eq!(pairs, ["deny x-lock:door", "allow x-lock:door", "contain x-lock:zone", "query x-lock:door"]);
}

#[tokio::test]
async fn commands_change_the_state_that_later_ones_see() {
    let any = AnyActuator::new(doors());
    let plain = lock::Args::default;
    check(&any, &with(door(Action::Deny, "AB1"), plain()), moved(Bolt::Locked)).await;
    check::<Results>(&any, &with(door(Action::Deny, "AB1"), plain()), Ok(None)).await;
    let forced = lock::Args { force: Some(true), except: Keys::new(vec!["k1".into()]).ok(), ..plain() };
    check(&any, &with(door(Action::Deny, "AB1"), forced), moved(Bolt::Locked)).await;
    check(&any, &door(Action::Query, "AB1"), moved(Bolt::Locked)).await;
    check(&any, &with(door(Action::Allow, "AB1"), plain()), moved(Bolt::Open)).await;

    let zone = Target::Zone(Zone::builder().floor(Floor(-1)).wing("east").build().expect("a zone"));
    let seal = Command::new(Action::Contain, CommonTarget::extended::<Lock>(zone).expect("a row"));
    let results = Results { doors: Some(Floor(2)), ..Results::default() };
    check(&any, &seal, Ok(Some(results))).await;
    let outcome = perform(&any, &door(Action::Query, "AB2")).await.expect("performed").expect("results");
    assert_eq!(outcome.of::<Results>().expect("ours").bolt, Some(Bolt::Locked));
}

#[tokio::test]
async fn what_the_actuator_does_not_do_is_refused_with_the_sentence_for_it() {
    let any = AnyActuator::new(doors().without("reason"));
    let refused = |status, text| Err::<Option<Results>, _>((status, text));
    let unsupported = StatusCode::NotImplemented;
    check(&any, &door(Action::Deny, "ZZ9"), refused(StatusCode::NotFound, "no door ZZ9")).await;
    let reason = lock::Args { reason: Some("a".into()), ..lock::Args::default() };
    let text = "Option not supported: args.x-lock.reason";
    check(&any, &with(door(Action::Deny, "AB1"), reason), refused(unsupported, text)).await;
    let force = lock::Args { force: Some(true), ..lock::Args::default() };
    let text = "Option not supported: args.x-lock.force";
    let command = door(Action::Allow, "AB1");
    let args = Args::builder().set::<Lock>(force).build().expect("arguments");
    check(&any, &command.with_args(args), refused(unsupported, text)).await;
    check(&any, &Command::new(Action::Query, Features::default()), refused(unsupported, "Target type")).await;
    let restart =
        Command::new(Action::Restart, oc2_core::target::Device::builder().device_id("a").build().expect("a device"));
    assert_eq!(any.unsupported(restart.pair()), Some("no lock here does this"));
    check(&any, &restart, refused(unsupported, "no lock here does this")).await;
}

#[test]
fn specifiers_say_which_doors_are_meant() {
    let any = AnyActuator::new(doors());
    let to = |building: Option<&str>| {
        let specifiers = Specifiers { building: building.map(Into::into) };
        door(Action::Query, "AB1").with_actuator(Actuator::new::<Lock>(specifiers))
    };
    for (command, is_meant) in
        [(door(Action::Query, "AB1"), true), (to(None), true), (to(Some("north")), true), (to(Some("south")), false)]
    {
        assert_eq!(any.is_addressed(&command), Ok(is_meant));
    }
}
