//! A checker of I-JSON (RFC 7493) and of what we promise on top of it, which knows nothing of the readers under test.

use std::collections::HashSet;

/// Checks what was written.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let text = str::from_utf8(bytes).map_err(|_| "something other than UTF-8".to_owned())?;
    let mut checker = Checker { rest: text, path: Vec::new() };
    checker.value()?;
    if checker.rest.is_empty() { Ok(()) } else { Err(format!("something behind the value: {}", checker.rest)) }
}

struct Checker<'a> {
    rest: &'a str,
    path: Vec<String>,
}

impl Checker<'_> {
    fn value(&mut self) -> Result<(), String> {
        match self.rest.chars().next() {
            Some('{') => self.object(),
            Some('[') => self.list(),
            Some('"') => self.string().map(|_| ()),
            Some('-' | '0'..='9') => self.number(),
            Some('t') => self.literal("true"),
            Some('f') => self.literal("false"),
            Some('n') => Err(self.fault("null")),
            other => Err(self.fault(&format!("{other:?}"))),
        }
    }

    fn object(&mut self) -> Result<(), String> {
        self.literal("{")?;
        if self.skip('}') {
            return if self.may_be_empty() { Ok(()) } else { Err(self.fault("{}")) };
        }
        let mut names = HashSet::new();
        loop {
            let name = self.string()?;
            if !names.insert(name.clone()) {
                return Err(self.fault(&format!("{name:?} twice")));
            }
            self.literal(":")?;
            self.path.push(name);
            self.value()?;
            self.path.pop();
            if !self.skip(',') {
                return self.literal("}");
            }
        }
    }

    fn list(&mut self) -> Result<(), String> {
        self.literal("[")?;
        if self.skip(']') {
            return if self.is_at(&["target", "features"]) { Ok(()) } else { Err(self.fault("[]")) };
        }
        loop {
            self.value()?;
            if !self.skip(',') {
                return self.literal("]");
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.literal("\"")?;
        let mut text = String::new();
        loop {
            let Some(c) = self.rest.chars().next() else { return Err(self.fault("a string without end")) };
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                '\0'..'\u{20}' => return Err(self.fault("a control character")),
                c if is_noncharacter(c) => return Err(self.fault("a noncharacter")),
                c => text.push(c),
            }
        }
    }

    /// Writers need no surrogates: what is beyond the first plane is written as it is.
    fn escape(&mut self) -> Result<char, String> {
        let kind = self.rest.chars().next().unwrap_or_default();
        self.rest = &self.rest[kind.len_utf8().min(self.rest.len())..];
        match kind {
            '"' | '\\' | '/' => Ok(kind),
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{C}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'u' => {
                let code = self.rest.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let c = code.and_then(char::from_u32).ok_or_else(|| self.fault("half a character"))?;
                self.rest = &self.rest[4..];
                if is_noncharacter(c) { Err(self.fault("a noncharacter")) } else { Ok(c) }
            }
            other => Err(self.fault(&format!("an escape of {other:?}"))),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let end = self.rest.find(|c: char| !"+-.eE0123456789".contains(c)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        let digits = number.strip_prefix('-').unwrap_or(number);
        if digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.") {
            return Err(self.fault(&format!("the number {number}")));
        }
        match number.parse::<f64>() {
            Ok(value) if value.fract() != 0.0 || value.abs() <= MAX => Ok(()),
            _ => Err(self.fault(&format!("the number {number}"))),
        }
    }

    /// Objects that say something by being there: specifiers, and what a profile has in its namespace.
    fn may_be_empty(&self) -> bool {
        let path: Vec<_> = self.path.iter().map(String::as_str).collect();
        matches!(path.as_slice(), [.., "actuator" | "args" | "results", namespace] if *namespace != "pairs")
    }

    fn is_at(&self, end: &[&str]) -> bool {
        self.path.ends_with(&end.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    fn literal(&mut self, text: &str) -> Result<(), String> {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.fault(&format!("no {text} before {:?}", self.rest))),
        }
    }

    fn skip(&mut self, c: char) -> bool {
        self.rest.strip_prefix(c).map(|rest| self.rest = rest).is_some()
    }

    fn fault(&self, what: &str) -> String {
        format!("{what} at {:?}", self.path.join("."))
    }
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

/// 2^53 - 1
const MAX: f64 = 9_007_199_254_740_991.0;

#[test]
fn the_checker_tells_i_json_from_other_json() {
    for good in [
        r#"{"a":"b","c":[1,-1,0,0.5,1e3,9007199254740991,true,false],"d":{"e":"\u0041\n\"\\/"}}"#,
        r#"{"target":{"features":[]},"actuator":{"slpf":{}},"args":{"x-a":{}},"results":{"slpf":{}}}"#,
        r#""\ud7ff""#,
        "\"\u{1F600}\"",
    ] {
        assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
    }
    for bad in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"a":null}"#,
        r#"{"a":{}}"#,
        r#"{"results":{}}"#,
        r#"{"results":{"pairs":{}}}"#,
        r#"{"a":[]}"#,
        r#"["\ud800"]"#,
        r#"["\uffff"]"#,
        "[\"\u{FDD0}\"]",
        "[\"\u{1F}\"]",
        "[9007199254740992]",
        "[-9007199254740992]",
        "[1e16]",
        "[01]",
        "[1] ",
        " [1]",
        "\u{FEFF}[1]",
        "[1,]",
        "[",
        r#"""#,
        r#"["a]"#,
        r#"["\x"]"#,
        r#"["\"#,
        "",
    ] {
        assert!(check(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(check(b"\"\xFF\"").is_err());
}
