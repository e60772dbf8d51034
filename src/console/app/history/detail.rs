//! An event in full: its facts, the waveform about it, and the answers of a maintenance run.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::local;
use crate::base::text::sig3;
use crate::console::theme::Role;
use crate::console::view::{Ctx, Want};
use crate::console::widgets::facts::{self, Fact};
use crate::console::widgets::past::Look;
use crate::console::widgets::plot::{Chart, Series, Shade, around_zero};
use crate::console::widgets::text;
use crate::model::event::{Event, EventKind, ending, outcome};
use crate::model::history::{Asker, EventQuery, Found, Query, answer_to};
use crate::model::record::EventWaveform;

/// Answers of a run that are shown.
const ANSWERS: usize = 200;

/// The detail of an event.
pub(super) struct Detail {
    event: Event,
    look: Look,
    /// First line shown.
    offset: usize,
    page: usize,
}

impl Detail {
    pub fn new(event: Event) -> Self {
        Self { event, look: Look::default(), offset: 0, page: 1 }
    }

    /// Moves in what is longer than the panel.
    pub fn act(&mut self, action: &str) {
        let page = self.page as isize;
        let by = match action {
            "up" => -1,
            "down" => 1,
            "page-up" => -page,
            "page-down" => page,
            "first" => isize::MIN / 2,
            _ => 0,
        };
        self.offset = self.offset.saturating_add_signed(by);
    }

    /// What belongs to the event and is not in it: the waveform about an alarm, the answers of a run.
    fn query(&self) -> Option<Query> {
        match &self.event.kind {
            EventKind::AlarmRaised { .. } => Some(Query::Waveforms { event: self.event.seq }),
            EventKind::RunFinished { run, .. } => Some(Query::Events(EventQuery {
                kinds: vec!["run_started".into(), "step_answered".into()],
                subject: Some(run.to_string().into()),
                limit: ANSWERS,
                ..EventQuery::default()
            })),
            _ => None,
        }
    }

    /// Asks for it, unless it is there.
    pub fn ask(&mut self, ctx: &Ctx<'_>) -> Want {
        match self.query() {
            Some(query) => self.look.ask(Asker::Detail, query, false, ctx),
            None => Want::Nothing,
        }
    }

    pub fn draw(&mut self, buffer: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
        let theme = ctx.theme;
        let e = &self.event;
        let title = format!("Event {}: {}", e.seq, e.kind.name().replace('_', " "));
        let inner = facts::panel(buffer, area, &title, theme);
        let asked = self.query();
        let answer = asked.as_ref().map(|q| answer_to(&ctx.board.history, q).map(|a| &a.found));
        let waves: &[EventWaveform] = match &answer {
            Some(Some(Ok(Found::Waveforms(w)))) => w,
            _ => &[],
        };
        let chart = if waves.is_empty() { 0 } else { inner.height.saturating_sub(8).min(18) };
        let words = Rect { height: inner.height - chart, ..inner };
        let mut all = facts_of(e, ctx);
        match answer {
            Some(None) => all.push(Fact::new("more", format!("reading the journal{}", theme.glyphs().more))),
            Some(Some(Err(why))) => all.push(Fact::new("more", format!("the journal could not be read: {why}"))),
            Some(Some(Ok(Found::Events { events, .. }))) => all.extend(answers(events, ctx)),
            Some(Some(Ok(Found::Waveforms(w)))) if w.is_empty() => {
                all.push(Fact::new("waveform", "none is kept about this event"));
            }
            _ => {}
        }
        self.page = usize::from(words.height).saturating_sub(1).max(1);
        self.offset = self.offset.min(lines(&all, words).saturating_sub(usize::from(words.height)));
        scrolled(buffer, words, &all, self.offset, ctx);
        draw_waves(buffer, Rect { y: words.bottom(), height: chart, ..inner }, waves, ctx);
    }
}

/// Cells of a label.
const LABEL: usize = 14;

/// How many lines the facts take.
fn lines(all: &[Fact], area: Rect) -> usize {
    let cells = usize::from(area.width).saturating_sub(LABEL + 1);
    all.iter().map(|f| text::wrap(&f.value, cells.max(1)).len()).sum()
}

