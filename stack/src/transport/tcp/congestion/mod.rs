//! Congestion control: a closed set, chosen by connection (`TCP_CONGESTION`) and by stack.
//!
//! The connection tells what happened, the algorithm keeps `cwnd` and `ssthresh` in bytes; recovery itself (what is lost, what
//! to send again) is not its business.
//!
//! | file | what | source |
//! |---|---|---|
//! | `window` | `cwnd`, `ssthresh`, slow start, what all share | RFC 5681, RFC 6928 |
//! | `new_reno` | additive increase, halving | RFC 5681, RFC 3465 |
//! | `cubic` | growth by a cubic of time, in integers | RFC 9438, RFC 8511 |
//! | `hystart` | leaving the first slow start before it loses | RFC 9406 |
//!
//! A reduction is taken from `cwnd`, as Linux does, not from the bytes in flight, as RFC 5681 §3.1 has it: `cwnd` grows only while
//! it is what holds the sender back ([`Ack::limited`]) and decays in idle time, so it cannot be far beyond what was in flight, and
//! a connection that had little to send when a loss came does not pay for that afterwards.

mod cubic;
mod hystart;
mod new_reno;
mod window;

#[cfg(test)]
mod model;

use crate::base::{Duration, Instant};
use cubic::Cubic;
use new_reno::NewReno;
use window::Window;

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
    window: Window,
    control: Control,
}

#[derive(Clone, Debug)]
enum Control {
    NewReno(NewReno),
    Cubic(Cubic),
}

impl Congestion {
    /// Initial window of 10 segments (RFC 6928), at most as that RFC says for large segments.
    pub fn new(algorithm: Algorithm, mss: u32) -> Self {
        let control = match algorithm {
            Algorithm::NewReno => Control::NewReno(NewReno::default()),
            Algorithm::Cubic => Control::Cubic(Cubic::default()),
        };
        Self { window: Window::new(mss), control }
    }

    /// Which one it is.
    pub fn algorithm(&self) -> Algorithm {
        match self.control {
            Control::NewReno(_) => Algorithm::NewReno,
            Control::Cubic(_) => Algorithm::Cubic,
        }
    }

    /// How many bytes may be in flight.
    pub fn cwnd(&self) -> u32 {
        self.window.cwnd
    }

    /// Below it the window grows by slow start; `u32::MAX` before the first loss.
    pub fn ssthresh(&self) -> u32 {
        self.window.ssthresh
    }

    /// True below `ssthresh`.
    pub fn in_slow_start(&self) -> bool {
        self.window.in_slow_start()
    }

    /// The segment size became known or changed.
    pub fn set_mss(&mut self, mss: u32) {
        self.window.set_mss(mss);
    }

    /// New data was acknowledged outside recovery.
    pub fn acked(&mut self, ack: &Ack) {
        match &mut self.control {
            Control::NewReno(control) => control.acked(&mut self.window, ack),
            Control::Cubic(control) => control.acked(&mut self.window, ack),
        }
    }

    /// A loss was detected and mended: `cwnd` becomes the new `ssthresh` (RFC 5681 §3.2 step 2, RFC 9438 §4.6).
    pub fn loss(&mut self) {
        self.reduce();
        self.window.cwnd = self.window.ssthresh;
    }

    /// A router marked a packet: congestion, but nothing was lost (RFC 3168 §6.1.2). CUBIC steps back less far than after a loss
    /// (RFC 8511 §3); NewReno as after a loss, as in Linux.
    pub fn marked(&mut self) {
        match &mut self.control {
            Control::NewReno(control) => control.reduce(&mut self.window),
            Control::Cubic(control) => control.marked(&mut self.window),
        }
        self.window.cwnd = self.window.ssthresh;
    }

    /// The retransmission timer fired: `cwnd` is one segment (RFC 5681 §3.1). `first`: not a repeated timeout of the same data,
    /// which leaves `ssthresh` as it is.
    pub fn timeout(&mut self, first: bool) {
        if first {
            self.lower();
        }
        if let Control::Cubic(control) = &mut self.control {
            control.timed_out();
        }
        self.window.cwnd = self.window.mss;
    }

    /// Sets `cwnd` during recovery.
    pub fn set_cwnd(&mut self, cwnd: u32) {
        self.window.set_cwnd(cwnd);
    }

    /// A loss was detected: recovery begins (RFC 5681 §3.2 step 2, RFC 9438 §4.6). `ssthresh` falls; `cwnd` follows by
    /// [`Congestion::set_cwnd`] (RFC 6937).
    pub fn reduce(&mut self) {
        self.lower();
    }

    /// The reduction was needless (RFC 4015 §3.3): everything is as it was `before` it, and the window no smaller than it is.
    pub fn restore(&mut self, before: Self) {
        let (cwnd, mss) = (self.window.cwnd, self.window.mss);
        *self = before;
        self.window.set_mss(mss);
        self.window.set_cwnd(self.window.cwnd.max(cwnd));
    }

    /// Recovery is over: `cwnd` is `ssthresh`.
    pub fn recovered(&mut self) {
        self.window.set_cwnd(self.window.ssthresh);
    }

    /// Nothing was sent for `idle`: restart window (RFC 5681 §4.1; Linux halves once a timeout).
    pub fn idle(&mut self, idle: Duration, rto: Duration) {
        self.window.idle(idle, rto);
        if let Control::Cubic(control) = &mut self.control {
            control.idle();
        }
    }

    /// The new `ssthresh`.
    fn lower(&mut self) {
        match &mut self.control {
            Control::NewReno(control) => control.reduce(&mut self.window),
            Control::Cubic(control) => control.reduce(&mut self.window),
        }
    }
}

#[cfg(test)]
mod tests;
