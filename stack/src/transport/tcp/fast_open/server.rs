//! The server's side (RFC 7413 §4.2.2): a SYN with a good cookie opens a connection before its handshake is over.

use super::cookie::{Cookie, FastOpenOption};
use super::{FastOpen, mode};
use crate::base::{Key, TcpState};
use crate::network::{Network, Packet};
use crate::transport::tcp::flows::Flow;
use crate::transport::tcp::header::{FIN, Header};
use crate::transport::tcp::tcb::Tcb;
use crate::transport::tcp::{Tcp, handshake};

/// What a listener makes of the option of a SYN.
enum Request {
    /// There is none that counts.
    None,
    /// The data is taken; if the cookie was made with an old key, a new one goes with the answer.
    Open(Option<FastOpenOption>),
    /// The data is not taken, and this cookie goes with the answer.
    Give(FastOpenOption),
}

impl Tcp {
    /// Takes a SYN with data, or with the option: a connection was opened by it and answers. Else the handshake goes its usual way, with this
    /// cookie for the peer, if any.
    #[cold] // Most SYNs have neither.
    #[inline(never)]
    pub(in crate::transport::tcp) fn try_fast_open(
        &mut self,
        net: &mut Network,
        id: Key,
        packet: &Packet,
        header: &Header,
        header_len: usize,
    ) -> Result<(), Option<FastOpenOption>> {
        match self.fast_open_request(id, packet, header, packet.len > header_len) {
            Request::None => Err(None),
            Request::Give(option) => Err(Some(option)),
            Request::Open(option) if self.open_with_data(net, id, packet, header, header_len, option) => Ok(()),
            Request::Open(_) => Err(None),
        }
    }

    fn fast_open_request(&self, id: Key, packet: &Packet, header: &Header, has_data: bool) -> Request {
        let asked = header.options.fast_open;
        let mode = self.common.config.fastopen;
        if mode & mode::SERVER == 0 || !(has_data || asked.is_some()) || !self.has_fast_open_room(id) {
            return Request::None;
        }
        if mode & mode::SERVER_NO_COOKIE != 0 {
            return Request::Open(None);
        }
        let Some(asked) = asked else { return Request::None };
        let keys = self.records.connections[id].options.fast_open_keys.or(self.common.config.fastopen_key);
        let [Some(first), second] = keys.unwrap_or([Some(self.fast_open_key), None]) else { return Request::None };
        let of = |key| Cookie::of(key, packet.src, packet.dst);
        let ours = FastOpenOption { cookie: of(first), experimental: asked.experimental };
        if asked.cookie == ours.cookie {
            Request::Open(None)
        } else if second.is_some_and(|key| of(key) == asked.cookie) {
            Request::Open(Some(ours))
        } else {
            Request::Give(ours)
        }
    }

    /// RFC 7413 §5.1: so many connections whose peer has not proved this time that it is there.
    fn has_fast_open_room(&self, id: Key) -> bool {
        let tcb = &self.records.connections[id];
        let Some(listener) = &tcb.listener else { return false };
        let all = self.common.config.fastopen & mode::ALL_LISTENERS != 0;
        let most = match tcb.options.fast_open_queue {
            0 if all => listener.backlog,
            most => most,
        };
        let open = |key: &&Key| self.records.connections[**key].state == TcpState::SynReceived;
        (listener.accept_queue.iter().filter(open).count() as u32) < most
    }

    fn open_with_data(
        &mut self,
        net: &mut Network,
        id: Key,
        packet: &Packet,
        header: &Header,
        header_len: usize,
        option: Option<FastOpenOption>,
    ) -> bool {
        let half_open = self.half_open_for(net, id, packet, header);
        let Some(key) = self.establish(net, &half_open) else { return false };
        self.flows.insert(&half_open.tuple(), Flow::Connection(key), &self.records);
        let Some((tcb, mut cx)) = self.with(net, key) else { return false };
        let taken = packet.len > header_len;
        let now = cx.now();
        tcb.sending.get_or_insert_with(|| cx.common.spare.sending()).board.sent(half_open.iss, 1, now);
        tcb.fast_open = Some(alloc::boxed::Box::new(FastOpen { option, passive: true, taken, ..FastOpen::default() }));
        if taken {
            let payload = packet.payload(header_len);
            let len = payload.len() as u32;
            tcb.with_receiving(&mut cx, |receiving| receiving.queue.push(payload));
            tcb.rcv.nxt += len;
            tcb.rcv.received += u64::from(len);
        }
        if header.flags & FIN != 0 {
            tcb.rcv.fin_seen = true;
            tcb.rcv.fin_at = tcb.rcv.nxt;
        }
        handshake::answer(tcb, &mut cx);
        tcb.notify(cx.base());
        true
    }
}

/// SYN-RECEIVED by a SYN whose data was taken: the application may already read and write (RFC 7413 §4.2.2).
pub(in crate::transport::tcp) fn may_send(tcb: &Tcb) -> bool {
    tcb.state == TcpState::SynReceived && tcb.fast_open.as_ref().is_some_and(|fast_open| fast_open.passive)
}
