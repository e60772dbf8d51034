//! Every node of the site, the one that needs a person most first.

use std::time::Duration;

use crokey::crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::overlay::{Overlay, Room, Step};
use crate::base::text::age;
use crate::console::keys::Context;
use crate::console::theme::Role;
use crate::console::view::Mouse;
use crate::console::widgets::facts::{self, Fact};
use crate::console::widgets::{Cell, Column, ListState, Row, Table};
use crate::model::fleet::{NodeState, worst_first};

const COLUMNS: [Column; 9] = [
    Column::text("state", 9),
    Column::text("node", 16),
    Column::text("site", 8).rank(4),
    Column::number("heard s", 7),
    Column::number("alarms", 6),
    Column::number("new", 4),
    Column::text("cameras", 7).rank(1),
    Column::text("PLCs", 5).rank(2),
    Column::text("worst alarm", 16).growing(),
];

/// What is said where no node is known.
const EMPTY: &str =
    "No node is known. Nodes tell of themselves through PostgreSQL: set [historian] in vms.toml on each of them.";

/// The overlay.
#[derive(Default)]
pub(super) struct Fleet {
    list: ListState,
    area: Rect,
}

/// The name of a node's row.
fn key(n: &NodeState) -> String {
    format!("{}\n{}", n.site, n.node)
}

fn row(n: &NodeState, room: &Room<'_>) -> Row {
    let theme = room.ctx.theme;
    let now = room.ctx.now.mono;
    let stale = n.stale(now);
    let old = if stale { theme.style(Role::Stale) } else { theme.style(Role::Text) };
    let state = if stale {
        Cell::styled("? stale", theme.style(Role::Unknown))
    } else {
        Cell::styled(n.engine.as_ref(), theme.style(if &*n.engine == "running" { Role::Text } else { Role::Warning }))
    };
    let part = |live: u32, all: u32| {
        let role = if live < all && !stale { Role::Warning } else { Role::Text };
        Cell::styled(format!("{live}/{all}"), if stale { old } else { theme.style(role) })
    };
    let worst = match &n.worst {
        Some((p, text)) => {
            let role = if stale { Role::Stale } else { theme.priority_role(*p) };
            Cell::styled(format!("{} {text}", theme.priority_mark(*p)), theme.style(role))
        }
        None => Cell::default(),
    };
    Row::new(
        key(n),
        vec![
            state,
            Cell::styled(n.node.as_ref(), old),
            Cell::styled(n.site.as_ref(), old),
            Cell { style: old, ..Cell::fixed(Some(n.age_s(now)), 0) },
            Cell { style: old, ..Cell::count(n.alarms.into()) },
            Cell { style: old, ..Cell::count(n.unacknowledged.into()) },
            part(n.cameras_live, n.cameras),
            part(n.plcs_live, n.plcs),
            worst,
        ],
    )
}

fn facts_of(n: &NodeState, room: &Room<'_>) -> Vec<Fact> {
    let ctx = &room.ctx;
    let seen = n.last_seen.to_zoned(ctx.board.time_zone.clone()).strftime("%a %d %b %H:%M:%S");
    let old = age(Duration::from_secs_f64(n.age_s(ctx.now.mono).clamp(0.0, 1e12)));
    let heard = format!("{seen} ({old} ago)");
    let heard = if n.stale(ctx.now.mono) {
        Fact::new("last heard", format!("{heard}: nobody knows how it is now. Look at its computer and its network."))
            .with(ctx.theme.style(Role::Unknown))
    } else {
        Fact::new("last heard", heard)
    };
    let queued = n.queued.map_or_else(|| ctx.theme.glyphs().unknown.to_owned(), |q| q.to_string());
    vec![
        Fact::new("node", format!("{} of {}", n.node, n.site)),
        heard,
        Fact::new("engine", format!("{}, version {}", n.engine, n.version)),
        Fact::new("rows queued", queued),
        Fact::new(
            "worst alarm",
            n.worst.as_ref().map_or_else(|| "none".to_owned(), |w| format!("{}: {}", w.0.word(), w.1)),
        ),
    ]
}

impl Overlay for Fleet {
    fn key(&mut self, action: Option<&'static str>, key: KeyEvent, room: &Room<'_>) -> Step {
        match action {
            Some("cancel" | "accept") => Step::Close,
            Some(id) => {
                self.list.act(id);
                Step::Stay
            }
            // The key that opened it closes it.
            None => match room.keymap.on(Context::Global, crate::console::keys::of_event(key)) {
                Some("fleet") => Step::Close,
                _ => Step::Stay,
            },
        }
    }

    fn mouse(&mut self, _column: u16, row: u16, what: Mouse) -> Step {
        match what {
            Mouse::Wheel(by) => self.list.step(isize::from(by)),
            _ if row > self.area.y && row < self.area.bottom() => {
                self.list.click(usize::from(row - self.area.y - 1));
            }
            _ => {}
        }
        Step::Stay
    }

    fn draw(&mut self, buffer: &mut Buffer, area: Rect, room: &Room<'_>) {
        let (theme, now) = (room.ctx.theme, room.ctx.now.mono);
        let nodes = worst_first(&room.ctx.board.fleet, now);
        let need = nodes.iter().filter(|n| n.not_fine(now)).count();
        let inner = facts::panel(buffer, area, &format!("Nodes: {}, {need} to look at", nodes.len()), theme);
        let detail = 7.min(inner.height / 2);
        let top = Rect { height: inner.height - detail, ..inner };
        let rows = self.list.arrange(nodes.iter().map(|n| row(n, room)).collect());
        self.area = top;
        Table::new(&COLUMNS, true).empty(EMPTY).draw(buffer, top, &rows, &mut self.list, theme);
        let Some(n) = self.list.selected().and_then(|k| nodes.iter().find(|n| key(n) == k)) else { return };
        facts::rule(buffer, Rect { y: top.bottom(), height: 1, ..inner }, n.node.as_ref(), theme);
        let below = Rect { y: top.bottom() + 1, height: detail.saturating_sub(1), ..inner };
        facts::draw(buffer, below, &facts_of(n, room), 12, theme);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("up", "up"), ("down", "down"), ("cancel", "close")]
    }
}
