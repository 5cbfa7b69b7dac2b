//! One program as Consumer and as Producer (LS 1.2).

use std::sync::Arc;

use oc2_actuator::{Actuator, Context};
use oc2_consumer::Consumer;
use oc2_core::{Rejection, StatusCode};
use oc2_producer::Producer;
use oc2_profile_slpf::{Command, Results, RuleNumber, Slpf};
use oc2_transfer::MemoryTransfer;

/// Removes any rule that has a positive number.
struct Leaf;

impl Actuator for Leaf {
    type Profile = Slpf;

    async fn perform(&self, command: Command, _: Context) -> Result<Option<Results>, Rejection> {
        match command {
            Command::Delete(number) if number.as_i64() > 0 => Ok(Some(Results::rule(number))),
            other => Err(Rejection::not_found(format!("{other:?}"))),
        }
    }
}

/// Has another Consumer perform what it is commanded, and answers what that one answers.
struct Relay(Producer);

impl Actuator for Relay {
    type Profile = Slpf;

    async fn perform(&self, command: Command, _: Context) -> Result<Option<Results>, Rejection> {
        let Command::Delete(number) = command else { return Err(Rejection::unsupported("not relayed")) };
        let command = Slpf::delete(number).build().map_err(|error| Rejection::failed(error.to_string()))?;
        let received = self.0.ask(command).await.map_err(|error| Rejection::failed(error.to_string()))?;
        if received.response.status != StatusCode::Ok {
            return Err(Rejection::not_found("the one behind has no such rule"));
        }
        received.response.results.of::<Slpf>().map_err(|error| Rejection::failed(error.to_string()))
    }
}

fn producer(name: &str, consumer: Consumer) -> Producer {
    Producer::builder(MemoryTransfer::to(Arc::new(consumer))).identity(name).build()
}

// LS-006
#[tokio::test]
async fn a_consumer_may_command_others_while_it_is_commanded() {
    let leaf = Consumer::builder("leaf").dangerous().without_policy().actuator(Leaf).build();
    let relay = Relay(producer("relay", leaf));
    let relay = Consumer::builder("relay").dangerous().without_policy().actuator(relay).build();
    let top = producer("top", relay);
    for (number, status) in [(7, StatusCode::Ok), (-7, StatusCode::NotFound)] {
        let number = RuleNumber::new(number).unwrap();
        let received = top.ask(Slpf::delete(number).build().unwrap()).await.unwrap();
        assert_eq!((received.response.status, received.from()), (status, Some("relay")));
        let results = received.response.results.of::<Slpf>().unwrap();
        assert_eq!(results, (status == StatusCode::Ok).then(|| Results::rule(number)));
    }
}
