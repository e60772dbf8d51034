//! `vms history`: events, readings, trends, waveforms and maintenance records from the journal, by time.

mod events;
mod older;
mod print;
mod proof;
mod readings;
mod trend;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Globals, usage};
use crate::base::error::{Failure, Outcome};
use crate::boot::Records;
use crate::config::fault::nearest;
use print::Form;

/// The arguments of `vms history`.
#[derive(Args, Debug)]
#[command(
    after_help = "Times: 2026-11-23T22:41:07Z, \"2026-11-23 22:41\" or 2026-11-23 in the site's zone, 22:41, today, \
                  yesterday, or a duration back from now: 2h, 7d, 30days. --to is exclusive.\n\
                  The journal is read directly: an engine may run or not."
)]
pub struct HistoryArgs {
    #[command(subcommand)]
    command: Option<HistoryCommand>,
    #[command(flatten)]
    events: EventsArgs,
}

#[derive(Debug, Subcommand)]
enum HistoryCommand {
    /// What happened: alarms, cameras, PLCs, maintenance, settings (without a subcommand: this)
    Events(EventsArgs),
    /// Readings per second and region
    Readings(ReadingsArgs),
    /// Finished maintenance runs with their answers
    Records(RecordsArgs),
    /// A series by minute or hour, with its mean, smallest and largest; or by second
    Trend(TrendArgs),
    /// Every series that there is a trend of
    Series(SeriesArgs),
    /// The waveforms kept about an event, sample by sample
    Waveform(WaveformArgs),
    /// Prove that no event was changed, added or removed since it was written; exit 1 where one was
    Verify,
}

