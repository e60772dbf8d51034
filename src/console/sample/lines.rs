//! Sample PLCs and traffic.

use std::sync::Arc;

use super::ago;
use crate::model::bus::{Access, BusFrame, Direction, Field, PlcBoard, PlcReport, PlcState, Table, TagValue, Verdict};

fn tag(id: &str, table: Table, address: u16, value: u16, wanted: Option<u16>) -> TagValue {
    TagValue {
        id: id.into(),
        table,
        address,
        access: if wanted.is_some() { Access::Write } else { Access::Read },
        value: Some(value),
        at: Some(ago(140)),
        wanted,
    }
}

pub(super) fn live() -> Vec<Arc<PlcBoard>> {
    let report = |index, p50: f64, p99: f64, tags| PlcReport {
        index,
        state: PlcState::Live,
        since: ago(9 * 3_600_000),
        text: None,
        polls: 5_256_214,
        errors: 37,
        timeouts: 31,
        crc_errors: 4,
        exceptions: 2,
        reopens: 1,
        response_ms_p50: Some(p50),
        response_ms_p99: Some(p99),
        last_answer: Some(ago(140)),
        tags,
        dropped_frames: 0,
    };
    let first = vec![
        tag("screen-1-running", Table::Coil, 0, 1, None),
        tag("screen-1-speed", Table::Holding, 40, 972, None),
        tag("vibration-alarm", Table::Coil, 100, 0, Some(0)),
        tag("vibration-level", Table::Holding, 101, 1, Some(1)),
        tag("heartbeat", Table::Holding, 100, 51_423, Some(51_424)),
    ];
    let second = vec![tag("blower-running", Table::Discrete, 3, 1, None)];
    let trend = |base: f32| (0..120).map(|k| base + (k as f32 * 0.7).sin() * 1.5).collect::<Arc<[f32]>>();
    vec![
        Arc::new(PlcBoard {
            id: "bf2-plc".into(),
            port: "/dev/ttyUSB0".into(),
            unit: 1,
            line: "19200 8E1".into(),
            report: Some(Arc::new(report(0, 17.2, 23.9, first))),
            response_trend: trend(17.0),
        }),
        Arc::new(PlcBoard {
            id: "stove-plc".into(),
            port: "/dev/ttyUSB1".into(),
            unit: 7,
            line: "9600 8N1".into(),
            report: Some(Arc::new(report(1, 34.0, 48.1, second))),
            response_trend: trend(34.0),
        }),
    ]
}

/// The first PLC degraded, a written tag not confirmed; the second lost.
pub(super) fn alarm(plcs: &mut [Arc<PlcBoard>]) {
    for (i, p) in plcs.iter_mut().enumerate() {
        let p = Arc::make_mut(p);
        let Some(r) = &p.report else { continue };
        let mut r = (**r).clone();
        if i == 0 {
            r.state = PlcState::Degraded;
            r.text = Some("3 of the last 20 answers were damaged; check the shield and the termination".into());
            r.errors = 61;
            r.crc_errors = 28;
            if let Some(t) = r.tags.get_mut(2) {
                t.wanted = Some(1);
            }
        } else {
            r.state = PlcState::Lost;
            r.since = ago(96_000);
            r.text = Some("/dev/ttyUSB1 is gone: no such file; trying again in 5 s".into());
            r.response_ms_p50 = None;
            r.response_ms_p99 = None;
            r.last_answer = Some(ago(96_000));
            for t in &mut r.tags {
                t.value = None;
            }
        }
        p.report = Some(Arc::new(r));
    }
}

/// The same PLCs with their newest answers `ms` earlier.
pub(super) fn shift(plcs: &mut [Arc<PlcBoard>], ms: u64) {
    for p in plcs {
        let p = Arc::make_mut(p);
        if let Some(r) = &p.report {
            let mut r = (**r).clone();
            r.last_answer = Some(ago(ms));
            for t in &mut r.tags {
                t.at = Some(ago(ms));
            }
            p.report = Some(Arc::new(r));
        }
    }
}

struct Said<'a> {
    back_ms: u64,
    direction: Direction,
    bytes: &'a [u8],
    summary: &'a str,
    verdict: Verdict,
    response_ms: Option<f64>,
}

