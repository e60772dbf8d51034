//! People: who may sign, with which role, and whether a PIN is right. PINs are kept as argon2id hashes in a file that only
//! the owner of the data directory can read; they reach nothing else.

mod file;
mod throttle;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use secrecy::{ExposeSecret as _, SecretString};

use file::Entry;
pub use file::FILE_NAME;
pub use throttle::Throttle;

use crate::model::people::{Person, Role};

/// Most people that can be enrolled.
const MAX_PEOPLE: usize = 500;

/// Shortest and longest PIN.
const PIN_LENGTH: std::ops::RangeInclusive<usize> = 4..=64;

/// Why somebody could not be enrolled, changed or believed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; check its owner and permissions")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}; nobody was changed")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no list of people.
    #[error("{path} is damaged: {text}; restore it from a backup, or move it away and enrol people again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        text: String,
    },
    /// There is no such person.
    #[error("there is no person {id}; there are: {known}")]
    Unknown {
        /// Who was named.
        id: String,
        /// Who is enrolled.
        known: String,
    },
    /// That name is taken.
    #[error("{0} is enrolled already; `vms user role` and `vms user pin` change a person")]
    Taken(String),
    /// What was asked for is not allowed.
    #[error("{0}")]
    Refused(String),
}

/// The people of an installation.
#[derive(Debug)]
pub struct People {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl People {
    /// Reads the people of a data directory; nobody where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or is no list of people.
    pub fn load(data: &Path) -> Result<Self, AccessError> {
        let path = data.join(FILE_NAME);
        let entries = file::read(&path)?;
        Ok(Self { path, entries })
    }

    /// Everybody, by short name; without secrets.
    #[must_use]
    pub fn list(&self) -> Vec<Person> {
        self.entries.iter().map(Entry::person).collect()
    }

    /// Enrols a person without a PIN.
    ///
    /// # Errors
    /// The name is taken or not fit; the file cannot be written.
    pub fn add(&mut self, id: &str, name: &str, role: Role) -> Result<(), AccessError> {
        let fit = (1..=32).contains(&id.len())
            && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
        if !fit {
            let text = format!("\"{id}\" is no short name: use up to 32 small letters, digits, \".\", \"_\", \"-\"");
            return Err(AccessError::Refused(text));
        }
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
            return Err(AccessError::Refused(
                "give the full name, up to 80 characters: it is printed on records".into(),
            ));
        }
        if self.entries.iter().any(|e| e.id == id) {
            return Err(AccessError::Taken(id.into()));
        }
        if self.entries.len() >= MAX_PEOPLE {
            return Err(AccessError::Refused(format!("{MAX_PEOPLE} people are enrolled; remove somebody first")));
        }
        self.change(|entries| {
            entries.push(Entry { id: id.into(), name: name.into(), role, pin: None });
            entries.sort_by(|a, b| a.id.cmp(&b.id));
        })
    }

    /// Gives a person a PIN.
    ///
    /// # Errors
    /// There is no such person; the PIN is too easy; the file cannot be written.
    pub fn set_pin(&mut self, id: &str, pin: &SecretString) -> Result<(), AccessError> {
        self.find(id)?;
        check_pin(pin.expose_secret())?;
        let hash = Argon2::default()
            .hash_password(pin.expose_secret().as_bytes())
            .map_err(|e| AccessError::Refused(format!("the PIN could not be hashed: {e}")))?
            .to_string();
        self.change(|entries| {
            if let Some(e) = entries.iter_mut().find(|e| e.id == id) {
                e.pin = Some(hash);
            }
        })
    }

    /// Gives a person another role.
    ///
    /// # Errors
    /// There is no such person; the file cannot be written.
    pub fn set_role(&mut self, id: &str, role: Role) -> Result<(), AccessError> {
        self.find(id)?;
        self.change(|entries| {
            if let Some(e) = entries.iter_mut().find(|e| e.id == id) {
                e.role = role;
            }
        })
    }

    /// Removes a person; what they signed stays.
    ///
    /// # Errors
    /// There is no such person; the file cannot be written.
    pub fn remove(&mut self, id: &str) -> Result<(), AccessError> {
        self.find(id)?;
        self.change(|entries| entries.retain(|e| e.id != id))
    }

