//! `query features` (LS 4.1).

mod answers;

use oc2_core::response::{Pairs, Profiles, RateLimit, Versions};
use oc2_core::target::TargetKind;
use oc2_core::types::text::Version;
use oc2_core::{
    Action, Args, Feature, Features, Invalid, Pair, Rejection, Response, ResponseType, Results, StatusCode, TargetName,
};

pub(crate) use self::answers::{Answer, Answers};

use crate::rate::Rate;
use crate::registry::Registry;

/// The pair that every Consumer supports.
pub(crate) const QUERY_FEATURES: Pair =
    Pair { action: Action::Query, target: TargetName::Standard(TargetKind::Features) };

/// Refuses every argument but `response_requested: complete` (LS 4.1, DECISIONS L4).
pub(crate) fn admit(args: &Args) -> Result<(), Rejection> {
    let is_complete = args.response_requested().is_none_or(|response| *response == ResponseType::Complete);
    let has_times = args.start_time().is_some() || args.stop_time().is_some() || args.duration().is_some();
    if is_complete && !has_times && args.namespaces().is_empty() {
        return Ok(());
    }
    Err(Rejection::malformed("args: query features takes no argument but response_requested complete (LS 4.1)"))
}

/// Tells what is asked for, and nothing else.
pub(crate) fn answer(features: &Features, registry: &Registry, rate: &Rate) -> Result<Response, Invalid> {
    let mut results = Results::builder();
    for feature in features.iter() {
        results = match feature {
            Feature::Versions => results.versions(Versions::new(vec![Version::v1_0()])?),
            Feature::Profiles => match Profiles::new(registry.profiles()) {
                Ok(profiles) => results.profiles(profiles),
                // A Consumer without profiles leaves the list out (LS 3.1.3).
                Err(_) => results,
            },
            Feature::Pairs => results.pairs(Pairs::new(registry.pairs())?),
            Feature::RateLimit => match rate.per_minute() {
                Some(n) => results.rate_limit(RateLimit::new(n.get().into())?),
                None => results,
            },
        };
    }
    Ok(Response::new(StatusCode::Ok).with_results(results.build()?))
}
