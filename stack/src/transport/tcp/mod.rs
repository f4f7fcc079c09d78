//! TCP (RFC 9293): one flat control block a connection, small records for half-open and TIME-WAIT ones, one table of flows.
//!
//! | concept | file |
//! |---|---|
//! | wire format | `header`, `seq` |
//! | the state machine, one table | `state` |
//! | the control block | `tcb` |
//! | which connection a segment is for | `flows`, `small_tuple`, `input` |
//! | "segment arrives", step by step | `arrives/` |
//! | making output: decide, fill, record; what waits with it | `output/`, `held` |
//! | what was sent, what arrived | `send_queue`, `pieces`, `scoreboard`, `receive_queue`, `out_of_order`, `stamps`, `chunks`, `spare` |
//! | how fast | `round_trip`, `recovery`, `congestion/`, `rate/`, `window`, `tuning`, `usage`, `busy`, `ecn/` |
//! | how large segments are | `segment_size`, `mtu_probe` |
//! | opening and closing | `handshake`, `listener`, `gate`, `half_open`, `cookies`, `fast_open/`, `time_wait`, `isn` |
//! | time | `timers`, `unanswered`, `near` |
//! | what the socket layer calls | `calls/` |
//!
//! RFCs: 9293, 1122, 7323 (timestamps, window scale), 2018, 2883, 6675 (SACK), 6298 (timer), 5681, 6582, 9438 (congestion),
//! 5961 (blind attacks), 6528 (ISN), 6056 (ports), 4987 (SYN floods), 6191 and 1337 (TIME-WAIT), 6093 (urgent), 7413 (Fast Open), 3168 and 9768 (ECN),
//! 4821 (path MTU).
//!
//! Invariants: a connection stands in the table of flows exactly while `in_flows`; every byte of queued payload is charged to the
//! budget; after each input to a connection `settle` puts it where its state belongs.

mod arrives;
mod busy;
mod calls;
mod chunk_queue;
mod chunks;
pub mod congestion;
mod connections;
mod cookies;
mod cx;
mod ecn;
mod errors;
mod fast_open;
mod flows;
mod gate;
mod half_open;
mod handshake;
pub mod header;
mod held;
mod input;
mod isn;
mod known;
mod limits;
mod listener;
mod mtu_probe;
mod near;
pub mod options;
pub mod out_of_order;
mod output;
mod pieces;
mod rate;
pub mod receive_queue;
mod recovery;
pub mod round_trip;
pub mod scoreboard;
mod segment_size;
pub mod send_queue;
pub mod seq;
mod small_tuple;
mod spare;
mod stamps;
mod state;
mod tcb;
mod time_wait;
mod timers;
mod tuning;
mod unanswered;
mod usage;
mod window;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::cold_path;

use crate::base::{Cause, Entropy, Key, LinkId, Pressure, TcpState, Timer, TimerOwner};
use crate::network::Network;
pub use crate::network::Unreachable;
use crate::transport::inet::Inet;
use crate::transport::ports::{Ports, Rules};
pub use calls::Unread;
use cookies::Cookies;
use cx::{Common, Cx};
pub use ecn::AccurateOption;
use fast_open::remembered::Remembered;
pub use fast_open::{Cookie, FastOpenOption};
use flows::{Flow, Flows, Records, Tuple};
pub use gate::{Request, Verdict};
use held::Held;
use isn::Isn;
use limits::Limits;
pub use options::{FastOpenKeys, TcpConfig, TcpInfo, TcpOptions};
use spare::Spare;
pub use stamps::{Happened, Stamp, Wanted as StampsWanted};
use tcb::{Sharing, Tcb};
use time_wait::Waiting;
use unanswered::Unanswered;

/// How many connections that wait for memory are looked at after one input.
const RELIEVED_AT_ONCE: usize = 16;

/// All TCP connections and listeners of a host.
#[derive(Debug)]
pub struct Tcp {
    common: Common,
    records: Records,
    flows: Flows,
    ports: Ports,
    isn: Isn,
    cookies: Cookies,
    waiting: Waiting,
    unanswered: Unanswered,
    starved: VecDeque<Key>,
    default_options: Arc<TcpOptions>,
    /// What cookies are made with unless `tcp_fastopen_key` says otherwise.
    fast_open_key: [u8; 16],
}

