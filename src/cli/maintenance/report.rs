//! `vms maintenance report`: documents as text or PDF, to standard output, into a file, onto paper.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::super::{Globals, out, usage};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::draft::Draft;
use crate::base::error::{Exit, Failure, Outcome};
use crate::boot::papers::{self, Reports, Source, Span, Standing, Written};
use crate::config::fault::nearest;
use crate::config::sections::Config;
use crate::model::paper::{Document, Paper};
use crate::paper;
use crate::upkeep::documents::{form, month, performance, record};

/// The arguments of `vms maintenance report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Cameras, PLCs, hardware, network and versions, and what has changed since the last inventory that was written
    Inventory {
        /// Keep it in reports/ of the data directory; the next one is compared with it
        #[arg(long)]
        write: bool,
        #[command(flatten)]
        to: ToArgs,
    },
    /// The recovery handbook: start from nothing, whom to call, wiring, where backups and passwords are kept
    Handbook {
        /// Keep it in reports/ of the data directory as the edition in force
        #[arg(long)]
        write: bool,
        #[command(flatten)]
        to: ToArgs,
    },
    /// Indicators against their limits with plots, noisiest alarms, slowest queries, and advice
    Performance {
        /// The thirteen weeks up to now
        #[arg(long, conflicts_with = "week")]
        quarter: bool,
        /// The seven days up to now [default]
        #[arg(long)]
        week: bool,
        /// Keep it in reports/ of the data directory, with its plots as SVG
        #[arg(long)]
        write: bool,
        #[command(flatten)]
        to: ToArgs,
    },
    /// A task as a blank form, for a walk without a terminal
    Form {
        /// The task's id
        task: String,
        #[command(flatten)]
        to: ToArgs,
    },
    /// A finished run as its record
    Record {
        /// Its number, as `vms history records` lists it
        run: u64,
        #[command(flatten)]
        to: ToArgs,
    },
    /// All records of a month in one document
    Month {
        /// The month: 2026-11
        month: String,
        #[command(flatten)]
        to: ToArgs,
    },
}

/// Where a document goes, and as what.
#[derive(Args, Debug)]
struct ToArgs {
    /// As plain text [default on standard output]
    #[arg(long, conflicts_with = "pdf")]
    text: bool,
    /// As PDF [default into a file and to a printer]
    #[arg(long)]
    pdf: bool,
    /// The size of the paper
    #[arg(long, value_enum, default_value_t = PaperArg::A4)]
    paper: PaperArg,
    /// Into this file in place of standard output
    #[arg(long, value_name = "FILE", conflicts_with = "print")]
    out: Option<PathBuf>,
    /// To this printer by `lp`; without a name: to the default one
    #[arg(long, value_name = "PRINTER", num_args = 0..=1, default_missing_value = "")]
    print: Option<String>,
}

/// The size of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PaperArg {
    /// 210 × 297 mm.
    A4,
    /// 8.5 × 11 inch.
    Letter,
}

/// What is needed to make documents.
struct Made<'a> {
    globals: &'a Globals,
    config: Config,
}

