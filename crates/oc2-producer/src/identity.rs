//! Who commands, if nobody says so.

use std::{env, fs};

/// `USER@HOST` as far as this host tells, else the name of the program.
pub(crate) fn of_this_user() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok());
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| env::var("HOSTNAME").ok());
    join(user.as_deref(), host.as_deref())
}

fn join(user: Option<&str>, host: Option<&str>) -> String {
    let told = |name: Option<&str>| name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    match (told(user), told(host)) {
        (Some(user), Some(host)) => format!("{user}@{host}"),
        (None, Some(host)) => format!("{PROGRAM}@{host}"),
        (_, None) => PROGRAM.to_owned(),
    }
}

const PROGRAM: &str = "oc2-producer";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_says_what_is_known() {
        assert_eq!(join(Some("ada"), Some("ops1\n")), "ada@ops1");
        assert_eq!(join(None, Some("ops1")), "oc2-producer@ops1");
        assert_eq!(join(Some("ada"), Some(" ")), "oc2-producer");
        assert_eq!(join(None, None), "oc2-producer");
    }
}
