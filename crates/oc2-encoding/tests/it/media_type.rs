//! Which encoding a media type stands for (DECISIONS M2, H9).

use oc2_core::Mode;
use oc2_encoding::{Cbor, Encoding, Encodings, Json};

const PLAIN: &str = "the content type is plain JSON";
const HTTPS_1_0: &str = "the content type is that of HTTPS 1.0";
const NO_VERSION: &str = "the content type has no version";

/// What is said about a content type in lenient and in strict mode: a deviation that is tolerated, or a refusal.
#[derive(Debug, PartialEq)]
enum Verdict<'a> {
    Fine,
    Tolerated(&'a str),
    Refused(String),
}

fn verdict(content_type: Option<&str>, mode: Mode) -> Verdict<'static> {
    match Encodings::default().for_content_type(content_type, mode) {
        Ok(selection) => {
            assert_eq!(selection.encoding.media_type(), Json.media_type());
            selection.deviation.map_or(Verdict::Fine, Verdict::Tolerated)
        }
        Err(error) => Verdict::Refused(error.to_string()),
    }
}

// LS-074, LS-075
#[test]
fn what_is_written_has_the_media_type_of_https_1_1_to_the_byte() {
    assert_eq!(Json.media_type(), "application/openc2+json;version=1.0");
    assert_eq!(Encodings::default().preferred().media_type(), Json.media_type());
}

#[test]
fn a_content_type_is_compared_as_a_media_type() {
    for content_type in [
        "application/openc2+json;version=1.0",
        "application/openc2+json; version=1.0",
        "application/openc2+json ; version=1.0",
        " application/openc2+json;version=1.0 ",
        "Application/OpenC2+JSON;Version=1.0",
        "application/openc2+json;version=\"1.0\"",
        "application/openc2+json;charset=utf-8;version=1.0",
        "application/openc2+json;version=1.0;charset=\"a;version=2.0\"",
    ] {
        for mode in [Mode::Lenient, Mode::Strict] {
            assert_eq!(verdict(Some(content_type), mode), Verdict::Fine, "{content_type}");
        }
    }
}

#[test]
fn what_the_field_sends_is_tolerated_in_lenient_mode() {
    for (content_type, deviation) in [
        ("application/openc2+json", NO_VERSION),
        ("application/openc2-cmd+json;version=1.0", HTTPS_1_0),
        ("application/openc2-rsp+json;version=1.0", HTTPS_1_0),
        ("application/openc2-cmd+json", HTTPS_1_0),
        ("application/json", PLAIN),
        ("application/json; charset=utf-8", PLAIN),
        ("APPLICATION/JSON", PLAIN),
        ("application/json;version=1.0", PLAIN),
    ] {
        assert_eq!(verdict(Some(content_type), Mode::Lenient), Verdict::Tolerated(deviation), "{content_type}");
        assert!(matches!(verdict(Some(content_type), Mode::Strict), Verdict::Refused(_)), "{content_type}");
    }
}

#[test]
fn another_version_is_refused() {
    for content_type in [
        "application/openc2+json;version=2.0",
        "application/openc2+json;version=1",
        "application/openc2+json;version=1.1",
        "application/openc2+json;version=\"\"",
        "application/json;version=2.0",
        "application/openc2-cmd+json;version=2.0",
    ] {
        let words = format!("the content type {content_type:?} does not say version=1.0");
        assert_eq!(verdict(Some(content_type), Mode::Lenient), Verdict::Refused(words), "{content_type}");
        assert!(matches!(verdict(Some(content_type), Mode::Strict), Verdict::Refused(_)), "{content_type}");
    }
}

#[test]
fn whoever_names_two_versions_names_none() {
    for content_type in
        ["application/openc2+json;version=1.0;version=2.0", "application/openc2+json;version=2.0;version=1.0"]
    {
        for mode in [Mode::Lenient, Mode::Strict] {
            assert!(matches!(verdict(Some(content_type), mode), Verdict::Refused(_)), "{content_type}");
        }
    }
}

