//! `vms history trend`, `series` and `waveform`.

use jiff::{SignedDuration, Timestamp};

use super::print::{Column, Field, Form, Printer, text};
use super::readings::{self, held, seconds};
use super::{SeriesArgs, StepArg, TrendArgs, WaveformArgs, older, quantity, range_of, unknown};
use crate::base::error::{Failure, Outcome};
use crate::boot::{Records, unreadable};
use crate::cli::usage;
use crate::journal::{SeriesInfo, Step};
use crate::model::RoiId;
use crate::model::quantity::Quantity;
use crate::model::record::{EventWaveform, Rolled, roi_series};

/// Points read at once.
const PAGE: i64 = 4000;

/// Prints a series, oldest first.
///
/// # Errors
/// A journal that cannot be read, or wrong usage.
pub(super) fn trend(records: &Records, args: &TrendArgs, form: Form) -> Outcome {
    let (from, to) = range_of(&args.range, records)?;
    let known = records.history.series().map_err(|e| unreadable(&e))?;
    let (from, to) = bounds(records, args, from, to)?;
    let range_s = to.duration_since(from).as_secs();
    let pick = pick(records, args, &known)?;
    let of_second = pick.second.as_ref();
    let step = args.step.unwrap_or(match range_s {
        s if s <= 900 && of_second.is_some() => StepArg::Second,
        s if s <= 3 * 86_400 => StepArg::Minute,
        _ => StepArg::Hour,
    });
    let (from, to) = (seconds(from), seconds(to));
    match step {
        StepArg::Second => {
            let Some((roi, q)) = of_second else {
                return Err(usage(format!("{} is not kept by the second; use --step minute or hour", pick.series)));
            };
            by_second(records, roi, *q, (from, to), args.last, form)
        }
        StepArg::Minute => rolled(records, &pick.series, (from, to), Step::Minute, args.last, form),
        StepArg::Hour => rolled(records, &pick.series, (from, to), Step::Hour, args.last, form),
    }
}

