//! Which half-open connections wait for an answer until when. All that were sent the same number of SYN-ACKs wait equally long, so a queue
//! and a timer for each number serve them: a flood of SYNs costs a few bytes each, and nothing that is answered costs a timer of its own. The
//! timer stays when all of a queue were answered: mostly others follow, and if none does it finds nothing, once.

use alloc::collections::VecDeque;

use super::Tcp;
use super::half_open::HalfOpen;
use super::near::Near;
use crate::base::{Duration, Instant, Key, Slab, Timer, TimerId, TimerOwner};
use crate::network::Network;

/// RFC 6298 §2.1: the timeout before anything was measured.
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
/// It doubles so many times.
const DOUBLINGS: u8 = 7;
/// Places that a queue keeps, be they used or not, and how many that are gone it may always hold.
const FEW: usize = 1024;

/// Those that wait, by how often the timeout was doubled.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    queues: [Queue; DOUBLINGS as usize + 1],
    /// A bit for each queue in which there may be something.
    used: u8,
}

/// In the order of their deadlines.
#[derive(Debug, Default)]
struct Queue {
    keys: VecDeque<Key>,
    timer: Option<TimerId>,
}

impl Unanswered {
    fn queue_to_fill(&mut self, doublings: u8) -> &mut Queue {
        self.used |= 1 << doublings;
        &mut self.queues[usize::from(doublings)]
    }
}

/// Until when the first SYN-ACK's answer is awaited.
pub(super) fn first_due(now: Instant) -> Near {
    Near::after(now, FIRST_TIMEOUT)
}

impl Tcp {
    /// The first SYN-ACK was sent, and its answer is awaited until [`first_due`].
    pub(super) fn await_first_answer(&mut self, net: &mut Network, key: Key) {
        let queue = self.unanswered.queue_to_fill(0);
        queue.keys.push_back(key);
        if queue.timer.is_none() {
            self.arm_unanswered(net, 0);
        }
    }

    /// A SYN-ACK was sent again: its answer is awaited.
    pub(super) fn await_answer(&mut self, net: &mut Network, key: Key) {
        let Some(half_open) = self.records.half_open.get_mut(key) else { return };
        let doublings = half_open.retries.min(DOUBLINGS);
        half_open.due = Near::after(net.links.base.now, FIRST_TIMEOUT * (1 << doublings));
        self.unanswered.queue_to_fill(doublings).keys.push_back(key);
        self.arm_unanswered(net, doublings.into());
    }

    fn arm_unanswered(&mut self, net: &mut Network, at: usize) {
        let queue = &mut self.unanswered.queues[at];
        let now = net.links.base.now;
        if queue.timer.is_none()
            && let Some(first) = queue.keys.front()
        {
            let due = self.records.half_open.get(*first).map_or(now, |half_open| half_open.due.at(now));
            let timer = Timer { owner: TimerOwner::HalfOpen, key: at as u64 };
            queue.timer = Some(net.links.base.timers.arm(due, timer));
        }
    }

    /// The first of a queue have waited long enough.
    pub(super) fn half_open_timeout(&mut self, net: &mut Network, timer: Timer) {
        let at = timer.key as usize;
        self.unanswered.queues[at].timer = None;
        let now = net.links.base.now;
        while let Some(&first) = self.unanswered.queues[at].keys.front() {
            if self.records.half_open.get(first).is_some_and(|half_open| half_open.due.at(now) > now) {
                break;
            }
            self.unanswered.queues[at].keys.pop_front();
            self.not_answered(net, first);
        }
        self.arm_unanswered(net, at);
    }

    /// One of them was forgotten. The queues are swept when most of what is in them is gone, and end with the last;
    /// the memory that a flood took goes with it.
    pub(super) fn sweep_unanswered(&mut self) {
        let (half_open, Unanswered { queues, used }) = (&self.records.half_open, &mut self.unanswered);
        let mut left = *used;
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            let keys = &mut queues[at].keys;
            left &= left - 1;
            if half_open.is_empty() {
                keys.clear();
                *used &= !(1 << at);
                if keys.capacity() > FEW {
                    keys.shrink_to(FEW);
                }
            } else if keys.len() > FEW + 2 * half_open.len() {
                sweep(keys, half_open);
            }
        }
    }
}

/// Leaves those that still wait.
#[cold]
#[inline(never)]
fn sweep(keys: &mut VecDeque<Key>, half_open: &Slab<HalfOpen>) {
    keys.retain(|key| half_open.contains(*key));
    keys.shrink_to(FEW + 2 * half_open.len());
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::base::{Addr, LinkId, Version};
    use crate::transport::tcp::flows::Tuple;
    use crate::transport::tcp::half_open::HalfOpen;
    use crate::transport::tcp::header::Header;
    use crate::transport::tcp::options::TcpConfig;
    use crate::transport::tcp::seq::Seq;
    use crate::transport::testing::Host;

    /// One that waits from now on.
    fn wait(tcp: &mut Tcp, net: &mut Network, listener: Key) -> Key {
        let tuple = Tuple { local: Addr::v4(10, 0, 0, 1), remote: Addr::v4(10, 0, 0, 2), local_port: 80, remote_port: 4000 };
        let parent = &tcp.records.connections[listener];
        let (header, config, now) = (Header::default(), TcpConfig::default(), net.links.base.now);
        let half_open = HalfOpen::new(tuple, listener, LinkId(1), Seq(0), 0, &header, 0, parent, &config, now);
        let key = tcp.records.half_open.insert(half_open);
        tcp.await_answer(net, key);
        key
    }

    #[test]
    fn what_a_flood_took_is_given_back_and_those_gone_are_stepped_over() {
        let mut host = Host::new(1);
        let mut tcp = Tcp::new(&host.net.links.base.entropy.clone(), TcpConfig::default());
        let listener = tcp.open(host.owner(), Version::V4);
        let net = &mut host.net;
        let all: Vec<Key> = (0..20_000).map(|_| wait(&mut tcp, net, listener)).collect();
        let (gone, left) = all.split_at(all.len() - 10);
        for key in gone {
            tcp.records.half_open.remove(*key);
            tcp.sweep_unanswered();
        }
        let first = |tcp: &Tcp| tcp.unanswered.queues[0].keys.front().copied();
        let (len, room) = (tcp.unanswered.queues[0].keys.len(), tcp.unanswered.queues[0].keys.capacity());
        assert!(len <= FEW + 2 * left.len() && room <= 2 * FEW, "{len} of {room}");
        assert!(first(&tcp).is_some_and(|key| gone.contains(&key)));

        net.links.base.now += FIRST_TIMEOUT / 2;
        tcp.half_open_timeout(net, Timer { owner: TimerOwner::HalfOpen, key: 0 });
        assert_eq!(first(&tcp), Some(left[0]), "its time is not over");
        assert!(tcp.unanswered.queues[0].timer.is_some());

        for key in left {
            tcp.records.half_open.remove(*key);
        }
        tcp.sweep_unanswered();
        assert!(tcp.unanswered.queues[0].keys.is_empty() && tcp.unanswered.queues[0].timer.is_some());
        tcp.half_open_timeout(net, Timer { owner: TimerOwner::HalfOpen, key: 0 });
        assert!(tcp.unanswered.queues[0].timer.is_none(), "nobody came any more");
    }
}
