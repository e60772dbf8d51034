//! The database page: tables, queries, activity, indexes and advice, and what can be done about them.

mod detail;
mod rows;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text::{age, bytes};
use crate::console::keys::{ActionInfo, Context, LIST};
use crate::console::theme::Role;
use crate::console::view::{Ctx, Mouse, Want};
use crate::console::widgets::{ListState, Row, Table, facts, text};
use crate::model::board::HistorianState;
use crate::model::database::{CareJob, DatabaseReport, DatabaseWish, JobBoard, Session};
use crate::model::intent::IntentKind;

/// A look older than this is old: three are missing.
const STALE_S: f64 = 30.0;

/// Cells of a job's bar.
const BAR: usize = 10;

/// The row that stands for all tables.
const ALL: &str = "*";

/// What is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Section {
    #[default]
    Tables,
    Queries,
    Activity,
    Indexes,
    Advice,
}

impl Section {
    const EVERY: [Self; 5] = [Self::Tables, Self::Queries, Self::Activity, Self::Indexes, Self::Advice];

    fn title(self) -> &'static str {
        match self {
            Self::Tables => "Tables",
            Self::Queries => "Queries",
            Self::Activity => "Activity",
            Self::Indexes => "Indexes",
            Self::Advice => "Advice",
        }
    }

    fn moved(self, by: usize) -> Self {
        Self::EVERY[(self as usize + by) % Self::EVERY.len()]
    }
}

/// The page's state.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    pub(super) open: bool,
    section: Section,
    lists: [ListState; 5],
    /// Where the rows and the sections' names were drawn last, for the mouse.
    list: Rect,
    names: Vec<Rect>,
}

const fn info(id: &'static str, title: &'static str) -> ActionInfo {
    ActionInfo { id, title, context: Context::Resources }
}

/// Every action of the page.
pub(super) const ACTIONS: [ActionInfo; 5] = [
    info("database", "the database page"),
    info("vacuum", "vacuum and analyse the selected table"),
    info("reindex", "build its indexes anew"),
    info("cancel-query", "cancel the selected query"),
    info("stop-job", "stop the database job"),
];

fn report<'b>(ctx: &Ctx<'b>) -> Option<&'b DatabaseReport> {
    ctx.board.database.report.as_deref()
}

impl Page {
    /// What can be done on the page now.
    pub(super) fn actions_now(&self) -> Vec<ActionInfo> {
        let shared = ["back", "filter", "sort", "focus-next"];
        let own: &[ActionInfo] = match self.section {
            Section::Tables | Section::Indexes => &[info("vacuum", "vacuum"), info("reindex", "reindex")],
            Section::Activity => &[info("cancel-query", "cancel")],
            Section::Queries | Section::Advice => &[],
        };
        let shared = LIST.into_iter().filter(|a| shared.contains(&a.id));
        own.iter().copied().chain([info("stop-job", "stop job")]).chain(shared).collect()
    }

    fn list(&mut self) -> &mut ListState {
        &mut self.lists[self.section as usize]
    }

    /// Does an action while the page is open.
    pub(super) fn act(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        if self.list().act(action) {
            return Want::Nothing;
        }
        match action {
            "focus-next" | "right" => self.section = self.section.moved(1),
            "focus-previous" | "left" => self.section = self.section.moved(Section::EVERY.len() - 1),
            "back" if !self.list().filter.is_empty() => self.list().filter.clear(),
            "back" | "database" => self.open = false,
            "sort" => {
                let columns = rows::columns(self.section);
                self.list().next_sort(columns);
            }
            "vacuum" => return self.care(CareJob::Vacuum, ctx),
            "reindex" => return self.care(CareJob::Reindex, ctx),
            "cancel-query" => return self.cancel(ctx),
            "stop-job" => return stop(ctx),
            "open" => {}
            _ => return Want::Pass,
        }
        Want::Nothing
    }

    /// The filter of the list that is shown.
    pub(super) fn filter(&mut self) -> &mut String {
        &mut self.list().filter
    }

    fn care(&mut self, job: CareJob, ctx: &Ctx<'_>) -> Want {
        let Some(report) = report(ctx) else { return nothing(ctx) };
        let selected = self.list().selected().map(str::to_owned);
        let table: Option<Arc<str>> = match (self.section, selected) {
            (Section::Tables, Some(key)) if key == ALL => None,
            (Section::Tables, Some(key)) => Some(key.into()),
            (Section::Indexes, Some(key)) => {
                report.indexes.iter().find(|i| *i.name == *key).map(|i| Arc::clone(&i.table))
            }
            (Section::Tables, None) => None,
            _ => return Want::Say("Select a table first.".into()),
        };
        let of = table.as_ref().map_or_else(|| "all tables".to_owned(), ToString::to_string);
        let (question, then) = match job {
            CareJob::Reindex => (
                format!(
                    "Build all indexes of {of} anew, one after the other, and remove what interrupted runs left? Reading and \
                     writing go on meanwhile, slower; it needs as much free disk as the largest index."
                ),
                DatabaseWish::Reindex(table),
            ),
            _ => (
                format!("Vacuum and analyse {of}? Reading and writing go on meanwhile, slower."),
                DatabaseWish::Vacuum(table),
            ),
        };
        Want::Confirm { question, then: IntentKind::Database(then) }
    }

