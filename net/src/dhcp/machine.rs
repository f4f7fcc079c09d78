//! The states of a client (RFC 2131 §4.4, figure 5), without a clock and without sockets: messages, moments and findings come in, and what
//! is to be done goes out.
//!
//! ```text
//!  Init ──DISCOVER──► Selecting ──offer──► Requesting ──ack──► Probing ──free──► Bound ──T1──► Renewing ──T2──► Rebinding
//!   ▲ ▲                                       │nak, silence       │taken             ▲            │ack            │ack
//!   │ └──────────────a while later────────────┴───DECLINE─────────┘                  └────────────┴───────────────┘
//!   └──────────────────────────────────────────────nak, the end of the lease──────────────────────────────────────
//! ```

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use loggia_stack::base::{Entropy, Instant, Seed};

use super::config::Config;
use super::lease::Lease;
use super::message::{self, Kind, Reply, Say};
use crate::device::MacAddr;

/// RFC 2131 §4.1: the first pause before a message is sent again, which doubles four times.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
const DOUBLINGS: u32 = 4;
/// RFC 2131 §4.1: and a second more or less.
const JITTER: Duration = Duration::from_secs(1);
/// A request that was sent so often without an answer is given up (RFC 2131 §3.1.5).
const REQUESTS: u32 = 4;
/// A request for the address that we had before, and which this network may not know.
const REBOOT_REQUESTS: u32 = 2;
/// RFC 2131 §4.4.5: requests to keep an address are no closer than this.
const CLOSEST: Duration = Duration::from_secs(60);
/// RFC 2131 §3.1.5: the least pause after an address was declined.
const AFTER_DECLINE: Duration = Duration::from_secs(10);
/// The pause after a refusal; doubles with each in a row, so that one who refuses all costs little.
const AFTER_NAK: Duration = Duration::from_secs(1);

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Do {
    /// Send to all on the link.
    Broadcast(Vec<u8>),
    /// Send to a server.
    Unicast(Ipv4Addr, Vec<u8>),
    /// Find out whether somebody has the address, and say [`Machine::probed`].
    Probe(Lease),
    /// The host has this from now on.
    Bind(Lease),
    /// And no longer.
    Unbind,
}

/// A lease and when it was asked for.
#[derive(Clone, Debug)]
struct Held {
    lease: Lease,
    since: Instant,
}

impl Held {
    fn at(&self, after: Duration) -> Instant {
        if after == Duration::MAX { Instant::NEVER } else { self.since + after }
    }

    fn renew_at(&self) -> Instant {
        self.at(self.lease.renew_after)
    }

    fn rebind_at(&self) -> Instant {
        self.at(self.lease.rebind_after)
    }

    fn ends_at(&self) -> Instant {
        self.at(self.lease.duration)
    }
}

#[derive(Debug)]
enum State {
    /// Begins at that moment.
    Init(Instant),
    Selecting,
    Requesting(Lease),
    Rebooting(Ipv4Addr),
    Probing(Held),
    Bound(Held),
    Renewing(Held),
    Rebinding(Held),
    /// It has ended.
    Over,
}

/// A client of one interface.
#[derive(Debug)]
pub(super) struct Machine {
    mac: MacAddr,
    config: Config,
    random: Entropy,
    state: State,
    todo: VecDeque<Do>,
    /// Of the exchange under way.
    xid: u32,
    /// When that began.
    begun: Instant,
    /// When its last message was sent, how often it was, and when it is sent again.
    sent: Instant,
    tries: u32,
    again: Instant,
    /// Refusals in a row.
    refusals: u32,
}

impl Machine {
    pub(super) fn new(mac: MacAddr, config: Config, seed: Seed, now: Instant) -> Self {
        let mut machine = Self {
            mac,
            config,
            random: Entropy::new(seed),
            state: State::Init(now),
            todo: VecDeque::new(),
            xid: 0,
            begun: now,
            sent: now,
            tries: 0,
            again: now,
            refusals: 0,
        };
        // RFC 2131 §3.2. The random wait of one to ten seconds before the first message, for the case that a thousand hosts get power at
        // once, is left out as all clients of today do.
        if let Some(address) = machine.config.previous {
            machine.begin(State::Rebooting(address), now);
        }
        machine
    }

