//! The way to the mail server: SMTP (RFC 5321) with STARTTLS or TLS from the first byte, and what is said when it fails.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use secrecy::ExposeSecret as _;

use super::gather::one_line;
use super::queue::Waiting;
use crate::config::sections::Mail as Settings;

/// How long the server may take for each answer.
const WITHIN: Duration = Duration::from_secs(15);

/// Why a letter was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The server will refuse this letter again: its fault, or its receiver's.
    #[error("{0}")]
    Refused(String),
    /// Later it may work: server, network, or configuration.
    #[error("{0}")]
    Later(String),
}

/// The mail server of the configuration.
pub struct Server {
    transport: SmtpTransport,
    name: String,
    settings: Settings,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Host, port, and whether TLS begins with the first byte.
///
/// # Errors
/// In words, what is wrong with the address.
pub fn place(server: &str) -> Result<(String, u16, bool), String> {
    let url = url::Url::parse(server).map_err(|e| format!("mail.server {server}: {e}"))?;
    let host = url.host_str().ok_or_else(|| format!("mail.server {server}: the address names no host"))?;
    let tls = url.scheme() == "smtps";
    Ok((host.to_owned(), url.port().unwrap_or(if tls { 465 } else { 587 }), tls))
}

impl Server {
    /// Makes ready; nothing is connected yet.
    ///
    /// # Errors
    /// In words, what is wrong with the configuration or the certificate's file.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let (host, port, wrapped) = place(&settings.server)?;
        let tls = match (wrapped, settings.starttls) {
            (true, _) => Tls::Wrapper(parameters(&host, settings.ca_file.as_deref())?),
            (false, true) => Tls::Required(parameters(&host, settings.ca_file.as_deref())?),
            (false, false) => Tls::None,
        };
        let mut builder = SmtpTransport::builder_dangerous(&host).port(port).tls(tls).timeout(Some(WITHIN));
        if let (Some(user), Some(password)) = (&settings.username, &settings.password) {
            builder = builder.credentials(Credentials::new(user.to_string(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), name: format!("{host}:{port}"), settings: settings.clone() })
    }

    /// Sends a letter; blocks for as long as the server takes.
    ///
    /// # Errors
    /// What went wrong, and whether it can go well later.
    pub fn send(&self, letter: &Waiting) -> Result<(), PostError> {
        let message = self.message(letter).map_err(PostError::Refused)?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(e) => Err(self.explain(&e)),
        }
    }

    /// Connects, encrypts and signs in, without sending anything.
    ///
    /// # Errors
    /// In words, what failed.
    pub fn test(&self) -> Result<String, String> {
        match self.transport.test_connection() {
            Ok(true) => Ok(format!("{} takes mail", self.name)),
            Ok(false) => Err(format!("{} does not answer as a mail server does", self.name)),
            Err(e) => Err(self.explain(&e).to_string()),
        }
    }

    fn message(&self, w: &Waiting) -> Result<Message, String> {
        let mailbox = |a: &str| a.parse::<Mailbox>().map_err(|e| format!("\"{a}\" is no mail address: {e}"));
        let domain = self.settings.from.rsplit('@').next().unwrap_or("localhost");
        let at = Timestamp::from_millisecond(w.at.as_millisecond()).unwrap_or(w.at);
        let mut builder = Message::builder()
            .from(mailbox(&self.settings.from)?)
            .subject(one_line(&w.mail.subject, 200))
            .date(at.into())
            .message_id(Some(format!("<vms-{}@{domain}>", w.number)))
            .header(ContentType::TEXT_PLAIN);
        let to = if w.mail.to.is_empty() { &self.settings.to } else { &w.mail.to };
        for receiver in to {
            builder = builder.to(mailbox(receiver)?);
        }
        builder.body(w.mail.body.to_string()).map_err(|e| format!("the letter cannot be written: {e}"))
    }

    /// What failed and what to do. The server's own words are cut: they may hold anything.
    fn explain(&self, e: &lettre::transport::smtp::Error) -> PostError {
        let mut said = e.to_string();
        let mut cause = std::error::Error::source(e);
        while let Some(c) = cause {
            let text = c.to_string();
            if !said.contains(&text) {
                said = format!("{said}: {text}");
            }
            cause = c.source();
        }
        let said = one_line(&said, 300);
        let name = &self.name;
        let code = e.status().map(u16::from);
        match code {
            // Not the server's own words: it might repeat what it was given.
            Some(code @ (530 | 534 | 535 | 538)) => PostError::Later(format!(
                "{name} refuses user name or password ({code}); correct mail.username and mail.password"
            )),
            Some(500..=599) => PostError::Refused(format!(
                "{name} refuses the letter ({said}); check mail.from and mail.to, and what the server allows"
            )),
            Some(400..=499) => PostError::Later(format!("{name} takes no mail now ({said}); it is tried again")),
            _ if e.is_timeout() || waited(e) => {
                PostError::Later(format!("{name} did not answer in {} s; check server and network", WITHIN.as_secs()))
            }
            _ if e.is_tls() || said.contains("ertificate") => PostError::Later(format!(
                "{name}: no encrypted connection ({said}); set mail.ca_file to the certificate of the plant's own authority, \
                 or mail.server to the name in the server's certificate"
            )),
            _ if said.contains("STARTTLS") => PostError::Later(format!(
                "{name} offers no STARTTLS, so nothing was sent; enable it there, or set mail.starttls = false"
            )),
            _ => PostError::Later(format!("{name} cannot be reached ({said}); check server, network and mail.server")),
        }
    }
}

fn parameters(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca_file {
        let bad = |why: &dyn std::fmt::Display| {
            format!("mail.ca_file {}: {why}; name a PEM file with the certificate of the authority", path.display())
        };
        let pem = std::fs::read(path).map_err(|e| bad(&e))?;
        let own = Certificate::from_pem(&pem).map_err(|e| bad(&e))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(own);
    }
    builder.build_rustls().map_err(|e| format!("TLS cannot be used: {e}"))
}
/// Whether a read ran into its deadline: the system then says that it would have to wait.
fn waited(e: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(e);
    while let Some(c) = cause {
        let kind = c.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(kind, Some(std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)) {
            return true;
        }
        cause = c.source();
    }
    false
}