    fn session<'b>(&mut self, ctx: &Ctx<'b>) -> Option<&'b Session> {
        let pid: i32 = self.list().selected()?.parse().ok()?;
        report(ctx)?.sessions.iter().find(|s| s.pid == pid)
    }

    fn cancel(&mut self, ctx: &Ctx<'_>) -> Want {
        if self.section != Section::Activity {
            return Want::Say("Select a query under Activity first.".into());
        }
        let Some(s) = self.session(ctx) else { return Want::Say("There is no query to cancel.".into()) };
        if !s.cancellable() {
            return Want::Say(format!("Process {} is vms itself: it stores what is measured.", s.pid));
        }
        let end = s.idle_in_transaction();
        let query = text::cut(&s.query, 200, ctx.theme.glyphs().more);
        let question = if end {
            format!(
                "End the connection of process {} ({}, {})? It stands idle in a transaction; what it changed is undone: {query}",
                s.pid, s.role, s.application
            )
        } else {
            format!("Cancel the query of process {} ({}, {})? {query}", s.pid, s.role, s.application)
        };
        let wish = DatabaseWish::Cancel { pid: s.pid, began: s.began, end };
        Want::Confirm { question, then: IntentKind::Database(wish) }
    }

    pub(super) fn take_mouse(&mut self, column: u16, row: u16, what: Mouse) -> Want {
        let at = (column, row).into();
        match what {
            Mouse::Wheel(by) => self.list().step(by.into()),
            _ => {
                if let Some(i) = self.names.iter().position(|n| n.contains(at)) {
                    self.section = Section::EVERY[i];
                } else if self.list.contains(at) && row > self.list.y {
                    let line = usize::from(row - self.list.y - 1);
                    self.list().click(line);
                }
            }
        }
        Want::Nothing
    }

    pub(super) fn draw(&mut self, buffer: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
        let Some(r) = report(ctx) else {
            facts::paragraph(buffer, area, &why_empty(ctx), ctx.theme.style(Role::Text), ctx.theme);
            return;
        };
        let old = ctx.now.mono.secs_since(r.at.mono) > STALE_S;
        head(buffer, Rect { height: 1, ..area }, r, old, ctx);
        jobs(buffer, Rect { y: area.y + 1, height: 1, ..area }, ctx);
        self.draw_names(buffer, Rect { y: area.y + 2, height: 1, ..area }, r, ctx);
        let below = (area.height / 4).clamp(3, 8);
        let list = Rect { y: area.y + 3, height: area.height.saturating_sub(4 + below), ..area };
        self.list = list;
        let rows: Vec<Row> = rows::of(self.section, r, ctx).into_iter().map(|row| row.stale(old)).collect();
        let rows = self.list().arrange(rows);
        let (columns, empty) = (rows::columns(self.section), rows::empty(self.section, r));
        let section = self.section as usize;
        Table::new(columns, ctx.focused).empty(&empty).draw(buffer, list, &rows, &mut self.lists[section], ctx.theme);
        facts::rule(buffer, Rect { y: list.bottom(), height: 1, ..area }, "", ctx.theme);
        let place = Rect { y: list.bottom() + 1, height: below, ..area };
        let selected = self.list().selected().map(str::to_owned);
        detail::draw(buffer, place, self.section, selected.as_deref(), r, ctx);
    }

    /// The sections with how many rows each has; the one shown is marked.
    fn draw_names(&mut self, buffer: &mut Buffer, area: Rect, r: &DatabaseReport, ctx: &Ctx<'_>) {
        self.names.clear();
        let mut x = area.x;
        for s in Section::EVERY {
            let bad = rows::bad(s, r);
            let mark = if bad { "!" } else { "" };
            let name = format!(" {} {}{mark} ", s.title(), rows::count(s, r));
            let width = text::width(&name) as u16;
            let style = match (s == self.section, bad) {
                (true, _) => ctx.theme.heading(),
                (false, true) => ctx.theme.style(Role::Warning),
                (false, false) => ctx.theme.style(Role::Quiet),
            };
            if x + width > area.right() {
                break;
            }
            let shown = if s == self.section { format!("[{}]", name.trim()) } else { name };
            buffer.set_stringn(x, area.y, shown, usize::from(width), style);
            self.names.push(Rect { x, y: area.y, width, height: 1 });
            x += width + 1;
        }
    }
}

