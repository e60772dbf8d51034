//! `vms db` as a shell sees it, against a real server: what it prints, what it refuses, and its exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::cluster::{Cluster, PASSWORD};

fn db(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let o: Output = Command::new(env!("CARGO_BIN_EXE_vms"))
        .args(["--config", "vms.toml", "--data-dir", "data", "db"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("DB_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (o.status.code().unwrap_or(-1), text(&o.stdout), text(&o.stderr))
}

fn configure(dir: &Path, url: &str) {
    let text = format!("[historian]\nurl = \"{url}\"\npassword = {{ env = \"DB_PASSWORD\" }}\n");
    std::fs::write(dir.join("vms.toml"), text).unwrap();
}

#[test]
fn a_database_is_looked_at_and_maintained_from_the_shell() {
    let Some(cluster) = Cluster::start_with(&["fsync=on"], &|_| {}) else { return };
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &cluster.url());
    let (code, out, err) = db(dir.path(), &["status"]);
    assert!(out.contains("PostgreSQL ") && out.contains("Connections used") && out.contains("no tables"), "{out}{err}");
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, _) = db(dir.path(), &["status", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &value["fine"]), (0, &true.into()), "{out}");
    assert!(value["measures"].as_array().unwrap().iter().any(|m| m["id"] == "database.response"), "{out}");

    let (code, out, _) = db(dir.path(), &["slow"]);
    assert!(out.contains("CREATE EXTENSION pg_stat_statements"), "{out}");
    assert_eq!(code, 0, "not counted on purpose: nothing is slow");
    let (code, out, err) = db(dir.path(), &["maintain"]);
    assert_eq!((code, out.as_str()), (2, ""), "nobody can be asked");
    assert!(err.contains("VACUUM ANALYZE of all tables") && err.contains("--yes"), "{err}");
    let (code, out, err) = db(dir.path(), &["maintain", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.lines().count() == 2 && out.contains("REINDEX of all tables in"), "{out}");
    let (code, _, err) = db(dir.path(), &["maintain", "--yes", "--table", "nowhere"]);
    assert!(code == 1 && err.contains("there is no table nowhere"), "{code} {err}");
    let (code, _, err) = db(dir.path(), &["cancel", "1", "--yes"]);
    assert!(code == 1 && err.contains("process 1 does nothing"), "{code} {err}");

    cluster.stop_at_once();
    let (code, out, err) = db(dir.path(), &["status", "--json"]);
    assert!(code == 1 && out.is_empty() && err.contains("nothing answers at 127.0.0.1"), "{code} {out} {err}");
    std::fs::write(dir.path().join("vms.toml"), "").unwrap();
    let (code, _, err) = db(dir.path(), &["status"]);
    assert!(code == 78 && err.contains("[historian]"), "{code} {err}");
}