impl Made<'_> {
    /// `database`: whether the document says something of it; it is not looked at otherwise.
    fn source(&self, database: bool) -> Source<'_> {
        let report = if !database || self.config.historian.is_none() {
            Err("no database is configured".to_owned())
        } else {
            let look = crate::boot::Database::of(self.globals).and_then(|d| d.look());
            look.map(std::sync::Arc::new).map_err(|e| e.to_string())
        };
        Source {
            config: &self.config,
            config_file: Some(&self.globals.config),
            data: &self.globals.data_dir,
            now: SystemClock::new().now().wall,
            board: None,
            database: report,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A bad configuration, no journal, no such task or run, or what cannot be written or printed.
pub fn run(globals: &Globals, args: &ReportArgs) -> Outcome {
    let made = Made { globals, config: globals.load()?.config };
    let reports = Reports::of(&globals.data_dir);
    match &args.what {
        What::Inventory { write, to } => inventory(&made, &reports, *write, to),
        What::Handbook { write, to } => handbook(&made, &reports, *write, to),
        What::Performance { quarter, write, to, .. } => {
            let span = if *quarter { Span::Quarter } else { Span::Week };
            let s = made.source(true);
            if *write {
                return written(globals, &reports.write_performance(&s, span, &|| false)?);
            }
            if globals.json {
                return review(&s, span);
            }
            let (document, _) = Reports::performance(&s, span, &|| false)?;
            deliver(globals, &document, to)
        }
        What::Form { task, to } => blank(&made, task, to),
        What::Record { run, to } => one(&made, *run, to),
        What::Month { month, to } => batch(&made, month, to),
    }
}

fn inventory(made: &Made<'_>, reports: &Reports, write: bool, to: &ToArgs) -> Outcome {
    let s = made.source(true);
    if write {
        return written(made.globals, &reports.write_inventory(&s)?);
    }
    let (now, before) = reports.inventory(&s)?;
    if made.globals.json {
        let changes = before.as_ref().map(|b| crate::upkeep::documents::inventory::changes(b, &now));
        out::json(&json!({ "inventory": now, "changes": changes }))?;
        return Ok(Exit::Fine);
    }
    deliver(made.globals, &crate::upkeep::documents::inventory::document(&s.head(), &now, before.as_ref()), to)
}

fn handbook(made: &Made<'_>, reports: &Reports, write: bool, to: &ToArgs) -> Outcome {
    let s = made.source(false);
    if write {
        return written(made.globals, &reports.write_handbook(&s)?);
    }
    if made.globals.json {
        let (state, edition) = match reports.handbook_standing(&s)? {
            Standing::None => ("none", None),
            Standing::Current(e) => ("current", Some(e)),
            Standing::Outdated(e) => ("outdated", Some(e)),
        };
        out::json(&json!({ "handbook": state, "edition": edition }))?;
        return Ok(if state == "current" { Exit::Fine } else { Exit::NotFine });
    }
    let (document, _) = reports.handbook(&s)?;
    deliver(made.globals, &document, to)
}

fn review(s: &Source<'_>, span: Span) -> Outcome {
    let (p, _) = papers::performance(s, span, &|| false)?;
    let indicators = p.indicators.iter().filter_map(|i| {
        let f = i.figures(p.from, p.to)?;
        Some(json!({
            "id": i.id, "title": i.title, "unit": i.unit, "limit": i.limit, "mean": f.mean, "mean_before": i.mean_before,
            "worst": f.worst, "over_percent": f.over_percent, "touched_percent": f.touched_percent,
            "known_percent": f.known_percent, "days_to_limit": i.days_to_limit,
        }))
    });
    let alarms =
        p.alarms.iter().map(|a| json!({ "id": a.id, "priority": a.priority, "raised": a.count, "text": a.text }));
    let queries = p
        .queries
        .iter()
        .flatten()
        .map(|q| json!({ "query": q.text, "calls": q.calls, "mean_ms": q.mean_ms, "max_ms": q.max_ms }));
    let time = |t: i64| jiff::Timestamp::from_second(t).map(|t| t.to_string()).unwrap_or_default();
    out::json(&json!({
        "from": time(p.from), "to": time(p.to),
        "indicators": indicators.collect::<Vec<_>>(),
        "alarms": alarms.collect::<Vec<_>>(),
        "most_alarms_in_10_min": p.flood,
        "queries": queries.collect::<Vec<_>>(),
        "queries_unknown": p.queries.as_ref().err(),
        "advice": performance::advice(&p, &papers::rules(s.config_file)?),
    }))?;
    Ok(Exit::Fine)
}

fn written(globals: &Globals, w: &Written) -> Outcome {
    if globals.json {
        out::json(&json!({ "wrote": w.what, "files": w.files }))?;
        return Ok(Exit::Fine);
    }
    out::note(&format!("wrote {}", w.what));
    for file in &w.files {
        out::line(&file.display().to_string())?;
    }
    Ok(Exit::Fine)
}

fn blank(made: &Made<'_>, id: &str, to: &ToArgs) -> Outcome {
    let catalogue = papers::catalogue(&made.config, made.globals.config.parent(), &made.globals.data_dir)?;
    let Some(task) = catalogue.task(id) else {
        let near = nearest(id, catalogue.tasks.iter().map(|t| &*t.id));
        let hint = near.map_or_else(
            || format!("there are {}", catalogue.tasks.iter().map(|t| &*t.id).collect::<Vec<_>>().join(", ")),
            |n| format!("did you mean \"{n}\"?"),
        );
        return Err(usage(format!("there is no task \"{}\"; {hint}", crate::config::value::shorten(id))));
    };
    let s = made.source(false);
    let (row, title) = (&task.row, &task.title);
    let form = form::Task { id: &task.id, row, title, cadence: task.cadence.word(), steps: &task.steps };
    deliver(made.globals, &form::document(&s.head(), &form), to)
}

fn one(made: &Made<'_>, run: u64, to: &ToArgs) -> Outcome {
    let history = crate::boot::records(made.globals)?.history;
    let (found, without) = papers::records(&history, None, None, Some(run))?;
    let Some(r) = found.first() else {
        let text = if without > 0 {
            format!("run {run} ended without a signed record; `vms history records` shows its steps")
        } else {
            format!("there is no finished run {run}; `vms history records` lists them")
        };
        return Err(Failure::new(Exit::NoInput, text));
    };
    if made.globals.json {
        out::json(r)?;
        return Ok(Exit::Fine);
    }
    deliver(made.globals, &record::document(&made.source(false).head(), r), to)
}

fn batch(made: &Made<'_>, text: &str, to: &ToArgs) -> Outcome {
    let (from, until) = papers::month(text, &made.config.site.time_zone).map_err(usage)?;
    let history = crate::boot::records(made.globals)?.history;
    let (found, without) = papers::records(&history, Some(from), Some(until), None)?;
    if without > 0 {
        out::note(&format!("{without} runs of {text} ended without a signed record and are not among them"));
    }
    if made.globals.json {
        for r in &found {
            if !out::json(r)? {
                break;
            }
        }
        return Ok(Exit::Fine);
    }
    let catalogue = papers::catalogue(&made.config, made.globals.config.parent(), &made.globals.data_dir)?;
    let s = made.source(false);
    let kept = papers::kept(&history, &catalogue, until.min(s.now), &made.config.site.time_zone)?;
    deliver(made.globals, &month::document(&s.head(), text, &found, &kept), to)
}

fn deliver(globals: &Globals, document: &Document, to: &ToArgs) -> Outcome {
    if globals.json {
        return Err(usage("this document has no JSON; leave --json out"));
    }
    let named = |end: &str| to.out.as_ref().is_some_and(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case(end)));
    let file = to.out.is_some() || to.print.is_some();
    let pdf = to.pdf || file && !to.text && !named("txt");
    let bytes = if pdf {
        let size = if to.paper == PaperArg::Letter { Paper::Letter } else { Paper::A4 };
        paper::pdf(document, size).map_err(|e| Failure::new(Exit::NotFine, e.to_string()))?
    } else {
        paper::text(document).into_bytes()
    };
    match (&to.out, &to.print) {
        (Some(path), _) => {
            Draft::beside(path)?.keep(&bytes)?;
            out::note(&format!("wrote {}", path.display()));
        }
        (None, Some(printer)) => print(Some(printer.as_str()).filter(|p| !p.is_empty()), &document.title, &bytes)?,
        (None, None) if pdf && std::io::stdout().is_terminal() => {
            return Err(usage("a PDF is not for a terminal; add --out FILE, or print it with --print"));
        }
        (None, None) => {
            out::raw(&bytes)?;
        }
    }
    Ok(Exit::Fine)
}

