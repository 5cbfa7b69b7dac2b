//! Whether a request head may pass, and where its message ends (RFC 7230 3, 5.4).

use std::ops::Range;

use http::uri::Authority;
use http::{HeaderValue, Uri};
use httparse::{EMPTY_HEADER, Header, Status};
use oc2_core::Rejection;

use crate::headers::{PATH, X_REQUEST_ID};

use super::Settings;

/// A head that may pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its length in octets.
    pub(super) length: usize,
    /// How its body ends.
    pub(super) framing: Framing,
    /// Where names of `Upgrade` fields begin.
    pub(super) upgrades: Vec<usize>,
    /// What it asks with, if it is a POST to the path of OpenC2 with nothing out of the ordinary about it.
    pub(super) plain: Option<Plain>,
}

/// Where the fields of a request are that a message comes with, each of them once or not at all. Whatever else has a meaning for the
/// connection or for who asks is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) content_type: Option<Range<usize>>,
    pub(super) accept: Option<Range<usize>>,
    pub(super) request_id: Option<Range<usize>>,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many octets.
    Length(u64),
    /// With its last chunk.
    Chunked,
}

impl Head {
    /// Reads a head; `None` if there is more to come.
    ///
    /// # Errors
    /// It is not a head, too large, or ambiguous about its host or the end of its body.
    pub(super) fn read(bytes: &[u8], settings: &Settings) -> Result<Option<Self>, Rejection> {
        let max_head = settings.max_head;
        let too_large = || Rejection::malformed(format!("the request head is larger than {max_head} octets"));
        // Few have more than a dozen, and room for as many as may be is not for nothing.
        let mut few = [EMPTY_HEADER; FEW];
        let mut many = Vec::new();
        let mut request = httparse::Request::new(&mut few[..FEW.min(settings.max_headers)]);
        let mut parsed = request.parse(bytes);
        if let Err(httparse::Error::TooManyHeaders) = parsed
            && settings.max_headers > FEW
        {
            many.resize(settings.max_headers, EMPTY_HEADER);
            request = httparse::Request::new(&mut many);
            parsed = request.parse(bytes);
        }
        let length = match parsed {
            Ok(Status::Complete(length)) if length > max_head => return Err(too_large()),
            Ok(Status::Partial) if bytes.len() >= max_head => return Err(too_large()),
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                let n_fields = settings.max_headers;
                return Err(Rejection::malformed(format!("the request has more than {n_fields} header fields")));
            }
            Err(error) => return Err(Rejection::malformed(format!("this is not an HTTP/1.1 request: {error}"))),
        };
        let target = request.path.unwrap_or_default();
        if target != PATH && Uri::try_from(target).is_err() {
            return Err(Rejection::malformed("the request target is not a URI"));
        }
        let is_http_11 = request.version == Some(1);
        check_host(request.headers, is_http_11)?;
        let framing = framing(request.headers, is_http_11)?;
        if let Framing::Length(length) = framing
            && length > u64::try_from(settings.max_body).unwrap_or(u64::MAX)
        {
            return Err(too_large_a_body(settings));
        }
        let upgrades = fields_named("upgrade", request.headers)
            // The names are parts of `bytes`.
            .map(|field| field.name.as_ptr().addr() - bytes.as_ptr().addr())
            .collect();
        let plain = Plain::of(&request, bytes);
        Ok(Some(Self { length, framing, upgrades, plain }))
    }
}

impl Plain {
    fn of(request: &httparse::Request<'_, '_>, bytes: &[u8]) -> Option<Self> {
        if request.method != Some("POST") || request.path != Some(PATH) || request.version != Some(1) {
            return None;
        }
        let mut plain = Self::default();
        for field in &*request.headers {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            let slot = match field.name.len() {
                6 if is("accept") => &mut plain.accept,
                12 if is("content-type") => &mut plain.content_type,
                12 if is(X_REQUEST_ID.as_str()) => &mut plain.request_id,
                6 if is("expect") => return None,
                7 if is("upgrade") => return None,
                10 if is("connection") && !field.value.eq_ignore_ascii_case(b"keep-alive") => return None,
                13 if is("authorization") => return None,
                _ => continue,
            };
            let is_text = field.value.iter().all(|octet| (0x20..0x7f).contains(octet));
            let is_short = (1..=MAX_TEXT).contains(&field.value.len());
            // The values are parts of `bytes`.
            let start = field.value.as_ptr().addr() - bytes.as_ptr().addr();
            let place = start..start + field.value.len();
            if !is_text || !is_short || slot.replace(place).is_some() {
                return None;
            }
        }
        Some(plain)
    }
}

/// What is said of a body above the limit, wherever that is noticed.
pub(super) fn too_large_a_body(settings: &Settings) -> Rejection {
    Rejection::malformed(format!("the body is larger than {} octets", settings.max_body))
}

