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
//! | `hystart`, `train` | leaving the first slow start before it loses | RFC 9406 |
//! | `bbr/` | a model of the path instead of losses | draft-ietf-ccwg-bbr |
//! | `control` | the door for one's own |  |
//!
//! A reduction is taken from `cwnd`, as Linux does, not from the bytes in flight, as RFC 5681 §3.1 has it: `cwnd` grows only while
//! it is what holds the sender back ([`Ack::limited`]) and decays in idle time, so it cannot be far beyond what was in flight, and
//! a connection that had little to send when a loss came does not pay for that afterwards.

mod bbr;
mod control;
mod cubic;
mod hystart;
mod new_reno;
mod train;
mod window;

#[cfg(test)]
mod model;

use alloc::boxed::Box;

use crate::base::{Duration, Instant};
use bbr::Bbr;
pub use control::{Control, Lost, Own, Sample, Start};
use cubic::Cubic;
pub use hystart::Careful;
use new_reno::NewReno;
use window::UNLIMITED;
pub use window::Window;

/// What an acknowledgement means to congestion control.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
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
    /// The shortest round trip that was ever measured.
    pub lowest: Option<Duration>,
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
    /// BBR version 3 (draft-ietf-ccwg-bbr).
    Bbr,
    /// One's own.
    Own(&'static Own),
}

impl Algorithm {
    /// What `TCP_CONGESTION` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewReno => "reno",
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
            Self::Own(own) => own.name,
        }
    }

    /// The algorithm of that name: of the house, or of `own`.
    pub fn named(name: &str, own: &[&'static Own]) -> Option<Self> {
        let of_the_house = [Self::NewReno, Self::Cubic, Self::Bbr].into_iter();
        of_the_house.chain(own.iter().copied().map(Self::Own)).find(|algorithm| algorithm.name() == name)
    }
}

/// What `TCP_CC_INFO` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Info {
    /// Of BBR.
    Bbr(BbrInfo),
}

/// Linux's `struct tcp_bbr_info`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct BbrInfo {
    /// Bytes a second.
    pub bandwidth: u64,
    /// The lowest round trip in microseconds; `u32::MAX` before the first.
    pub min_rtt_us: u32,
    /// In 1/256.
    pub pacing_gain: u32,
    /// In 1/256.
    pub cwnd_gain: u32,
}

/// The congestion control of one connection.
#[derive(Debug)]
pub struct Congestion {
    window: Window,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    NewReno(NewReno),
    Cubic(Cubic),
    Bbr(Box<Bbr>),
    Own(&'static Own, Box<dyn Control>),
}

impl Kind {
    #[inline(always)]
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::NewReno => Self::NewReno(NewReno::default()),
            Algorithm::Cubic => Self::Cubic(Cubic::default()),
            Algorithm::Bbr => Self::Bbr(Box::new(Bbr::new())),
            Algorithm::Own(own) => Self::Own(own, (own.make)()),
        }
    }

    /// Those that go by samples, or may.
    fn model(&mut self) -> Option<&mut dyn Control> {
        match self {
            Self::NewReno(_) | Self::Cubic(_) => None,
            Self::Bbr(control) => Some(&mut **control),
            Self::Own(_, control) => Some(&mut **control),
        }
    }

    fn model_ref(&self) -> Option<&dyn Control> {
        match self {
            Self::NewReno(_) | Self::Cubic(_) => None,
            Self::Bbr(control) => Some(&**control),
            Self::Own(_, control) => Some(&**control),
        }
    }
}

/// What [`Congestion::restore`] goes back to.
#[derive(Clone, Debug)]
pub struct Before {
    window: Window,
    kind: KindBefore,
}

#[derive(Clone, Debug)]
enum KindBefore {
    NewReno(NewReno),
    Cubic(Cubic),
    /// It keeps for itself what it wants to know.
    Model,
}

impl Congestion {
    /// Initial window of 10 segments (RFC 6928), at most as that RFC says for large segments.
    #[inline(always)]
    pub fn new(algorithm: Algorithm, mss: u32) -> Self {
        Self { window: Window::new(mss), kind: Kind::new(algorithm) }
    }

    /// Another algorithm goes on with the window as it is.
    pub fn change(&mut self, algorithm: Algorithm) {
        self.kind = Kind::new(algorithm);
    }

    /// Which one it is.
    pub fn algorithm(&self) -> Algorithm {
        match self.kind {
            Kind::NewReno(_) => Algorithm::NewReno,
            Kind::Cubic(_) => Algorithm::Cubic,
            Kind::Bbr(_) => Algorithm::Bbr,
            Kind::Own(own, _) => Algorithm::Own(own),
        }
    }

    /// It wants samples of the delivery rate.
    pub fn is_modelled(&self) -> bool {
        self.kind.model_ref().is_some()
    }

    /// It rules the window in recovery too (see [`Control::governs`]).
    pub fn governs(&self) -> bool {
        self.kind.model_ref().is_some_and(Control::governs)
    }

    /// See [`Control::holds_back`].
    pub fn holds_back(&self) -> bool {
        self.kind.model_ref().is_some_and(Control::holds_back)
    }

    /// Bytes a second at which it wants to send; none: as the window allows.
    pub fn pacing_rate(&self) -> Option<u64> {
        self.kind.model_ref()?.pacing_rate()
    }

    /// What it has to tell beyond its window.
    pub fn info(&self) -> Option<Info> {
        self.kind.model_ref()?.info()
    }

