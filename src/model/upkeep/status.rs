//! Maintenance as JSON, for commands and scripts.

use serde::Serialize;
use serde_json::{Value, json};

use super::{RunBoard, StepBoard, StepKind, TaskBoard, UpkeepBoard};

/// Everything about maintenance that the board has.
#[must_use]
pub fn status(board: &UpkeepBoard) -> Value {
    json!({
        "tasks": board.tasks.iter().map(task).collect::<Vec<_>>(),
        "runs": board.runs.iter().map(run).collect::<Vec<_>>(),
        "follow_ups": board.follow_ups.iter().map(|f| json!({
            "run": f.run, "task": f.task, "step": f.step, "title": f.title, "found": f.found, "guide": f.guide,
            "subject": f.subject, "since": f.since,
        })).collect::<Vec<_>>(),
        "compliance": board.compliance.iter().map(|c| json!({
            "cadence": c.cadence, "periods": c.periods, "done": c.done, "waived": c.waived, "missed": c.missed,
            "percent": c.percent(),
        })).collect::<Vec<_>>(),
        "calendar": board.calendar.iter().map(|d| json!({
            "day": d.day.to_string(),
            "tasks": d.tasks.iter().map(|t| json!({ "task": t.task, "at": t.at, "state": t.state })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "people": board.people,
    })
}

fn task(t: &TaskBoard) -> Value {
    json!({
        "id": t.id, "row": t.row, "title": t.title, "cadence": t.cadence, "state": t.due, "until": t.until,
        "last_done": t.last_done,
        "last_by": t.last_by.as_ref().map(|b| &b.0), "last_passed": t.last_by.as_ref().map(|b| b.1),
        "role": t.role, "counter_sign": t.counter_sign, "guide": t.guide, "why": t.why,
        "steps": t.steps.iter().map(|s| json!({
            "id": s.id, "title": s.title, "kind": kind(&s.kind), "why": s.why, "how": s.how, "subject": s.subject,
            "guide": s.guide,
        })).collect::<Vec<_>>(),
    })
}

fn run(r: &RunBoard) -> Value {
    json!({
        "run": r.run, "task": r.task, "title": r.title, "who": r.who, "started": r.started, "subject": r.subject,
        "paused": r.paused, "role": r.role, "to_sign": r.to_sign,
        "current": r.current().and_then(|i| r.steps.get(i)).map(|s| &s.def.id),
        "steps": r.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(s: &StepBoard) -> Value {
    let options = match &s.def.kind {
        StepKind::Choose { options } => json!(options.iter().map(|o| &o.text).collect::<Vec<_>>()),
        _ => Value::Null,
    };
    json!({
        "id": s.def.id, "title": s.def.title, "why": s.def.why, "how": s.def.how, "kind": kind(&s.def.kind),
        "subject": s.def.subject, "guide": s.def.guide, "options": options, "asked": s.applies, "working": s.working,
        "answer": said(s.answer.as_ref()), "found": said(s.proposal.as_ref()), "who": s.who, "at": s.at,
    })
}

fn said<T: Serialize>(answer: Option<&T>) -> Value {
    serde_json::to_value(answer).unwrap_or(Value::Null)
}

fn kind(kind: &StepKind) -> Value {
    match kind {
        StepKind::Check { check } => json!({ "kind": "check", "check": check }),
        StepKind::Action { action } => json!({ "kind": "action", "action": action }),
        StepKind::Observe => json!({ "kind": "observe" }),
        StepKind::Measure { unit, min, max, low, high } => {
            json!({ "kind": "measure", "unit": unit, "range": [min, max], "good": [low, high] })
        }
        StepKind::Choose { .. } => json!({ "kind": "choose" }),
        StepKind::Note => json!({ "kind": "note" }),
    }
}