/// Hands the document to `lp` of the printing system.
fn print(printer: Option<&str>, title: &str, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |text: String| Failure::new(Exit::Io, text);
    if printer.is_some_and(|p| p.starts_with('-')) {
        return Err(usage("name a printer as `lpstat -p` lists it"));
    }
    let mut command = Command::new("lp");
    command.args(printer.map(|p| ["-d", p]).into_iter().flatten());
    command.args(["-t", title, "--", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => fail(
            "there is no `lp` on this computer, so nothing can be printed from here; install it (Debian: \
             cups-client), or write the document with --out FILE and print it elsewhere"
                .to_owned(),
        ),
        _ => fail(format!("`lp` cannot be started: {e}")),
    })?;
    // A printer that wants nothing more says why on its way out.
    let fed = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(bytes));
    let done = child.wait_with_output().map_err(|e| fail(format!("`lp` was lost: {e}")))?;
    let said = |b: &[u8]| crate::config::value::shorten(String::from_utf8_lossy(b).trim());
    if !done.status.success() {
        let why = said(&done.stderr);
        let why = if why.is_empty() { done.status.to_string() } else { why };
        return Err(fail(format!("not printed: {why}; `lpstat -p -d` lists the printers")));
    }
    fed.map_err(|e| fail(format!("not printed: `lp` did not take the whole document: {e}")))?;
    let where_to = printer.unwrap_or("the default printer");
    out::note(&format!("sent to {where_to}: {}", said(&done.stdout)));
    Ok(())
}
