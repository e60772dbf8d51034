//! The serial port itself: opening it, its silent gaps, sending and receiving bytes.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_serial::{ClearBuffer, SerialPort, SerialStream};

use crate::base::clock::pace;
use crate::config::sections::{Parity, Plc};

/// An open port.
#[derive(Debug)]
pub struct Line {
    port: SerialStream,
    baud_rate: u32,
    quiet_since: Instant,
}

/// The silent gap that ends a frame: 3.5 characters of 11 bits, and 1.75 ms above 19200 baud
/// (MODBUS over Serial Line V1.02, section 2.5.1.1).
#[must_use]
pub fn silent_gap(baud_rate: u32) -> Duration {
    if baud_rate > 19200 { Duration::from_micros(1750) } else { characters(baud_rate, 7) / 2 }
}

/// Time of `n` characters of 11 bits on the line.
fn characters(baud_rate: u32, n: u32) -> Duration {
    Duration::from_secs(11) * n / baud_rate.max(1)
}

/// `19200 8E1`: speed, data bits, parity, stop bits.
#[must_use]
pub fn describe(cfg: &Plc) -> String {
    let form = match cfg.parity {
        Parity::None => "8N2",
        Parity::Even => "8E1",
        Parity::Odd => "8O1",
    };
    format!("{} {form}", cfg.baud_rate)
}

impl Line {
    /// Opens the port for this program alone; a symbolic link is followed anew each time.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to do.
    pub fn open(cfg: &Plc) -> Result<Self, String> {
        let (parity, stop_bits) = match cfg.parity {
            // Without parity the character keeps its 11 bits by a second stop bit (V1.02, section 2.5.1).
            Parity::None => (tokio_serial::Parity::None, tokio_serial::StopBits::Two),
            Parity::Even => (tokio_serial::Parity::Even, tokio_serial::StopBits::One),
            Parity::Odd => (tokio_serial::Parity::Odd, tokio_serial::StopBits::One),
        };
        let builder = tokio_serial::new(&*cfg.port, cfg.baud_rate)
            .data_bits(tokio_serial::DataBits::Eight)
            .flow_control(tokio_serial::FlowControl::None)
            .parity(parity)
            .stop_bits(stop_bits);
        // Opening sets the exclusive flag: nobody else can open the port while it is ours.
        let port = SerialStream::open(&builder).map_err(|e| open_text(&cfg.port, &e))?;
        Ok(Self { port, baud_rate: cfg.baud_rate, quiet_since: pace() })
    }

    /// When the next request may begin.
    #[must_use]
    pub fn free_at(&self) -> Instant {
        self.quiet_since + silent_gap(self.baud_rate)
    }

    /// Throws away whatever came unasked.
    ///
    /// # Errors
    /// The port is gone.
    pub fn drain(&mut self) -> io::Result<()> {
        self.port.clear(ClearBuffer::Input).map_err(io::Error::from)?;
        let mut waste = [0; 256];
        loop {
            match self.port.try_read(&mut waste) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            }
        }
    }

    /// Hands a frame to the port; returns when its last byte will have gone.
    ///
    /// Not flushed: that would block the thread until the line is through. The bytes still queued tell the time.
    ///
    /// # Errors
    /// The port is gone.
    pub async fn send(&mut self, frame: &[u8]) -> io::Result<Instant> {
        self.port.write_all(frame).await?;
        let queued = self.port.bytes_to_write().unwrap_or(0).min(frame.len() as u32);
        self.quiet_since = pace() + characters(self.baud_rate, queued);
        Ok(self.quiet_since)
    }

    /// Adds what has come to `buffer`. Cancel-safe: a byte is either in the buffer or still in the port.
    ///
    /// # Errors
    /// The port is gone, also when it reports its end.
    pub async fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut chunk = [0; 256];
        let n = self.port.read(&mut chunk).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.quiet_since = pace();
        buffer.extend_from_slice(&chunk[..n]);
        Ok(())
    }
}

fn open_text(port: &str, e: &tokio_serial::Error) -> String {
    use tokio_serial::ErrorKind as K;
    match e.kind {
        K::NoDevice if e.description.contains("busy") || e.description.contains("lock") => busy(port),
        K::NoDevice | K::Io(io::ErrorKind::NotFound) => format!("{port}: no such port; check the cable; trying again"),
        K::Io(io::ErrorKind::PermissionDenied) => {
            format!("{port}: not allowed; add the program's user to the port's group (dialout); trying again")
        }
        K::Io(io::ErrorKind::ResourceBusy) => busy(port),
        _ => format!("{port}: cannot be opened ({e}); check the port and its settings; trying again"),
    }
}

fn busy(port: &str) -> String {
    format!("{port}: another program holds it; end that program; trying again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_after_the_specification() {
        assert_eq!(silent_gap(115_200).as_micros(), 1750);
        assert_eq!(silent_gap(19200).as_micros(), 2005);
        assert_eq!(silent_gap(9600).as_micros(), 4010);
        assert_eq!(characters(19200, 8).as_micros(), 4583);
    }
}
