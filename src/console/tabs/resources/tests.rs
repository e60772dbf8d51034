//! Whole frames of the tab and what its keys ask for.

use proptest::prelude::*;

use super::Resources;
use crate::console::sample;
use crate::console::tabs::trial::{SIZES, act, boards, draws_any_area, draws_ascii, frame, plain_frame, theme};
use crate::console::view::{Ctx, Tab, Want};

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
