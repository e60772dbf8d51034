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

criterion_group!(benches, frames);
criterion_main!(benches);
