//! Which half-open connections wait for an answer until when. All that were sent the same number of SYN-ACKs wait equally long, so a queue
//! and a timer for each number serve them: a flood of SYNs costs a few bytes each, and nothing that is answered costs a timer of its own.

use alloc::collections::VecDeque;

use super::Tcp;
use super::near::Near;
use crate::base::{Duration, Key, Timer, TimerId, TimerOwner};
use crate::network::Network;

/// RFC 6298 §2.1: the timeout before anything was measured.
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
/// It doubles so many times.
const DOUBLINGS: u8 = 7;

/// Those that wait, by how often the timeout was doubled.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    queues: [Queue; DOUBLINGS as usize + 1],
}

/// In the order of their deadlines.
#[derive(Debug, Default)]
struct Queue {
    keys: VecDeque<Key>,
    timer: Option<TimerId>,
}

impl Tcp {
    /// A SYN-ACK was sent: its answer is awaited.
    pub(super) fn await_answer(&mut self, net: &mut Network, key: Key) {
        let Some(half_open) = self.records.half_open.get_mut(key) else { return };
        let doublings = half_open.retries.min(DOUBLINGS);
        half_open.due = Near::after(net.links.base.now, FIRST_TIMEOUT * (1 << doublings));
        self.unanswered.queues[usize::from(doublings)].keys.push_back(key);
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

    /// One of them was forgotten. The queues are swept when most of what is in them is gone, and end with the last.
    pub(super) fn sweep_unanswered(&mut self, net: &mut Network) {
        let half_open = &self.records.half_open;
        for queue in &mut self.unanswered.queues {
            if half_open.is_empty() {
                queue.keys.clear();
                if let Some(timer) = queue.timer.take() {
                    net.links.base.timers.cancel(timer);
                }
            } else if queue.keys.len() > 1024 + 2 * half_open.len() {
                queue.keys.retain(|key| half_open.contains(*key));
            }
        }
    }
}
