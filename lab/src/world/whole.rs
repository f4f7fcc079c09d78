//! The value that is a world.

use std::collections::VecDeque;

use loggia_stack::base::{Addr, Direction, Errno, Event, Frame, Instant, Ready, Seed, SocketId};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{Train, append};

use super::agenda::{Agenda, Due};
use super::host::{Frames, Host, HostId, Port, PortConfig};
use super::switch::{Switch, SwitchId, Way};
use super::wire::{End, Wire};
use crate::link::{Arrival, PacketId, Pipe, PipeSeed, Terms};
use crate::observe::{Observer, PipeId, Seen};
use crate::record::dissect;
use crate::seed;

/// Hosts, switches and links, and the time.
pub struct World {
    seed: Seed,
    now: Instant,
    hosts: Vec<Host>,
    switches: Vec<Switch>,
    wires: Vec<Wire>,
    agenda: Agenda,
    ready: VecDeque<(HostId, SocketId, Ready)>,
    observers: Vec<Box<dyn Observer>>,
    classes: u16,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { now, hosts, wires, .. } = self;
        f.debug_struct("World").field("now", now).field("hosts", hosts).field("wires", wires).finish_non_exhaustive()
    }
}

/// Making it.
impl World {
    /// An empty world at the epoch. Everything random in it follows from the seed and from names: adding a host or a link does not change
    /// the draws of others.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            now: Instant::EPOCH,
            hosts: Vec::new(),
            switches: Vec::new(),
            wires: Vec::new(),
            agenda: Agenda::default(),
            ready: VecDeque::new(),
            observers: Vec::new(),
            classes: 0,
        }
    }

    /// Tells `observer` of everything from now on.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.classes |= observer.classes();
        self.observers.push(observer);
        let classes = self.classes;
        self.hosts.iter_mut().for_each(|host| host.stack.listen_events(classes));
    }

    /// A host without interfaces.
    pub fn add_host(&mut self, name: &str, config: Config) -> HostId {
        let mut stack = Stack::new(config, seed::of_host(&self.seed, name), self.now);
        stack.listen_events(self.classes);
        self.hosts.push(Host { name: name.into(), stack, ports: Vec::new(), booked: Instant::NEVER });
        HostId(self.hosts.len() - 1)
    }

    /// One more interface of a host, up, without addresses; says its number. Errors as of
    /// [`Stack::add_link`](loggia_stack::engine::Stack::add_link).
    pub fn add_port(&mut self, host: HostId, config: &PortConfig) -> Result<usize, Errno> {
        let host = &mut self.hosts[host.0];
        let link = host.stack.add_link(config.link())?;
        host.stack.set_up(link, true)?;
        host.ports.push(Port { link, plug: None, trains: config.frames == Frames::Trains });
        Ok(host.ports.len() - 1)
    }

    /// A switch without ports; [`World::connect`] gives it one for each link.
    pub fn add_switch(&mut self) -> SwitchId {
        self.switches.push(Switch::default());
        SwitchId(self.switches.len() - 1)
    }

    /// The end of the next link that is plugged into a switch.
    pub fn switch_end(&self, switch: SwitchId) -> End {
        End::Switch { switch, port: self.switches[switch.0].ports.len() }
    }

    /// Puts a link between two ends; `terms[0]` is for what `ends[0]` sends. Says its number.
    ///
    /// # Panics
    /// If an end is taken already or is none: topologies are checked before they are built.
    pub fn connect(&mut self, name: &str, ends: [End; 2], terms: [Terms; 2]) -> usize {
        let number = self.wires.len();
        for (which, end) in ends.into_iter().enumerate() {
            match end {
                End::Host { host, port } => {
                    let taken = self.hosts[host.0].ports[port].plug.replace((number, which));
                    assert!(taken.is_none(), "an interface has one link");
                }
                End::Switch { switch, port } => {
                    let ports = &mut self.switches[switch.0].ports;
                    assert_eq!(ports.len(), port, "ports of a switch are taken in order");
                    ports.push((number, which));
                }
            }
        }
        let [there, back] = terms;
        let pipe = |terms, end| Pipe::new(terms, PipeSeed(seed::of_pipe(&self.seed, name, end)));
        let pipes = [pipe(there, 0), pipe(back, 1)];
        self.wires.push(Wire { name: name.into(), ends, pipes, booked: [Instant::NEVER; 2] });
        number
    }
}

/// Asking and changing it.
impl World {
    /// The present moment.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// All hosts, by number.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// All links, by number.
    pub fn wires(&self) -> &[Wire] {
        &self.wires
    }

    /// The stack of a host at the present moment, for socket calls and configuration. What they cause takes effect with
    /// [`World::settle`].
    pub fn stack(&mut self, host: HostId) -> &mut Stack {
        let stack = &mut self.hosts[host.0].stack;
        stack.advance(self.now);
        stack
    }