impl Tcp {
    /// No connection; hash keys from `entropy`, settings from `config`.
    pub fn new(entropy: &Entropy, config: TcpConfig) -> Self {
        let common = Common {
            config,
            limits: Limits::default(),
            blocked: VecDeque::new(),
            owing: Vec::new(),
            held: Held::default(),
            spare: Spare::default(),
            remembered: Remembered::new(entropy),
        };
        Self {
            common,
            records: Records::default(),
            flows: Flows::new(entropy),
            ports: Ports::new(entropy, Rules::Tcp),
            isn: Isn::new(entropy),
            cookies: Cookies::new(entropy),
            waiting: Waiting::default(),
            unanswered: Unanswered::default(),
            starved: VecDeque::new(),
            default_options: Arc::new(TcpOptions::default()),
            fast_open_key: fast_open::cookie::key(entropy),
        }
    }

    /// The stack's settings.
    pub fn config(&self) -> &TcpConfig {
        &self.common.config
    }

    /// The stack's settings, to be changed; connections that exist keep what they agreed on.
    pub fn config_mut(&mut self) -> &mut TcpConfig {
        &mut self.common.config
    }

    /// Forgets what servers told (`ip tcp_metrics flush`).
    pub fn flush_metrics(&mut self) {
        self.common.remembered.clear();
    }

    /// The ports of TCP (`ip_local_port_range` is set there).
    pub fn ports_mut(&mut self) -> &mut Ports {
        &mut self.ports
    }

    /// Keys of all connections and listeners, in the order of their places.
    pub fn keys(&self) -> Vec<Key> {
        self.records.connections.keys()
    }