/// Facts without their first lines.
fn scrolled(buffer: &mut Buffer, area: Rect, all: &[Fact], skip: usize, ctx: &Ctx<'_>) {
    if skip == 0 {
        facts::draw(buffer, area, all, LABEL, ctx.theme);
        return;
    }
    let tall = Rect { x: 0, y: 0, width: area.width, height: (lines(all, area).max(1) as u16).min(2000) };
    let mut whole = Buffer::empty(tall);
    facts::draw(&mut whole, tall, all, LABEL, ctx.theme);
    for y in 0..area.height.min(tall.height.saturating_sub(skip as u16)) {
        for x in 0..area.width {
            buffer[(area.x + x, area.y + y)] = whole[(x, y + skip as u16)].clone();
        }
    }
}

fn facts_of(e: &Event, ctx: &Ctx<'_>) -> Vec<Fact> {
    let heading = ctx.theme.heading();
    let mut all = vec![
        Fact::new("what", e.kind.words()).with(heading),
        Fact::new("when", local(e.at, ctx, "%a %d %b %Y %H:%M:%S%.3f %Z")),
    ];
    all.extend(e.kind.subject().map(|s| Fact::new("about", s)));
    match &e.kind {
        EventKind::AlarmRaised { value, limit, unit, priority, advice, source, .. } => {
            let with_unit = |v: &Option<f64>| format!("{} {unit}", sig3(*v));
            all.push(Fact::new("source", source.as_ref()));
            all.push(Fact::new("priority", priority.word()));
            all.push(Fact::new("value", with_unit(value)));
            all.push(Fact::new("limit", with_unit(limit)));
            all.push(Fact::new("what to do", advice.as_ref()));
        }
        EventKind::RunFinished { task, who, passed, abandoned, .. } => {
            all.push(Fact::new("task", task.as_ref()));
            all.push(Fact::new("result", ending(*passed, *abandoned)));
            all.push(Fact::new("who", who.as_ref()));
        }
        EventKind::StepAnswered { answer, .. } => {
            all.extend(answer.evidence.iter().map(|line| Fact::new("evidence", line.as_str())));
        }
        _ => {}
    }
    all
}

/// The answers of a run, in the order in which they were given.
fn answers(events: &[Event], ctx: &Ctx<'_>) -> Vec<Fact> {
    let mut out = Vec::new();
    for e in events.iter().rev() {
        match &e.kind {
            EventKind::RunStarted { .. } => out.push(Fact::new("begun", local(e.at, ctx, "%a %d %b %H:%M:%S"))),
            EventKind::StepAnswered { step, answer, who, .. } => {
                out.push(Fact::new("step", format!("{step}: {}, by {who}", outcome(answer.outcome))));
                out.extend(answer.evidence.iter().map(|line| Fact::new("", line.as_str())));
            }
            _ => {}
        }
    }
    out
}

/// The waveforms beside each other, as many as there is room for.
fn draw_waves(buffer: &mut Buffer, area: Rect, waves: &[EventWaveform], ctx: &Ctx<'_>) {
    if area.height < 4 || waves.is_empty() {
        return;
    }
    let shown = waves.len().min(usize::from(area.width / 40).max(1)) as u16;
    let width = area.width / shown;
    for (i, w) in waves.iter().take(shown.into()).enumerate() {
        let place = Rect { x: area.x + i as u16 * width, width: width.saturating_sub(1), ..area };
        let wave = &w.wave;
        let begin = f64::from(wave.t_s.first().copied().unwrap_or(0.0));
        let band = |sign: f32| -> Vec<f32> {
            wave.dy_px.iter().zip(&wave.sigma_px).map(|(v, s)| v + sign * 2.0 * s).collect()
        };
        let (low, high) = (band(-1.0), band(1.0));
        let chart = Chart {
            title: format!("{}  px   y over x, {}2 sigma shaded", w.roi, ctx.theme.glyphs().plus_minus),
            x: (begin, 0.0),
            x_labels: [format!("{begin:.1} s"), String::new(), local(w.at, ctx, "%H:%M:%S")],
            y: around_zero(wave.dx_px.iter().chain(&wave.dy_px)),
            series: vec![
                Series { values: &wave.dx_px, role: Role::Quiet },
                Series { values: &wave.dy_px, role: Role::Text },
            ],
            bands: vec![Shade { low: &low, high: &high, role: Role::Quiet }],
            levels: vec![],
            marks: vec![],
            empty: "the waveform has no samples",
        };
        chart.render(place, buffer, ctx.theme);
    }
}
