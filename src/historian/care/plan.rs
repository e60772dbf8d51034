//! What a job will do, step by step, before anything is done.

use std::fmt::Write as _;
use std::sync::Arc;

use tokio_postgres::Client;

use super::server::CareError;
use super::sql;
use crate::model::database::{CareFigures, CareJob};

/// One statement of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The table or index it is about.
    pub what: Arc<str>,
    /// What is sent.
    pub(super) sql: String,
}

/// Everything that a job will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is done.
    pub job: CareJob,
    /// To which table, as it was asked for; none for all.
    pub table: Option<Arc<str>>,
    /// Its statements in order.
    pub steps: Vec<Step>,
    /// Leavings of interrupted runs, which are removed first.
    pub leftovers: Vec<Arc<str>>,
    /// Tables that belong to another role and are left alone.
    pub foreign: Vec<Arc<str>>,
    /// The sizes now.
    pub figures: CareFigures,
    pub(super) tables: Vec<u32>,
}

impl Plan {
    /// What will happen, for whoever is asked whether it may.
    #[must_use]
    pub fn question(&self) -> String {
        let of = self.table.as_ref().map_or_else(|| "all tables".to_owned(), ToString::to_string);
        let size = crate::base::text::bytes(self.figures.size_bytes);
        let mut text = match self.job {
            CareJob::Reindex => {
                let n = self.steps.len() - self.leftovers.len();
                format!("REINDEX CONCURRENTLY of {n} indexes of {of}")
            }
            _ => format!("VACUUM ANALYZE of {of} ({} steps, {size})", self.steps.len()),
        };
        if !self.leftovers.is_empty() {
            let _ = write!(
                text,
                ", after removing what interrupted runs left: {}",
                self.leftovers.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
            );
        }
        text.push_str(". Reading and writing go on meanwhile, slower.");
        text
    }
}

/// Plans a job over one table or all.
pub(super) async fn plan(client: &Client, job: CareJob, table: Option<&str>) -> Result<Plan, CareError> {
    let rows = client.query(sql::JOB_TABLES, &[&table]).await.map_err(|e| CareError::of(&e))?;
    let mut plan = Plan {
        job,
        table: table.map(Into::into),
        steps: Vec::new(),
        leftovers: Vec::new(),
        foreign: Vec::new(),
        figures: CareFigures::default(),
        tables: Vec::new(),
    };
    let mut owner = String::new();
    for r in &rows {
        let get = |e: tokio_postgres::Error| CareError::of(&e);
        let name: String = r.try_get(2).map_err(get)?;
        if !r.try_get::<_, bool>(4).map_err(get)? {
            owner = r.try_get(3).map_err(get)?;
            plan.foreign.push(name.into());
            continue;
        }
        plan.tables.push(r.try_get(0).map_err(get)?);
        if job == CareJob::Vacuum {
            // A partitioned table holds no rows itself, and nothing else gathers its statistics.
            let partitioned = r.try_get::<_, &str>(1).map_err(get)? == "p";
            let sql = if partitioned { format!("analyze {name}") } else { format!("vacuum (analyze) {name}") };
            plan.steps.push(Step { what: name.into(), sql });
        }
    }
    match (table, plan.tables.is_empty()) {
        (Some(t), true) if rows.is_empty() => {
            return Err(CareError::Failed(format!("there is no table {t}; `vms db status` lists them")));
        }
        (_, true) if !rows.is_empty() => {
            return Err(CareError::NotAllowed(format!(
                "not allowed: {} belong{} to the role {owner}; write that role into historian.url, or as a superuser: \
                 GRANT {owner} TO the role of historian.url",
                plan.foreign.join(", "),
                if plan.foreign.len() == 1 { "s" } else { "" }
            )));
        }
        _ => {}
    }
    if job == CareJob::Reindex {
        for r in client.query(sql::JOB_INDEXES, &[&plan.tables]).await.map_err(|e| CareError::of(&e))? {
            let get = |e: tokio_postgres::Error| CareError::of(&e);
            let name: String = r.try_get(0).map_err(get)?;
            let leftover: bool = r.try_get(1).map_err(get)?;
            let sql = if leftover { drop(&name) } else { format!("reindex index concurrently {name}") };
            let what: Arc<str> = name.into();
            if leftover {
                plan.leftovers.push(Arc::clone(&what));
            }
            plan.steps.push(Step { what, sql });
        }
    }
    plan.figures = figures(client, &plan.tables).await.map_err(|e| CareError::of(&e))?;
    Ok(plan)
}

/// Removes a leaving without holding up anybody.
pub(super) fn drop(index: &str) -> String {
    format!("drop index concurrently if exists {index}")
}

/// Sizes of these tables.
pub(super) async fn figures(client: &Client, tables: &[u32]) -> Result<CareFigures, tokio_postgres::Error> {
    let r = client.query_one(sql::FIGURES, &[&tables]).await?;
    let get = |i| r.try_get::<_, i64>(i).map(|n| n.max(0) as u64);
    Ok(CareFigures { size_bytes: get(0)?, index_bytes: get(1)?, dead_rows: get(2)? })
}
