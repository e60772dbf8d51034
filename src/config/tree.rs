//! The configuration between file and sections: every value with its kind checked, its place and where it came from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::fault::Pos;
use super::keys::Key;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program's default.
    Default,
    /// This line of the file.
    File(Pos),
    /// An environment variable.
    Environment(String),
    /// A file that holds a secret.
    SecretFile(PathBuf),
}

/// A value whose kind is right.
#[derive(Clone, Debug)]
pub enum Val {
    /// Text of any kind.
    Text(Arc<str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A time span.
    Duration(Duration),
    /// A size in bytes.
    Size(u64),
    /// A secret.
    Secret(SecretString),
    /// x, y, width, height.
    Rect([u32; 4]),
    /// A list of texts.
    List(Vec<Arc<str>>),
    /// A section.
    Table(Sect),
    /// Sections of one kind.
    Tables(Vec<Sect>),
}

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The value.
    pub val: Val,
    /// Where its key stands; for a default, where its section stands.
    pub at: Pos,
    /// Where it came from.
    pub origin: Origin,
}

/// A section.
#[derive(Clone, Debug)]
pub struct Sect {
    /// The keys it may have.
    pub keys: &'static [Key],
    /// `camera[0].roi[1]`; empty for the top level.
    pub path: String,
    /// Where it stands.
    pub at: Pos,
    /// Its values.
    pub entries: Vec<(&'static str, Entry)>,
    /// Keys that are there with a fault.
    pub faulty: Vec<&'static str>,
}

impl Sect {
    /// The path of a key of this section.
    #[must_use]
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }

    /// A value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|(k, _)| *k == key).map(|(_, e)| e)
    }

    /// Whether the key is written in the file, well or not.
    #[must_use]
    pub fn written(&self, key: &str) -> bool {
        self.faulty.contains(&key) || self.entry(key).is_some_and(|e| e.origin != Origin::Default)
    }

    /// Where a key stands; the section's place where it is not written.
    #[must_use]
    pub fn place(&self, key: &str) -> Pos {
        self.entry(key).map_or(self.at, |e| e.at)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&Arc<str>> {
        match &self.entry(key)?.val {
            Val::Text(t) => Some(t),
            _ => None,
        }
    }

    /// A number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.entry(key)?.val {
            Val::Float(v) => Some(v),
            Val::Integer(v) => Some(v as f64),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        match self.entry(key)?.val {
            Val::Integer(v) => Some(v),
            _ => None,
        }
    }

    /// A truth.
    #[must_use]
    pub fn truth(&self, key: &str) -> Option<bool> {
        match self.entry(key)?.val {
            Val::Bool(v) => Some(v),
            _ => None,
        }
    }

    /// A time span.
    #[must_use]
    pub fn duration(&self, key: &str) -> Option<Duration> {
        match self.entry(key)?.val {
            Val::Duration(v) => Some(v),
            _ => None,
        }
    }

    /// A size in bytes.
    #[must_use]
    pub fn size(&self, key: &str) -> Option<u64> {
        match self.entry(key)?.val {
            Val::Size(v) => Some(v),
            _ => None,
        }
    }

    /// A secret.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<&SecretString> {
        match &self.entry(key)?.val {
            Val::Secret(v) => Some(v),
            _ => None,
        }
    }

    /// A rectangle.
    #[must_use]
    pub fn rect(&self, key: &str) -> Option<[u32; 4]> {
        match self.entry(key)?.val {
            Val::Rect(v) => Some(v),
            _ => None,
        }
    }

    /// A list; empty where there is none.
    #[must_use]
    pub fn list(&self, key: &str) -> &[Arc<str>] {
        match self.entry(key).map(|e| &e.val) {
            Some(Val::List(v)) => v,
            _ => &[],
        }
    }

    /// A section below.
    #[must_use]
    pub fn table(&self, key: &str) -> Option<&Self> {
        match &self.entry(key)?.val {
            Val::Table(v) => Some(v),
            _ => None,
        }
    }

    /// Sections below; empty where there are none.
    #[must_use]
    pub fn tables(&self, key: &str) -> &[Self] {
        match self.entry(key).map(|e| &e.val) {
            Some(Val::Tables(v)) => v,
            _ => &[],
        }
    }

    /// Every region with its camera.
    pub fn rois(&self) -> impl Iterator<Item = (&Self, &Self)> {
        self.tables("camera").iter().flat_map(|c| c.tables("roi").iter().map(move |r| (c, r)))
    }

    /// Every tag with its PLC.
    pub fn tags(&self) -> impl Iterator<Item = (&Self, &Self)> {
        self.tables("plc").iter().flat_map(|p| p.tables("tag").iter().map(move |t| (p, t)))
    }
}
