//! Internationalized hostnames (LS 3.1.2).

mod u_label;

use idna::AsciiDenyList;
use idna::uts46::{ErrorPolicy, Hyphens, ProcessingSuccess, Uts46, verify_dns_length};

use self::u_label::follows_rfc_5892;
use super::hostname::{MAX_NAME, hostname};

/// An internationalized hostname (LS 3.1.2 `/idn-hostname`; RFC 5890 2.3.2.3). Gives the name without its final dot,
/// if it has one.
///
/// What UTS 46 makes of the name counts: non-transitional processing with the STD3 rules and with hyphens, joiners,
/// direction and lengths checked, then the characters of RFC 5892 (DECISIONS L32). So letters in upper case and the full
/// stops of East Asia are accepted and an A-label that does not decode is refused. A [`hostname`] without A-labels is
/// valid as it is; elsewhere no other label has hyphens in third and fourth place.
pub(crate) fn idn_hostname(text: &str) -> Result<&str, &'static str> {
    let name = if text.is_ascii() {
        let name = hostname(text)?;
        if !name.split('.').any(is_a_label) {
            return Ok(name);
        }
        name
    } else {
        text.strip_suffix(FULL_STOPS).unwrap_or(text)
    };
    if name.len() > MAX_IDN_OCTETS {
        return Err("is not an internationalized hostname: it is too long");
    }
    let Some((unicode, ascii)) = processed(name) else {
        return Err(
            "is not an internationalized hostname: a label breaks a rule of IDNA (characters, hyphens, joiners, \
             direction, or an A-label that does not decode)",
        );
    };
    if !verify_dns_length(if ascii.is_empty() { &unicode } else { &ascii }, false) {
        return Err(
            "is not an internationalized hostname: in ASCII form a label is empty or has more than 63 characters, \
             or the name has more than 253",
        );
    }
    if !unicode.split('.').all(follows_rfc_5892) {
        return Err("is not an internationalized hostname: a label has a character that RFC 5892 does not allow there");
    }
    Ok(name)
}

/// The name with U-labels and the name with A-labels, of which the latter is empty if it is the same; `None` if a rule of
/// UTS 46 is broken.
fn processed(name: &str) -> Option<(String, String)> {
    let (mut unicode, mut ascii) = (String::with_capacity(TYPICAL_NAME), String::with_capacity(TYPICAL_NAME));
    let success = Uts46::new().process(
        name.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::Check,
        ErrorPolicy::FailFast,
        |_, _, _| true,
        &mut unicode,
        Some(&mut ascii),
    );
    match success.ok()? {
        ProcessingSuccess::Passthrough => unicode.push_str(name),
        ProcessingSuccess::WroteToSink => {}
    }
    Some((unicode, ascii))
}

/// Whether the label claims to be an A-label (RFC 5890 2.3.1 XN-label).
fn is_a_label(label: &str) -> bool {
    label.as_bytes().get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xn--"))
}

/// What the longest name takes when decomposed: a character has at most four parts of three octets, and costs the ASCII
/// form at least one. The bound is here because the work of Punycode is quadratic in the length of a label.
const MAX_IDN_OCTETS: usize = MAX_NAME * 4 * 3;

const TYPICAL_NAME: usize = 128;

/// The full stop, and what UTS 46 maps to it.
const FULL_STOPS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

#[cfg(test)]
mod tests {
    use idna::uts46::DnsLength;

    use super::*;
    use crate::types::text::format::testing::{HYPHEN, OTHER_CHARACTER, VALID, check};

    // LS-022, LS-024
    #[test]
    fn one_final_dot_is_dropped() {
        for format in [hostname, idn_hostname] {
            assert_eq!(format("a.example"), Ok("a.example"));
            assert_eq!(format("a.example."), Ok("a.example"));
            assert_eq!(format("A."), Ok("A"));
            check(format, &[(".", "it has no label"), ("..", "a label is empty"), ("a.example..", "a label is empty")]);
        }
        assert_eq!(idn_hostname("Bücher.example."), Ok("Bücher.example"));
        assert_eq!(idn_hostname("例え。テスト。"), Ok("例え。テスト"));
        check(idn_hostname, &[("。", LENGTH), ("bücher.example..", LENGTH), ("bücher.example.\u{3002}", LENGTH)]);
    }

