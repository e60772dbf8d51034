//! The plan as a calendar: a month at a time, and the selected day's tasks beside it or below.

use jiff::civil::{Date, Weekday};
use jiff::{Span as Period, ToSpan};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span, Text};

use super::state::{Maintenance, Mode};
use super::view::{push, push_under};
use crate::console::theme::Role;
use crate::console::view::{Ctx, Want};
use crate::console::widgets::facts::divider;
use crate::console::widgets::fit;
use crate::console::widgets::mark::select;
use crate::model::upkeep::{Compliance, Due, PlannedDay, PlannedTask};

/// Cells of a day.
const CELL: u16 = 11;

/// Months that can be gone back and ahead.
const MONTHS: i32 = 3;

/// What is counted on a day, in the order in which it is shown.
const COUNTED: [Due; 4] = [Due::Overdue, Due::Due, Due::Done, Due::Waived];

impl Maintenance {
    pub(super) fn act_in_calendar(&mut self, action: &str, ctx: &Ctx<'_>) -> Want {
        let day = self.day(ctx);
        let moved = |by: Period| day.checked_add(by).unwrap_or(day);
        let to = match action {
            "left" => moved(-1.days()),
            "right" => moved(1.days()),
            "up" => moved(-7.days()),
            "down" => moved(7.days()),
            "page-up" => moved(-1.months()),
            "page-down" => moved(1.months()),
            "first" => today(ctx),
            "back" => {
                self.mode = Mode::Tasks;
                return Want::Nothing;
            }
            "open" | "run" => return self.open_day(ctx),
            _ => return Want::Pass,
        };
        self.day = Some(within(to, ctx));
        if self.day == Some(to) {
            Want::Nothing
        } else {
            Want::Say(
                "The calendar has three months back and ahead; vms maintenance report month has any month.".into(),
            )
        }
    }

    /// Goes to the task of the selected day that presses most.
    fn open_day(&mut self, ctx: &Ctx<'_>) -> Want {
        let day = self.day(ctx);
        match planned(day, ctx).and_then(|d| d.tasks.iter().min_by_key(|t| t.state)) {
            Some(task) => {
                let task = task.task.clone();
                self.go_to(&task)
            }
            None => Want::Say("Nothing is planned for this day.".into()),
        }
    }

    /// The selected day; today, until another one is.
    pub(super) fn day(&self, ctx: &Ctx<'_>) -> Date {
        within(self.day.unwrap_or_else(|| today(ctx)), ctx)
    }

    pub(super) fn draw_calendar(&mut self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let day = self.day(ctx);
        let grid = CELL * 7;
        if area.width >= grid + 40 {
            let [left, gap, right] =
                Layout::horizontal([Constraint::Length(grid), Constraint::Length(3), Constraint::Fill(1)]).areas(area);
            // Two lines a week where there is room for them.
            draw_month(frame, left, day, if left.height >= 20 { 2 } else { 1 }, ctx);
            divider(frame.buffer_mut(), gap.x + 1, area.top(), area.bottom(), ctx.theme);
            frame.render_widget(Text::from(day_lines(day, right.width.into(), ctx)), right);
            return;
        }
        let [top, below] = Layout::vertical([Constraint::Length(9), Constraint::Fill(1)]).areas(area);
        draw_month(frame, Rect { width: top.width.min(grid), ..top }, day, 1, ctx);
        frame.render_widget(Text::from(day_lines(day, below.width.into(), ctx)), below);
    }
}

fn today(ctx: &Ctx<'_>) -> Date {
    ctx.now.wall.to_zoned(ctx.board.time_zone.clone()).date()
}

/// The nearest day that the calendar has.
fn within(day: Date, ctx: &Ctx<'_>) -> Date {
    let month = today(ctx).first_of_month();
    let first = month.checked_sub(MONTHS.months()).unwrap_or(month);
    let last = month.checked_add(MONTHS.months()).map_or(month, Date::last_of_month);
    day.clamp(first, last)
}

fn planned<'a>(day: Date, ctx: &Ctx<'a>) -> Option<&'a PlannedDay> {
    let all = &ctx.board.upkeep.calendar;
    let at = all.binary_search_by_key(&day, |d| d.day).ok()?;
    all.get(at)
}