    /// The connection is established.
    pub fn begin(&mut self, start: &Start) {
        if let Some(model) = self.kind.model() {
            model.begin(&mut self.window, start);
        }
    }

    /// An acknowledgement told of something delivered.
    pub fn sampled(&mut self, sample: &Sample) {
        if let Some(model) = self.kind.model() {
            model.sampled(&mut self.window, sample);
        }
    }

    /// Something was found lost.
    pub fn lost(&mut self, lost: &Lost) {
        if let Some(model) = self.kind.model() {
            model.lost(&mut self.window, lost);
        }
    }

    /// The application writes again after silence.
    pub fn restarts(&mut self, now: Instant) {
        if let Some(model) = self.kind.model() {
            model.restarts(&mut self.window, now);
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

    /// New data was acknowledged outside recovery. `careful`: how CUBIC leaves its first slow start.
    #[inline(always)]
    pub fn acked(&mut self, ack: &Ack, careful: Careful) {
        match &mut self.kind {
            Kind::NewReno(control) => control.acked(&mut self.window, ack),
            Kind::Cubic(control) => control.acked(&mut self.window, ack, careful),
            Kind::Bbr(_) => {}
            Kind::Own(_, control) => control.acked(&mut self.window, ack),
        }
    }

    /// A loss was detected and mended: `cwnd` becomes the new `ssthresh` (RFC 5681 §3.2 step 2, RFC 9438 §4.6).
    pub fn loss(&mut self) {
        self.reduce();
        self.fall();
    }

    /// A router marked a packet: congestion, but nothing was lost (RFC 3168 §6.1.2). CUBIC steps back less far than after a loss
    /// (RFC 8511 §3); NewReno as after a loss, as in Linux.
    pub fn marked(&mut self) {
        match &mut self.kind {
            Kind::NewReno(control) => control.reduce(&mut self.window),
            Kind::Cubic(control) => control.marked(&mut self.window),
            Kind::Bbr(control) => control.marked(&mut self.window),
            Kind::Own(_, control) => control.marked(&mut self.window),
        }
        self.fall();
    }

    /// `cwnd` becomes `ssthresh`, unless somebody else rules it.
    fn fall(&mut self) {
        if !self.governs() && self.window.ssthresh != UNLIMITED {
            self.window.cwnd = self.window.ssthresh;
        }
    }

    /// The retransmission timer fired: `cwnd` is one segment (RFC 5681 §3.1). `first`: not a repeated timeout of the same data,
    /// which leaves `ssthresh` as it is.
    pub fn timeout(&mut self, first: bool) {
        if first {
            self.lower();
        }
        self.window.cwnd = self.window.mss;
        match &mut self.kind {
            Kind::NewReno(_) => {}
            Kind::Cubic(control) => control.timed_out(),
            Kind::Bbr(control) => control.timed_out(&mut self.window),
            Kind::Own(_, control) => control.timed_out(&mut self.window),
        }
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

    /// What to go back to if a reduction that is about to be made was needless.
    pub fn remember(&self) -> Before {
        let kind = match &self.kind {
            Kind::NewReno(control) => KindBefore::NewReno(control.clone()),
            Kind::Cubic(control) => KindBefore::Cubic(control.clone()),
            Kind::Bbr(_) | Kind::Own(..) => KindBefore::Model,
        };
        Before { window: self.window.clone(), kind }
    }

    /// The reduction was needless (RFC 4015 §3.3): everything is as it was `before` it, and the window no smaller than it is.
    pub fn restore(&mut self, before: Before) {
        let (cwnd, mss) = (self.window.cwnd, self.window.mss);
        self.window = before.window;
        self.window.set_mss(mss);
        self.window.set_cwnd(self.window.cwnd.max(cwnd));
        match (&mut self.kind, before.kind) {
            (Kind::NewReno(control), KindBefore::NewReno(before)) => *control = before,
            (Kind::Cubic(control), KindBefore::Cubic(before)) => *control = before,
            (kind, _) => {
                if let Some(model) = kind.model() {
                    model.undone(&mut self.window);
                }
            }
        }
    }

    /// Recovery is over: `cwnd` is `ssthresh`, unless that never fell: whoever ruled when it began may have been another.
    pub fn recovered(&mut self) {
        if !self.governs() && self.window.ssthresh != UNLIMITED {
            self.window.set_cwnd(self.window.ssthresh);
        }
    }

    /// Nothing was sent for `idle`: restart window (RFC 5681 §4.1; Linux halves once a timeout).
    pub fn idle(&mut self, idle: Duration, rto: Duration) {
        match &mut self.kind {
            Kind::NewReno(_) => self.window.idle(idle, rto),
            Kind::Cubic(control) => {
                self.window.idle(idle, rto);
                control.idle();
            }
            Kind::Bbr(control) => control.idle(&mut self.window, idle, rto),
            Kind::Own(_, control) => control.idle(&mut self.window, idle, rto),
        }
    }

    /// The new `ssthresh`.
    fn lower(&mut self) {
        match &mut self.kind {
            Kind::NewReno(control) => control.reduce(&mut self.window),
            Kind::Cubic(control) => control.reduce(&mut self.window),
            Kind::Bbr(control) => control.reduce(&mut self.window),
            Kind::Own(_, control) => control.reduce(&mut self.window),
        }
    }
}

#[cfg(test)]
mod tests;