    // LS-024
    #[test]
    fn an_internationalized_hostname_follows_idna() {
        check(
            idn_hostname,
            &[
                ("a.example", VALID),
                ("192.0.2.1", VALID),
                ("bücher.example", VALID),
                ("bu\u{308}cher.example", VALID),
                ("BÜCHER.example", VALID),
                ("xn--bcher-kva.example", VALID),
                ("XN--BCHER-KVA.example", VALID),
                ("straße.example", VALID),
                ("例え.テスト", VALID),
                ("例え。テスト", VALID),
                ("a\u{3002}b", VALID),
                ("a\u{FF0E}b", VALID),
                ("a\u{FF61}b", VALID),
                ("\u{FF0E}", LENGTH),
                ("\u{FF61}", LENGTH),
                ("\u{3002}example", LENGTH),
                ("\u{FF0E}example", LENGTH),
                ("\u{FF61}example", LENGTH),
                (&"실례".repeat(40), LENGTH),
                (&format!("{}\u{FF61}com", "παράδειγμα".repeat(5)), VALID),
                ("실례.테스트", VALID),
                ("пример.испытание", VALID),
                ("παράδειγμα.δοκιμή", VALID),
                ("מבחן.example", VALID),
                ("मानक\u{94D}\u{200D}ष.example", VALID),
                ("نامه\u{200C}ای.example", VALID),
                // An A-label has to decode, to a label of the canonical form.
                ("xn--zzzzzzz99999.example", IDNA),
                ("xn--ihqwcrb4cv8a8dqg056pqjye", VALID),
                ("xn--X", IDNA),
                ("xn--.example", HYPHEN),
                ("xn--a.example", IDNA),
                ("xn--a-.example", HYPHEN),
                ("xn--abc-.example", HYPHEN),
                ("xn--bücher.example", IDNA),
                // XN--AA---o47jg78q decodes to a label with hyphens in third and fourth place.
                ("XN--aa---o47jg78q", IDNA),
                // Without A-labels and in ASCII, a label with them is as good as any other (DECISIONS L32).
                ("ab--cd.example", VALID),
                ("r3---sn-4g5e6n7k.example", VALID),
                ("xn-a.example", VALID),
                ("ab--cd.bücher.example", IDNA),
                ("ab--cd.xn--bcher-kva.example", IDNA),
                ("bü--cher.example", IDNA),
                ("-bücher.example", IDNA),
                ("bücher-.example", IDNA),
                ("bücher_.example", IDNA),
                ("*.bücher.example", IDNA),
                ("büc her.example", IDNA),
                ("bücher.example/", IDNA),
                ("bücher\u{FFFD}.example", IDNA),
                ("bücher\u{E000}.example", IDNA),
                ("bücher\u{202E}.example", IDNA),
                ("bücher\u{2028}.example", IDNA),
                ("-> $1.00 <--", OTHER_CHARACTER),
                ("-hello-", HYPHEN),
                ("\u{308}bücher.example", IDNA),
                ("\u{300}hello", IDNA),
                ("\u{488}hello", IDNA),
                ("\u{903}hello", IDNA),
                ("\u{200D}ष", IDNA),
                ("a\u{200D}b.example", IDNA),
                ("a\u{200C}b.example", IDNA),
                ("\u{200D}", IDNA),
                // Right to left: no other direction within the label, no digit at the start of another one.
                ("מבחןa.example", IDNA),
                ("0מבחן.example", IDNA),
                ("1a.מבחן", IDNA),
                ("bücher..example", LENGTH),
                (".bücher", LENGTH),
                ("\u{AD}", LENGTH),
                ("ü.\u{AD}.example", LENGTH),
            ],
        );
    }

