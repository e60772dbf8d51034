//! A guided run: one step large in the middle, what comes next small; after the last step the summary.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};

use super::run::old;
use super::state::{Maintenance, Sent, record};
use super::view::{kind_word, moment, push, push_under, step_lines};
use crate::base::text::age;
use crate::console::theme::Role;
use crate::console::view::Ctx;
use crate::console::widgets::fit;
use crate::model::upkeep::{Answer, Outcome, RunBoard, StepBoard, StepKind};

impl Maintenance {
    pub(super) fn draw_run(&self, frame: &mut Frame<'_>, area: Rect, ctx: &Ctx<'_>) {
        let Some(run) = &self.run else { return };
        let [head, _, body] =
            Layout::vertical([Constraint::Length(2), Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        frame.render_widget(Text::from(head_lines(run, head.width.into(), ctx)), head);
        match self.step().filter(|_| !self.ended(ctx)) {
            Some((_, step)) => self.draw_step(frame, body, run, step, ctx),
            None => self.draw_summary(frame, body, run, ctx),
        }
    }

    fn draw_step(&self, frame: &mut Frame<'_>, area: Rect, run: &RunBoard, step: &StepBoard, ctx: &Ctx<'_>) {
        let open = |s: &&StepBoard| s.answer.is_none() && s.applies != Some(false);
        let after: Vec<&StepBoard> = run.steps.iter().filter(open).skip(1).collect();
        let small = (after.len() as u16 + 1).min(area.height / 4).max(1);
        let [main, next] = Layout::vertical([Constraint::Fill(1), Constraint::Length(small)]).areas(area);
        let width = main.width.saturating_sub(8).min(92);
        let middle = Rect { x: main.x + (main.width - width) / 2, width, ..main };
        let lines = self.step_words(run, step, width.into(), ctx);
        let free = middle.height.saturating_sub(lines.len() as u16) / 3;
        let place = Rect { y: middle.y + free, height: middle.height - free, ..middle };
        frame.render_widget(ratatui::widgets::Paragraph::new(lines).scroll((self.down, 0)), place);
        frame.render_widget(Text::from(next_lines(&after, next, ctx)), next);
    }

    fn step_words(&self, run: &RunBoard, step: &StepBoard, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        push(&mut out, &step.def.title, width, ctx.theme.heading());
        out.push(Line::default());
        for (label, text) in [("Why", &step.def.why), ("How", &step.def.how)] {
            let lines = fit::wrap(text, width.saturating_sub(6));
            for (i, line) in lines.into_iter().enumerate() {
                let label = if i == 0 { label } else { "" };
                out.push(Line::from(vec![
                    Span::styled(format!("{label:<6}"), ctx.theme.style(Role::Quiet)),
                    Span::styled(line, ctx.theme.style(Role::Text)),
                ]));
            }
        }
        out.push(Line::default());
        let waiting = matches!(&self.sent, Some(Sent::Answer(r, s, _)) if *r == run.run && *s == step.def.id);
        if waiting {
            let words = if self.busy(ctx) {
                "The answer is being written to the disk. It counts when it is there."
            } else {
                "The answer has not reached the disk. Look at the journal on tab 4, then answer again."
            };
            push(&mut out, words, width, ctx.theme.style(if self.busy(ctx) { Role::Text } else { Role::Warning }));
            return out;
        }
        match step.def.kind {
            StepKind::Check { .. } if step.working => {
                push(&mut out, "The program is looking …", width, ctx.theme.style(Role::Focus));
            }
            StepKind::Check { .. } => proposal_lines(&mut out, step.proposal.as_ref(), width, ctx),
            StepKind::Observe => {
                push(
                    &mut out,
                    "Look at it yourself. y: it is in order.  n: it is not, and you say what you found.",
                    width,
                    ctx.theme.style(Role::Focus),
                );
            }
            StepKind::Action { .. } => action_lines(&mut out, step, width, ctx),
            StepKind::Measure { .. } => measure_lines(&mut out, step, width, ctx),
            StepKind::Choose { .. } => self.option_lines(&mut out, step, width, ctx),
            StepKind::Note => push(&mut out, "Enter: write it down.", width, ctx.theme.style(Role::Focus)),
        }
        out
    }

    /// The options of a step, with the marked one.
    fn option_lines(&self, out: &mut Vec<Line<'static>>, step: &StepBoard, width: usize, ctx: &Ctx<'_>) {
        let StepKind::Choose { options } = &step.def.kind else { return };
        for (i, option) in options.iter().enumerate() {
            let marked = i == self.choice;
            let glyph = if marked { ctx.theme.glyphs().select } else { " " };
            let style = ctx.theme.style(if marked { Role::Focus } else { Role::Text });
            for (n, line) in fit::wrap(&option.text, width.saturating_sub(4)).into_iter().enumerate() {
                let head = if n == 0 { glyph } else { " " };
                out.push(Line::styled(format!("  {head} {line}"), style));
            }
        }
        out.push(Line::default());
        push(out, "Up and down choose, Enter takes it.  x: leave the step out.", width, ctx.theme.style(Role::Focus));
    }

    fn draw_summary(&self, frame: &mut Frame<'_>, area: Rect, run: &RunBoard, ctx: &Ctx<'_>) {
        let width = usize::from(area.width.saturating_sub(8).min(92));
        let mut out = Vec::new();
        let (words, role) = match record(run, ctx) {
            Some(r) if r.abandoned => (format!("Ended early {} by {}.", moment(r.at, ctx), r.who), Role::Warning),
            Some(r) if r.passed => {
                (format!("Done {} by {}: all passed. The record is kept.", moment(r.at, ctx), r.who), Role::Text)
            }
            Some(r) => {
                (format!("Done {} by {}: not all passed. The record is kept.", moment(r.at, ctx), r.who), Role::Warning)
            }
            None if self.ended(ctx) => ("The run has ended.".into(), Role::Text),
            None if run.to_sign.is_some() => (
                "Every step is answered. Read it once more: this is what is signed. Enter signs with your PIN.".into(),
                Role::Focus,
            ),
            None => ("Every step is answered; the record is being written.".into(), Role::Text),
        };
        push(&mut out, &words, width, ctx.theme.style(role));
        for s in record(run, ctx).and_then(|r| r.record.as_ref()).iter().flat_map(|r| &r.signatures) {
            push(&mut out, &format!("Signed by {} ({}).", s.name, s.role), width, ctx.theme.style(Role::Text));
        }
        out.push(Line::default());
        for step in &run.steps {
            if step.applies == Some(false) {
                continue;
            }
            if step.answer.is_some() || record(run, ctx).is_some() {
                step_lines(&mut out, step, width, ctx);
            } else {
                push(
                    &mut out,
                    &format!("  answer not seen yet: {}", step.def.title),
                    width,
                    ctx.theme.style(Role::Quiet),
                );
            }
        }
        out.push(Line::default());
        if let Some(hash) = &run.to_sign {
            push(&mut out, &format!("What is signed: SHA-256 {hash}"), width, ctx.theme.style(Role::Quiet));
            push(&mut out, "u takes the last answer back.", width, ctx.theme.style(Role::Quiet));
        }
        push(&mut out, "Esc goes back to the list.", width, ctx.theme.style(Role::Focus));
        let place = Rect { x: area.x + (area.width - width as u16) / 2, width: width as u16, ..area };
        // Scrolling ends where the last line is in view.
        let most = (out.len() as u16).saturating_sub(place.height);
        frame.render_widget(ratatui::widgets::Paragraph::new(out).scroll((self.down.min(most), 0)), place);
    }
}

fn head_lines(run: &RunBoard, width: usize, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let u = ctx.theme.unicode;
    let row = ctx.board.upkeep.tasks.iter().find(|t| t.id == run.task).map(|t| t.row.clone()).unwrap_or_default();
    let aside = if run.paused { "laid aside, " } else { "" };
    let begun = format!("{aside}run {}, begun {} by {}", run.run, moment(run.started, ctx), run.who);
    let about = run.subject.as_ref().map_or_else(String::new, |s| format!(": {s}"));
    let title = format!("{row}  {}{about}", run.title);
    let room = width.saturating_sub(fit::width(&begun) + 2);
    let first = Line::from(vec![
        Span::styled(fit::left(&title, room, u), ctx.theme.heading()),
        Span::styled(format!("  {begun}"), ctx.theme.style(Role::Quiet)),
    ]);
    let mut second: Vec<Span<'static>> = Vec::new();
    let asked = || run.steps.iter().enumerate().filter(|(_, s)| s.applies != Some(false));
    for (i, step) in asked() {
        let (glyph, role) = match &step.answer {
            Some(a) => {
                let mark = ctx.theme.outcome(a.outcome);
                (mark.symbol, mark.role)
            }
            None if run.current() == Some(i) => (ctx.theme.glyphs().select, Role::Focus),
            None => (ctx.theme.glyphs().dot, Role::Quiet),
        };
        second.push(Span::styled(format!("{glyph} "), ctx.theme.style(role)));
    }
    let words = match run.current() {
        Some(i) => format!(" step {} of {}", asked().take_while(|(k, _)| *k <= i).count(), asked().count()),
        None => format!(" {} steps", asked().count()),
    };
    second.push(Span::styled(words, ctx.theme.style(Role::Quiet)));
    vec![first, Line::from(second)]
}

/// What the program finds, with its evidence. Nothing is ticked before a person accepts it.
fn proposal_lines(out: &mut Vec<Line<'static>>, proposal: Option<&Answer>, width: usize, ctx: &Ctx<'_>) {
    let Some(proposal) = proposal else {
        push(out, "The program is looking.", width, ctx.theme.style(Role::Unknown));
        push(
            out,
            "Without its answer this step can only be left out: x, with a reason.",
            width,
            ctx.theme.style(Role::Quiet),
        );
        return;
    };
    let mark = ctx.theme.outcome(proposal.outcome);
    let (words, hint) = match proposal.outcome {
        Outcome::Passed => ("in order", "Enter: accept this answer.  x: leave the step out, with a reason."),
        Outcome::Failed => ("not in order", "Enter: record it as it is.  x: leave the step out, with a reason."),
        Outcome::Unknown | Outcome::Skipped => {
            ("it cannot tell now", "There is nothing to accept yet. x: leave the step out, with a reason.")
        }
    };
    let role = if mark.role == Role::Quiet { Role::Text } else { mark.role };
    push(out, &format!("The program finds: {} {words}", mark.symbol), width, ctx.theme.style(role));
    for line in &proposal.evidence {
        push_under(out, line, 4, width, ctx.theme.style(Role::Text));
    }
    out.push(Line::default());
    if let Some(old) = old(ctx) {
        let words = format!("This is {} old: no new data comes. It cannot be accepted now.", age(old));
        push(out, &words, width, ctx.theme.style(Role::Unknown));
        return;
    }
    push(out, hint, width, ctx.theme.style(Role::Focus));
}

/// What an action would do, and what it takes to let it.
fn action_lines(out: &mut Vec<Line<'static>>, step: &StepBoard, width: usize, ctx: &Ctx<'_>) {
    let style = |role| ctx.theme.style(role);
    let Some(proposal) = step.proposal.as_ref().filter(|_| !step.working) else {
        let words = if step.at.is_some() && step.working {
            "The program is doing it. Leave it alone; its result comes here."
        } else {
            "The program looks what it would do …"
        };
        push(out, words, width, style(Role::Focus));
        return;
    };
    let can = proposal.outcome == Outcome::Passed;
    push(out, if can { "The program would do this:" } else { "It cannot be done now:" }, width, style(Role::Text));
    for line in &proposal.evidence {
        push_under(out, line, 4, width, style(Role::Text));
    }
    out.push(Line::default());
    let hint = if can {
        "Enter: agree, and it is done.  x: leave the step out, with a reason."
    } else {
        "x: leave the step out, with a reason.  L: look again."
    };
    push(out, hint, width, style(Role::Focus));
}

fn measure_lines(out: &mut Vec<Line<'static>>, step: &StepBoard, width: usize, ctx: &Ctx<'_>) {
    let StepKind::Measure { unit, min, max, low, high } = &step.def.kind else { return };
    let good = match (low, high) {
        (Some(low), Some(high)) => format!("; in order from {low} to {high} {unit}"),
        _ => String::new(),
    };
    push(out, &format!("Plausible: {min} to {max} {unit}{good}."), width, ctx.theme.style(Role::Text));
    push(out, "Enter: write the number down.", width, ctx.theme.style(Role::Focus));
}

fn next_lines(after: &[&StepBoard], area: Rect, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let u = ctx.theme.unicode;
    let quiet = ctx.theme.style(Role::Quiet);
    if after.is_empty() {
        return vec![Line::styled("Then: the summary", quiet)];
    }
    let mut out = vec![Line::styled("Then:", quiet)];
    for step in after.iter().take(usize::from(area.height).saturating_sub(1)) {
        let text = format!("  {:<9}  {}", kind_word(&step.def.kind), step.def.title);
        out.push(Line::styled(fit::cut(&text, area.width.into(), u), quiet));
    }
    out
}
