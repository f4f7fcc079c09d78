//! The door: a congestion control of one's own, and what it is told.
//!
//! An algorithm is a value of a type that implements [`Control`]. Two methods are needed, the others have the answer of those that know
//! of nothing but windows. It is named by an [`Own`], registered in [`TcpConfig::own_congestion_controls`] and then chosen like any
//! other: by that name with `TCP_CONGESTION`, or as the stack's `tcp_congestion_control`.
//!
//! [`TcpConfig::own_congestion_controls`]: crate::transport::tcp::TcpConfig::own_congestion_controls

use alloc::boxed::Box;
use core::fmt;

use super::window::Window;
use super::{Ack, Info};
use crate::base::{Duration, Instant};

/// A congestion control by name. It lives as long as the program: `static MINE: Own = Own { name: "mine", make: || Box::new(Mine) };`
#[derive(Clone, Copy)]
pub struct Own {
    /// What `TCP_CONGESTION` calls it: at most 15 bytes, and none of `reno`, `cubic`, `bbr`, which it cannot replace.
    pub name: &'static str,
    /// Makes the state of one connection.
    pub make: fn() -> Box<dyn Control>,
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Own {}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Own({:?})", self.name)
    }
}

/// The state of one connection's congestion control. It must depend on nothing but what it is told: no clock, no randomness.
pub trait Control: fmt::Debug + Send + Sync {
    /// Data was acknowledged outside recovery: the window may grow. It should not if `ack.limited` is false.
    fn acked(&mut self, window: &mut Window, ack: &Ack);

    /// A loss was found: `ssthresh` falls to where the window is to be, and the window follows (RFC 6937) until everything that was in
    /// flight is acknowledged. The same after a timeout, where the window falls to one segment.
    fn reduce(&mut self, window: &mut Window);

    /// The path marked packets instead of dropping them (ECN), once in a round trip. By default as good as a loss.
    fn marked(&mut self, window: &mut Window) {
        self.reduce(window);
    }

    /// The connection is established, or changed to this algorithm.
    fn begin(&mut self, _window: &mut Window, _start: &Start) {}

    /// The retransmission timer fired; the window is one segment.
    fn timed_out(&mut self, _window: &mut Window) {}

    /// Nothing was lost after all: the window is what it was before [`Control::reduce`], or larger if it has grown since.
    fn undone(&mut self, _window: &mut Window) {}

    /// Nothing was sent for `idle`, which is longer than the retransmission timeout `rto` (RFC 5681 §4.1).
    fn idle(&mut self, window: &mut Window, idle: Duration, rto: Duration) {
        window.idle(idle, rto);
    }

    /// The application writes again after silence in which all that it had written was acknowledged.
    fn restarts(&mut self, _window: &mut Window, _now: Instant) {}

    /// An acknowledgement told of something delivered, in recovery or not.
    fn sampled(&mut self, _window: &mut Window, _sample: &Sample) {}

    /// Something was found lost, before [`Control::reduce`] and as often as it happens.
    fn lost(&mut self, _window: &mut Window, _lost: &Lost) {}

    /// True if [`Control::sampled`] rules the window at all times: then `acked` is not called, and recovery leaves the window alone.
    fn governs(&self) -> bool {
        false
    }

    /// It sends less than the path would take, on purpose: what is sent now tells nothing of the path.
    fn holds_back(&self) -> bool {
        false
    }

    /// Bytes a second at which the connection is to send; none: as the window allows.
    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    /// What `TCP_CC_INFO` tells.
    fn info(&self) -> Option<Info> {
        None
    }
}

/// How a connection begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Start {
    /// Now.
    pub now: Instant,
    /// The round trip of the handshake, if it was measured.
    pub round_trip: Option<Duration>,
    /// More than one loss in a round trip can be told apart (RFC 2018).
    pub sack: bool,
    /// A number that differs from connection to connection: all the randomness there is.
    pub seed: u32,
}

/// What one acknowledgement tells of the path: a delivery rate sample (draft-ietf-ccwg-bbr §4.1) and its surroundings. Bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Sample {
    /// Now.
    pub now: Instant,
    /// The delivery rate in bytes a second; 0: none that is reliable.
    pub rate: u64,
    /// Delivered since the latest-sent of what is now delivered was sent (`RS.delivered`).
    pub delivered: u64,
    /// Delivered before that was sent (`RS.prior_delivered`).
    pub prior_delivered: u64,
    /// Delivered since the connection began (`C.delivered`).
    pub total_delivered: u64,
    /// Delivered by this acknowledgement.
    pub newly_acked: u32,
    /// Lost since the latest-sent of what is now delivered was sent (`RS.lost`).
    pub lost: u64,
    /// In flight when that was sent, with it (`RS.tx_in_flight`).
    pub sent_in_flight: u32,
    /// In flight now.
    pub in_flight: u32,
    /// The round trip of the latest-sent; none if it was sent more than once.
    pub round_trip: Option<Duration>,
    /// The application, not the path, limited the rate.
    pub app_limited: bool,
    /// The window was full within the last round trip.
    pub window_limited: bool,
    /// Recovery from a loss or a timeout is under way.
    pub recovering: bool,
}

/// What was found lost at one time. Bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Lost {
    /// How much.
    pub bytes: u32,
    /// Delivered since the connection began.
    pub total_delivered: u64,
    /// In flight when the latest of what is lost was sent, with it.
    pub sent_in_flight: u32,
    /// Lost since that was sent, with it.
    pub lost: u64,
    /// It was sent while the application limited the rate.
    pub app_limited: bool,
}
