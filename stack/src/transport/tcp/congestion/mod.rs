//! Congestion control: a closed set, chosen by connection (`TCP_CONGESTION`) and by stack.
//!
//! The connection tells what happened, the algorithm keeps `cwnd` and `ssthresh` in bytes; recovery itself (what is lost, what
//! to send again) is not its business.

use crate::base::{Duration, Instant};

/// What an acknowledgement means to congestion control.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    /// Now.
    pub now: Instant,
    /// Bytes newly acknowledged cumulatively.
    pub acked: u32,
    /// Bytes in flight before the acknowledgement.
    pub in_flight: u32,
    /// The smoothed round trip.
    pub srtt: Option<Duration>,
    /// The round trip measured by this acknowledgement.
    pub rtt: Option<Duration>,
    /// `cwnd` was what held the sender back (RFC 7661; Linux's `is_cwnd_limited`). If not, `cwnd` does not grow.
    pub limited: bool,
}

/// The algorithms by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// NewReno (RFC 5681).
    NewReno,
    /// CUBIC (RFC 9438).
    #[default]
    Cubic,
}

/// The congestion control of one connection.
#[derive(Clone, Debug)]
pub struct Congestion {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Congestion {
    /// Initial window of 10 segments (RFC 6928), at most as that RFC says for large segments.
    pub fn new(algorithm: Algorithm, mss: u32) -> Self {
        todo!()
    }
    pub fn algorithm(&self) -> Algorithm {
        todo!()
    }
    pub fn cwnd(&self) -> u32 {
        todo!()
    }
    pub fn ssthresh(&self) -> u32 {
        todo!()
    }
    pub fn in_slow_start(&self) -> bool {
        todo!()
    }
    /// The segment size became known or changed.
    pub fn set_mss(&mut self, mss: u32) {
        todo!()
    }
    /// New data was acknowledged outside recovery.
    pub fn acked(&mut self, ack: &Ack) {
        todo!()
    }
    /// A loss was detected: recovery begins (RFC 5681 §3.2 step 2, RFC 9438 §4.6). `cwnd` becomes the new `ssthresh`.
    pub fn loss(&mut self, now: Instant, in_flight: u32) {
        todo!()
    }
    /// The retransmission timer fired: `cwnd` is one segment (RFC 5681 §3.1). `first`: not a repeated timeout of the same data.
    pub fn timeout(&mut self, now: Instant, in_flight: u32, first: bool) {
        todo!()
    }
    /// Sets `cwnd` during recovery without SACK (NewReno's inflation and deflation).
    pub fn set_cwnd(&mut self, cwnd: u32) {
        todo!()
    }
    /// Recovery is over: `cwnd` is `ssthresh`.
    pub fn recovered(&mut self, now: Instant) {
        todo!()
    }
    /// Nothing was sent for `idle`: restart window (RFC 5681 §4.1; Linux halves once a timeout).
    pub fn idle(&mut self, idle: Duration, rto: Duration) {
        todo!()
    }
}
