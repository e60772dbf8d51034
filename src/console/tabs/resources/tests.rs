//! Whole frames of the tab and what its keys ask for.

use proptest::prelude::*;

use super::Resources;
use crate::console::sample;
use crate::console::tabs::trial::{SIZES, act, boards, draws_any_area, draws_ascii, frame, plain_frame, theme};
use crate::console::view::{Ctx, Tab, Want};
use crate::model::database::DatabaseWish;
use crate::model::intent::IntentKind;

#[test]
fn frames_of_every_board() {
    for (name, board) in boards() {
        for size in SIZES {
            let mut tab = Resources::default();
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
            act(&mut tab, &board, "open");
            insta::assert_snapshot!(format!("{name}_open_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        }
    }
}

/// The sections of the database page, one key apart.
const SECTIONS: [&str; 5] = ["tables", "queries", "activity", "indexes", "advice"];

#[test]
fn frames_of_the_database_page() {
    for (name, board) in boards() {
        for size in SIZES {
            let mut tab = Resources::default();
            act(&mut tab, &board, "database");
            for section in SECTIONS {
                if size.0 == 80 || (name == "alarm" || section == "tables") && size.0 == 120 {
                    let shot = format!("{name}_database_{section}_{}x{}", size.0, size.1);
                    insta::assert_snapshot!(shot, frame(&mut tab, &board, size));
                }
                act(&mut tab, &board, "focus-next");
            }
        }
    }
    let mut tab = Resources::default();
    for section in SECTIONS {
        act(&mut tab, &sample::alarm(), if section == "tables" { "database" } else { "focus-next" });
        let text = plain_frame(&mut tab, &sample::alarm());
        assert!(text.is_ascii(), "{text}");
    }
}

fn asked(want: Want) -> (String, DatabaseWish) {
    match want {
        Want::Confirm { question, then: IntentKind::Database(wish) } => (question, wish),
        other => panic!("nothing is asked: {other:?}"),
    }
}

#[test]
fn the_database_is_looked_after_only_after_a_question_that_names_it() {
    let board = sample::alarm();
    let mut tab = Resources::default();
    let does = |tab: &mut Resources, action: &str| {
        let want = act(tab, &board, action);
        frame(tab, &board, (120, 35));
        want
    };
    does(&mut tab, "database");
    let (question, wish) = asked(does(&mut tab, "vacuum"));
    assert!(question.contains("all tables") && wish == DatabaseWish::Vacuum(None), "{question}");
    does(&mut tab, "down");
    let (question, wish) = asked(does(&mut tab, "reindex"));
    assert!(
        question.contains("vms.reading") && wish == DatabaseWish::Reindex(Some("vms.reading".into())),
        "{question}"
    );
    let (question, wish) = asked(does(&mut tab, "stop-job"));
    assert!(question.contains("r.kumar") && wish == DatabaseWish::StopJob, "{question}");
    does(&mut tab, "focus-next");
    assert!(matches!(does(&mut tab, "cancel-query"), Want::Say(_)));
    does(&mut tab, "focus-next");
    let (question, wish) = asked(does(&mut tab, "cancel-query"));
    assert!(
        question.contains("End the connection of process 2201") && question.contains("update vms.event"),
        "{question}"
    );
    assert!(matches!(wish, DatabaseWish::Cancel { pid: 2201, end: true, began: Some(_) }));
    does(&mut tab, "down");
    let (question, wish) = asked(does(&mut tab, "cancel-query"));
    assert!(question.contains("Cancel the query of process 2217"), "{question}");
    assert!(matches!(wish, DatabaseWish::Cancel { pid: 2217, end: false, .. }));
    does(&mut tab, "down");
    assert!(matches!(does(&mut tab, "cancel-query"), Want::Say(why) if why.contains("vms itself")));
    does(&mut tab, "focus-next");
    let (_, wish) = asked(does(&mut tab, "reindex"));
    assert_eq!(wish, DatabaseWish::Reindex(Some("vms.reading".into())), "the table of the index");
    assert_eq!(does(&mut tab, "back"), Want::Nothing);
    assert!(frame(&mut tab, &board, (120, 35)).contains("limit in"), "back at the indicators");
}

#[test]
fn ascii_terminals_get_ascii() {
    draws_ascii::<Resources>();
    insta::assert_snapshot!("ascii", plain_frame(&mut Resources::default(), &sample::alarm()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_area_can_be_drawn(w in 0_u16..210, h in 0_u16..62, which in 0_usize..4, actions in prop::collection::vec(0_usize..20, 0..8)) {
        draws_any_area::<Resources>((w, h), which, &actions);
    }
}

#[test]
fn only_what_is_not_normal_can_be_listed() {
    let board = sample::alarm();
    let mut tab = Resources::default();
    act(&mut tab, &board, "only-bad");
    let text = frame(&mut tab, &board, (120, 35));
    assert!(text.contains("exceeded") && !text.contains("●   normal"), "{text}");
    let mut tab = Resources::default();
    act(&mut tab, &sample::live(), "only-bad");
    assert!(frame(&mut tab, &sample::live(), (80, 19)).contains("Everything is normal"));
    assert!(matches!(act(&mut tab, &sample::live(), "back"), Want::Say(_)));
    assert_eq!(act(&mut tab, &sample::live(), "back"), Want::Pass);
}

#[test]
fn old_values_never_look_normal() {
    let text = frame(&mut Resources::default(), &sample::stale(), (120, 35));
    assert!(!text.contains("normal") && text.contains("47 s old"), "{text}");
}

#[test]
fn the_badge_counts_what_is_exceeded() {
    let (live, alarm) = (sample::live(), sample::alarm());
    let theme = theme();
    let ctx = |board| Ctx { board, now: sample::now(), theme: &theme, focused: true };
    assert_eq!(Resources::default().badge(&ctx(&live)), None);
    assert!(Resources::default().badge(&ctx(&alarm)).is_some_and(|b| b.ends_with('!')));
}

#[test]
fn a_month_is_drawn_from_the_journal_with_limit_and_forecast() {
    let board = sample::live();
    for size in SIZES {
        let mut tab = Resources::default();
        let theme = theme();
        let ctx = Ctx { board: &board, now: sample::now(), theme: &theme, focused: true };
        tab.reveal("disk./srv/videos", &ctx);
        act(&mut tab, &board, "range");
        act(&mut tab, &board, "range");
        frame(&mut tab, &board, size);
        assert_eq!(tab.idle(&ctx), Want::Nothing, "the answer is there");
        insta::assert_snapshot!(format!("past_{}x{}", size.0, size.1), frame(&mut tab, &board, size));
        act(&mut tab, &board, "earlier");
        assert!(matches!(tab.idle(&ctx), Want::Send(_)));
    }
}