    /// How many (connections and listeners, half-open ones, TIME-WAIT records) there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.records.connections.len(), self.records.half_open.len(), self.records.time_wait.len())
    }

    /// A timer of `Tcp`, `HalfOpen` or `TimeWait` fired.
    pub fn timer(&mut self, net: &mut Network, timer: Timer) {
        match timer.owner {
            TimerOwner::HalfOpen => self.half_open_timeout(net, timer),
            TimerOwner::TimeWait => self.time_wait_timeout(net),
            _ => {
                let id = Key::from_bits(timer.key);
                if let Some((tcb, mut cx)) = self.with(net, id) {
                    timers::fired(tcb, &mut cx);
                    self.settle(net, id);
                }
            }
        }
    }

    /// A link has room again: goes on with connections that had to stop, each once, until it is full again, so that a crowd of them does
    /// not all try for the room of one frame. None: any link may have room.
    pub fn links_drained(&mut self, net: &mut Network, link: Option<LinkId>) {
        for _ in 0..self.common.blocked.len() {
            if link.is_some_and(|link| !net.links.has_room(link)) {
                break;
            }
            let Some(id) = self.common.blocked.pop_front() else { break };
            if let Some((tcb, mut cx)) = self.with(net, id) {
                tcb.blocked = false;
                output::run(tcb, &mut cx, output::Push::Normal);
                self.settle(net, id);
            }
        }
    }

    /// There may be memory again: a few of the connections that found none become writable. The others follow with the next inputs,
    /// so that a crowd of them does not make each input long.
    #[inline]
    pub fn relieve(&mut self, net: &mut Network) {
        if !self.starved.is_empty() {
            cold_path();
            self.relieve_some(net);
        }
    }

    fn relieve_some(&mut self, net: &mut Network) {
        let pressure = net.links.base.budget.pressure();
        if pressure == Pressure::Full {
            return;
        }
        for _ in 0..self.starved.len().min(RELIEVED_AT_ONCE) {
            let Some(id) = self.starved.pop_front() else { break };
            let Some(tcb) = self.records.connections.get_mut(id) else { continue };
            if pressure == Pressure::High && tcb.send_charge() >= self.common.config.wmem[0] as usize {
                self.starved.push_back(id);
            } else {
                tcb.starved = false;
                tcb.notify(&mut net.links.base);
            }
        }
    }

    /// True if [`Tcp::acknowledge`] has something to do.
    #[inline]
    pub fn owes(&self) -> bool {
        !self.common.owing.is_empty()
    }

    /// All that came together was looked at: what of it is not acknowledged yet is so now, once for each connection. Says whether any was.
    #[inline]
    pub fn acknowledge(&mut self, net: &mut Network) -> bool {
        self.owes() && self.acknowledge_all(net)
    }

    fn acknowledge_all(&mut self, net: &mut Network) -> bool {
        let mut owing = core::mem::take(&mut self.common.owing);
        for id in owing.drain(..) {
            if let Some((tcb, mut cx)) = self.with(net, id)
                && tcb.rcv.ack_due
                && state::is_synchronized(tcb.state)
            {
                output::acknowledge::send(tcb, &mut cx);
                timers::after_output(tcb, &mut cx);
            }
        }
        self.common.owing = owing;
        true
    }

    /// True if a connection waits for a link to drain.
    pub fn waits_for_link(&self) -> bool {
        !self.common.blocked.is_empty()
    }

    /// A connection and what its machine works with.
    fn with<'a>(&'a mut self, net: &'a mut Network, id: Key) -> Option<(&'a mut Tcb, Cx<'a>)> {
        let Self { records, common, .. } = self;
        let tcb = records.connections.get_mut(id)?;
        Some((tcb, Cx { net, common, id }))
    }

    /// After an input: a connection that is in TIME-WAIT becomes a record, one that is closed leaves the table, and one that
    /// nobody holds any more goes.
    fn settle(&mut self, net: &mut Network, id: Key) {
        let Self { common, records, flows, ports, waiting, .. } = self;
        let Some(tcb) = records.connections.get_mut(id).filter(|tcb| tcb.is_over()) else { return };
        let (base, waits) = (&mut net.links.base, tcb.state == TcpState::TimeWait);
        if core::mem::take(&mut tcb.in_flows) {
            base.budget.release(Tcb::CHARGE);
            let record = if waits { waiting.enter(tcb, &mut records.time_wait, ports, &common.config, base) } else { None };
            match record {
                Some(record) => flows.replace(&tcb.tuple(), Flow::Connection(id), Flow::TimeWait(record)),
                None => {
                    flows.remove(&tcb.tuple(), Flow::Connection(id));
                    tcb.release_port(ports);
                }
            }
        }
        timers::cancel(tcb, base);
        if waits {
            tcb.retire(base);
        }
        if timers::is_orphan(tcb) {
            tcb.drop_queues(base);
            if tcb.inet.bound_port {
                ports.unbind(id, tcb.inet.local_port);
            }
            records.connections.discard(id);
        }
    }

    /// Resets a connection nobody will accept or wants any more, and forgets it.
    fn abort(&mut self, net: &mut Network, id: Key, cause: Cause) {
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        if state::is_synchronized(tcb.state) || tcb.state == TcpState::SynReceived {
            output::reset::abort(tcb, &mut cx);
        }
        tcb.queued = false;
        tcb.inet.owner = None;
        tcb.end(cx.base(), cause);
        self.settle(net, id);
    }
}

impl Tcb {
    /// The connection is closed by both ends, or broken: [`Tcp::settle`] has something to do.
    fn is_over(&self) -> bool {
        matches!(self.state, TcpState::TimeWait | TcpState::Closed)
    }

    /// A connection without a binding holds its port, with the options of this moment.
    fn hold_port(&mut self, ports: &mut Ports) {
        if !self.inet.bound_port {
            let sharing = self.sharing();
            self.holds = Some(sharing);
            ports.hold(self.inet.local_port, sharing.holder(self.inet.local));
        }
    }

    /// The reverse, whatever the options are now.
    fn release_port(&mut self, ports: &mut Ports) {
        if let Some(sharing) = self.holds.take() {
            ports.release(self.inet.local_port, sharing.holder(self.inet.local));
        }
    }

    /// Another holds the port from now on, with other options.
    #[cold]
    #[inline(never)]
    fn hand_on_port(&mut self, ports: &mut Ports, sharing: Sharing) {
        self.release_port(ports);
        ports.hold(self.inet.local_port, sharing.holder(self.inet.local));
    }

    /// With what it would hold a port now.
    fn sharing(&self) -> Sharing {
        let Inet { link, reuse_addr, reuse_port, .. } = self.inet;
        Sharing { link, reuse_addr, reuse_port }
    }

    /// Both ends.
    fn tuple(&self) -> Tuple {
        let inet = &self.inet;
        Tuple { local: inet.local, remote: inet.remote, local_port: inet.local_port, remote_port: inet.remote_port }
    }
}