    /// True if something that a host has sent is on its way, on whichever link: it waits in a queue or is on the wire.
    pub fn is_under_way(&self, from: HostId) -> bool {
        let own: Vec<Addr> = self.hosts[from.0].stack.addresses().map(|(_, cidr)| cidr.addr).collect();
        let pipes = self.wires.iter().flat_map(|wire| &wire.pipes).filter(|pipe| pipe.next().is_set());
        pipes.into_iter().any(|pipe| pipe.carries(|frame| own.contains(&dissect::frame(frame).src.addr)))
    }

    /// What one direction of a link does from now on.
    pub fn set_terms(&mut self, pipe: PipeId, terms: Terms) {
        let now = self.now;
        self.wires[pipe.wire].pipes[pipe.end].set(now, terms);
        self.tell_fates(pipe);
        self.book_pipe(pipe);
    }

    /// The next socket whose readiness may have changed.
    pub fn next_ready(&mut self) -> Option<(HostId, SocketId, Ready)> {
        self.ready.pop_front()
    }

    /// True if [`World::next_ready`] has something to say.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Tells all observers something that a person should find in the record.
    pub fn note(&mut self, host: Option<HostId>, topic: &str, text: &str) {
        let at = self.now;
        self.observers.iter_mut().for_each(|observer| observer.note(at, host, topic, text));
    }

    /// Tells the observers that it is over, and lets go of them.
    pub fn end(&mut self) {
        for mut observer in std::mem::take(&mut self.observers) {
            observer.end(self);
        }
    }
}

/// Its life.
impl World {
    /// When anything happens next: may be early, never late. [`Instant::NEVER`] if nothing will without a call.
    pub fn next_deadline(&self) -> Instant {
        self.agenda.next()
    }

    /// Goes to the next moment at which anything happens and does all that is due then; if nothing is due by `until`, goes there.
    /// False if nothing happened.
    pub fn step(&mut self, until: Instant) -> bool {
        let moment = self.agenda.next().max(self.now);
        if moment > until {
            self.now = self.now.max(until);
            return false;
        }
        self.now = moment;
        while let Some((at, due)) = self.agenda.pop(moment) {
            // One that was replaced by an earlier one would only be made again: they would become more and more.
            if at == self.booked(due) {
                self.meet(due);
            }
        }
        true
    }

    /// Lets the time pass until `now`.
    pub fn advance(&mut self, now: Instant) {
        while self.step(now) {}
    }

    /// Lets what socket calls and configuration of a host caused take effect: frames go onto links, readiness and events are told.
    pub fn settle(&mut self, host: HostId) {
        self.transmit(host);
        let at = &mut self.hosts[host.0];
        while let Some((socket, ready)) = at.stack.next_ready() {
            self.ready.push_back((host, socket, ready));
        }
        if self.classes != 0 {
            self.tell_events(host);
        }
        self.book_host(host);
    }

    /// The earliest appointment of a party.
    fn booked(&self, due: Due) -> Instant {
        match due {
            Due::Host(host) => self.hosts[host].booked,
            Due::Pipe { wire, end } => self.wires[wire].booked[end],
        }
    }

    fn meet(&mut self, due: Due) {
        match due {
            Due::Host(host) => {
                let now = self.now;
                self.hosts[host].booked = Instant::NEVER;
                self.hosts[host].stack.advance(now);
                self.settle(HostId(host));
            }
            Due::Pipe { wire, end } => {
                let pipe = PipeId { wire, end };
                self.wires[wire].booked[end] = Instant::NEVER;
                self.arrivals(pipe);
                self.tell_fates(pipe);
                self.book_pipe(pipe);
            }
        }
    }

    /// Brings what has arrived to the far end.
    fn arrivals(&mut self, pipe: PipeId) {
        let now = self.now;
        match self.wires[pipe.wire].ends[1 - pipe.end] {
            End::Host { host, port } => self.arrivals_at_host(pipe, host, port),
            End::Switch { switch, port } => {
                while let Some(arrival) = self.wires[pipe.wire].pipes[pipe.end].take(now) {
                    self.switched(switch, port, pipe, arrival);
                }
            }
        }
    }

    fn arrivals_at_host(&mut self, pipe: PipeId, host: HostId, port: usize) {
        let now = self.now;
        let mut any = false;
        while let Some(arrival) = self.wires[pipe.wire].pipes[pipe.end].take(now) {
            if !self.observers.is_empty() {
                // A fate comes before the arrival it tells of.
                self.tell_fates(pipe);
                let Arrival { packet, names, frame, .. } = &arrival;
                let (packet, names) = (*packet, *names);
                let train = Train::of(frame);
                let train = train.as_ref();
                let seen = Seen { at: now, host, port, direction: Direction::In, pipe, packet, names, frame, train };
                self.observers.iter_mut().for_each(|observer| observer.frame(&seen));
            }
            let Host { stack, ports, .. } = &mut self.hosts[host.0];
            if !any {
                stack.advance(now);
            }
            any = true;
            stack.receive(ports[port].link, arrival.frame);
        }
        if any {
            self.settle(host);
        }
    }

