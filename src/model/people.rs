//! People: their roles, and how they are named in records.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a person may do; each may also do what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Watches, acknowledges, does the daily round.
    #[default]
    Operator,
    /// Does the maintenance tasks.
    Technician,
    /// Everything; counter-signs and waives.
    Admin,
}

impl Role {
    /// All roles, least first.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Technician, Self::Admin];

    /// The word in files and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Technician => "technician",
            Self::Admin => "admin",
        }
    }

    /// The role of that word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.word() == word)
    }
}

/// A person as others may see them: no secret among it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Short name, unique: what is typed.
    pub id: Arc<str>,
    /// Full name: what is printed.
    pub name: Arc<str>,
    /// Role.
    pub role: Role,
    /// Whether a PIN is set: without one the person cannot sign.
    pub pin: bool,
}
