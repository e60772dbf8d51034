//! What the tab asks for and when.

use std::sync::Arc;

use super::*;
use crate::console::sample;
use crate::console::theme::{Depth, Theme};

fn draw(tab: &mut Cameras, width: u16) -> String {
    sample::text_of(&sample::draw_tab(tab, &sample::live(), &Theme::new(true, Depth::True), width, 30))
}

fn with<R>(f: impl FnOnce(&Ctx<'_>) -> R) -> R {
    let (board, theme) = (sample::live(), Theme::new(true, Depth::True));
    f(&Ctx { board: &board, now: sample::now(), theme: &theme, focused: true })
}

#[test]
fn a_picture_is_asked_for_while_the_detail_is_visible() {
    let mut tab = Cameras::default();
    with(|ctx| {
        assert_eq!(tab.shown(true, ctx), Want::Nothing);
        draw(&mut tab, 80);
        assert_eq!(tab.idle(ctx), Want::Nothing, "narrow: the detail is closed");
        tab.act("open", ctx);
        assert_eq!(tab.idle(ctx), Want::Send(IntentKind::Watch(Some("deck-east".into()))));
        assert_eq!(tab.idle(ctx), Want::Nothing, "asked for once");
        tab.act("next-camera", ctx);
        assert_eq!(tab.idle(ctx), Want::Send(IntentKind::Watch(Some("deck-west".into()))));
        tab.act("back", ctx);
        assert_eq!(tab.idle(ctx), Want::Send(IntentKind::Watch(None)));
        draw(&mut tab, 120);
        assert_eq!(tab.idle(ctx), Want::Send(IntentKind::Watch(Some("deck-west".into()))));
        assert_eq!(tab.shown(false, ctx), Want::Send(IntentKind::Watch(None)));
        assert_eq!(tab.idle(ctx), Want::Nothing);
    });
}

#[test]
fn reconnecting_names_the_camera_and_asks() {
    let mut tab = Cameras::default();
    draw(&mut tab, 120);
    with(|ctx| match tab.act("reconnect", ctx) {
        Want::Confirm { question, then } => {
            assert!(question.contains("deck-east"), "{question}");
            assert_eq!(then, IntentKind::ReconnectCamera("deck-east".into()));
        }
        other => panic!("{other:?}"),
    });
}

#[test]
fn a_filter_leaves_what_matches() {
    let mut tab = Cameras::default();
    with(|ctx| tab.text("filter", Some("deck"), ctx));
    let got = draw(&mut tab, 80);
    assert!(got.contains("deck-west") && !got.contains("conveyor"), "{got}");
    with(|ctx| assert_eq!(tab.act("back", ctx), Want::Nothing));
    assert!(draw(&mut tab, 80).contains("conveyor"));
    with(|ctx| assert_eq!(tab.act("back", ctx), Want::Pass, "outermost"));
}

#[test]
fn the_palette_goes_to_a_camera() {
    let mut tab = Cameras::default();
    let board = Arc::new(sample::live());
    assert!(tab.targets(&board).contains(&("Go to camera deck-west".into(), "deck-west".into())));
    with(|ctx| tab.reveal("deck-west", ctx));
    assert!(draw(&mut tab, 80).contains("Screen deck, west"));
}

#[test]
fn a_scale_that_is_not_in_the_file_says_so_beside_it() {
    let mut tab = Cameras::default();
    let mut board = sample::live();
    let told = "vms.toml cannot be written; put it there by hand";
    let camera = Arc::make_mut(&mut board.cameras[0]);
    (camera.scale_unkept, camera.scale_mm_per_px) = (Some(told.into()), Some(0.367_647_058_823_529_44));
    let theme = Theme::new(true, Depth::True);
    let got = sample::text_of(&sample::draw_tab(&mut tab, &board, &theme, 160, 40));
    assert!(got.contains("not kept") && got.contains("vms.toml cannot be written"), "{got}");
    assert!(got.contains(" 0.36765 mm/px"), "as many digits as can be known: {got}");
}
