//! What every transfer must pass.

use oc2_transfer::conform::{self, Probe, Subject};
use oc2_transfer_http::{HttpListener, HttpTransfer, Settings};

async fn http(probe: Probe) -> Subject<HttpTransfer> {
    let listener =
        HttpListener::bind("127.0.0.1:0".parse().unwrap(), Settings::default()).await.expect("there is a port");
    let transfer = HttpTransfer::new(&format!("http://{}", listener.local_addr())).expect("it is an address");
    Subject::start(listener, probe, transfer)
}

#[cfg(feature = "tls")]
async fn https(probe: Probe) -> Subject<HttpTransfer> {
    use crate::authority::{Authority, Issues, client, mutual};
    let authority = Authority::new("everybody");
    let listener =
        HttpListener::bind("127.0.0.1:0".parse().unwrap(), Settings::default()).await.expect("there is a port");
    let listener =
        listener.with_tls(oc2_transfer_http::TlsHandle::new(mutual(&authority.consumer(), authority.trusted())));
    let transfer = HttpTransfer::new(&format!("https://{}", listener.local_addr())).expect("it is an address");
    let transfer =
        transfer.with_tls(client(authority.trusted(), Some(authority.producer("soc-1")))).expect("it is secure");
    Subject::start(listener, probe, transfer)
}

// HTTPS-003
#[tokio::test]
async fn a_body_and_its_answer_arrive() {
    conform::a_body_and_its_answer_arrive(http).await;
}

// HTTPS-067, HTTPS-080
#[tokio::test]
async fn an_empty_reply_keeps_its_status() {
    conform::an_empty_reply_keeps_its_status(http).await;
}

#[tokio::test]
async fn a_body_of_one_mebibyte_less_one_passes_both_ways() {
    conform::a_body_of_one_mebibyte_less_one_passes_both_ways(http).await;
}

// HTTPS-011
#[tokio::test]
async fn a_thousand_exchanges_pass_one_after_the_other() {
    conform::a_thousand_exchanges_pass_one_after_the_other(http).await;
}

// HTTPS-012
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_exchanges_at_once_are_not_mixed_up() {
    conform::sixty_four_exchanges_at_once_are_not_mixed_up(http).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_finishes_the_command_under_way() {
    conform::a_shutdown_finishes_the_command_under_way(http).await;
}

#[tokio::test]
async fn a_handler_that_panics_is_500_and_the_next_command_passes() {
    conform::a_handler_that_panics_is_500_and_the_next_command_passes(http).await;
}

/// The same by `https://`.
#[cfg(feature = "tls")]
mod over_tls {
    use oc2_transfer::conform;

    use super::https;

    // HTTPS-003, HTTPS-014, HTTPS-070
    #[tokio::test]
    async fn a_body_and_its_answer_arrive() {
        conform::a_body_and_its_answer_arrive(https).await;
    }

    // HTTPS-067, HTTPS-080, HTTPS-070
    #[tokio::test]
    async fn an_empty_reply_keeps_its_status() {
        conform::an_empty_reply_keeps_its_status(https).await;
    }

    #[tokio::test]
    async fn a_body_of_one_mebibyte_less_one_passes_both_ways() {
        conform::a_body_of_one_mebibyte_less_one_passes_both_ways(https).await;
    }

    // HTTPS-011, HTTPS-070
    #[tokio::test]
    async fn a_thousand_exchanges_pass_one_after_the_other() {
        conform::a_thousand_exchanges_pass_one_after_the_other(https).await;
    }

    // HTTPS-012, HTTPS-070
    #[tokio::test(flavor = "multi_thread")]
    async fn sixty_four_exchanges_at_once_are_not_mixed_up() {
        conform::sixty_four_exchanges_at_once_are_not_mixed_up(https).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_shutdown_finishes_the_command_under_way() {
        conform::a_shutdown_finishes_the_command_under_way(https).await;
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_500_and_the_next_command_passes() {
        conform::a_handler_that_panics_is_500_and_the_next_command_passes(https).await;
    }
}
