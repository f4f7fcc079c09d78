//! The client's side (RFC 7413 §4.1.3, §4.2.1): a SYN with data, and what its answer means.

use alloc::boxed::Box;

use super::cookie::FastOpenOption;
use super::{FastOpen, mode};
use crate::base::{Errno, Key, SockAddr};
use crate::network::Network;
use crate::transport::tcp::calls::writing;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::output::transmit;
use crate::transport::tcp::tcb::Tcb;
use crate::transport::tcp::{Tcp, busy, handshake, recovery, segment_size};

/// A SYN leaves so much room for options that it may come to need (Linux's `MAX_TCP_OPTION_SPACE`).
const OPTIONS: u16 = 40;

/// What a SYN may say.
enum Choice {
    /// It asks for a cookie.
    Ask(FastOpenOption),
    /// It carries data, with a cookie unless none is needed.
    Data(Option<FastOpenOption>),
}

impl Tcp {
    /// `MSG_FASTOPEN`: connects, with as much of `data` in the SYN as goes there; says how much that is. `more`: the rest follows at once.
    /// Errors as [`Tcp::connect`]; `EOPNOTSUPP` if `tcp_fastopen` does not allow it.
    pub fn connect_with_data(
        &mut self,
        net: &mut Network,
        id: Key,
        remote: SockAddr,
        data: &[&[u8]],
        more: bool,
    ) -> Result<usize, Errno> {
        if self.common.config.fastopen & mode::CLIENT == 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let (tcb, _) = self.set_out(net, id, remote)?;
        tcb.fast_open = Some(Box::default());
        self.send_deferred(net, id, data, more)
    }

    /// `connect` under `TCP_FASTOPEN_CONNECT`, after all was set out. True: nothing is sent, the SYN waits for the first write.
    #[cold]
    #[inline(never)]
    pub(in crate::transport::tcp) fn defer(&mut self, net: &mut Network, id: Key) -> Result<bool, Errno> {
        let deferred = matches!(self.fast_open_choice(id), Choice::Data(_));
        let tcb = &mut self.records.connections[id];
        tcb.fast_open = Some(Box::new(FastOpen { deferred, ..FastOpen::default() }));
        // The path may be another one by then.
        tcb.path_changed = true;
        if !deferred {
            self.send_deferred(net, id, &[], false)?;
        }
        Ok(deferred)
    }

    /// True if the SYN waits for the first write.
    pub fn is_deferred(&self, id: Key) -> bool {
        self.records.connections[id].fast_open.as_ref().is_some_and(|fast_open| fast_open.deferred)
    }

    fn fast_open_choice(&self, id: Key) -> Choice {
        let tcb = &self.records.connections[id];
        let (option, _) = self.common.remembered.of(tcb.inet.local, tcb.inet.remote);
        if self.common.config.fastopen & mode::CLIENT_NO_COOKIE != 0 || tcb.options.fast_open_no_cookie {
            Choice::Data(None)
        } else if option.cookie.is_empty() {
            Choice::Ask(option)
        } else {
            Choice::Data(Some(option))
        }
    }

    /// Sends the SYN with what of `data` goes there.
    pub fn send_deferred(&mut self, net: &mut Network, id: Key, data: &[&[u8]], more: bool) -> Result<usize, Errno> {
        let choice = self.fast_open_choice(id);
        let tcb = &self.records.connections[id];
        let (_, mss) = self.common.remembered.of(tcb.inet.local, tcb.inet.remote);
        let Some((tcb, mut cx)) = self.with(net, id) else { return Ok(0) };
        let (option, len) = match choice {
            Choice::Ask(option) => (Some(option), 0),
            Choice::Data(option) => (option, fill(tcb, &mut cx, data, mss)),
        };
        // What does not go there found room enough in the buffer.
        busy::written(tcb, cx.now(), true);
        let whole = len == data.iter().map(|part| part.len()).sum::<usize>();
        tcb.fast_open = Some(Box::new(FastOpen { option, data: len as u16, more: more && !whole, ..FastOpen::default() }));
        let iss = tcb.snd.una;
        handshake::begin(tcb, &mut cx, iss);
        self.settle(net, id);
        Ok(len)
    }
}

/// Queues what fits into a SYN; says how much that is. No more than the path takes, be that less than what is announced at least.
fn fill(tcb: &mut Tcb, cx: &mut Cx<'_>, data: &[&[u8]], mss: Option<u16>) -> usize {
    let mtu = transmit::mtu(tcb, cx);
    let path = segment_size::largest_payload(mtu, tcb.inet.remote).min(segment_size::wanted(tcb.options.maxseg));
    let mut room = usize::from(mss.map_or(path, |mss| mss.min(path)).saturating_sub(OPTIONS));
    let (iss, mut len) = (tcb.snd.una, 0);
    tcb.with_sending_chunks(cx, |sending, chunks| {
        for part in data {
            let part = &part[..part.len().min(room)];
            if !part.is_empty() {
                sending.queue.write(part, chunks);
            }
            room -= part.len();
            len += part.len();
        }
        if len > 0 {
            writing::note_syn_data(&mut sending.pieces, iss, len as u32);
        }
    });
    len
}

/// The SYN-ACK came and acknowledges everything before `tcb.snd.una`: remembers what it says; data of our SYN that it does not acknowledge
/// was not taken (RFC 7413 §4.2.1 step 3) and goes again at once, which is no sign of congestion.
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn answered(tcb: &mut Tcb, cx: &mut Cx<'_>, answer: Option<FastOpenOption>) {
    let Some(fast_open) = tcb.fast_open.as_deref().copied() else { return };
    let resent = tcb.recovery.timeouts > 0;
    let asked = fast_open.option.filter(|_| !resent && fast_open.data == 0);
    let answer = answer.filter(|_| fast_open.option.is_some());
    cx.common.remembered.learn((tcb.inet.local, tcb.inet.remote), tcb.snd.peer_mss, answer, asked);
    let left = tcb.snd.nxt - tcb.snd.una;
    if left > 0 {
        tcb.sending_mut().board.mark_first_lost(left);
        recovery::send_lost_again(tcb);
        cx.base().counters.tcp_ext.tcp_fast_open_active_fail += 1;
    } else if fast_open.data > 0 {
        cx.base().counters.tcp_ext.tcp_fast_open_active += 1;
    }
    if let Some(fast_open) = &mut tcb.fast_open {
        fast_open.taken = fast_open.data > 0 && left == 0;
    }
}