fn frame(number: u64, s: &Said<'_>) -> BusFrame {
    let mut fields = Vec::new();
    let b = s.bytes;
    if b.len() >= 4 {
        fields.push(Field { name: "unit", offset: 0, len: 1, text: b[0].to_string() });
        fields.push(Field { name: "function", offset: 1, len: 1, text: format!("{:#04X} {}", b[1], s.summary) });
        if s.direction == Direction::Request && b.len() == 8 {
            let word = |i: usize| u16::from_be_bytes([b[i], b[i + 1]]);
            fields.push(Field { name: "starting address", offset: 2, len: 2, text: word(2).to_string() });
            fields.push(Field { name: "quantity", offset: 4, len: 2, text: word(4).to_string() });
        } else {
            fields.push(Field { name: "byte count", offset: 2, len: 1, text: b[2].to_string() });
            let data = format!("{} bytes", b.len() - 5);
            fields.push(Field { name: "data", offset: 3, len: b.len() - 5, text: data });
        }
        let crc = format!("{:02X}{:02X}", b[b.len() - 2], b[b.len() - 1]);
        let ok = if s.verdict == Verdict::Ok { "right" } else { "wrong, 5AC0 computed" };
        fields.push(Field { name: "CRC", offset: b.len() - 2, len: 2, text: format!("{crc} {ok}") });
    }
    BusFrame {
        number,
        at: ago(s.back_ms),
        plc: 0,
        direction: s.direction,
        bytes: s.bytes.into(),
        summary: s.summary.into(),
        fields: fields.into(),
        verdict: s.verdict.clone(),
        response_ms: s.response_ms,
    }
}

const READ: [u8; 8] = [0x01, 0x03, 0x00, 0x64, 0x00, 0x0A, 0x84, 0x12];
const COILS: [u8; 8] = [0x01, 0x01, 0x00, 0x00, 0x00, 0x01, 0xFD, 0xCA];
const COILS_ANSWER: [u8; 6] = [0x01, 0x01, 0x01, 0x01, 0x90, 0x48];
const WRITE: [u8; 8] = [0x01, 0x06, 0x00, 0x64, 0xC8, 0xE0, 0x5F, 0xCC];
const ANSWER: [u8; 25] =
    [0x01, 0x03, 0x14, 0x03, 0xCC, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x5A, 0xC1];

/// Forty well answered exchanges, 200 ms apart.
pub(super) fn traffic() -> Vec<BusFrame> {
    let mut out = Vec::new();
    for k in 0..40_u64 {
        let back = 8000 - k * 200 + 143;
        let (ask, answer, asked, told): (&[u8], &[u8], _, _) = match k % 3 {
            0 => (&READ, &ANSWER, "read holding 100..109", "ok 10 registers"),
            1 => (&COILS, &COILS_ANSWER, "read coil 0", "ok 1 coil: 1"),
            _ => (&WRITE, &WRITE, "write holding 100 = 51424", "ok confirmed"),
        };
        let took = 16.0 + (k % 5) as f64;
        let n = out.len() as u64 + 88_000;
        let request = Said {
            back_ms: back,
            direction: Direction::Request,
            bytes: ask,
            summary: asked,
            verdict: Verdict::Ok,
            response_ms: None,
        };
        out.push(frame(n, &request));
        let said = Said {
            back_ms: back - took as u64,
            direction: Direction::Answer,
            bytes: answer,
            summary: told,
            verdict: Verdict::Ok,
            response_ms: Some(took),
        };
        out.push(frame(n + 1, &said));
    }
    out
}

/// Place from the end, bytes, summary, verdict, response time in ms.
type Ending<'a> = (usize, &'a [u8], &'a str, Verdict, Option<f64>);

/// The same with a damaged answer and one that never came at the end.
pub(super) fn bad_traffic() -> Vec<BusFrame> {
    let mut out = traffic();
    let mut damaged = ANSWER;
    damaged[7] = 0x40;
    let tail: [Ending<'_>; 2] = [
        (
            3,
            &damaged,
            "10 registers",
            Verdict::Bad("wrong checksum: bytes 23-24 are 5AC1, 5AC0 computed".into()),
            Some(19.0),
        ),
        (1, &[], "no answer", Verdict::Bad("no answer within 500 ms".into()), None),
    ];
    for (back, bytes, summary, verdict, response_ms) in tail {
        let i = out.len() - back;
        let at = out[i].at;
        let number = out[i].number;
        let said = Said { back_ms: 0, direction: Direction::Answer, bytes, summary, verdict, response_ms };
        out[i] = BusFrame { at, ..frame(number, &said) };
    }
    out
}
