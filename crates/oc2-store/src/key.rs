//! Numbers as keys that stand in their order.

/// The key of a number.
#[must_use]
pub fn of_u64(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// The number of a key.
#[must_use]
pub fn to_u64(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// The key of a number that may be negative; those come first.
#[must_use]
pub fn of_i64(number: i64) -> [u8; 8] {
    of_u64(number.cast_unsigned() ^ SIGN)
}

/// The number of a key.
#[must_use]
pub fn to_i64(key: &[u8]) -> Option<i64> {
    to_u64(key).map(|number| (number ^ SIGN).cast_signed())
}

const SIGN: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_their_numbers() {
        let numbers = [i64::MIN, -256, -1, 0, 1, 255, 256, i64::MAX];
        assert!(numbers.map(of_i64).is_sorted());
        assert_eq!(numbers.map(|number| to_i64(&of_i64(number))), numbers.map(Some));
        assert!([0, 255, 256, u64::MAX].map(of_u64).is_sorted());
        assert_eq!(to_u64(&of_u64(u64::MAX - 1)), Some(u64::MAX - 1));
        assert_eq!((to_i64(b"short"), to_u64(b"much too long")), (None, None));
    }
}
