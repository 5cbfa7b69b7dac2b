//! The characters of a text, whatever its form.

/// The first Unicode noncharacter, if there is one: I-JSON has none (RFC 7493 2.1, DECISIONS L34).
pub(crate) fn noncharacter(text: &str) -> Option<char> {
    // In UTF-8 each ends in BF BE, BF BF or, behind EF B7, in 90 to AF. Most texts have none of these, which is seen at once.
    let (octets, next) = (text.as_bytes(), text.as_bytes().get(1..).unwrap_or_default());
    let is_rare =
        |(octet, next): (&u8, &u8)| ((*octet == 0xBF) & (next & 0xFE == 0xBE)) | ((*octet == 0xEF) & (*next == 0xB7));
    if !octets.iter().zip(next).fold(false, |found, pair| found | is_rare(pair)) {
        return None;
    }
    text.chars().find(|&c| matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE)
}

pub(super) fn has_more_than(limit: usize, text: &str) -> bool {
    text.len() > limit && text.chars().nth(limit).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noncharacters_are_the_last_two_of_each_plane_and_32_more() {
        let found: Vec<char> =
            ('\0'..=char::MAX).filter(|c| noncharacter(c.encode_utf8(&mut [0; 4])).is_some()).collect();
        let mut expected: Vec<char> = ('\u{FDD0}'..='\u{FDEF}').collect();
        expected.extend(
            (0..=0x10_u32).flat_map(|plane| [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF]).filter_map(char::from_u32),
        );
        assert_eq!(found, expected);
        assert_eq!(noncharacter(""), None);
        assert_eq!(noncharacter("a\u{FFFD}ä\u{1FFFF}\u{FDD0}"), Some('\u{1FFFF}'));
    }
}
