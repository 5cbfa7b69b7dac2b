//! The media types of messages (DECISIONS M2, H9).

use oc2_core::Mode;
use oc2_encoding::{Cbor, Encoding, Encodings, Json};

/// A text as a content type in both modes, and as what a peer accepts.
pub fn media_types(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let encodings = Encodings::default().and(Cbor);
    let strict = encodings.for_content_type(Some(text), Mode::Strict);
    let lenient = encodings.for_content_type(Some(text), Mode::Lenient);
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => {
            let (strict_type, lenient_type) = (strict.encoding.media_type(), lenient.encoding.media_type());
            assert_eq!(strict_type, lenient_type, "the modes differ in what they choose");
            assert_eq!((strict.deviation, lenient.deviation), (None, None), "strict mode tolerates a deviation");
        }
        (Ok(_), Err(error)) => panic!("strict mode takes what lenient mode refuses: {error}"),
        (Err(_), Ok(lenient)) => assert!(lenient.deviation.is_some(), "what strict mode refuses is no deviation"),
        (Err(strict), Err(lenient)) => {
            assert!(!strict.to_string().is_empty() && !lenient.to_string().is_empty(), "refused without a reason");
        }
    }
    // What is sent in an encoding is answered in it.
    if let Ok(lenient) = &lenient {
        let accept = lenient.encoding.media_type();
        assert!(encodings.check_accept(Some(accept), Some(text)).is_ok(), "{accept} is not what is answered");
    }
    assert!(encodings.check_accept(None, Some(text)).is_ok(), "who does not say what is accepted accepts everything");
    for asked_in in [None, Some(Json.media_type()), Some(Cbor.media_type())] {
        if let Err(error) = encodings.check_accept(Some(text), asked_in) {
            assert!(error.to_string().len() < 1000, "a refusal of {} bytes", error.to_string().len());
        }
    }
}