/// The request id of something that need not be a head, for the echo.
pub(super) fn request_id_in(bytes: &[u8]) -> Option<HeaderValue> {
    let mut ids = bytes.split_inclusive(|&octet| octet == b'\n').skip(1).filter_map(|line| {
        let (name, value) = line.strip_suffix(b"\n")?.split_at_checked(X_REQUEST_ID.as_str().len())?;
        let is_id = name.eq_ignore_ascii_case(X_REQUEST_ID.as_str().as_bytes());
        HeaderValue::from_bytes(value.strip_prefix(b":").filter(|_| is_id)?.trim_ascii()).ok()
    });
    let id = ids.next().filter(|id| !id.is_empty())?;
    // Of several none is the id.
    ids.next().is_none().then_some(id)
}

/// RFC 7230 5.4: one `Host` in HTTP/1.1, never two, and never nonsense.
fn check_host(fields: &[Header<'_>], is_http_11: bool) -> Result<(), Rejection> {
    let mut hosts = fields_named("host", fields);
    let host = hosts.next().map(|host| host.value);
    if hosts.next().is_some() {
        return Err(Rejection::malformed("the request has two Host fields"));
    }
    match host {
        None if is_http_11 => Err(Rejection::malformed("the request has no Host field")),
        Some(host) if !host.is_empty() && (Authority::try_from(host).is_err() || host.contains(&b'@')) => {
            Err(Rejection::malformed("the Host field is not a host"))
        }
        Some(_) | None => Ok(()),
    }
}

/// RFC 7230 3.3.3, without its repairs: who repairs what another reader takes differently lets requests be smuggled in.
fn framing(fields: &[Header<'_>], is_http_11: bool) -> Result<Framing, Rejection> {
    let mut lengths = fields_named("content-length", fields);
    let mut codings = fields_named("transfer-encoding", fields);
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(_), Some(_)) => Err(Rejection::malformed("the request has both Content-Length and Transfer-Encoding")),
        (Some(_), None) if lengths.next().is_some() => {
            Err(Rejection::malformed("the request has two Content-Length fields"))
        }
        (Some(length), None) => decimal(length.value)
            .map(Framing::Length)
            .ok_or_else(|| Rejection::malformed("the Content-Length field is not a number of octets")),
        (None, Some(_)) if !is_http_11 => Err(Rejection::malformed("HTTP/1.0 has no Transfer-Encoding")),
        (None, Some(coding)) if codings.next().is_none() && coding.value.eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        // RFC 7230 3.3.1 has 501 for a coding that is not known, 400 if it leaves the end open; nobody needs the difference.
        (None, Some(_)) => Err(Rejection::malformed("no Transfer-Encoding but chunked is read")),
    }
}

/// Digits only: `parse` would take a sign.
fn decimal(digits: &[u8]) -> Option<u64> {
    let is_decimal = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| is_decimal)?.parse().ok()
}