    // LS-024
    #[test]
    fn an_internationalized_hostname_has_no_character_that_rfc_5892_disallows() {
        for c in "\u{640}\u{7FA}\u{302E}\u{302F}\u{3031}\u{3032}\u{3033}\u{3034}\u{3035}\u{303B}\
                  ☃←⯿\u{1F600}\u{1FAF0}\u{A1}\u{A7}\u{A9}\u{B0}\u{BB}\u{BF}\u{D7}\u{F7}\u{2010}\u{2019}\u{2044}\u{205E}\u{20AC}\
                  \u{20D0}\u{2180}\u{3001}\u{3008}\u{3020}\u{3021}\u{3030}\u{303D}\u{303F}\u{30A0}\u{1100}\u{A960}\u{D7FB}\
                  \u{55A}\u{61F}\u{964}\u{E3F}\u{488}\u{9F4}\u{16EE}\u{1D165}\u{1D200}"
            .chars()
        {
            // Between letters of its own direction.
            let text = if matches!(c, '\u{61F}' | '\u{640}' | '\u{7FA}') { format!("ب{c}ب") } else { format!("例{c}例") };
            check(idn_hostname, &[(&text, RFC_5892)]);
        }
        check(
            idn_hostname,
            &[
                ("☃.example", RFC_5892),
                ("a.☃", RFC_5892),
                ("실\u{302E}례.테스트", RFC_5892),
                ("\u{302E}실례.테스트", IDNA),
                // As A-labels: U+2603, U+1F4A9, and U+00B7 between other letters than it may.
                ("xn--n3h.example", RFC_5892),
                ("XN--LS8H.example", RFC_5892),
                ("xn--al-0ea.example", RFC_5892),
                ("xn--ll-0ea.example", VALID),
                // What UTS 46 maps is measured by what becomes of it.
                ("ªµº²①Ⅷ.example", VALID),
                ("ﬁ\u{AD}ﷲ.example", IDNA),
                ("ﬁ\u{AD}.example", VALID),
                ("½.example", RFC_5892),
                ("ŀl.example", VALID),
                ("ŀa.example", RFC_5892),
                // Exceptions of RFC 5892 2.6 that are allowed.
                ("ßς\u{F0B}\u{3007}", VALID),
                ("\u{6FD}\u{6FE}", VALID),
                ("北京大学中文\u{3005}", VALID),
                ("क\u{94D}ष१.example", VALID),
                ("\u{20000}\u{31350}.example", VALID),
                ("\u{10FB}a.example", RFC_5892),
            ],
        );
    }

