//! The least a profile can be.

use oc2_actuator::AnyActuator;
use oc2_actuator::testing::{check, matrix};
use oc2_core::target::Device;
use oc2_core::{Action, Args, Command, ResponseType, StatusCode};
use oc2_tests_outside::bell::{Bell, Counter, Nothing};

fn ring() -> Command {
    Command::new(Action::Start, Device::builder().device_id("b").build().expect("a device"))
}

#[tokio::test]
async fn a_profile_may_add_nothing_but_a_command() {
    matrix(Counter::default()).await;
    let bell = AnyActuator::new(Counter::default());
    check::<Nothing>(&bell, &ring(), Ok(None)).await;
    let asked = Args::builder().response_requested(ResponseType::Ack).build().expect("arguments");
    let refused = Err((StatusCode::NotImplemented, "Option not supported: args.response_requested"));
    check::<Nothing>(&bell, &ring().with_args(asked), refused).await;
    let empty = Args::builder().set::<Bell>(Nothing {}).build().expect("arguments");
    check::<Nothing>(&bell, &ring().with_args(empty), Ok(None)).await;
}
