//! Encryption against a real server: the right authority, a wrong one, a wrong name, an expired certificate, none at all.

use std::path::Path;
use std::process::Command;

use vms::config::sections::Historian;
use vms::historian;

use crate::cluster::{Cluster, PASSWORD};

fn openssl(dir: &Path, args: &str) -> bool {
    let done = Command::new("openssl").args(args.split_whitespace()).current_dir(dir).output();
    done.is_ok_and(|o| {
        assert!(o.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&o.stderr));
        true
    })
}

/// An authority `NAME-ca` and a server certificate `NAME` for `localhost`; false where there is no `openssl`.
fn certificates(dir: &Path, name: &str, days: i32) -> bool {
    std::fs::write(dir.join("san"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(dir, &format!("req -x509 {key} -keyout {name}-ca.key -out {name}-ca.pem -days 30 -subj /CN={name}-ca"))
        && openssl(dir, &format!("req {key} -keyout {name}-key.pem -out {name}.csr -subj /CN=localhost"))
        && openssl(
            dir,
            &format!(
                "x509 -req -in {name}.csr -CA {name}-ca.pem -CAkey {name}-ca.key -CAcreateserial -out {name}.pem \
                 -days {days} -extfile san"
            ),
        )
}

fn served(dir: &Path, name: &str) -> Option<Cluster> {
    let (cert, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}-key.pem")));
    Cluster::start_with(&["ssl=on", "ssl_cert_file=server.pem", "ssl_key_file=server-key.pem"], &|data| {
        std::fs::copy(&cert, data.join("server.pem")).unwrap();
        std::fs::copy(&key, data.join("server-key.pem")).unwrap();
    })
}

fn probe(cluster: &Cluster, host: &str, ca: Option<&Path>) -> Result<String, String> {
    let url = format!("postgres://vms@{host}:{}/postgres?sslmode=require", cluster.port());
    let cfg = Historian {
        url: url.into(),
        password: Some(PASSWORD.to_owned().into()),
        ca_file: ca.map(Path::to_owned),
        ..Historian::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(historian::probe(cfg))
}

#[test]
fn a_server_is_believed_only_with_the_right_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    if !certificates(dir.path(), "plant", 30) || !certificates(dir.path(), "other", 30) {
        return;
    }
    let Some(cluster) = served(dir.path(), "plant") else { return };
    let ca = at("plant-ca.pem");
    let said = probe(&cluster, "localhost", Some(&ca)).unwrap();
    assert!(said.contains("PostgreSQL"), "{said}");
    for (host, ca, why) in [
        ("localhost", Some(at("other-ca.pem")), "set historian.ca_file"),
        ("localhost", None, "set historian.ca_file"),
        ("127.0.0.1", Some(ca.clone()), "is not for 127.0.0.1 but for"),
        ("localhost", Some(at("gone.pem")), "gone.pem"),
    ] {
        let text = probe(&cluster, host, ca.as_deref()).unwrap_err();
        assert!(text.contains(why) && !text.contains(PASSWORD), "{host}: {text}");
    }
}

#[test]
fn an_expired_certificate_and_a_server_without_one_are_told() {
    let dir = tempfile::tempdir().unwrap();
    if !certificates(dir.path(), "plant", -1) {
        return;
    }
    let ca = dir.path().join("plant-ca.pem");
    if let Some(cluster) = served(dir.path(), "plant") {
        let text = probe(&cluster, "localhost", Some(&ca)).unwrap_err();
        assert!(text.contains("has expired; renew it"), "{text}");
    }
    let Some(plain) = Cluster::start() else { return };
    let text = probe(&plain, "localhost", Some(&ca)).unwrap_err();
    assert!(text.contains("speaks no TLS, so nothing was sent"), "{text}");
    // Without encryption nothing needs to be verified on this computer.
    let cfg = Historian {
        url: plain.url().into(),
        password: Some(PASSWORD.to_owned().into()),
        ca_file: Some(ca),
        ..Historian::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(historian::probe(cfg)).is_ok());
}
