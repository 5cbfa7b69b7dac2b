//! A Command in any form, and the answer in the same (DECISIONS M1, E1, E8).

use oc2_core::{Command, Content, Form, Headers, Message, Mode, Notation, StatusCode, Target};
use oc2_encoding::{Cbor, CborByName, Encoding, Encodings, Json, JsonIn};
use oc2_profile_slpf::{Args, Direction, Slpf};
use oc2_transfer::{Handler, Request};

use crate::harness::{Recorder, builder, recording, request, strict};

/// A rule in the form that the encoding sends unasked, with arguments of a profile in it.
fn deny(encoding: &dyn Encoding) -> Request {
    let net = "198.51.100.0/24".parse().map(Target::Ipv4Net).expect("a net");
    let args = Args { direction: Some(Direction::Ingress), ..Args::default() };
    let args = oc2_core::Args::builder().set::<Slpf>(args).build().expect("arguments");
    let headers = Headers::builder().request_id("f".parse::<oc2_core::types::text::RequestId>().expect("an id"));
    let command = Command::new(oc2_core::Action::Deny, net).with_args(args);
    let message = Message::request(headers.build().expect("headers"), command);
    let body = encoding.encode(&message, encoding.default_form()).expect("a message");
    Request { content_type: Some(encoding.media_type().to_owned()), ..request(body) }
}

const FORMS: [(&dyn Encoding, Notation); 5] = [
    (&Json, Notation::Verbose),
    (&JsonIn(Notation::Compact), Notation::Compact),
    (&JsonIn(Notation::Concise), Notation::Concise),
    (&Cbor, Notation::Concise),
    (&CborByName, Notation::Verbose),
];

#[tokio::test]
async fn an_answer_has_the_form_of_its_request() {
    for (encoding, notation) in FORMS {
        let consumer = builder().actuator(Recorder::new()).encodings(Encodings::default().and(Cbor)).build();
        let reply = consumer.handle(deny(encoding)).await;
        let body = reply.body.expect("an answer");
        assert_eq!((reply.status, body.media_type), (StatusCode::Ok, encoding.media_type()), "{encoding:?}");
        let decoded = encoding.decode(&body.bytes, Mode::Strict).expect("an answer in the same form");
        assert_eq!(decoded.form, Form::DEFAULT.with_notation(notation), "{encoding:?}");
        let Content::Response(response) = decoded.message.content() else { panic!("{encoding:?}") };
        let results = response.results.of::<Slpf>().expect("results").expect("of slpf");
        assert!(results.rule_number.is_some(), "{encoding:?}");
    }
}

#[tokio::test]
async fn a_broken_message_is_answered_in_its_form_and_under_its_id() {
    for (encoding, notation) in FORMS {
        let consumer = builder().actuator(Recorder::new()).encodings(Encodings::default().and(Cbor)).build();
        let mut broken = deny(encoding);
        // The net is the one text with a slash; in octets it is the address.
        let place =
            broken.body.windows(3).position(|window| window == b"198" || window == b"xjN" || window == [198, 51, 100]);
        let mut body = broken.body.to_vec();
        let place = place.expect("the net");
        if body[place] == 198 {
            body[place - 1] = 0x42
        } else {
            body[place] = b'!'
        }
        broken.body = body.into();
        let reply = consumer.handle(broken).await;
        let bytes = reply.body.expect("an answer").bytes;
        assert_eq!(reply.status, StatusCode::BadRequest, "{encoding:?}");
        let decoded = encoding.decode(&bytes, Mode::Strict).expect("an answer in the same form");
        assert_eq!(decoded.form.notation, notation, "{encoding:?}");
        assert_eq!(decoded.message.headers.request_id().map(|id| id.as_str()), Some("f"), "{encoding:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_no_message_is_answered_as_everybody_reads_it() {
    // HTTPS-010, HTTPS-038, E8
    let (consumer, _) = recording();
    for body in ["[]", r#"[{"headers":{"request_id":"f"}}]"#, r#"[{"body":{"openc2":{"request":{}}}}]"#] {
        let request = Request { content_type: Some(Json.media_type().to_owned()), ..request(body.as_bytes().to_vec()) };
        let reply = consumer.handle(request).await;
        let bytes = reply.body.expect("an answer").bytes;
        assert_eq!(reply.status, StatusCode::BadRequest, "{body}");
        let decoded = Json.decode(&bytes, Mode::Strict).expect("an answer by name");
        assert_eq!(decoded.form.notation, Notation::Verbose, "{body}");
    }
}

#[tokio::test]
async fn cbor_is_for_those_who_offer_it() {
    // M2
    let (consumer, _) = recording();
    assert_eq!(consumer.handle(deny(&Cbor)).await.status, StatusCode::BadRequest);
}

#[tokio::test]
async fn strict_mode_reads_json_by_name_alone() {
    // E8, LS-070
    let consumer = builder().actuator(Recorder::new()).settings(strict()).build();
    assert_eq!(consumer.handle(deny(&Json)).await.status, StatusCode::Ok);
    assert_eq!(consumer.handle(deny(&JsonIn(Notation::Compact))).await.status, StatusCode::BadRequest);
}
