//! What is worth a letter: alarms and log lines, gathered so that a storm becomes one letter and not a hundred.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::clock::{Mono, Now};
use crate::base::text::sig3;
use crate::model::alarm::Priority;
use crate::model::board::Board;
use crate::model::event::{Event, EventKind};
use crate::model::logs::CriticalLine;
use crate::model::mail::Mail;

/// What happens within this time of the first goes into the same letter.
const TOGETHER: Duration = Duration::from_secs(5);
/// Items of one letter; more are counted.
const MAX_ITEMS: usize = 100;
/// Longest subject, characters.
const MAX_SUBJECT: usize = 120;

/// Something for a letter.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    at: Timestamp,
    head: String,
    detail: String,
}

/// Gathers what is worth a letter.
#[derive(Debug)]
pub struct Gather {
    at_least: Priority,
    pause: Duration,
    site: Arc<str>,
    node: Arc<str>,
    zone: TimeZone,
    items: VecDeque<Item>,
    /// Found no room.
    more: u64,
    first: Option<Mono>,
    sent: Option<Mono>,
    seen_event: Option<u64>,
    seen_line: u64,
    /// Alarms that were mailed and have not returned.
    mailed: Vec<Arc<str>>,
}

impl Gather {
    /// Alarms of at least this priority; after a letter `pause` passes before the next.
    #[must_use]
    pub fn new(at_least: Priority, pause: Duration, board: &Board) -> Self {
        Self {
            at_least,
            pause,
            site: Arc::clone(&board.site),
            node: Arc::clone(&board.node),
            zone: board.time_zone.clone(),
            items: VecDeque::new(),
            more: 0,
            first: None,
            sent: None,
            seen_event: None,
            seen_line: 0,
            mailed: Vec::new(),
        }
    }

    /// Looks at what is new on the board.
    pub fn look(&mut self, board: &Board, now: Now) {
        if board.events.is_empty() {
            return;
        }
        // What happened before this start was mailed before it, or waits on the disk.
        let started = |e: &&Event| matches!(e.kind, EventKind::EngineStarted { .. });
        let start = board.events.iter().rev().find(started).map_or(0, |e| e.seq);
        let seen = *self.seen_event.get_or_insert(start);
        let oldest = board.events.first().map_or(0, |e| e.seq);
        if oldest > seen + 1 && seen > start {
            self.put(
                now,
                "events passed unseen",
                &format!("{} events came faster than they could be looked at; see `vms history`", oldest - seen - 1),
            );
        }
        for event in board.events.iter().filter(|e| e.seq > seen) {
            self.event(event, now);
        }
        self.seen_event = board.events.last().map(|e| e.seq).max(Some(seen));
        let lines = board.logs.as_ref().map(|l| Arc::clone(&l.critical));
        for line in
            lines.iter().flat_map(|l| l.iter()).filter(|l| l.number > self.seen_line).cloned().collect::<Vec<_>>()
        {
            self.seen_line = line.number;
            self.line(&line, now);
        }
    }

    fn event(&mut self, event: &Event, now: Now) {
        match &event.kind {
            EventKind::AlarmRaised { alarm, priority, value, limit, unit, text, advice, .. }
                if *priority >= self.at_least =>
            {
                let mut detail = String::new();
                if let (Some(v), Some(l)) = (value, limit) {
                    let _ = writeln!(detail, "value {} {unit}, limit {} {unit}", sig3(Some(*v)), sig3(Some(*l)));
                }
                if !advice.is_empty() {
                    let _ = writeln!(detail, "{advice}");
                }
                let _ = write!(detail, "alarm {alarm}, event {}", event.seq);
                let name: Arc<str> = alarm.as_str().into();
                if !self.mailed.contains(&name) {
                    self.mailed.push(name);
                }
                self.put_at(event.at, now, &format!("{} alarm: {text}", priority.word()), &detail);
            }
            EventKind::AlarmReturned { alarm, .. } => {
                let before = self.mailed.len();
                self.mailed.retain(|a| **a != *alarm.as_str());
                if self.mailed.len() < before {
                    self.put_at(
                        event.at,
                        now,
                        &format!("returned to normal: {alarm}"),
                        &format!("event {}", event.seq),
                    );
                }
            }
            _ => {}
        }
    }

    fn line(&mut self, line: &CriticalLine, now: Now) {
        let detail = format!("{}\nin {}; it fits \"{}\"", line.text, line.source, line.rule);
        let head: String = line.text.chars().take(100).collect();
        self.put_at(line.at, now, &format!("log: {head}"), &detail);
    }

    fn put(&mut self, now: Now, head: &str, detail: &str) {
        self.put_at(now.wall, now, head, detail);
    }

    fn put_at(&mut self, at: Timestamp, now: Now, head: &str, detail: &str) {
        self.first.get_or_insert(now.mono);
        if self.items.len() >= MAX_ITEMS {
            self.more += 1;
            return;
        }
        self.items.push_back(Item { at, head: head.to_owned(), detail: detail.to_owned() });
    }

    /// The letter that is due now.
    pub fn due(&mut self, now: Now) -> Option<Mail> {
        let first = self.first?;
        let early = self.sent.is_some_and(|t| now.mono.since(t) < self.pause);
        if early || now.mono.since(first) < TOGETHER {
            return None;
        }
        self.sent = Some(now.mono);
        self.first = None;
        Some(self.letter())
    }

