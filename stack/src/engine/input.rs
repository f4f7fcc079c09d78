//! What happens to a host: frames arrive, time passes.

use core::hint::cold_path;

use super::stack::Stack;
use crate::base::{Frame, Instant, LinkId, Timer, TimerOwner};
use crate::link::{LinkCast, Received};
use crate::network::{LOOPBACK, Packet, TransportError, Up, protocol};

impl Stack {
    /// A frame from the device of a link.
    pub fn receive(&mut self, link: LinkId, frame: Frame) {
        self.take(link, frame, false);
        self.settle();
    }

    /// Frames that arrived together: segments of one flow among them are joined before they go up, where the link is set to do so.
    pub fn receive_many(&mut self, link: LinkId, frames: impl IntoIterator<Item = Frame>) {
        let mut frames = frames.into_iter();
        let Some(mut frame) = frames.next() else { return };
        while let Some(next) = frames.next() {
            let known = self.take(link, frame, true);
            let rest = if known { self.sockets.udp.follow_many(&mut self.net, link, next, &mut frames) } else { Some(next) };
            frame = match rest {
                Some(next) => next,
                None => return self.settle(),
            };
        }
        self.take(link, frame, false);
        self.settle();
    }

    /// Most frames find nothing that waits, and go straight to their transport. True if this one did not have to be looked at: others behind it may not
    /// have to either.
    fn take(&mut self, link: LinkId, frame: Frame, more: bool) -> bool {
        let Some(frame) = self.take_known(link, frame, more) else { return true };
        let Some(received) = self.net.receive_next(link, frame, more) else { return false };
        match self.net.usual(received) {
            Ok(packet) => self.deliver(packet),
            Err(received) => self.take_unusual(received),
        }
        false
    }

    /// Takes a frame whose packet is of those that are looked at once, where they lie. Else it is given back.
    #[inline(always)]
    fn take_known(&mut self, link: LinkId, mut frame: Frame, more: bool) -> Option<Frame> {
        let Self { net, sockets } = self;
        // Raw sockets look at each packet for themselves.
        if !sockets.raw.is_empty() {
            cold_path();
            return Some(frame);
        }
        if sockets.udp.has_trail() {
            frame = sockets.udp.follow(net, link, frame, more)?;
        }
        // What came with others may have to be joined with them; who brings many at once does not feel a jump.
        if more || !net.is_idle() {
            cold_path();
            return Some(frame);
        }
        sockets.tcp.receive_known(net, link, frame)
    }

    #[inline(never)]
    fn take_unusual(&mut self, received: Received) {
        if let Some(up) = self.net.unusual(received) {
            self.hand_up(up);
        }
    }

    /// It is `now`, and nothing happens yet: for who finds frames waiting that may have come before what is due by now. [`Stack::advance`] is to
    /// follow when they are in, before anything is asked of the stack. Time does not go back: an earlier `now` changes nothing, nor does
    /// [`Instant::NEVER`].
    #[inline]
    pub fn set_clock(&mut self, now: Instant) {
        // The deadline of what is not armed is no moment at which time can stand.
        if !now.is_set() {
            cold_path();
            return;
        }
        let base = &mut self.net.links.base;
        base.now = base.now.max(now);
    }

    /// Time passes: it is `now`, and every timer that is due has fired. This is the only way time passes; going back
    /// is ignored, and so is [`Instant::NEVER`].
    #[inline]
    pub fn advance(&mut self, now: Instant) {
        self.set_clock(now);
        // Mostly nothing is due.
        if let Some(first) = self.next_timer() {
            cold_path();
            self.fire(first);
        }
    }

    /// This one is due, and perhaps others.
    #[inline(never)]
    fn fire(&mut self, first: Timer) {
        let mut due = Some(first);
        while let Some(timer) = due {
            self.timer(timer);
            self.settle();
            due = self.next_timer();
        }
    }

    #[inline]
    fn next_timer(&mut self) -> Option<Timer> {
        let base = &mut self.net.links.base;
        base.timers.expire(base.now)
    }

