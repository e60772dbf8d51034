//! The logs tab shows the program's own records as they happen. In a process of its own, because the records are kept
//! process-wide.

use tracing_subscriber::layer::SubscriberExt;
use vms::console::sample;
use vms::console::tabs::logs::Logs;
use vms::console::theme::{Depth, Theme};
use vms::console::view::{Ctx, Tab, Want};

fn draw(tab: &mut Logs, width: u16) -> String {
    let theme = Theme::new(true, Depth::Sixteen);
    sample::text_of(&sample::draw_tab(tab, &sample::live(), &theme, width, 19))
}

fn act(tab: &mut Logs, action: &str) -> Want {
    let (board, theme) = (sample::live(), Theme::new(true, Depth::Sixteen));
    tab.act(action, &Ctx { board: &board, now: sample::now(), theme: &theme, focused: true })
}

#[test]
fn records_appear_with_their_letter_and_obey_the_level() {
    let records = tracing_subscriber::registry().with(tui_logger::TuiTracingSubscriberLayer);
    tracing::subscriber::set_global_default(records).expect("the only subscriber of this process");
    tui_logger::set_default_level(log::LevelFilter::Trace);
    tracing::info!(target: "camera", "deck-east: live");
    tracing::warn!(target: "plc", "bf2-plc: answer late by 120 ms");
    tracing::error!(target: "journal", "cannot write: no space left on the device, and this is a sentence long enough to be wrapped");
    tracing::info!(target: "empty", "");
    tui_logger::move_events();

    let mut tab = Logs::default();
    let text = draw(&mut tab, 120);
    assert!(text.contains(" I camera deck-east: live"), "{text}");
    assert!(text.contains(" W plc bf2-plc"), "{text}");
    assert!(text.contains(" E journal cannot write"), "{text}");

    // Every width can be drawn, however the records must be broken.
    for width in 40..130 {
        draw(&mut tab, width);
    }

    for _ in 0..2 {
        assert!(matches!(act(&mut tab, "level"), Want::Say(_)));
    }
    let text = draw(&mut tab, 120);
    assert!(!text.contains("deck-east: live") && text.contains("cannot write"), "{text}");

    assert_eq!(act(&mut tab, "pause"), Want::Nothing);
    assert!(draw(&mut tab, 120).contains("paused"));
    assert_eq!(act(&mut tab, "pause"), Want::Nothing);
    assert!(draw(&mut tab, 120).contains("following"));
}
