//! What a frame of the console costs: each tab, 120×40, a board full of values.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use crokey::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use vms::console::app::{App, Capabilities, Input};
use vms::console::keys::Keymap;
use vms::console::theme::{Depth, Theme};
use vms::console::{sample, tabs};
use vms::model::upkeep::RunRecord;

fn frames(c: &mut Criterion) {
    let Ok(keymap) = Keymap::built_in() else { return };
    for (i, tab) in tabs::TABS.iter().enumerate() {
        let about = Capabilities { who: "operator".into(), engine_here: true, bell: false, mouse: true };
        let board = Arc::new(sample::alarm());
        let theme = Theme::new(true, Depth::Palette);
        let mut app = App::new(keymap.clone(), theme, tabs::all(), about, board, sample::now());
        let Ok(mut terminal) = Terminal::new(TestBackend::new(120, 40));
        let number = char::from(b'1' + i as u8);
        app.handle(Input::Key(KeyEvent::new(KeyCode::Char(number), KeyModifiers::NONE)));
        c.bench_function(&format!("draw {}", tab.context.section()), |b| {
            b.iter(|| {
                let Ok(done) = terminal.draw(|f| app.draw(f));
                black_box(done.count)
            });
        });
    }
}

/// Five years of a full plan: the daily round and its parts, the weekly, monthly and quarterly tasks.
const RECORDS: u64 = 15_000;

/// The Maintenance tab over five years of records: the tasks, and the list of records.
fn five_years(c: &mut Criterion) {
    let Ok(keymap) = Keymap::built_in() else { return };
    let mut board = sample::alarm();
    let mut upkeep = (*board.upkeep).clone();
    let Some(one) = upkeep.records.first().cloned() else { return };
    upkeep.records = (0..RECORDS).map(|i| RunRecord { run: RECORDS - i, ..one.clone() }).collect();
    board.upkeep = Arc::new(upkeep);
    let about = Capabilities { who: "operator".into(), engine_here: true, bell: false, mouse: true };
    let theme = Theme::new(true, Depth::Palette);
    let mut app = App::new(keymap, theme, tabs::all(), about, Arc::new(board), sample::now());
    let Ok(mut terminal) = Terminal::new(TestBackend::new(120, 40));
    for (name, key) in [("tasks", '6'), ("to follow up", 'v'), ("records", 'v')] {
        app.handle(Input::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)));
        c.bench_function(&format!("draw maintenance, five years of records, {name}"), |b| {
            b.iter(|| {
                let Ok(done) = terminal.draw(|f| app.draw(f));
                black_box(done.count)
            });
        });
    }
}

criterion_group!(benches, frames, five_years);
criterion_main!(benches);
