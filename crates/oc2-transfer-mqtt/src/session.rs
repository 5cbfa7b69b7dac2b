//! The ClientID, and where it is kept (MQTT 2.6).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, iter};

use uuid::Uuid;

use crate::error::SetupError;

/// The name a broker keeps a session under: 1 to 23 letters and digits, random, without relation to any identity of OpenC2
/// (MQTT 2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        let mut rest = Uuid::new_v4().as_u128();
        let digits = iter::from_fn(|| {
            let digit = DIGITS[usize::try_from(rest % 62).unwrap_or_default()];
            rest /= 62;
            Some(char::from(digit))
        });
        Self(digits.take(LENGTH).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let is_one = (1..=23).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_alphanumeric());
        is_one.then(|| Self(text.to_owned()))
    }
}

/// A ClientID and the right to use it: of two clients with one ClientID a broker cuts off the first.
#[derive(Clone, Debug)]
pub struct Session {
    client_id: ClientId,
    _claim: Option<Arc<Claim>>,
}

impl Session {
    /// The session of this directory. The directory and the ClientID in it are made if there are none, so that they exist
    /// before any connection.
    ///
    /// # Errors
    /// The directory cannot be used, is in use by another process, or what it holds is not a ClientID.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, SetupError> {
        let directory = directory.as_ref();
        let claim = claim(directory)?;
        let path = directory.join(CLIENT_ID);
        let client_id = match fs::read_to_string(&path) {
            Ok(text) => ClientId::parse(text.trim_end()).ok_or(SetupError::ClientId(path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let client_id = ClientId::random();
                write_whole(directory, &client_id).map_err(|source| state(&path, source))?;
                client_id
            }
            Err(source) => return Err(state(&path, source)),
        };
        Ok(Self { client_id, _claim: Some(Arc::new(claim)) })
    }

    /// The first session below this directory that no other process uses: for programs that are run several times at once.
    ///
    /// # Errors
    /// As [`open`](Self::open); in use are as many as there may be.
    pub fn open_free(directory: impl AsRef<Path>) -> Result<Self, SetupError> {
        let directory = directory.as_ref();
        for place in 0..MAX_PLACES {
            match Self::open(directory.join(place.to_string())) {
                Err(SetupError::InUse(_)) => {}
                opened => return opened,
            }
        }
        Err(SetupError::InUse(directory.to_owned()))
    }

    /// A session that nobody finds again: for tests, and where there is no place to keep anything.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { client_id: ClientId::random(), _claim: None }
    }

    /// The ClientID.
    #[must_use]
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }
}

/// A lock that is held as long as this lives.
struct Claim {
    _file: File,
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

fn claim(directory: &Path) -> Result<Claim, SetupError> {
    fs::create_dir_all(directory).map_err(|source| state(directory, source))?;
    let path = directory.join(LOCK);
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|source| state(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(Claim { _file: file }),
        Err(TryLockError::WouldBlock) => Err(SetupError::InUse(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(state(&path, source)),
    }
}

/// Either the whole file is there afterwards, or none.
fn write_whole(directory: &Path, client_id: &ClientId) -> io::Result<()> {
    let draft = directory.join(DRAFT);
    let mut file = File::create(&draft)?;
    writeln!(file, "{}", client_id.as_str())?;
    file.sync_all()?;
    fs::rename(&draft, directory.join(CLIENT_ID))?;
    File::open(directory)?.sync_all()
}

fn state(path: &Path, source: io::Error) -> SetupError {
    SetupError::State { path: PathBuf::from(path), source }
}

/// 62 to the 20th is more than 2 to the 118th.
const LENGTH: usize = 20;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CLIENT_ID: &str = "client_id";
const DRAFT: &str = "client_id.new";
const LOCK: &str = "lock";
const MAX_PLACES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_random_letters_and_digits() {
        // MQTT-046, MQTT-047, MQTT-051
        let (one, other) = (ClientId::random(), ClientId::random());
        assert_ne!(one, other);
        for client_id in [one, other] {
            assert_eq!(ClientId::parse(client_id.as_str()), Some(client_id.clone()));
            assert_eq!(client_id.as_str().len(), LENGTH);
        }
        for text in ["", "a-b", "\u{e9}", &"a".repeat(24)] {
            assert_eq!(ClientId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_client_id_is_there_before_a_connection_and_found_again() {
        // MQTT-048, MQTT-049, MQTT-050
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("state");
        let first = Session::open(&place).unwrap();
        let kept = fs::read_to_string(place.join(CLIENT_ID)).unwrap();
        assert_eq!(kept.trim_end(), first.client_id().as_str());
        let client_id = first.client_id().clone();
        drop(first);
        assert_eq!(Session::open(&place).unwrap().client_id(), &client_id);
    }

    #[test]
    fn one_state_directory_serves_one_process() {
        let directory = tempfile::tempdir().unwrap();
        let first = Session::open(directory.path()).unwrap();
        assert!(matches!(Session::open(directory.path()), Err(SetupError::InUse(_))));
        let also = first.clone();
        drop(first);
        assert!(matches!(Session::open(directory.path()), Err(SetupError::InUse(_))), "a clone still holds it");
        drop(also);
        assert!(Session::open(directory.path()).is_ok());
    }

    #[test]
    fn programs_at_the_same_time_have_a_client_id_each() {
        let directory = tempfile::tempdir().unwrap();
        let first = Session::open_free(directory.path()).unwrap();
        let second = Session::open_free(directory.path()).unwrap();
        assert_ne!(first.client_id(), second.client_id());
        let client_id = first.client_id().clone();
        drop(first);
        assert_eq!(Session::open_free(directory.path()).unwrap().client_id(), &client_id);
    }

    #[test]
    fn what_is_not_a_client_id_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(CLIENT_ID), "no client id\n").unwrap();
        assert!(matches!(Session::open(directory.path()), Err(SetupError::ClientId(_))));
    }
}