    /// What is to be done next.
    pub(super) fn next(&mut self) -> Option<Do> {
        self.todo.pop_front()
    }

    /// When [`Machine::advance`] is due.
    pub(super) fn deadline(&self) -> Instant {
        match &self.state {
            State::Init(at) => *at,
            State::Selecting | State::Requesting(_) | State::Rebooting(_) => self.again,
            State::Bound(held) => held.renew_at(),
            State::Renewing(held) => self.again.min(held.rebind_at()),
            State::Rebinding(held) => self.again.min(held.ends_at()),
            State::Probing(held) => held.ends_at(),
            State::Over => Instant::NEVER,
        }
    }

    /// The address that is being probed for.
    pub(super) fn probing(&self) -> Option<Ipv4Addr> {
        if let State::Probing(held) = &self.state { Some(held.lease.ip()) } else { None }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over) && self.todo.is_empty()
    }

    /// Time has passed.
    pub(super) fn advance(&mut self, now: Instant) {
        while self.deadline() <= now {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Init(_) => self.begin(State::Selecting, now),
                State::Requesting(_) if self.tries >= REQUESTS => self.begin(State::Selecting, now),
                State::Rebooting(_) if self.tries >= REBOOT_REQUESTS => self.begin(State::Selecting, now),
                State::Bound(held) => self.begin(State::Renewing(held), now),
                State::Renewing(held) if now >= held.rebind_at() => self.begin(State::Rebinding(held), now),
                State::Rebinding(held) | State::Probing(held) if now >= held.ends_at() => self.lose(now),
                same => {
                    self.state = same;
                    self.say(now);
                }
            }
        }
    }

    /// A datagram has come to the client's port.
    pub(super) fn receive(&mut self, bytes: &[u8], now: Instant) {
        let Some(reply) = message::read(bytes, self.mac, self.xid) else { return };
        match std::mem::replace(&mut self.state, State::Over) {
            State::Selecting if reply.kind == Kind::Offer => self.offered(&reply, now),
            State::Requesting(offer) => {
                self.answered(State::Requesting(offer.clone()), offer.ip(), Some(offer.server), &reply, now);
            }
            State::Rebooting(address) => self.answered(State::Rebooting(address), address, None, &reply, now),
            State::Renewing(held) => self.kept(State::Renewing(held.clone()), &held, &reply, now),
            State::Rebinding(held) => self.kept(State::Rebinding(held.clone()), &held, &reply, now),
            same => self.state = same,
        }
    }

    /// Nobody has the address that was probed for, or somebody has.
    pub(super) fn probed(&mut self, free: bool, now: Instant) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Probing(held) if free => self.bind(held),
            State::Probing(held) => {
                let decline = Say::Decline { server: held.lease.server, address: held.lease.ip() };
                let bytes = self.message(decline, now);
                // First the address goes: it must not be the sender's.
                self.todo.extend([Do::Unbind, Do::Broadcast(bytes)]);
                self.state = State::Init(now + AFTER_DECLINE);
            }
            same => self.state = same,
        }
    }

    /// Ends: gives back what is held.
    pub(super) fn release(&mut self, now: Instant) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Bound(held) | State::Renewing(held) | State::Rebinding(held) => {
                self.xid = self.random.next_u32();
                self.begun = now;
                let Lease { server, .. } = held.lease;
                let bytes = self.message(Say::Release { server, address: held.lease.ip() }, now);
                // RFC 2131 §4.4.6: it is sent from the address, which goes after that.
                self.todo.extend([Do::Unicast(server, bytes), Do::Unbind]);
            }
            State::Probing(_) => self.todo.push_back(Do::Unbind),
            State::Init(_) | State::Selecting | State::Requesting(_) | State::Rebooting(_) | State::Over => {}
        }
    }
}

/// What has come.
impl Machine {
    /// RFC 2131 §4.4.1 leaves the choice to us: the first offer that can be a lease.
    fn offered(&mut self, reply: &Reply, now: Instant) {
        match Lease::new(reply) {
            Some(offer) => {
                self.state = State::Requesting(offer);
                self.tries = 0;
                self.say(now);
            }
            None => self.state = State::Selecting,
        }
    }

