//! The reader beside `serde_json`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::*;

fn ours(text: &str) -> Result<Value, String> {
    let mut reader = Reader::new(text);
    let value = Value::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn skipped(text: &str) -> Result<(), String> {
    let mut reader = Reader::new(text);
    de::IgnoredAny::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())
}

#[track_caller]
fn check(text: &str) {
    let theirs = serde_json::from_str::<Value>(text);
    match (ours(text), theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours, theirs, "{text}");
            assert_eq!(ours.to_string(), theirs.to_string(), "{text}");
        }
        // The place of a number that is too large is its end; serde_json's is where it noticed.
        (Err(ours), Err(theirs)) if ours.starts_with("number out of range") => {
            assert!(theirs.to_string().starts_with("number out of range"), "{text}: {ours}, {theirs}");
        }
        (Err(ours), Err(theirs)) => assert_eq!(ours, theirs.to_string(), "{text}"),
        (ours, theirs) => panic!("{text}: {ours:?}, {theirs:?}"),
    }
    let theirs = serde_json::from_str::<de::IgnoredAny>(text);
    assert_eq!(skipped(text).is_ok(), theirs.is_ok(), "{text}: {:?} {theirs:?}", skipped(text));
}

// LS-005, LS-048
#[test]
fn what_is_read_and_refused_is_what_serde_json_reads_and_refuses() {
    for text in [
        "",
        " ",
        "null",
        "nul",
        "nulx",
        "true",
        "tru",
        "false",
        "fals",
        "-",
        "-0",
        "0",
        "00",
        "01",
        "-01",
        "-0.0",
        "1.",
        "1.e",
        "1.5",
        ".5",
        "1e",
        "1e+",
        "1e5",
        "1E-5",
        "1e400",
        "-1e400",
        "1e-400",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1x",
        "1 2",
        "+1",
        "123456789012345678901234567890",
        "0.1234567890123456789",
        "\"\"",
        "\"a",
        "\"\\",
        "\"\\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0041\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ud83dx\"",
        "\"\\udc00\"",
        "\"\\u00g0\"",
        "\"\\ud83d\\n\"",
        "\"\u{1}\"",
        "\"12345678\"",
        "\"1234567\\t8\"",
        "\"1234567\u{1f}8\"",
        "\"\u{7f}\u{80}\u{10ffff}\"",
        "[]",
        "[ ]",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "{}",
        "{ }",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":{\"b\":[null,true,{}]},\"c\":\"d\"}",
        "{\"a\\u0062\":1}",
        "\u{feff}1",
        "\n\r\t 1 \n",
        "[1]\n\nx",
        "{\"a\":1,\"a\":2}",
        "x",
        "}",
        "]",
        ",",
        ":",
        "{\"a\":]",
        "[}",
        "{\"a\":1]",
        "[1}",
    ] {
        check(text);
    }
    for depth in [126, 127, 128, 129, 200] {
        check(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        check(&format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
    }
}

#[test]
fn documents_with_anything_changed_are_read_and_refused_alike() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
    let index = std::fs::read_to_string(corpus.join("corpus.tsv")).expect("the corpus");
    // xorshift: the same changes in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let pieces = [
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "0",
        "-",
        ".",
        "e",
        " ",
        "\n",
        "\u{1}",
        "\\u",
        "d8",
        "null",
        "ä",
        "\u{1f600}",
    ];
    let mut n_read = 0;
    for path in index.lines().skip(1).filter_map(|line| line.split('\t').next()) {
        let bytes = std::fs::read(corpus.join(path)).expect("a document");
        let Ok(text) = String::from_utf8(bytes) else { continue };
        check(&text);
        for _ in 0..12.min(text.len()) {
            let mut chars: Vec<String> = text.chars().take(4_000).map(String::from).collect();
            let at = random(chars.len());
            match random(4) {
                0 => chars.truncate(at),
                1 => chars[at] = pieces[random(pieces.len())].to_owned(),
                2 => chars.insert(at, pieces[random(pieces.len())].to_owned()),
                _ => {
                    chars.remove(at);
                }
            }
            check(&chars.concat());
            n_read += 1;
        }
    }
    assert!(n_read > 8_000, "{n_read}");
}
