//! The guides as data: sound, complete against the chapter's lines, and made of errands that are carried out.

use std::collections::BTreeSet;

use vms::model::upkeep::StepKind;
use vms::upkeep::{Catalogue, checks, errand};

use vms::model::upkeep::Outcome;

use crate::site::Site;

/// What each guide must have done or asked for by the chapter, and more.
const WANTED: [(&str, &str, &[&str]); 4] = [
    (
        "guide-storage",
        "S1",
        &[
            "old-recordings",
            "remove-recordings",
            "log-rotation",
            "rotate-logs",
            "disk-largest",
            "temporary-files",
            "remove-temporary",
            "disk-space",
        ],
    ),
    (
        "guide-database",
        "S2",
        &[
            "database-reach",
            "database-vacuum",
            "database-queries",
            "database-cancel",
            "database-health",
            "database-reindex",
            "database-growth",
        ],
    ),
    (
        "guide-camera",
        "S3",
        &["camera-name", "camera-reach", "camera-rtsp", "camera-frame", "camera-reconnect", "camera-sharpness"],
    ),
    ("guide-plc", "S4", &["plc-port", "plc-link", "plc-reset", "plc-loopback"]),
];

fn name(kind: &StepKind) -> Option<&str> {
    match kind {
        StepKind::Check { check } => Some(check),
        StepKind::Action { action } => Some(action),
        _ => None,
    }
}

#[test]
fn the_guides_cover_the_chapter() {
    let all = Catalogue::built_in().unwrap_or_else(|e| panic!("{e}"));
    for (id, row, wanted) in WANTED {
        let guide = all.task(id).unwrap_or_else(|| panic!("{id} is there"));
        assert_eq!(&*guide.row, row);
        let names: BTreeSet<&str> = guide.steps.iter().filter_map(|s| name(&s.kind)).collect();
        for w in wanted {
            assert!(names.contains(w), "{id} uses {w}");
        }
        let branches = guide.steps.iter().filter(|s| !s.when.is_empty()).count();
        assert!(branches * 2 > guide.steps.len(), "{id} is a tree, not a list: {branches} of {}", guide.steps.len());
        assert!(matches!(guide.steps.last().unwrap().kind, StepKind::Note), "{id} ends with findings");
    }
    // Lines of the chapter that a person carries out.
    let said = |id: &str, word: &str| {
        all.task(id).unwrap().steps.iter().any(|s| s.title.contains(word) || s.how.contains(word))
    };
    for (id, word) in [
        ("guide-storage", "clean-up"),
        ("guide-storage", "larger disk"),
        ("guide-database", "resources enough"),
        ("guide-camera", "url"),
        ("guide-camera", "Restart the camera"),
        ("guide-camera", "power"),
        ("guide-camera", "Replace the camera"),
        ("guide-plc", "serial connections"),
        ("guide-plc", "powered"),
        ("guide-plc", "firmware"),
    ] {
        let options = |s: &vms::model::upkeep::StepDef| match &s.kind {
            StepKind::Choose { options } => options.iter().any(|o| o.text.contains(word)),
            _ => false,
        };
        assert!(said(id, word) || all.task(id).unwrap().steps.iter().any(options), "{id}: {word}");
    }
}

#[test]
fn every_errand_of_the_guides_is_carried_out() {
    let all = Catalogue::built_in().unwrap();
    let data = tempfile::tempdir().unwrap();
    let site = Site::new("", data.path());
    for step in all.tasks.iter().filter(|t| t.guide).flat_map(|t| t.steps.iter()) {
        let Some(name) = name(&step.kind).filter(|n| !checks::NAMES.contains(n)) else { continue };
        assert!(errand::find(name).is_some(), "{name}");
        let shown = site.preview(name);
        // On an empty site nothing is found, which is said; but never that it does not exist.
        assert!(!shown.evidence.join(" ").contains("not available yet"), "{name}: {shown:?}");
        assert_ne!(shown.outcome, Outcome::Skipped);
    }
}