/// From when to when.
#[derive(Args, Debug, Default)]
struct RangeArgs {
    /// Not before this moment
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this moment [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// How it is printed.
#[derive(Args, Debug, Default)]
struct FormArgs {
    /// Print CSV (RFC 4180), times in UTC
    #[arg(long)]
    csv: bool,
}

/// The arguments of `vms history events`.
#[derive(Args, Debug)]
struct EventsArgs {
    #[command(flatten)]
    range: RangeArgs,
    /// Only kinds that begin with this, such as alarm_ or camera; may be given more than once
    #[arg(long, value_name = "PREFIX")]
    kind: Vec<String>,
    /// Only about an alarm, camera, PLC, region or run whose name contains this
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Only about this region
    #[arg(long, value_name = "ID", conflicts_with = "subject")]
    roi: Option<String>,
    /// Only those whose written form contains this
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// Only the newest N [default: 100 where neither --from nor --to is given]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    last: Option<u32>,
    #[command(flatten)]
    form: FormArgs,
}

impl EventsArgs {
    /// Whether any of them was given.
    fn given(&self) -> bool {
        let texts = [&self.range.from, &self.range.to, &self.subject, &self.roi, &self.contains];
        texts.iter().any(|t| t.is_some()) || !self.kind.is_empty() || self.last.is_some() || self.form.csv
    }
}

/// The arguments of `vms history readings`.
#[derive(Args, Debug)]
struct ReadingsArgs {
    #[command(flatten)]
    range: RangeArgs,
    /// Only this region
    #[arg(long, value_name = "ID")]
    roi: Option<String>,
    /// Only this quantity: its velocity, peak frequency and so on, by name
    #[arg(long, value_name = "NAME")]
    quantity: Option<String>,
    /// Only the newest N rows [default: 60 where neither --from nor --to is given]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    last: Option<u32>,
    #[command(flatten)]
    form: FormArgs,
}

/// The arguments of `vms history records`.
#[derive(Args, Debug)]
struct RecordsArgs {
    #[command(flatten)]
    range: RangeArgs,
    /// Only runs in whose task, people or answers this stands
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// Only the newest N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    last: Option<u32>,
    #[command(flatten)]
    form: FormArgs,
}

/// The arguments of `vms history trend`.
#[derive(Args, Debug)]
struct TrendArgs {
    /// The series, as `vms history series` lists it: roi.east-bearing.velocity_rms_mm_s, indicator.cpu
    #[arg(required_unless_present = "roi", conflicts_with_all = ["roi", "quantity"])]
    series: Option<String>,
    /// A region, in place of a series
    #[arg(long, value_name = "ID")]
    roi: Option<String>,
    /// Its quantity [default: its velocity, else its displacement]
    #[arg(long, value_name = "NAME", requires = "roi")]
    quantity: Option<String>,
    /// The distance of two points [default: seconds up to 15 minutes, minutes up to 3 days, hours above]
    #[arg(long, value_name = "STEP", value_enum)]
    step: Option<StepArg>,
    #[command(flatten)]
    range: RangeArgs,
    /// Only the newest N steps of the range
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    last: Option<u32>,
    #[command(flatten)]
    form: FormArgs,
}

/// The distance of two points of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum StepArg {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

/// The arguments of `vms history series`.
#[derive(Args, Debug)]
struct SeriesArgs {
    /// Only names that contain this
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    #[command(flatten)]
    form: FormArgs,
}

/// The arguments of `vms history waveform`.
#[derive(Args, Debug)]
struct WaveformArgs {
    /// The number of the event, as `vms history events` lists it
    event: u64,
    #[command(flatten)]
    form: FormArgs,
}

/// Runs the command.
///
/// # Errors
/// No journal, one that cannot be read, or wrong usage.
pub fn run(globals: &Globals, args: &HistoryArgs) -> Outcome {
    let of = |f: &FormArgs| match (globals.json, f.csv) {
        (true, true) => Err(usage("--json and --csv exclude each other; choose one")),
        (true, false) => Ok(Form::Json),
        (false, true) => Ok(Form::Csv),
        (false, false) => Ok(Form::Table),
    };
    if args.command.is_some() && args.events.given() {
        return Err(usage("put the options behind the last word: vms history events --last 5"));
    }
    let open = || crate::boot::records(globals);
    match &args.command {
        None => events::events(&open()?, &args.events, of(&args.events.form)?),
        Some(HistoryCommand::Events(a)) => events::events(&open()?, a, of(&a.form)?),
        Some(HistoryCommand::Readings(a)) => readings::readings(&open()?, a, of(&a.form)?),
        Some(HistoryCommand::Records(a)) => events::records(&open()?, a, of(&a.form)?),
        Some(HistoryCommand::Trend(a)) => trend::trend(&open()?, a, of(&a.form)?),
        Some(HistoryCommand::Series(a)) => trend::series(&open()?, a, of(&a.form)?),
        Some(HistoryCommand::Waveform(a)) => trend::waveform(&open()?, a, of(&a.form)?),
        Some(HistoryCommand::Verify) => proof::verify(&open()?, globals.json),
    }
}

/// The range given, as moments.
fn range_of(r: &RangeArgs, records: &Records) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
    crate::base::moment::range(r.from.as_deref(), r.to.as_deref(), records.now, &records.zone).map_err(usage)
}

/// Says which names there are, the nearest first.
fn unknown(what: &str, given: &str, known: &[String]) -> Failure {
    let given = crate::config::value::shorten(given);
    if known.is_empty() {
        return usage(format!("there is no {what} \"{given}\": the journal has none yet"));
    }
    if let Some(near) = nearest(&given, known.iter().map(String::as_str)) {
        return usage(format!("there is no {what} \"{given}\" in the journal; did you mean \"{near}\"?"));
    }
    let needle = given.to_lowercase();
    let like: Vec<&String> = known.iter().filter(|k| k.to_lowercase().contains(&needle)).collect();
    let shown = if like.is_empty() { known.iter().collect() } else { like };
    let more = shown.len().saturating_sub(8);
    let names: Vec<&str> = shown.iter().take(8).map(|s| s.as_str()).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    usage(format!("there is no {what} \"{given}\" in the journal; it has {}{more}", names.join(", ")))
}

/// The region of this name.
fn region(records: &Records, name: &str) -> Result<crate::model::RoiId, Failure> {
    let names = records.history.region_names().map_err(|e| crate::boot::unreadable(&e))?;
    let found = names.iter().find(|n| n.as_str() == name).cloned();
    found.ok_or_else(|| unknown("region", name, &names.iter().map(ToString::to_string).collect::<Vec<_>>()))
}

/// The quantity of this name.
fn quantity(name: &str) -> Result<crate::model::quantity::Quantity, Failure> {
    use crate::model::quantity::Quantity;
    Quantity::from_key(name).ok_or_else(|| {
        let known: Vec<&str> = Quantity::ALL.iter().map(|q| q.key()).collect();
        match nearest(name, known.iter().copied()) {
            Some(near) => usage(format!("there is no quantity \"{name}\"; did you mean \"{near}\"?")),
            None => usage(format!("there is no quantity \"{name}\"; there are {}", known.join(", "))),
        }
    })
}
