//! No contents make a document that cannot be printed.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::model::paper::{Block, Column, Part, Plot, PlotPoint, Seal, SignatureLine, Table};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-z ]{0,400}", "[A-Za-z0-9]{200}", Just("पंखा 風扇 \u{202e}x".to_owned())]
}

fn point() -> impl Strategy<Value = PlotPoint> {
    (any::<i64>(), any::<f64>(), any::<f64>(), any::<f64>()).prop_map(|(at, least, mean, most)| PlotPoint {
        at,
        least,
        mean,
        most,
    })
}

fn table() -> impl Strategy<Value = Block> {
    let column =
        (words(), any::<u8>(), any::<bool>()).prop_map(|(title, share, numbers)| Column { title, share, numbers });
    let cell = prop_oneof![words(), "[a-z \n]{0,3000}"];
    (prop::collection::vec(column, 0..9), prop::collection::vec(prop::collection::vec(cell, 0..10), 0..5))
        .prop_map(|(columns, rows)| Block::Table(Table { columns, rows }))
}

fn plot() -> impl Strategy<Value = Block> {
    let of = (words(), words(), any::<i64>(), any::<i64>(), any::<i64>(), any::<Option<f64>>());
    (of, prop::collection::vec(point(), 0..20)).prop_map(|((title, unit, from, to, step_s, limit), points)| {
        Block::Plot(Plot { title, unit, from, to, points, step_s, limit })
    })
}

fn block() -> impl Strategy<Value = Block> {
    let some = || prop::collection::vec(words(), 0..5);
    prop_oneof![
        (any::<u8>(), words()).prop_map(|(l, t)| Block::Heading(l, t)),
        words().prop_map(Block::Text),
        words().prop_map(Block::Small),
        (words(), any::<Option<bool>>()).prop_map(|(t, g)| Block::Verdict(t, g)),
        prop::collection::vec((words(), words()), 0..5).prop_map(Block::Facts),
        some().prop_map(Block::List),
        prop::collection::vec((words(), some()), 0..4).prop_map(Block::Steps),
        table(),
        plot(),
        (words(), some()).prop_map(|(t, b)| Block::Boxes(t, b)),
        (words(), any::<u8>()).prop_map(|(t, n)| Block::WriteIn(t, n)),
        prop::collection::vec((words(), words()), 0..5).prop_map(|l| Block::Signatures(
            l.into_iter().map(|(label, given)| SignatureLine { label, given }).collect()
        )),
        Just(Block::Contents),
    ]
}

fn document() -> impl Strategy<Value = Document> {
    let seal =
        prop::option::of(words()).prop_map(|s| s.map(|s| Seal { label: "SHA-256".into(), text: s.clone(), code: s }));
    let part = (words(), words(), seal, prop::collection::vec(block(), 0..6))
        .prop_map(|(kind, title, seal, blocks)| Part { kind, title, seal, blocks });
    (words(), words(), -377_705_023_201_i64..253_402_207_200, prop::collection::vec(part, 0..4)).prop_map(
        |(title, site, at, parts)| Document {
            title,
            node: site.clone(),
            site,
            written: Timestamp::from_second(at).unwrap_or_default(),
            zone: TimeZone::UTC,
            parts,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn everything_can_be_printed(document in document(), letter in any::<bool>()) {
        let paper = if letter { Paper::Letter } else { Paper::A4 };
        let bytes = pdf(&document, paper).unwrap();
        prop_assert!(bytes.starts_with(b"%PDF-"));
        let text = text(&document);
        prop_assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    }
}
