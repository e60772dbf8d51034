//! Where the server is, and whether it may be talked to without encryption.

use std::net::IpAddr;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::link::CONNECT_DEADLINE;
use super::tls;
use crate::config::sections::Historian;

/// A server that may be connected to.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    /// How to encrypt; none on this computer, unless it was asked for.
    tls: Option<MakeRustlsConnect>,
    place: String,
    password: Option<SecretString>,
}

impl Target {
    /// Checks the address. On a network the password and all data could be read by others, so there it is TLS or nothing,
    /// and the server must prove by its certificate that it is the one that is named.
    pub(super) fn new(cfg: &Historian) -> Result<Self, String> {
        // Host name and certificate are always verified, so all of these ask for the same.
        let url =
            cfg.url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config = url.parse().map_err(|_| {
            "historian.url is not a PostgreSQL address; write postgres://USER@HOST:PORT/DATABASE".to_owned()
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err("historian.url names no host; write postgres://USER@HOST:PORT/DATABASE".into());
        }
        let place = place(&config);
        let local = config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        let mode = config.get_ssl_mode();
        if !local && mode == SslMode::Disable {
            return Err(format!(
                "{place} is on the network, where TLS is required: remove sslmode=disable from historian.url; nothing was sent"
            ));
        }
        let tls = if !local || mode == SslMode::Require {
            if config.get_hosts().is_empty() {
                return Err(format!(
                    "{place}: TLS needs the server's name to verify it; write host=NAME beside hostaddr in historian.url"
                ));
            }
            if config.get_hosts().iter().any(is_socket) {
                return Err(format!(
                    "{place} is a socket on this computer, where PostgreSQL speaks no TLS; remove sslmode=require"
                ));
            }
            config.ssl_mode(SslMode::Require);
            Some(tls::connector(cfg.ca_file.as_deref())?)
        } else {
            config.ssl_mode(SslMode::Disable);
            None
        };
        if let Some(password) = &cfg.password {
            config.password(password.expose_secret());
        }
        config.application_name("vms").connect_timeout(CONNECT_DEADLINE);
        Ok(Self { config, tls, place, password: cfg.password.clone() })
    }

    /// The same server under another name of ours, as it shows in the server's list of connections.
    pub(super) fn named(mut self, application: &str) -> Self {
        self.config.application_name(application);
        self
    }

    /// What to connect with.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// How to encrypt; none where nothing is encrypted.
    pub(super) fn tls(&self) -> Option<&MakeRustlsConnect> {
        self.tls.as_ref()
    }

    /// Host, port and database, as shown.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The text without the password, should a server have echoed it.
    pub(super) fn hide(&self, text: String) -> String {
        match self.password.as_ref().map(ExposeSecret::expose_secret) {
            Some(secret) if !secret.is_empty() && text.contains(secret) => text.replace(secret, "•••"),
            _ => text,
        }
    }

    /// Why connecting failed and what to do about it.
    pub(super) fn explain(&self, e: &tokio_postgres::Error) -> String {
        if let Some(why) = tls::explain(e) {
            return self.hide(format!("{}: {why}", self.place));
        }
        let text = match e.code() {
            Some(&(SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION)) => {
                format!("{} refuses the login ({}); check historian.url and historian.password", self.place, causes(e))
            }
            Some(&SqlState::INVALID_CATALOG_NAME) => {
                format!("{}: there is no such database; create it with createdb, or correct historian.url", self.place)
            }
            Some(&SqlState::TOO_MANY_CONNECTIONS) => {
                format!("{} has no connection left; raise max_connections or end idle ones", self.place)
            }
            Some(&SqlState::CANNOT_CONNECT_NOW) => format!("{} is starting or stopping: {}", self.place, causes(e)),
            None if is_refused(e) => {
                format!("nothing answers at {}; start PostgreSQL or correct historian.url", self.place)
            }
            None if e.to_string().contains("invalid configuration") => {
                format!("{}: {}; set historian.password", self.place, causes(e))
            }
            _ => format!("{}: {}", self.place, causes(e)),
        };
        self.hide(text)
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn is_socket(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

fn place(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(dir)) => show(dir),
        None => config.get_hostaddrs().first().map_or_else(|| "?".into(), ToString::to_string),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or("?");
    format!("{host}:{port}/{database}")
}

fn show(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn is_refused(e: &tokio_postgres::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(e);
    while let Some(e) = next {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{ConnectionRefused, NotFound};
            return matches!(io.kind(), ConnectionRefused | NotFound);
        }
        next = e.source();
    }
    false
}

/// The server's own sentence where it sent one, else the chain of causes.
pub(super) fn causes(e: &tokio_postgres::Error) -> String {
    if let Some(db) = e.as_db_error() {
        return db.message().to_owned();
    }
    let mut text = e.to_string();
    let mut next = std::error::Error::source(e);
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, String> {
        Target::new(&Historian { url: url.into(), password: Some("s3cret-word".into()), ..Historian::default() })
    }

    #[test]
    fn only_this_computer_is_talked_to_without_encryption() {
        for url in [
            "postgres://vms@127.0.0.1:5432/x",
            "postgres://vms@localhost/x",
            "postgres://vms@LOCALHOST/x",
            "postgres://vms@[::1]:5432/x",
            "host=/run/postgresql user=vms dbname=x",
            "postgres://vms@%2Frun%2Fpostgresql/x",
        ] {
            assert!(target(url).is_ok_and(|t| t.tls().is_none()), "{url}");
        }
        for url in [
            "postgres://vms@10.0.0.5/x",
            "postgres://vms@db.plant.example/x",
            "postgres://vms@db.plant.example/x?sslmode=prefer",
            "postgres://vms@127.0.0.1,10.0.0.5/x",
            "postgres://vms@localhost.example/x",
            "host=localhost hostaddr=10.0.0.5 user=vms",
            "postgres://vms@localhost/x?sslmode=require",
            "postgres://vms@localhost/x?sslmode=verify-full",
        ] {
            let t = target(url).unwrap_or_else(|e| panic!("{url}: {e}"));
            assert!(t.tls().is_some() && t.config().get_ssl_mode() == SslMode::Require, "{url}");
        }
    }

    #[test]
    fn bad_addresses_say_what_would_be_right() {
        assert!(target("mysql://x").err().unwrap().contains("postgres://USER@HOST"));
        assert!(target("user=vms").err().unwrap().contains("no host"));
        for (url, why) in [
            ("postgres://vms@10.0.0.5/x?sslmode=disable", "TLS is required"),
            ("host=/run/postgresql user=vms sslmode=require", "remove sslmode=require"),
            ("hostaddr=10.0.0.5 user=vms", "host=NAME"),
        ] {
            let text = target(url).err().unwrap();
            assert!(text.contains(why) && !text.contains("s3cret"), "{url}: {text}");
        }
    }

    #[test]
    fn the_password_is_hidden_wherever_it_turns_up() {
        let t = target("postgres://vms@127.0.0.1:5433/deevia").unwrap();
        assert_eq!(t.hide("login s3cret-word failed".into()), "login ••• failed");
        assert_eq!(t.place(), "127.0.0.1:5433/deevia");
    }
}