    fn timer(&mut self, timer: Timer) {
        match timer.owner {
            TimerOwner::Tcp | TimerOwner::HalfOpen | TimerOwner::TimeWait => self.sockets.tcp.timer(&mut self.net, timer),
            TimerOwner::Neighbour | TimerOwner::Fragments | TimerOwner::Autoconf | TimerOwner::Groups => self.net.timer(timer),
        }
    }

    /// Carries what came up to its transport until nothing is left. It ends: what goes round by the loopback link is answers to answers,
    /// and those are bounded by what the sockets hold.
    #[inline]
    pub(super) fn settle(&mut self) {
        // Most calls cause nothing to come up.
        if !self.net.is_idle() || self.sockets.tcp.owes() {
            cold_path();
            self.carry_up_all();
        }
        self.sockets.tcp.relieve(&mut self.net);
    }

    fn carry_up_all(&mut self) {
        let mut looped = false;
        while !self.net.is_idle() || self.sockets.tcp.acknowledge(&mut self.net) {
            looped |= self.carry_up() == Some(LOOPBACK);
            if looped && self.net.is_idle() && self.sockets.tcp.waits_for_link() {
                // Nobody asks for the frames of the loopback link: they came up just now, and whoever found it full may go on.
                looped = false;
                self.links_drained(Some(LOOPBACK));
            }
        }
    }

    /// Carries up one thing; says by which link a packet came.
    #[inline]
    fn carry_up(&mut self) -> Option<LinkId> {
        let up = match self.net.next_looped() {
            Some(received) => {
                let link = received.link;
                let Some(received) = self.take_looped(received) else { return Some(link) };
                self.net.looped(received)?
            }
            None => self.net.poll()?,
        };
        let link = if let Up::Packet(packet) = &up { Some(packet.link) } else { None };
        self.hand_up(up);
        link
    }

    /// As [`Stack::take_known`], of a frame of loopback: what waits, waits behind it.
    #[inline(never)] // The way of other links is beside it.
    fn take_looped(&mut self, mut received: Received) -> Option<Received> {
        let Self { net, sockets } = self;
        if !sockets.raw.is_empty() || received.cast != LinkCast::Unicast || received.frame.segment_size != 0 {
            return Some(received);
        }
        if sockets.udp.has_trail() {
            received.frame = sockets.udp.follow(net, received.link, received.frame, false)?;
        }
        received.frame = sockets.tcp.receive_known_framed(net, received.link, received.frame)?;
        Some(received)
    }

    #[inline]
    fn hand_up(&mut self, up: Up) {
        match up {
            Up::Packet(packet) => self.deliver(packet),
            Up::Error(error) => self.deliver_error(&error),
        }
    }

    /// Nearly all packets are for one of two transports and nobody else.
    #[inline(always)]
    fn deliver(&mut self, packet: Packet) {
        let Self { net, sockets } = self;
        match packet.protocol {
            _ if !sockets.raw.is_empty() => self.deliver_to_all(packet),
            protocol::TCP => {
                let mut packet = packet;
                sockets.tcp.receive(net, &mut packet);
            }
            protocol::UDP => sockets.udp.receive(net, packet),
            _ => self.deliver_to_all(packet),
        }
    }

    /// Raw sockets get their copy first; a protocol that neither they nor a transport know is answered (RFC 1122 §3.2.2.1).
    #[inline(never)]
    fn deliver_to_all(&mut self, mut packet: Packet) {
        let Self { net, sockets } = self;
        let seen = sockets.raw.receive(net, &packet);
        match packet.protocol {
            protocol::TCP => sockets.tcp.receive(net, &mut packet),
            protocol::UDP => sockets.udp.receive(net, packet),
            protocol::ICMP | protocol::ICMPV6 => sockets.ping.receive(net, &packet),
            // The network layer has dealt with these.
            protocol::IGMP | protocol::NO_NEXT => {}
            _ if seen => {}
            _ => net.protocol_unreachable(&packet),
        }
    }

    fn deliver_error(&mut self, error: &TransportError) {
        let Self { net, sockets } = self;
        match error.protocol {
            protocol::TCP => sockets.tcp.error(net, error),
            protocol::UDP => sockets.udp.error(net, error),
            protocol::ICMP | protocol::ICMPV6 => sockets.ping.error(net, error),
            _ => {}
        }
        sockets.raw.error(net, error);
    }
}