/// The month of this day: its name, the days of the week, and a row for each week.
fn draw_month(frame: &mut Frame<'_>, area: Rect, day: Date, lines: u16, ctx: &Ctx<'_>) {
    let heading = format!("{}", day.strftime("%B %Y"));
    frame.render_widget(Line::styled(heading, ctx.theme.heading()), Rect { height: area.height.min(1), ..area });
    let first = day.first_of_month();
    let back = i64::from(first.weekday().since(Weekday::Monday));
    let Ok(monday) = first.checked_sub(back.days()) else { return };
    let width = area.width / 7;
    for column in 0..7u16 {
        let x = area.x + column * width;
        let name = monday
            .checked_add(i64::from(column).days())
            .map_or_else(|_| String::new(), |d| d.strftime("%a").to_string());
        let quiet = ctx.theme.style(Role::Quiet);
        put(
            frame,
            area,
            Rect { x: x + 1, y: area.y + 1, width: width.saturating_sub(1), height: 1 },
            Line::styled(name, quiet),
        );
        for week in 0..6u16 {
            let Ok(d) = monday.checked_add((i64::from(week) * 7 + i64::from(column)).days()) else { return };
            if d.first_of_month() != first {
                continue;
            }
            let place = Rect { x, y: area.y + 2 + week * lines, width: width.saturating_sub(1), height: 1 };
            put(frame, area, place, cell(d, usize::from(place.width), ctx));
            if d == day && area.intersection(place) == place {
                select(frame.buffer_mut(), place, ctx.theme, ctx.focused);
            }
        }
    }
}

/// A line, where it has room.
fn put(frame: &mut Frame<'_>, area: Rect, place: Rect, line: Line<'_>) {
    if area.intersection(place) == place {
        frame.render_widget(line, place);
    }
}

/// ` 25 ○3 ✓2`: the day, and how many of its tasks are how.
fn cell<'l>(day: Date, width: usize, ctx: &Ctx<'_>) -> Line<'l> {
    let number = ctx.theme.style(if day == today(ctx) { Role::Focus } else { Role::Text });
    let number = if day == today(ctx) { number.add_modifier(Modifier::BOLD) } else { number };
    let mut spans = vec![Span::styled(format!(" {:>2}", day.day()), number)];
    let Some(planned) = planned(day, ctx) else { return Line::from(spans) };
    let mut used = 3;
    for state in COUNTED {
        let count = planned.count(state);
        let mark = ctx.theme.due(state);
        let text = format!(" {}{count}", mark.symbol);
        used += fit::width(&text);
        if count > 0 && used <= width {
            spans.push(Span::styled(text, ctx.theme.style(mark.role)));
        } else {
            used -= fit::width(&text);
        }
    }
    Line::from(spans)
}

/// What is planned for the day, and how well the plan was kept so far.
fn day_lines(day: Date, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let quiet = ctx.theme.style(Role::Quiet);
    let word = if day == today(ctx) { "Today, " } else { "" };
    push(&mut out, &format!("{word}{}", day.strftime("%A %-d %B %Y")), width, ctx.theme.heading());
    match planned(day, ctx) {
        Some(planned) => {
            let mut tasks: Vec<&PlannedTask> = planned.tasks.iter().collect();
            tasks.sort_by_key(|t| t.state);
            for t in tasks {
                task_line(&mut out, t, width, ctx);
            }
        }
        None => push(&mut out, "Nothing is planned for this day.", width, quiet),
    }
    out.push(Line::default());
    push(&mut out, "Plan kept", width, quiet);
    for c in ctx.board.upkeep.compliance.iter() {
        push_under(&mut out, &kept(c), 2, width, ctx.theme.style(Role::Text));
    }
    out
}

fn task_line(out: &mut Vec<Line<'static>>, t: &PlannedTask, width: usize, ctx: &Ctx<'_>) {
    let known = ctx.board.upkeep.tasks.iter().find(|k| k.id == t.task);
    let (row, title) = known.map_or(("", &*t.task), |k| (&*k.row, &*k.title));
    let mark = ctx.theme.due(t.state);
    let time = t.at.to_zoned(ctx.board.time_zone.clone()).strftime("%H:%M").to_string();
    let said = match t.state {
        Due::Overdue => "not done in time".to_owned(),
        Due::Due if time == "00:00" => "by the day's end".to_owned(),
        Due::Due => format!("by {time}"),
        other => other.word().to_owned(),
    };
    let text = format!("{} {row} {title}: {said}", mark.symbol);
    push(out, &text, width, ctx.theme.style(if t.state == Due::Done { Role::Text } else { mark.role }));
}

/// `daily: 97 % of the last 30 (58 done, 2 missed)`.
fn kept(c: &Compliance) -> String {
    let cadence = c.cadence.word();
    let Some(percent) = c.percent() else { return format!("{cadence}: no complete period yet") };
    let waived = if c.waived > 0 { format!(", {} waived", c.waived) } else { String::new() };
    let periods = if c.periods == 1 { "the last period".to_owned() } else { format!("the last {} periods", c.periods) };
    format!("{cadence}: {percent:.0} % in {periods} ({} done, {} missed{waived})", c.done, c.missed)
}
