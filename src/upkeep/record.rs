//! Maintenance records: what is hashed, and whether a record is what was signed.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::model::signed::Record;

/// SHA-256 in hexadecimal over everything in a record except its hash, signatures and addenda. Fields are written as JSON in
/// a fixed order, so that the hash does not depend on how the record was stored.
#[must_use]
pub fn hash(record: &Record) -> Arc<str> {
    let content = Record { hash: "".into(), signatures: Vec::new(), addenda: Vec::new(), ..record.clone() };
    // Plain values: there is nothing in a record that JSON could not hold.
    let bytes = serde_json::to_vec(&content).unwrap_or_default();
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(&bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

/// What is wrong with a record; nothing when it is what was signed.
///
/// # Errors
/// In words: what does not fit.
pub fn verify(record: &Record) -> Result<(), String> {
    let now = hash(record);
    if now != record.hash {
        return Err(format!(
            "record {} was changed after it was signed: its content gives {}, signed was {}",
            record.run,
            short(&now),
            short(&record.hash)
        ));
    }
    Ok(())
}

/// The first characters of a hash, for people.
#[must_use]
pub fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::people::Role;
    use crate::model::signed::{RecordedStep, Signature};
    use crate::model::upkeep::Outcome;

    fn record() -> Record {
        let at = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let mut record = Record {
            run: 7,
            site: "BF2".into(),
            node: "n".into(),
            task: "daily-round".into(),
            row: "D1-D4".into(),
            title: "Daily checks".into(),
            started: at,
            finished: at,
            who: "kumar".into(),
            passed: true,
            abandoned: false,
            remark: None,
            steps: vec![RecordedStep {
                id: "plc".into(),
                title: "The PLC answers".into(),
                kind: "check".into(),
                subject: None,
                outcome: Some(Outcome::Passed),
                evidence: vec!["0 of 1200 failed".into()],
                who: Some("kumar".into()),
                at: Some(at),
            }],
            hash: "".into(),
            signatures: Vec::new(),
            addenda: Vec::new(),
        };
        record.hash = hash(&record);
        record
    }

    #[test]
    fn what_was_signed_verifies_and_any_change_is_found() {
        let good = record();
        verify(&good).unwrap();
        let at = good.finished;
        let signature = |counter| Signature {
            who: "k".into(),
            name: "R Kumar".into(),
            role: Role::Operator.word().into(),
            counter,
            at,
        };
        // Signatures come after the hash, and do not change it.
        verify(&Record { signatures: vec![signature(false), signature(true)], ..good.clone() }).unwrap();
        let mut bad = good.clone();
        bad.steps[0].evidence[0] = "0 of 1201 failed".into();
        assert!(verify(&bad).unwrap_err().starts_with("record 7 was changed after it was signed"));
        for bad in [
            Record { passed: false, ..good.clone() },
            Record { who: "singh".into(), ..good.clone() },
            Record { steps: Vec::new(), ..good.clone() },
            Record { remark: Some("x".into()), ..good.clone() },
        ] {
            assert!(verify(&bad).is_err());
        }
        // What is read from its stored form has the same hash.
        let stored: Record = serde_json::from_str(&serde_json::to_string(&good).unwrap()).unwrap();
        verify(&stored).unwrap();
    }
}
