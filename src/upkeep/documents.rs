//! Documents of the upkeep as pure functions: records, blank forms, a month's batch, how well the plan was kept, inventory,
//! performance review, recovery handbook. How they look on paper is left to whoever prints them.

pub mod advice;
pub mod form;
pub mod handbook;
pub mod inventory;
pub mod month;
pub mod performance;
pub mod record;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::paper::{Document, Part};

/// What stands at the head of every document.
#[derive(Clone, Debug)]
pub struct Head {
    /// Site.
    pub site: Arc<str>,
    /// Node.
    pub node: Arc<str>,
    /// The site's time zone.
    pub zone: TimeZone,
    /// When the document is written.
    pub now: Timestamp,
}

impl Head {
    /// A document of these parts.
    #[must_use]
    pub fn document(&self, title: impl Into<String>, parts: Vec<Part>) -> Document {
        Document {
            title: title.into(),
            site: self.site.to_string(),
            node: self.node.to_string(),
            written: self.now,
            zone: self.zone.clone(),
            parts,
        }
    }

    /// A moment in the site's zone, to the minute.
    #[must_use]
    pub fn minute(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// A moment in the site's zone, to the second.
    #[must_use]
    pub fn second(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// The day of a moment in the site's zone.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d").to_string()
    }
}