fn fields_named<'a, 'b>(name: &'static str, fields: &'a [Header<'b>]) -> impl Iterator<Item = &'a Header<'b>> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
}

/// For so many fields there is room at hand.
const FEW: usize = 16;

/// The longest request id (DECISIONS M9), and more than any media type needs.
const MAX_TEXT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Option<Head>, String> {
        Head::read(head.as_bytes(), &Settings::default()).map_err(|rejection| rejection.text().to_owned())
    }

    fn check_framing(fields: &str, expected: Framing) {
        let head =
            read(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).expect("it may pass").expect("it is whole");
        assert_eq!(head.framing, expected, "{fields}");
    }

    fn check_refused(head: &str, expected: &str) {
        assert_eq!(read(head).expect_err(head), expected, "{head}");
    }

    #[test]
    fn the_end_of_a_body_is_known() {
        check_framing("", Framing::Length(0));
        check_framing("Content-Length: 17\r\n", Framing::Length(17));
        check_framing("content-LENGTH:17\r\n", Framing::Length(17));
        check_framing("Transfer-Encoding: Chunked\r\n", Framing::Chunked);
    }

    // HTTPS-079
    #[test]
    fn an_ambiguous_end_is_refused() {
        let both = "the request has both Content-Length and Transfer-Encoding";
        let two = "the request has two Content-Length fields";
        let number = "the Content-Length field is not a number of octets";
        let coding = "no Transfer-Encoding but chunked is read";
        for (fields, expected) in [
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", both),
            ("transfer-encoding: identity\r\ncontent-length: 1\r\n", both),
            ("Content-Length: 1\r\nContent-Length: 2\r\n", two),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", two),
            ("Content-Length: 1, 1\r\n", number),
            ("Content-Length: +1\r\n", number),
            ("Content-Length: -1\r\n", number),
            ("Content-Length: 0x1\r\n", number),
            ("Content-Length: \r\n", number),
            ("Content-Length: 18446744073709551616\r\n", number),
            ("Transfer-Encoding: gzip, chunked\r\n", coding),
            ("Transfer-Encoding: chunked, identity\r\n", coding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", coding),
            ("Transfer-Encoding: \r\n", coding),
            ("Transfer-Encoding: \x0bchunked\r\n", "this is not an HTTP/1.1 request: invalid header value"),
            ("Transfer-Encoding : chunked\r\n", "this is not an HTTP/1.1 request: invalid header name"),
            ("X: a\r\n Transfer-Encoding: chunked\r\n", "this is not an HTTP/1.1 request: invalid header name"),
        ] {
            check_refused(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), expected);
        }
        check_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 has no Transfer-Encoding");
    }

    // HTTPS-077
    #[test]
    fn a_request_has_one_host() {
        check_refused("POST / HTTP/1.1\r\n\r\n", "the request has no Host field");
        check_refused("POST / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "the request has two Host fields");
        check_refused("POST / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", "the request has two Host fields");
        check_refused("POST / HTTP/1.1\r\nHost: a b\r\n\r\n", "the Host field is not a host");
        check_refused("POST / HTTP/1.1\r\nHost: a@b\r\n\r\n", "the Host field is not a host");
        for head in
            ["POST / HTTP/1.0\r\n\r\n", "POST / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "POST / HTTP/1.1\nHost:\n\n"]
        {
            assert!(read(head).expect(head).is_some(), "{head}");
        }
    }

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let head = "\r\nPOST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(read(&head[..end]), Ok(None), "{end}");
        }
        let upgrades = vec![head.find("Upgrade").unwrap()];
        let expected = Head { length: head.len(), framing: Framing::Length(0), upgrades, plain: None };
        assert_eq!(read(head), Ok(Some(expected)));
    }

    fn plain(first: &str, fields: &str) -> Option<[Option<String>; 3]> {
        let head = format!("{first}\r\nHost: a\r\n{fields}\r\n");
        let Plain { content_type, accept, request_id } = read(&head).unwrap().unwrap().plain?;
        Some([content_type, accept, request_id].map(|place| place.map(|place| head[place].to_owned())))
    }

    #[test]
    fn a_request_with_nothing_out_of_the_ordinary_is_plain() {
        let post = "POST /.well-known/openc2 HTTP/1.1";
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(plain(post, ""), Some([None, None, None]));
        let fields =
            "CONTENT-TYPE: a/b;c=\"d\"\r\naccept:  x , y \r\nX-request-id: 1 2\r\nUser-Agent: x\r\nUser-Agent: y\r\n";
        assert_eq!(plain(post, fields), Some([some("a/b;c=\"d\""), some("x , y"), some("1 2")]));
        assert_eq!(plain(post, "Connection: Keep-Alive\r\nContent-Length: 3\r\n"), Some([None, None, None]));
        for first in ["GET /.well-known/openc2 HTTP/1.1", "POST /.well-known/openc2 HTTP/1.0", "POST / HTTP/1.1"] {
            assert_eq!(plain(first, ""), None, "{first}");
        }
        for fields in [
            "Accept: a\r\nAccept: b\r\n",
            "Content-Type: a\r\nContent-Type: a\r\n",
            "X-Request-ID: 1\r\nX-Request-ID: 1\r\n",
            "X-Request-ID: \r\n",
            "X-Request-ID: a\u{e9}\r\n",
            "X-Request-ID: a\tb\r\n",
            "Connection: close\r\n",
            "Connection: keep-alive, close\r\n",
            "Expect: 100-continue\r\n",
            "Upgrade: h2c\r\n",
            "Authorization: Bearer a\r\n",
            &format!("X-Request-ID: {}\r\n", "x".repeat(257)),
        ] {
            assert_eq!(plain(post, fields), None, "{fields}");
        }
    }

    #[test]
    fn the_limits_hold_to_the_octet() {
        let settings = Settings { max_head: 100, max_headers: 2, max_body: 10, ..Settings::default() };
        let read = |head: String| Head::read(head.as_bytes(), &settings).map(|head| head.is_some()).map_err(|_| ());
        let padded = |length: usize| format!("POST / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(length - 33));
        assert_eq!(padded(100).len(), 100);
        assert_eq!(read(padded(100)), Ok(true));
        assert_eq!(read(padded(101)), Err(()));
        assert_eq!(read(padded(200)[..99].to_owned()), Ok(false));
        assert_eq!(read(padded(200)[..100].to_owned()), Err(()));
        assert_eq!(read("POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n".into()), Err(()));
        assert_eq!(read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n".into()), Ok(true));
        assert_eq!(read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n".into()), Err(()));
    }

    #[test]
    fn the_request_id_is_found_in_what_is_no_head() {
        let find = |bytes: &str| request_id_in(bytes.as_bytes()).map(|id| id.to_str().expect("text").to_owned());
        assert_eq!(find("rubbish\r\nx-request-ID:  a b \r\nmore"), Some("a b".into()));
        assert_eq!(find("rubbish\nX-Request-ID: a\n"), Some("a".into()));
        assert_eq!(find("rubbish\r\nX-Request-ID: cut of"), None);
        assert_eq!(find("rubbish\r\nX-Request-ID:\r\n"), None);
        assert_eq!(find("rubbish\r\nX-Request-ID-Not: a\r\n"), None);
        assert_eq!(find("rubbish\r\nX-Request-ID: a\r\nX-Request-ID: b\r\n"), None);
        assert_eq!(find("X-Request-ID: a\r\n"), None);
        assert_eq!(find(""), None);
    }
}