    /// What is gathered, at once: at the end of the program.
    pub fn rest(&mut self) -> Option<Mail> {
        self.first.take()?;
        Some(self.letter())
    }

    fn letter(&mut self) -> Mail {
        let items: Vec<Item> = self.items.drain(..).collect();
        let all = items.len() as u64 + std::mem::take(&mut self.more);
        let what = items.first().map_or("", |i| &i.head);
        let others = if all > 1 { format!(" (and {} more)", all - 1) } else { String::new() };
        let subject = one_line(&format!("[{}] {what}", self.site), MAX_SUBJECT - others.len()) + &others;
        let mut body = format!("{} {}\n\n", self.site, self.node);
        for i in &items {
            let time = i.at.to_zoned(self.zone.clone()).strftime("%F %H:%M:%S %Z").to_string();
            let _ = writeln!(body, "{time}  {}", i.head);
            for line in i.detail.lines() {
                let _ = writeln!(body, "    {line}");
            }
            body.push('\n');
        }
        if all > items.len() as u64 {
            let _ =
                writeln!(body, "{} more are not listed here; see `vms history events`.\n", all - items.len() as u64);
        }
        let _ = writeln!(body, "Written by vms. See the console, or `vms alarms`, on {}.", self.node);
        Mail { to: Vec::new(), subject: subject.into(), body: body.into() }
    }
}

/// Without line ends and other control characters, which could begin a header of their own.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= most {
        clean
    } else {
        clean.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alarm::Topic;

    fn at(s: u64) -> Now {
        Now { wall: Timestamp::from_second(1_780_000_000 + s as i64).unwrap(), mono: Mono(s * 1_000_000_000) }
    }

    fn raised(seq: u64, priority: Priority, text: &str) -> Event {
        let kind = EventKind::AlarmRaised {
            alarm: format!("a{seq}").as_str().into(),
            source: "s".into(),
            topic: Topic::Resource,
            priority,
            value: Some(91.0),
            limit: Some(70.0),
            unit: "%".into(),
            text: text.into(),
            advice: "look".into(),
        };
        Event { seq, at: at(0).wall, kind }
    }

    fn board(events: Vec<Event>) -> Board {
        let start = Event { seq: 1, at: at(0).wall, kind: EventKind::EngineStarted { version: "1".into(), pid: 1 } };
        let mut b = Board::empty("BF2", "n1", TimeZone::UTC, at(0));
        b.events = std::iter::once(start).chain(events).collect();
        b
    }

    #[test]
    fn a_storm_is_one_letter_and_low_priorities_are_none() {
        let mut g = Gather::new(Priority::High, Duration::from_mins(5), &board(Vec::new()));
        let mut events = vec![raised(2, Priority::Critical, "bearing\r\nBcc: x@y"), raised(3, Priority::Low, "small")];
        g.look(&board(events.clone()), at(1));
        assert_eq!(g.due(at(2)), None, "what comes with it is waited for");
        let first = g.due(at(7)).unwrap();
        assert_eq!(&*first.subject, "[BF2] critical alarm: bearing  Bcc: x@y", "no header of its own");
        assert!(first.body.contains("value 91.0 %, limit 70.0 %") && !first.body.contains("small"), "{}", first.body);
        events.extend((4..300).map(|i| raised(i, Priority::Critical, "storm")));
        g.look(&board(events.clone()), at(10));
        assert_eq!(g.due(at(200)), None, "not so soon after the last");
        let storm = g.due(at(310)).unwrap();
        assert!(storm.subject.ends_with("(and 295 more)"), "{}", storm.subject);
        assert!(storm.body.contains("196 more are not listed"), "{}", storm.body);
        g.look(&board(events), at(1000));
        assert_eq!(g.due(at(2000)), None, "nothing is told twice");
    }

    #[test]
    fn a_return_is_told_of_what_was_told() {
        let mut g = Gather::new(Priority::High, Duration::from_secs(10), &board(Vec::new()));
        let back = |seq, alarm: &str| Event {
            seq,
            at: at(0).wall,
            kind: EventKind::AlarmReturned { alarm: alarm.into(), value: None },
        };
        g.look(&board(vec![raised(2, Priority::High, "hot"), back(3, "a2"), back(4, "other")]), at(1));
        let letter = g.due(at(7)).unwrap();
        assert!(letter.body.contains("returned to normal: a2") && !letter.body.contains("other"), "{}", letter.body);
    }

    #[test]
    fn log_lines_are_told_once() {
        let mut g = Gather::new(Priority::High, Duration::from_secs(10), &board(Vec::new()));
        let mut b = board(Vec::new());
        let line = |number| CriticalLine {
            number,
            at: at(0).wall,
            source: "pg.log".into(),
            text: "PANIC: no".into(),
            rule: "PANIC".into(),
        };
        b.logs = Some(Arc::new(crate::model::logs::LogReport {
            at: at(0),
            sources: Vec::new(),
            dropped: 0,
            patterns: Arc::default(),
            spike: crate::model::logs::Spike::default(),
            critical: vec![line(1), line(2)].into(),
        }));
        g.look(&b, at(1));
        g.look(&b, at(2));
        let letter = g.due(at(7)).unwrap();
        assert_eq!(letter.body.matches("it fits \"PANIC\"").count(), 2, "{}", letter.body);
        assert_eq!(g.rest(), None);
    }
}
