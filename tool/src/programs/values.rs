//! Values of arguments: with units, as in lab files.

use std::time::Duration;

use loggia_lab::file::{Unit, duration, rate, show, size};

/// A time: `100ms`.
pub fn time(text: &str) -> Result<Duration, String> {
    duration(text)
}

/// Bytes: `200kB`; a bare number counts bytes.
pub fn bytes(text: &str) -> Result<u64, String> {
    text.parse().or_else(|_| size(text))
}

/// Bytes that fit one buffer.
pub fn buffer(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        0 => Err("a buffer holds at least one byte".into()),
        len if len > 64 << 20 => Err("a buffer holds at most 64MiB".into()),
        len => Ok(len as usize),
    }
}

/// Bytes of a datagram.
pub fn datagram(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        len if len > 65_507 => Err("a datagram holds at most 65507 bytes".into()),
        len => Ok(len as usize),
    }
}

/// Bits a second: `20mbit`.
pub fn bits(text: &str) -> Result<u64, String> {
    rate(text)
}

/// A time as one would say it.
pub fn show_time(time: Duration) -> String {
    show(time.as_secs_f64(), Unit::Time)
}

/// Bytes as one would say them.
pub fn show_bytes(bytes: u64) -> String {
    show(bytes as f64, Unit::Bytes)
}

/// So many bytes in such a time, as a rate.
pub fn show_rate(bytes: u64, time: Duration) -> String {
    if time.is_zero() {
        return "at once".into();
    }
    show(bytes as f64 * 8.0 / time.as_secs_f64(), Unit::Rate)
}