    fn switched(&mut self, switch: SwitchId, from: usize, pipe: PipeId, arrival: Arrival) {
        match self.switches[switch.0].way(from, &arrival.frame) {
            Way::Nowhere => {}
            Way::Port(to) => {
                let (wire, end) = self.switches[switch.0].ports[to];
                self.relay(pipe, PipeId { wire, end }, arrival);
            }
            Way::Flood => {
                for to in (0..self.switches[switch.0].ports.len()).filter(|to| *to != from) {
                    let (wire, end) = self.switches[switch.0].ports[to];
                    self.relay(pipe, PipeId { wire, end }, arrival.clone());
                }
            }
        }
    }

    /// Puts what a host has to send onto its links.
    fn transmit(&mut self, host: HostId) {
        let ports = self.hosts[host.0].ports.len();
        // What a router forwards is not its own to be told otherwise: who made it told where to push.
        let may_join = ports == 1;
        for port in 0..ports {
            let Port { link, plug, trains } = self.hosts[host.0].ports[port];
            let Some((wire, end)) = plug else {
                while self.hosts[host.0].stack.transmit(link).is_some() {}
                continue;
            };
            let pipe = PipeId { wire, end };
            let mut next = self.hosts[host.0].stack.transmit(link);
            let any = next.is_some();
            while let Some(mut frame) = next {
                next = self.hosts[host.0].stack.transmit(link);
                while trains
                    && may_join
                    && let Some(behind) = next
                {
                    next = match append(&mut frame, behind) {
                        Ok(()) => self.hosts[host.0].stack.transmit(link),
                        Err(other) => {
                            next = Some(other);
                            break;
                        }
                    };
                }
                self.send((host, port), pipe, trains, frame);
            }
            if any {
                self.book_pipe(pipe);
            }
        }
    }

    /// Puts a frame of a host onto a link.
    fn send(&mut self, (host, port): (HostId, usize), pipe: PipeId, trains: bool, frame: Frame) {
        let Self { now, wires, observers, .. } = self;
        let at = &mut wires[pipe.wire].pipes[pipe.end];
        let seen = |packet, names, frame, train| Seen {
            at: *now,
            host,
            port,
            direction: Direction::Out,
            pipe,
            packet,
            names,
            frame,
            train,
        };
        if observers.is_empty() {
            at.put_one_of(*now, frame, trains);
            at.forget_fates();
        } else if frame.segment_size == 0 && !at.is_passed(*now, &frame) {
            let leaving = seen(PacketId(at.named().0 + 1), 1, &frame, None);
            observers.iter_mut().for_each(|observer| observer.frame(&leaving));
            at.put(*now, frame);
            self.tell_fates(pipe);
        } else {
            let train = Train::of(&frame);
            let each = trains || frame.segment_size == 0;
            let (packet, whole) =
                if each { at.put_train(*now, &frame, train.as_ref()) } else { (at.put(*now, frame.clone()), None) };
            let leaving = seen(packet, at.named().0 - packet.0 + 1, &frame, train.as_ref());
            observers.iter_mut().for_each(|observer| observer.train(&leaving, at.fates()));
            at.forget_fates();
            if let Some(whole) = whole {
                at.hand_over(whole, frame);
            }
        }
    }

    /// Puts what arrived by one link at a switch onto another.
    fn relay(&mut self, from: PipeId, pipe: PipeId, arrival: Arrival) {
        let Arrival { packet, names, frame, .. } = arrival;
        let at = &mut self.wires[pipe.wire].pipes[pipe.end];
        let now = self.now;
        let first = at.put_one_of(now, frame, names > 1);
        let named = at.named().0;
        for to in first.0..=named {
            // One that the link cuts is told once for each packet.
            let n = if names > 1 { to - first.0 } else { 0 };
            let from = (from, PacketId(packet.0 + n));
            self.observers.iter_mut().for_each(|observer| observer.relayed(now, from, (pipe, PacketId(to))));
        }
        self.tell_fates(pipe);
        self.book_pipe(pipe);
    }

    fn tell_fates(&mut self, pipe: PipeId) {
        let at = &mut self.wires[pipe.wire].pipes[pipe.end];
        if self.observers.is_empty() {
            return at.forget_fates();
        }
        for fate in at.fates().iter() {
            self.observers.iter_mut().for_each(|observer| observer.fate(pipe, &fate));
        }
        at.forget_fates();
    }

    fn tell_events(&mut self, host: HostId) {
        while let Some(event) = self.hosts[host.0].stack.next_event() {
            self.tell_event(host, &event);
        }
    }

    fn tell_event(&mut self, host: HostId, event: &Event) {
        self.observers.iter_mut().for_each(|observer| observer.event(host, event));
    }

    fn book_host(&mut self, number: HostId) {
        let Self { agenda, hosts, .. } = self;
        let host = &mut hosts[number.0];
        agenda.book(Due::Host(number.0), host.stack.next_deadline(), &mut host.booked);
    }

    fn book_pipe(&mut self, PipeId { wire, end }: PipeId) {
        let Self { agenda, wires, .. } = self;
        let at = &mut wires[wire];
        agenda.book(Due::Pipe { wire, end }, at.pipes[end].next(), &mut at.booked[end]);
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