#[test]
fn another_media_type_is_refused() {
    for content_type in [
        "",
        "json",
        "application/",
        "/json",
        "text/plain",
        "text/json;version=1.0",
        "application/openc2",
        "application/openc2;version=1.0",
        "application/openc2+cbor;version=1.0",
        "application/openc2+jsonx;version=1.0",
        "application/openc2json;version=1.0",
        "application/vnd.openc2+json;version=1.0",
        "application/openc2-cmd+cbor;version=1.0",
        "application/x+json;version=1.0",
        "application/json+json",
        "application/cbor",
        "*/*",
        "application/openc2+json;version=1.0, application/json",
        "application/openc2+json version=1.0",
        "application openc2+json;version=1.0",
    ] {
        let words = format!("the content type {content_type:?} is not application/openc2+json;version=1.0");
        for mode in [Mode::Lenient, Mode::Strict] {
            assert_eq!(verdict(Some(content_type), mode), Verdict::Refused(words.clone()));
        }
    }
    let words = "no content type is given; application/openc2+json;version=1.0 is due";
    assert_eq!(verdict(None, Mode::Lenient), Verdict::Refused(words.to_owned()));
    assert_eq!(verdict(None, Mode::Strict), Verdict::Refused(words.to_owned()));
    let long = format!("application/{}", "a".repeat(10_000));
    assert!(matches!(verdict(Some(&long), Mode::Lenient), Verdict::Refused(words) if words.len() < 200));
}

// H9
#[test]
fn whoever_accepts_anything_gets_the_default() {
    let accepts = |accept: Option<&str>| Encodings::default().check_accept(accept, None).is_ok();
    assert!(accepts(None));
    for accept in [
        "",
        " ",
        "*/*",
        "application/*",
        "APPLICATION/*",
        "*/*;q=0.1",
        "application/openc2+json;version=1.0",
        "application/openc2+json",
        "Application/OpenC2+Json; Version=1.0",
        "application/openc2-rsp+json;version=1.0",
        "text/html, application/openc2+json;version=1.0;q=0.5",
        "text/html,*/*;q=0.8",
        "application/openc2+json;version=\"1.0\"",
        "application/cbor, application/*",
    ] {
        assert!(accepts(Some(accept)), "{accept}");
    }
    for accept in [
        "text/html",
        "text/*",
        "application/cbor",
        "application/openc2+cbor;version=1.0",
        "application/openc2+json;version=2.0",
        "*/*;q=0",
        "*/*;q=0.000",
        "application/*;q=0.0",
        "nonsense",
        ",",
        "*",
        "application/openc2+json;q=0;version=1.0",
    ] {
        assert!(!accepts(Some(accept)), "{accept}");
    }
}

// M2, H9
#[test]
fn cbor_is_an_extension_for_those_who_offer_it() {
    const CBOR: &str = "application/openc2+cbor;version=1.0";
    let both = Encodings::default().and(Cbor);
    for (content_type, media_type) in [(CBOR, CBOR), ("Application/OpenC2+CBOR; version=\"1.0\"", CBOR), (JSON, JSON)] {
        let selection = both.for_content_type(Some(content_type), Mode::Strict).expect("offered");
        assert_eq!((selection.encoding.media_type(), selection.deviation), (media_type, None));
    }
    assert!(Encodings::default().for_content_type(Some(CBOR), Mode::Lenient).is_err());
    assert!(both.for_content_type(Some("application/cbor"), Mode::Lenient).is_err());
    assert!(both.for_content_type(Some("application/openc2+cbor;version=2.0"), Mode::Lenient).is_err());
    // The answer has the encoding of the message.
    for (accept, content_type, is_accepted) in [
        (CBOR, CBOR, true),
        ("*/*", CBOR, true),
        (JSON, CBOR, false),
        (CBOR, JSON, false),
        ("application/openc2+json, application/openc2+cbor;q=0.5", CBOR, true),
        ("application/openc2+cbor;q=0", CBOR, false),
    ] {
        assert_eq!(both.check_accept(Some(accept), Some(content_type)).is_ok(), is_accepted, "{accept} {content_type}");
    }
}

const JSON: &str = "application/openc2+json;version=1.0";
