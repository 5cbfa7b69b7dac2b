//! Several outcomes, one Response (DECISIONS R2).

use oc2_actuator::Outcome;
use oc2_core::{Nsid, Rejection, Response, Results, StatusCode};

/// One Response for what the actuators made of a Command: the worst status, all results, and who did what if there were
/// several.
pub(crate) fn gather(mut outcomes: Vec<(Nsid, Outcome)>) -> Response {
    if outcomes.len() == 1
        && let Some((nsid, outcome)) = outcomes.pop()
    {
        return respond(nsid, outcome);
    }
    let responses: Vec<_> = outcomes.into_iter().map(|(nsid, outcome)| (nsid, respond(nsid, outcome))).collect();
    let worst = responses.iter().map(|(_, response)| response.status).max_by_key(|status| severity(*status));
    let texts: Vec<_> = responses.iter().map(|(nsid, response)| describe(*nsid, response)).collect();
    let mut results = Results::builder();
    for (nsid, response) in responses.iter().rev() {
        // Of several actuators of one profile the first one's results are told.
        if let Some(any) = response.results.namespaces().value(nsid.as_str()) {
            results = results.set_any(*nsid, any.clone());
        }
    }
    Response::new(worst.unwrap_or(StatusCode::InternalError))
        .with_text(texts.join("; "))
        .with_results(results.build().unwrap_or_default())
}

/// One refusal for those of several actuators: the class of the worst, and who says what if there are several.
pub(crate) fn gather_refusals(mut refusals: Vec<(Nsid, Rejection)>) -> Option<Rejection> {
    if refusals.len() <= 1 {
        return refusals.pop().map(|(_, rejection)| rejection);
    }
    let worst = refusals.iter().map(|(_, rejection)| rejection.class()).max_by_key(|class| severity(class.status()))?;
    let texts: Vec<_> = refusals.into_iter().map(|(nsid, rejection)| describe(nsid, &rejection.into())).collect();
    Some(Rejection::new(worst, texts.join("; ")))
}

fn respond(nsid: Nsid, outcome: Outcome) -> Response {
    match outcome {
        Err(rejection) => rejection.into(),
        Ok(None) => Response::new(StatusCode::Ok),
        Ok(Some(any)) => {
            let results = Results::builder().set_any(nsid, any).build().unwrap_or_default();
            Response::new(StatusCode::Ok).with_results(results)
        }
    }
}

/// 5xx over 4xx over the rest.
fn severity(status: StatusCode) -> u16 {
    status.as_u16()
}

fn describe(nsid: Nsid, response: &Response) -> String {
    match &response.status_text {
        None => format!("{nsid}: {}", response.status.id()),
        Some(text) => format!("{nsid}: {} {text}", response.status.id()),
    }
}
