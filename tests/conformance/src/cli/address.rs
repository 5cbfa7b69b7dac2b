//! Where a subject is.

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) is_mqtt: bool,
    pub(crate) is_secured: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let wrong = || format!("{url:?} is none of http://, https://, mqtt:// and mqtts:// with HOST[:PORT]");
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (is_mqtt, is_secured, usual) = match scheme {
            "http" => (false, false, 80),
            "https" => (false, true, 443),
            "mqtt" => (true, false, 1883),
            "mqtts" => (true, true, 8883),
            _ => return Err(wrong()),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (authority, usual),
        };
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { is_mqtt, is_secured, host: host.to_owned(), port, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<(&str, u16, &str)>) {
        let address = Address::parse(url).ok();
        assert_eq!(address.as_ref().map(|own| (&*own.host, own.port, &*own.path)), expected, "{url}");
    }

    #[test]
    fn a_url_says_where_the_subject_is() {
        check("http://192.0.2.1", Some(("192.0.2.1", 80, "")));
        check("https://fw.example:8443/x", Some(("fw.example", 8443, "/x")));
        check("mqtt://[::1]", Some(("[::1]", 1883, "")));
        check("mqtts://broker.example", Some(("broker.example", 8883, "")));
        check("http://[::1]:8080/", Some(("[::1]", 8080, "/")));
        check("ftp://a", None);
        check("http://:80", None);
    }
}