    // LS-024
    #[test]
    fn characters_of_rfc_5892_appendix_a_need_their_context() {
        check(
            idn_hostname,
            &[
                // A.1, A.2
                ("क\u{200D}ष", IDNA),
                ("क\u{94D}\u{200D}ष", VALID),
                ("क\u{94D}\u{200C}ष", VALID),
                ("ب\u{64A}\u{200C}ب\u{64A}", VALID),
                // A.3
                ("l·l", VALID),
                ("L·L.example", VALID),
                ("col·lecció.example", VALID),
                ("l·l·l", VALID),
                ("a·l", RFC_5892),
                ("l·a", RFC_5892),
                ("·l", RFC_5892),
                ("l·", RFC_5892),
                ("l.·l", RFC_5892),
                ("l·.l", RFC_5892),
                ("l··l", RFC_5892),
                ("l·l.a·l", RFC_5892),
                // A.4
                ("α\u{375}β", VALID),
                ("α\u{375}ἀ", VALID),
                ("\u{375}α", VALID),
                ("α\u{375}S", RFC_5892),
                ("α\u{375}ϣ", RFC_5892),
                ("α\u{375}", RFC_5892),
                ("α\u{375}.β", RFC_5892),
                // A.5, A.6
                ("א\u{5F3}ב", VALID),
                ("א\u{5F4}ב", VALID),
                ("א\u{5B0}\u{5F4}ב", VALID),
                ("א\u{5F3}", VALID),
                ("\u{5F3}ב", RFC_5892),
                ("\u{5F4}ב", RFC_5892),
                ("ب\u{5F3}ב", RFC_5892),
                ("ب\u{5F4}ב", RFC_5892),
                ("A\u{5F3}ב", IDNA),
                ("A\u{5F4}ב", IDNA),
                // A.7
                ("\u{30FB}ぁ", VALID),
                ("\u{30FB}ァ", VALID),
                ("\u{30FB}\u{FF71}", VALID),
                ("\u{30FB}丈", VALID),
                ("\u{FF65}丈", VALID),
                ("a\u{30FB}b\u{30FB}\u{3005}", VALID),
                ("\u{30FB}\u{F900}", VALID),
                ("\u{30FB}\u{2A700}", VALID),
                ("\u{30FB}", RFC_5892),
                ("def\u{30FB}abc", RFC_5892),
                ("a\u{30FB}b.丈", RFC_5892),
                ("실\u{30FB}례", RFC_5892),
                // A.8, A.9
                ("ب\u{660}ب", VALID),
                ("ب\u{660}\u{669}", VALID),
                ("ب\u{6F0}\u{6F9}", VALID),
                ("\u{6F0}0", VALID),
                ("ب\u{660}.ب\u{6F0}", VALID),
                ("ب\u{660}\u{6F0}", IDNA),
                ("ب\u{6F9}ب\u{669}", IDNA),
            ],
        );
    }

    // LS-024
    #[test]
    fn an_internationalized_hostname_is_measured_in_its_ascii_form() {
        // In ASCII, 56 such letters are `xn--`, the 55 of them that are ASCII, a hyphen and three for the last one.
        let label = |letters: usize| format!("{}ü", "a".repeat(letters - 1));
        let name = |last: usize| [label(56), label(56), label(56), label(last)].join(".");
        check(
            idn_hostname,
            &[
                (&label(56), VALID),
                (&label(57), LENGTH),
                (&name(54), VALID),
                (&name(55), LENGTH),
                (&format!("{}.", name(54)), VALID),
                (&format!("{}.", name(55)), LENGTH),
                (&"ü".repeat(MAX_IDN_OCTETS / 2), IDNA),
                (&"ü".repeat(MAX_IDN_OCTETS / 2 + 1), "it is too long"),
            ],
        );
    }

    // LS-022, LS-024
    #[test]
    fn an_ascii_name_is_a_hostname_in_both_senses_or_in_neither() {
        for text in ascii_names() {
            assert_eq!(idn_hostname(&text), hostname(&text), "{text:?}");
        }
    }

    // LS-024
    #[test]
    fn the_short_way_for_ascii_answers_as_idna_does() {
        for text in ascii_names() {
            let idna = Uts46::new().to_ascii(
                text.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::VerifyAllowRootDot,
            );
            assert_eq!(idn_hostname(&text).is_ok(), idna.is_ok(), "{text:?}");
        }
    }

    /// Every text of at most six characters of a few kinds.
    fn ascii_names() -> impl Iterator<Item = String> {
        const KINDS: [char; 6] = ['a', 'Z', '0', '-', '.', '_'];
        (0..=6).flat_map(|length| {
            (0..KINDS.len().pow(length)).map(move |number| {
                (0..length).map(|place| KINDS[number / KINDS.len().pow(place) % KINDS.len()]).collect()
            })
        })
    }

    const IDNA: &str = "a label breaks a rule of IDNA (characters, hyphens, joiners, direction, or an A-label that \
                        does not decode)";
    const RFC_5892: &str = "a label has a character that RFC 5892 does not allow there";
    const LENGTH: &str = "in ASCII form a label is empty or has more than 63 characters, or the name has more than 253";
}