/// The last day where no beginning is given; with `--last`, as far back as that needs.
fn bounds(
    records: &Records,
    args: &TrendArgs,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<(Timestamp, Timestamp), Failure> {
    // The minute that is being lived through begins before now.
    let to = to.unwrap_or(records.now);
    let back = match (args.step, args.last) {
        (_, None) => SignedDuration::from_hours(24),
        (Some(StepArg::Second), Some(n)) => SignedDuration::from_secs(i64::from(n)),
        (Some(StepArg::Hour), Some(n)) => SignedDuration::from_hours(i64::from(n)),
        (_, Some(n)) => SignedDuration::from_mins(i64::from(n)),
    };
    let from = match from {
        Some(f) => f,
        None => to.checked_sub(back).map_err(|e| usage(format!("--last: {e}")))?,
    };
    if from >= to {
        return Err(usage(format!("the range begins at {from} and ends at {to}; give an earlier --from")));
    }
    Ok((from, to))
}

/// What is shown: a series, and where seconds hold it too, of which region and quantity.
struct Pick {
    series: String,
    second: Option<(RoiId, Quantity)>,
}

fn pick(records: &Records, args: &TrendArgs, known: &[SeriesInfo]) -> Result<Pick, Failure> {
    let has = |name: &str| known.iter().any(|s| &*s.name == name);
    let names = || known.iter().map(|s| s.name.to_string()).collect::<Vec<_>>();
    if let Some(roi) = &args.roi {
        let roi = known_region(records, roi, known)?;
        let series = |q: Quantity| roi_series(&roi, q).to_string();
        let usual = [Quantity::VelocityRmsMmS, Quantity::DisplacementPpMm, Quantity::DisplacementPpPx];
        let usual = || usual.into_iter().find(|q| has(&series(*q))).unwrap_or(Quantity::DisplacementPpPx);
        let wanted = args.quantity.as_deref().map_or_else(|| Ok(usual()), quantity)?;
        let name = series(wanted);
        if !has(&name) && !held(wanted) {
            return Err(unknown("series", &name, &names()));
        }
        return Ok(Pick { series: name, second: held(wanted).then_some((roi, wanted)) });
    }
    let name = args.series.clone().unwrap_or_default();
    let second = name.strip_prefix("roi.").and_then(|n| n.rsplit_once('.')).and_then(|(roi, q)| {
        let q = Quantity::from_key(q).filter(|q| held(*q))?;
        let names = records.history.region_names().ok()?;
        names.into_iter().find(|n| n.as_str() == roi).map(|r| (r, q))
    });
    if !has(&name) && second.is_none() {
        return Err(unknown("series", &name, &names()));
    }
    Ok(Pick { series: name, second })
}

/// A region that has readings or a series.
fn known_region(records: &Records, name: &str, known: &[SeriesInfo]) -> Result<RoiId, Failure> {
    let start = format!("roi.{name}.");
    if known.iter().any(|s| s.name.starts_with(&start)) {
        return Ok(name.into());
    }
    super::region(records, name)
}

const TREND: [Column; 6] = [
    Column("WHEN", "time", 19),
    Column("MEAN", "mean", 9),
    Column("SMALLEST", "least", 9),
    Column("LARGEST", "most", 9),
    Column("VALUES", "known", 6),
    Column("UNIT", "unit", 0),
];

fn rolled(
    records: &Records,
    series: &str,
    (from, to): (i64, i64),
    step: Step,
    last: Option<u32>,
    form: Form,
) -> Outcome {
    let mut printer = Printer::new(form, &TREND, &records.zone);
    let width = PAGE * step.seconds();
    // The point that holds the beginning belongs to the range.
    let from = from.div_euclid(step.seconds()) * step.seconds();
    let from = last.map_or(from, |n| from.max(to.saturating_sub(i64::from(n) * step.seconds())));
    let mut reads = printer.all(older::trend(records, series, (from, to), step)?.iter().map(point))?;
    let mut begin = from;
    while reads && begin < to {
        let end = begin.saturating_add(width).min(to);
        let page = records.history.trend(series, begin, end, step).map_err(|e| unreadable(&e))?;
        reads = printer.all(page.iter().map(point))?;
        begin = end;
    }
    printer.finish(&format!("points of {series} in this range"))
}

fn point(p: &Rolled) -> [Field; 6] {
    let at = Timestamp::from_second(p.at).unwrap_or(Timestamp::UNIX_EPOCH);
    let n = |v: f64| Field::Number(Some(v));
    [Field::Time(at), n(p.mean), n(p.least), n(p.most), Field::Whole(p.known.into()), text(&*p.unit)]
}

fn by_second(
    records: &Records,
    roi: &RoiId,
    q: Quantity,
    (from, to): (i64, i64),
    last: Option<u32>,
    form: Form,
) -> Outcome {
    let columns = [Column("WHEN", "time", 19), Column(q.unit(), q.key(), 9), Column("GRADE", "grade", 0)];
    let mut printer = Printer::new(form, &columns, &records.zone);
    let from = last.map_or(from, |n| from.max(to.saturating_sub(n.into())));
    readings::each(records, Some(roi), from, to, |r| {
        let at = Timestamp::from_second(r.second).unwrap_or(Timestamp::UNIX_EPOCH);
        printer.row(&[Field::Time(at), Field::Number(readings::value(r, q)), text(r.grade.word())])
    })?;
    printer.finish(&format!("readings of {roi} in this range"))
}

/// Prints the names of every series.
///
/// # Errors
/// A journal that cannot be read.
pub(super) fn series(records: &Records, args: &SeriesArgs, form: Form) -> Outcome {
    let columns = [Column("SERIES", "series", 48), Column("UNIT", "unit", 0)];
    let mut printer = Printer::new(form, &columns, &records.zone);
    let needle = args.contains.as_deref().unwrap_or_default();
    let known = records.history.series().map_err(|e| unreadable(&e))?;
    let wanted = known.iter().filter(|s| s.name.contains(needle));
    printer.all(wanted.map(|s| [text(&*s.name), text(&*s.unit)]))?;
    printer.finish("series")
}

const WAVE: [Column; 6] = [
    Column("REGION", "roi", 18),
    Column("WHEN", "time", 19),
    Column("S", "t_s", 8),
    Column("X PX", "dx_px", 8),
    Column("Y PX", "dy_px", 8),
    Column("±PX", "sigma_px", 8),
];

/// Prints the waveforms about an event, sample by sample.
///
/// # Errors
/// No such event, or a journal that cannot be read.
pub(super) fn waveform(records: &Records, args: &WaveformArgs, form: Form) -> Outcome {
    let found = records.history.waveforms(args.event).map_err(|e| unreadable(&e))?;
    if found.is_empty() {
        let there = records.history.events_after(args.event.saturating_sub(1), 1).map_err(|e| unreadable(&e))?;
        if there.items.first().is_none_or(|e| e.seq != args.event) {
            return Err(usage(format!("there is no event {}; `vms history events` lists them", args.event)));
        }
    }
    let mut printer = Printer::new(form, &WAVE, &records.zone);
    printer.all(found.iter().flat_map(|w| (0..w.wave.t_s.len()).map(|i| sample(w, i))))?;
    printer.finish(&format!("waveform about event {}; they are kept about alarms of vibration", args.event))
}

fn sample(w: &EventWaveform, i: usize) -> [Field; 6] {
    let of = |v: &[f32]| Field::Number(v.get(i).map(|v| shortest(*v)));
    let t = w.wave.t_s.get(i).copied().unwrap_or_default();
    // To the microsecond: what lies below comes from the rounding of a number.
    let at = SignedDuration::from_micros((f64::from(t) * 1e6).round() as i64);
    let at = w.at.checked_add(at).unwrap_or(w.at);
    let wave = &w.wave;
    [text(w.roi.as_str()), Field::Time(at), of(&wave.t_s), of(&wave.dx_px), of(&wave.dy_px), of(&wave.sigma_px)]
}

/// The number with the fewest digits that is still this one: `0.1`, not `0.10000000149011612`.
fn shortest(v: f32) -> f64 {
    v.to_string().parse().unwrap_or(f64::NAN)
}