fn stop(ctx: &Ctx<'_>) -> Want {
    match &ctx.board.database.job {
        None => Want::Say("No database job is running.".into()),
        Some(job) => Want::Confirm {
            question: format!(
                "Stop the {} that {} asked for? What it has done so far stays done.",
                job.job.title(),
                job.who
            ),
            then: IntentKind::Database(DatabaseWish::StopJob),
        },
    }
}

fn nothing(ctx: &Ctx<'_>) -> Want {
    Want::Say(why_empty(ctx))
}

fn why_empty(ctx: &Ctx<'_>) -> String {
    match (ctx.board.historian.state, &ctx.board.database.text, &ctx.board.historian.text) {
        (HistorianState::Off, ..) => {
            "No database is configured. Add [historian] with its url to vms.toml; its size, growth, \
                                      slow queries, activity and upkeep are shown here then."
                .into()
        }
        (_, Some(why), _) | (_, None, Some(why)) => format!("The database has not been looked at: {why}."),
        _ => "The database is being looked at; it takes some seconds.".into(),
    }
}

/// Server, size, growth, connections, and how old the look is.
fn head(buffer: &mut Buffer, area: Rect, r: &DatabaseReport, old: bool, ctx: &Ctx<'_>) {
    let mut parts = vec![format!("{}  {}", r.server, r.database)];
    parts.extend(r.size_bytes.map(bytes));
    parts.push(match r.growth_bytes_per_day {
        Some(g) => format!("{} a day", rows::growth(Some(g), "")),
        None => "growth not known yet".into(),
    });
    let since = format!("{} ago", age(ctx.now.mono.since(r.at.mono)));
    let why = ctx.board.database.text.as_deref().filter(|_| old);
    parts.push(why.map_or_else(|| since.clone(), |w| format!("{since}: {w}")));
    if let Some((used, max)) = r.connections_used.zip(r.connections_max) {
        parts.push(format!("{used} of {max} connections"));
    }
    let style = ctx.theme.style(if old { Role::Unknown } else { Role::Text });
    let line = text::cut(&ctx.theme.plain(&parts.join("  ")), usize::from(area.width), ctx.theme.glyphs().more);
    buffer.set_stringn(area.x, area.y, line, usize::from(area.width), style);
}

/// The running job with its bar; else how the newest one ended, else when the next ones come.
fn jobs(buffer: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let d = &ctx.board.database;
    let (line, role) = if let Some(job) = &d.job {
        running(buffer, area, job, ctx);
        return;
    } else if let Some(last) = &d.last {
        (format!("{}, by {}", last.text, last.who), if last.passed { Role::Quiet } else { Role::Warning })
    } else {
        let zone = &ctx.board.time_zone;
        let one = |(job, at): &(CareJob, Option<jiff::Timestamp>)| match at {
            Some(t) => format!("{} {}", job.title(), t.to_zoned(zone.clone()).strftime("%a %d %b %H:%M")),
            None => format!("{} by hand only", job.title()),
        };
        let next: Vec<String> = d.planned.iter().map(one).collect();
        (if next.is_empty() { String::new() } else { format!("next: {}", next.join(", ")) }, Role::Quiet)
    };
    let line = text::cut(&ctx.theme.plain(&line), usize::from(area.width), ctx.theme.glyphs().more);
    buffer.set_stringn(area.x, area.y, line, usize::from(area.width), ctx.theme.style(role));
}

fn running(buffer: &mut Buffer, area: Rect, job: &JobBoard, ctx: &Ctx<'_>) {
    let since = age(ctx.now.mono.since(job.since.mono));
    let percent = job.percent.map_or_else(String::new, |p| format!(" {p:.0} %"));
    let what = format!(
        "{} {} of {}  {}: {}{percent}  {since}, by {}",
        job.job.title(),
        job.step.0,
        job.step.1,
        job.at,
        job.phase,
        job.who
    );
    let whole = f64::from(job.step.0.saturating_sub(1)) + job.percent.unwrap_or(0.0) / 100.0;
    let share = whole / f64::from(job.step.1.max(1));
    let g = ctx.theme.glyphs();
    let full = (share * BAR as f64).round() as usize;
    let drawn = format!("{}{}", g.eighths[7].repeat(full.min(BAR)), g.bar_empty.repeat(BAR - full.min(BAR)));
    let line =
        text::cut(&ctx.theme.plain(&format!("{drawn} {what}")), usize::from(area.width), ctx.theme.glyphs().more);
    buffer.set_stringn(area.x, area.y, line, usize::from(area.width), ctx.theme.style(Role::Focus));
}
