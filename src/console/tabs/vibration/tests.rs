//! Whole frames of the tab and what its keys ask for.

use std::sync::Arc;

use proptest::prelude::*;

use super::Vibration;
use crate::console::sample;
use crate::console::tabs::trial::{SIZES, act, boards, draws_any_area, draws_ascii, frame, plain_frame, theme};
use crate::console::view::{Ctx, Tab, Want};
use crate::model::compensation::Compensation;
use crate::model::intent::IntentKind;

#[test]
fn frames_of_every_board() {
    for (name, board) in boards() {
        for size in SIZES {
            let mut tab = Vibration::default();
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
            act(&mut tab, &board, "open");
            insta::assert_snapshot!(format!("{name}_open_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
}

#[test]
fn ascii_terminals_get_ascii() {
    draws_ascii::<Vibration>();
    insta::assert_snapshot!("ascii", plain_frame(&mut Vibration::default(), &sample::alarm()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_area_can_be_drawn(w in 0_u16..210, h in 0_u16..62, which in 0_usize..4, actions in prop::collection::vec(0_usize..20, 0..8)) {
        draws_any_area::<Vibration>((w, h), which, &actions);
    }
}

#[test]
fn a_lost_camera_never_looks_calm() {
    let board = sample::alarm();
    let text = frame(&mut Vibration::default(), &board, (120, 35));
    let line = text.lines().find(|l| l.contains("head-drum")).expect("the region is listed");
    assert!(line.contains("lost") && !line.contains("normal") && line.contains("min"), "{line}");
    let stale = frame(&mut Vibration::default(), &sample::stale(), (120, 35));
    assert!(!stale.contains("normal") && stale.contains("47 s"), "{stale}");
}

#[test]
fn the_selection_stays_on_its_region_when_the_order_changes() {
    let board = sample::alarm();
    let mut tab = Vibration::default();
    for action in ["down", "down"] {
        act(&mut tab, &board, action);
    }
    let before = tab.selected.clone();
    assert!(matches!(act(&mut tab, &board, "sort"), Want::Say(_)));
    frame(&mut tab, &board, (120, 35));
    assert_eq!(tab.selected, before);
}

#[test]
fn a_filter_narrows_and_escape_widens() {
    let board = sample::live();
    let mut tab = Vibration::default();
    let Want::Prompt { tag, .. } = act(&mut tab, &board, "filter") else { panic!("a prompt is wanted") };
    let theme = theme();
    let ctx = Ctx { board: &board, now: sample::now(), theme: &theme, focused: true };
    tab.text(tag, Some("drum"), &ctx);
    assert_eq!(tab.rows(&ctx).len(), 1);
    tab.text(tag, Some("nothing of the kind"), &ctx);
    assert!(frame(&mut tab, &board, (80, 19)).contains("No region matches"));
    assert!(matches!(act(&mut tab, &board, "back"), Want::Say(_)));
    assert!(tab.rows(&ctx).len() > 1);
    assert_eq!(act(&mut tab, &board, "back"), Want::Pass);
}

#[test]
fn the_trend_takes_the_place_of_the_waveform() {
    let board = sample::alarm();
    let mut tab = Vibration::default();
    act(&mut tab, &board, "open");
    act(&mut tab, &board, "trend");
    insta::assert_snapshot!(frame(&mut tab, &board, (120, 35)));
}

#[test]
fn the_spectrogram_takes_the_place_of_the_spectrum() {
    let board = sample::alarm();
    let mut tab = Vibration::default();
    act(&mut tab, &board, "open");
    act(&mut tab, &board, "spectrogram");
    insta::assert_snapshot!(frame(&mut tab, &board, (120, 35)));
}

#[test]
fn a_region_without_any_knowledge_can_be_drawn() {
    use crate::model::vibration::{Reading, Spectrum, Waveform};
    let mut board = sample::live();
    let mut camera = (*board.cameras[0]).clone();
    let mut roi = (*camera.rois[0]).clone();
    let nan = f64::NAN;
    let reading = roi.reading.as_deref().expect("a reading").clone();
    roi.reading = Some(Arc::new(Reading {
        displacement_pp_px: nan,
        uncertainty_px: f64::INFINITY,
        velocity_rms_mm_s: Some(1e300),
        ..reading
    }));
    roi.waveform = Arc::new(Waveform::default());
    roi.spectrum = Arc::new(Spectrum { step_hz: f32::NAN, x_px: vec![f32::NAN; 4], y_px: vec![], floor_px: f32::NAN });
    roi.trend = Arc::new([f32::NAN; 3]);
    roi.fault = Some("lies outside the 1280×720 picture".into());
    camera.rois[0] = Arc::new(roi);
    board.cameras[0] = Arc::new(camera);
    let mut tab = Vibration::default();
    act(&mut tab, &board, "open");
    let text = frame(&mut tab, &board, (120, 35));
    assert!(text.contains("? F fault") && text.contains("lies outside"), "{text}");
}

#[test]
fn the_mouse_selects_and_opens() {
    use crate::console::view::Mouse;
    let board = sample::live();
    let mut tab = Vibration::default();
    frame(&mut tab, &board, (80, 19));
    let theme = theme();
    let ctx = Ctx { board: &board, now: sample::now(), theme: &theme, focused: true };
    tab.mouse(5, 3, Mouse::Click, &ctx);
    assert_eq!((tab.cursor.at(), tab.open), (2, false));
    tab.mouse(5, 18, Mouse::Click, &ctx);
    assert_eq!(tab.cursor.at(), 2, "below the last row nothing is selected");
    tab.mouse(5, 0, Mouse::Wheel(-1), &ctx);
    tab.mouse(5, 3, Mouse::DoubleClick, &ctx);
    assert!(tab.open);
}

#[test]
fn a_compensation_goes_off_only_after_a_question() {
    let mut board = sample::live();
    let mut tab = Vibration::default();
    let Want::Confirm { question, then } = act(&mut tab, &board, "switch-shake") else { panic!("a question is asked") };
    assert!(question.contains("deck-east") && question.contains("shake"), "{question}");
    let camera = board.cameras[0].id.clone();
    let off = IntentKind::Compensate { camera: camera.clone(), which: Compensation::Shake, on: false };
    assert_eq!(then, off);
    let mut other = (*board.cameras[0]).clone();
    other.compensations.set(Compensation::Shake, false);
    board.cameras[0] = Arc::new(other);
    let on = IntentKind::Compensate { camera, which: Compensation::Shake, on: true };
    assert_eq!(act(&mut tab, &board, "switch-shake"), Want::Send(on), "on again without a question");
    act(&mut tab, &board, "open");
    let text = frame(&mut tab, &board, (200, 55));
    assert!(text.contains("left in") && text.contains("switched off for camera deck-east"), "{text}");
}

#[test]
fn learning_anew_is_asked_for_and_only_of_assets() {
    let board = sample::live();
    let mut tab = Vibration::default();
    assert!(matches!(act(&mut tab, &board, "baseline"), Want::Confirm { then: IntentKind::LearnBaseline(_), .. }));
    act(&mut tab, &board, "last");
    assert!(matches!(act(&mut tab, &board, "baseline"), Want::Say(_)), "a background has nothing to learn");
}

#[test]
fn every_target_can_be_revealed() {
    let board = sample::live();
    let theme = theme();
    let ctx = Ctx { board: &board, now: sample::now(), theme: &theme, focused: true };
    let mut tab = Vibration { filter: "drum".into(), ..Vibration::default() };
    for (_, name) in tab.targets(&board) {
        tab.reveal(&name, &ctx);
        assert!(frame(&mut tab, &board, (80, 19)).trim_start().starts_with(&name));
    }
}

#[test]
fn what_a_tone_may_be_is_said_with_its_reason() {
    use crate::model::vibration::{Alias, AliasEvidence, Candidate, Grade, Harmonic, Reading, Reason, Tone};
    use std::sync::Arc;
    let mut board = sample::live();
    let mut camera = (*board.cameras[0]).clone();
    let mut roi = (*camera.rois[0]).clone();
    let reading = roi.reading.as_deref().expect("a reading").clone();
    let candidate = |hz, weight| Candidate { hz, weight };
    let harmonic = |order: u8, hz, seen_hz| Harmonic { order, hz, seen_hz, amplitude_px: 0.1, sigma_px: 0.01 };
    roi.nominal_hz = None;
    roi.limits = Arc::new([]);
    roi.baseline = None;
    roi.reading = Some(Arc::new(Reading {
        tone: reading.tone.map(|t| Tone { hz: 8.8, ..t }),
        grade: Grade::Poor,
        reasons: vec![Reason::SuspectedAlias],
        aliased: Some(true),
        alias: Some(Arc::new(Alias {
            suspected: true,
            candidates: vec![candidate(16.2, 0.97), candidate(41.2, 0.03)],
            evidence: vec![AliasEvidence::Slope { asked_hz: 16.3, backwards: true }],
        })),
        harmonics: Arc::new([harmonic(2, 17.6, 7.4)]),
        turn_rms_rad: Some(0.0021),
        left_out: 0.14,
        ..reading
    }));
    camera.rois[0] = Arc::new(roi);
    board.cameras[0] = Arc::new(camera);
    let mut tab = Vibration::default();
    act(&mut tab, &board, "open");
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = frame(&mut tab, &board, (200, 55));
    for said in ["↺ may be 16.2 Hz (97 %)", "2× 17.6 ↺ 7.40 Hz", "2.10 mrad RMS", "14 % of the region", "↺2×"] {
        assert!(flat(&text).contains(said), "{said}: {text}");
    }
    for size in [(80, 19), (120, 35)] {
        insta::assert_snapshot!(format!("alias_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
    }
}

#[test]
fn a_month_is_drawn_from_the_journal_with_limits_and_gaps() {
    let board = sample::alarm();
    for (name, presses) in [("hour", 2), ("month", 5), ("year", 6)] {
        for size in SIZES {
            let mut tab = Vibration::default();
            act(&mut tab, &board, "open");
            for _ in 0..presses {
                act(&mut tab, &board, "trend");
            }
            frame(&mut tab, &board, size);
            insta::assert_snapshot!(format!("past_{name}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
    let mut tab = Vibration::default();
    act(&mut tab, &board, "open");
    for _ in 0..5 {
        act(&mut tab, &board, "trend");
    }
    assert!(plain_frame(&mut tab, &board).is_ascii());
}

#[test]
fn the_past_is_asked_for_once_and_moves_by_halves() {
    use crate::model::history::{Query, TrendQuery};
    let mut board = sample::live();
    board.history = Arc::new([]);
    let theme = theme();
    let ctx = Ctx { board: &board, now: sample::now(), theme: &theme, focused: true };
    let mut tab = Vibration::default();
    frame(&mut tab, &board, (120, 35));
    assert_eq!(tab.idle(&ctx), Want::Nothing, "a waveform needs no journal");
    assert!(matches!(tab.act("earlier", &ctx), Want::Say(_)));
    let query = |want: Want| -> TrendQuery {
        match want {
            Want::Send(IntentKind::History(ask)) => match ask.query {
                Query::Trend(q) => q,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..5 {
        tab.act("trend", &ctx);
    }
    let now = query(tab.idle(&ctx));
    assert_eq!(
        (&*now.series, now.step_s, now.to - now.from),
        ("roi.east-bearing.velocity_rms_mm_s", 3600, 30 * 86_400)
    );
    assert_eq!(tab.idle(&ctx), Want::Nothing, "it is under way");
    let text = frame(&mut tab, &board, (120, 35));
    assert!(text.contains("reading the journal"), "{text}");
    tab.act("earlier", &ctx);
    let before = query(tab.idle(&ctx));
    assert_eq!(now.from - before.from, 15 * 86_400);
    tab.act("quantity", &ctx);
    assert_eq!(&*query(tab.idle(&ctx)).series, "roi.east-bearing.displacement_pp_mm");
    tab.act("later", &ctx);
    assert!(matches!(tab.act("later", &ctx), Want::Say(_)), "no further than now");
    tab.act("trend", &ctx);
    assert_eq!(tab.over.words(), "1-year trend");
    tab.act("trend-back", &ctx);
    assert_eq!(tab.over.words(), "30-day trend");
}

#[test]
fn a_trend_that_cannot_be_read_says_why() {
    use crate::model::history::{Answer, Asker, Query, TrendQuery, with_answer};
    let mut board = sample::live();
    let series = "roi.east-bearing.velocity_rms_mm_s".into();
    let query = Query::Trend(TrendQuery::ending(series, sample::now().wall, 30 * 86_400, 3600, 0));
    let found = Err("the journal is damaged".into());
    let failed = Answer { asker: Asker::Region, query, at: sample::ago(900), took_ms: 1.0, source: "journal", found };
    board.history = with_answer(&board.history, failed);
    let mut tab = Vibration::default();
    act(&mut tab, &board, "open");
    for _ in 0..5 {
        act(&mut tab, &board, "trend");
    }
    frame(&mut tab, &board, (120, 35));
    let text = frame(&mut tab, &board, (120, 35));
    assert!(text.contains("the journal is damaged"), "{text}");
}