    /// The person, if this is their PIN. Takes some ten milliseconds of a processor on purpose; also for people who are
    /// not there, so that nobody learns from the time who is enrolled.
    #[must_use]
    pub fn verify(&self, id: &str, pin: &SecretString) -> Option<Person> {
        let entry = self.entries.iter().find(|e| e.id == id);
        let hash = entry.and_then(|e| e.pin.as_deref()).unwrap_or(NOBODY);
        let hash = PasswordHash::new(hash).ok()?;
        let right = Argon2::default().verify_password(pin.expose_secret().as_bytes(), &hash).is_ok();
        entry.filter(|e| right && e.pin.is_some()).map(Entry::person)
    }

    fn find(&self, id: &str) -> Result<&Entry, AccessError> {
        self.entries.iter().find(|e| e.id == id).ok_or_else(|| AccessError::Unknown {
            id: id.into(),
            known: self.entries.iter().map(|e| e.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// A change counts only once it is in the file.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Entry>)) -> Result<(), AccessError> {
        let mut entries = self.entries.clone();
        change(&mut entries);
        file::write(&self.path, &entries)?;
        self.entries = entries;
        Ok(())
    }
}

/// The hash that a PIN is compared with when there is no such person: of nothing that anybody could type.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRmb3Jub2JvZHk$RdescudvJCsgt3ub+b+dWRWJTmaaJObGvfSN3oXmQlA";

fn check_pin(pin: &str) -> Result<(), AccessError> {
    let refused = |t: &str| Err(AccessError::Refused(t.into()));
    if !PIN_LENGTH.contains(&pin.chars().count()) || pin.chars().any(char::is_control) {
        return refused("a PIN has 4 to 64 characters");
    }
    let bytes = pin.as_bytes();
    let steps = |by: i16| bytes.windows(2).all(|w| i16::from(w[1]) - i16::from(w[0]) == by);
    if steps(0) || steps(1) || steps(-1) {
        return refused("that PIN is too easy to guess: do not repeat or count");
    }
    Ok(())
}

/// Everybody with their role, for the board; an unreadable file is nobody, and the reason.
pub fn everybody(data: &Path) -> Result<Arc<[Person]>, AccessError> {
    Ok(People::load(data)?.list().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn people_are_kept_and_only_the_right_pin_is_right() {
        let dir = tempfile::tempdir().unwrap();
        let mut people = People::load(dir.path()).unwrap();
        assert!(people.list().is_empty());
        people.add("kumar", "R. Kumar", Role::Technician).unwrap();
        assert!(matches!(people.add("kumar", "Other", Role::Admin), Err(AccessError::Taken(_))));
        assert_eq!(people.verify("kumar", &pin("2580")), None, "no PIN yet");
        people.set_pin("kumar", &pin("2580")).unwrap();
        let again = People::load(dir.path()).unwrap();
        let person = again.verify("kumar", &pin("2580")).unwrap();
        assert_eq!((person.name.as_ref(), person.role, person.pin), ("R. Kumar", Role::Technician, true));
        assert_eq!(again.verify("kumar", &pin("2581")), None);
        assert_eq!(again.verify("singh", &pin("2580")), None);
        let text = std::fs::read_to_string(dir.path().join(FILE_NAME)).unwrap();
        assert!(text.contains("$argon2id$") && !text.contains("2580"));
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(dir.path().join(FILE_NAME)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let mut again = again;
        again.set_role("kumar", Role::Admin).unwrap();
        again.remove("kumar").unwrap();
        assert!(again.list().is_empty());
        assert!(matches!(again.remove("kumar"), Err(AccessError::Unknown { .. })));
    }

    #[test]
    fn easy_pins_and_odd_names_are_refused() {
        for easy in ["1111", "1234", "9876", "123", "abcd", ""] {
            assert!(check_pin(easy).is_err(), "{easy}");
        }
        check_pin("2580").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut people = People::load(dir.path()).unwrap();
        for (id, name) in [("", "X"), ("Kumar", "X"), ("a b", "X"), ("kumar", "  "), ("kumar", "a\nb")] {
            assert!(people.add(id, name, Role::Operator).is_err(), "{id:?} {name:?}");
        }
    }

    #[test]
    fn the_hash_for_nobody_is_one() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn a_damaged_file_is_told_and_not_taken_for_nobody() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE_NAME), "people = 3").unwrap();
        assert!(matches!(People::load(dir.path()), Err(AccessError::Damaged { .. })));
    }
}
