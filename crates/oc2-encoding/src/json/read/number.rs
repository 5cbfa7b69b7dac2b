//! Reading numbers of JSON (RFC 8259 6).

use serde::de::Visitor;

use super::{JsonError, Reader};

impl<'de> Reader<'de> {
    /// Reads a number of digits alone with something behind it, as ids and most numbers are.
    #[inline(always)]
    pub(super) fn natural(&mut self) -> Option<u64> {
        let text = self.text.as_bytes().get(self.at..)?;
        let mut value = 0;
        // So many digits fit, whichever they are.
        for (n, byte) in text.iter().enumerate().take(19) {
            match byte {
                b'0'..=b'9' => value = value * 10 + u64::from(byte - b'0'),
                b',' | b']' | b'}' if n == 1 || (n > 1 && text[0] != b'0') => {
                    self.at += n;
                    return Some(value);
                }
                _ => return None,
            }
        }
        None
    }

    /// Reads a number and tells the visitor.
    pub(super) fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, JsonError> {
        let start = self.at;
        let is_negative = self.text.as_bytes()[start] == b'-';
        match self.scan_number()? {
            Some(value) if !is_negative => visitor.visit_u64(value),
            // Zero has a sign as a fraction only.
            Some(0) | None => self.float(start, visitor),
            Some(value) => match 0i64.checked_sub_unsigned(value) {
                Some(value) => visitor.visit_i64(value),
                None => self.float(start, visitor),
            },
        }
    }

    /// Skips a number; its digits, if it is an integer that fits.
    pub(super) fn scan_number(&mut self) -> Result<Option<u64>, JsonError> {
        let bytes = self.text.as_bytes();
        let is_negative = bytes[self.at] == b'-';
        self.at += usize::from(is_negative);
        let first = self.at;
        let mut value = 0u64;
        while let Some(digit) = bytes.get(self.at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            value = value.wrapping_mul(10).wrapping_add(digit.into());
            self.at += 1;
        }
        // 19 digits fit, whichever they are.
        let value = if self.at - first <= 19 { Some(value) } else { self.text[first..self.at].parse().ok() };
        match self.at - first {
            0 if self.at == bytes.len() => return Err(self.behind("EOF while parsing a value")),
            0 => {
                self.at += 1;
                return Err(self.behind("invalid number"));
            }
            1 => {}
            _ if bytes[first] == b'0' => {
                self.at = first + 2;
                return Err(self.behind("invalid number"));
            }
            _ => {}
        }
        if matches!(bytes.get(self.at), Some(b'.' | b'e' | b'E')) {
            return self.fraction().map(|()| None);
        }
        Ok(value)
    }

    /// Skips the part of a number behind its integer.
    fn fraction(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let n = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += n;
        match n {
            0 if self.at == self.text.len() => Err(self.behind("EOF while parsing a value")),
            0 => Err(self.ahead("invalid number")),
            _ => Ok(()),
        }
    }

    fn float<V: Visitor<'de>>(&mut self, start: usize, visitor: V) -> Result<V::Value, JsonError> {
        match self.text[start..self.at].parse::<f64>() {
            Ok(value) if value.is_finite() => visitor.visit_f64(value),
            _ => Err(self.behind("number out of range")),
        }
    }
}
