//! The media types of messages (DECISIONS M2, H9).

use oc2_core::Mode;
use oc2_encoding::Encodings;

/// A text as a content type in both modes, and as what a peer accepts.
pub fn media_types(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let encodings = Encodings::default();
    let strict = encodings.for_content_type(Some(text), Mode::Strict);
    let lenient = encodings.for_content_type(Some(text), Mode::Lenient);
    match (strict, lenient) {
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
    match encodings.for_accept(Some(text)) {
        Ok(encoding) => assert!(encodings.for_accept(Some(encoding.media_type())).is_ok(), "chosen and not accepted"),
        Err(error) => assert!(error.to_string().len() < 1000, "a refusal of {} bytes", error.to_string().len()),
    }
}