    /// An answer to a request for an address that we do not have yet; `from` whom it must be, if that is known.
    fn answered(&mut self, state: State, address: Ipv4Addr, from: Option<Ipv4Addr>, reply: &Reply, now: Instant) {
        let is_from = from.is_none_or(|server| server == reply.server);
        match (reply.kind, Lease::new(reply)) {
            (Kind::Nak, _) if is_from => self.refused(now),
            (Kind::Ack, Some(lease)) if is_from && lease.ip() == address => {
                let held = Held { lease, since: self.sent };
                if self.config.probe {
                    self.todo.push_back(Do::Probe(held.lease.clone()));
                    self.state = State::Probing(held);
                } else {
                    self.bind(held);
                }
            }
            _ => self.state = state,
        }
    }

    /// An answer to a request to keep what we have.
    fn kept(&mut self, state: State, held: &Held, reply: &Reply, now: Instant) {
        match (reply.kind, Lease::new(reply)) {
            (Kind::Nak, _) => {
                self.todo.push_back(Do::Unbind);
                self.refused(now);
            }
            (Kind::Ack, Some(lease)) if lease.ip() == held.lease.ip() => self.bind(Held { lease, since: self.sent }),
            _ => self.state = state,
        }
    }

    fn bind(&mut self, held: Held) {
        self.refusals = 0;
        self.todo.push_back(Do::Bind(held.lease.clone()));
        self.state = State::Bound(held);
    }

    fn refused(&mut self, now: Instant) {
        self.state = State::Init(now + AFTER_NAK * 2u32.pow(self.refusals));
        self.refusals = (self.refusals + 1).min(6);
    }

    /// The lease is over.
    fn lose(&mut self, now: Instant) {
        self.todo.push_back(Do::Unbind);
        self.begin(State::Selecting, now);
    }
}

/// What is said.
impl Machine {
    /// Begins an exchange with an id of its own.
    fn begin(&mut self, state: State, now: Instant) {
        self.xid = self.random.next_u32();
        self.begun = now;
        self.tries = 0;
        self.state = state;
        self.say(now);
    }

    /// Says what the state has to say, and when that is to be repeated.
    fn say(&mut self, now: Instant) {
        self.sent = now;
        self.tries += 1;
        let (say, to, again) = match &self.state {
            State::Selecting => (Say::Discover, None, None),
            State::Requesting(offer) => (Say::Take { server: offer.server, address: offer.ip() }, None, None),
            State::Rebooting(address) => (Say::Again { address: *address }, None, None),
            State::Renewing(held) => (Say::Keep { address: held.lease.ip() }, Some(held.lease.server), Some(held.rebind_at())),
            State::Rebinding(held) => (Say::Keep { address: held.lease.ip() }, None, Some(held.ends_at())),
            State::Init(_) | State::Probing(_) | State::Bound(_) | State::Over => return,
        };
        self.again = match again {
            Some(end) => half_way(now, end),
            None => now + self.pause(),
        };
        let bytes = self.message(say, now);
        self.todo.push_back(match to {
            Some(server) => Do::Unicast(server, bytes),
            None => Do::Broadcast(bytes),
        });
    }

    /// RFC 2131 §4.1: the pause after so many tries, a second less to a second more.
    fn pause(&mut self) -> Duration {
        let jitter = Duration::from_micros(self.random.below(2 * JITTER.as_micros() as u32).into());
        (FIRST_PAUSE * 2u32.pow((self.tries - 1).min(DOUBLINGS)) + jitter).saturating_sub(JITTER)
    }

    fn message(&self, say: Say, now: Instant) -> Vec<u8> {
        let secs = u16::try_from((now - self.begun).as_secs()).unwrap_or(u16::MAX);
        message::write(say, self.mac, self.xid, secs, &self.config)
    }
}

/// RFC 2131 §4.4.5: half of what is left, but not too soon.
fn half_way(now: Instant, end: Instant) -> Instant {
    if end.is_set() { now + (end.since(now) / 2).max(CLOSEST) } else { Instant::NEVER }
}
