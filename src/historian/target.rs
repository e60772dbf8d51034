//! Where the server is, and whether it may be talked to without encryption.

use std::net::IpAddr;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;

use super::link::CONNECT_DEADLINE;
use crate::config::sections::Historian;

/// A server that may be connected to.
pub(super) struct Target {
    config: Config,
    place: String,
    password: Option<SecretString>,
}

impl Target {
    /// Checks the address. Without encryption only this computer itself is allowed: on a network, the password and all
    /// data could be read by others.
    pub(super) fn new(cfg: &Historian) -> Result<Self, String> {
        let mut config: Config = cfg.url.parse().map_err(|_| {
            "historian.url is not a PostgreSQL address; write postgres://USER@HOST:PORT/DATABASE".to_owned()
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err("historian.url names no host; write postgres://USER@HOST:PORT/DATABASE".into());
        }
        let place = place(&config);
        let local = config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        if !local {
            return Err(format!(
                "{place} is on the network: this needs TLS, which comes with the historian itself; nothing was sent. \
                 Until then use a server on this computer (127.0.0.1 or a socket directory), or a tunnel to it"
            ));
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err(format!(
                "{place}: sslmode=require is not possible yet; remove it for a server on this computer"
            ));
        }
        if let Some(password) = &cfg.password {
            config.password(password.expose_secret());
        }
        config.ssl_mode(SslMode::Disable).application_name("vms").connect_timeout(CONNECT_DEADLINE);
        Ok(Self { config, place, password: cfg.password.clone() })
    }

    /// What to connect with.
    pub(super) fn config(&self) -> &Config {
        &self.config
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
            assert!(target(url).is_ok(), "{url}");
        }
        for url in [
            "postgres://vms@10.0.0.5/x",
            "postgres://vms@db.plant.example/x",
            "postgres://vms@127.0.0.1,10.0.0.5/x",
            "postgres://vms@localhost.example/x",
            "host=localhost hostaddr=10.0.0.5 user=vms",
        ] {
            let text = target(url).err().unwrap();
            assert!(text.contains("TLS") && !text.contains("s3cret"), "{url}: {text}");
        }
    }

    #[test]
    fn bad_addresses_say_what_would_be_right() {
        assert!(target("mysql://x").err().unwrap().contains("postgres://USER@HOST"));
        assert!(target("user=vms").err().unwrap().contains("no host"));
        assert!(target("postgres://vms@127.0.0.1/x?sslmode=require").err().unwrap().contains("sslmode"));
    }

    #[test]
    fn the_password_is_hidden_wherever_it_turns_up() {
        let t = target("postgres://vms@127.0.0.1:5433/deevia").unwrap();
        assert_eq!(t.hide("login s3cret-word failed".into()), "login ••• failed");
        assert_eq!(t.place(), "127.0.0.1:5433/deevia");
    }
}
