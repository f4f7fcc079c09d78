//! What has arrived and is to be done, in order: calls, and events at our ends of sockets.
//!
//! Until its notification is taken a caller can still be sent away by a signal: if the signal's handler was set without `SA_RESTART` the
//! program sees `EINTR`, even from `socket` or `bind`, which never say so on a real host. So we look for calls between
//! steps, every few microseconds, and take them at once although their turn comes later.

use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use loggia_lab::world::World;
use loggia_stack::base::Key;

use super::call::Tree;
use super::{NETLINK, OTHER, Supervisor, TREE};
use crate::sys::epoll::mask;
use crate::sys::notify::{self, Notification};

/// Most that wait for their turn before no more are looked for.
const MOST: usize = 256;
/// How long no second look is taken: most steps are shorter than this, and each look is a system call.
const MOMENT: Duration = Duration::from_micros(5);

/// Something to be done.
#[derive(Debug)]
pub(super) enum Arrived {
    /// A call that was taken waits for its answer.
    Call(Rc<Tree>, Notification),
    /// The last program of a tree has ended.
    TreeGone(Rc<Tree>),
    /// Something happened at our end of a socket.
    End(Key, u32),
    /// The same of a socket that asks for the host's interfaces.
    Netlink(Key, u32),
}

impl Supervisor {
    /// Looks for what has arrived, if that was not done a moment ago.
    pub(super) fn fetch_now_and_then(&mut self) {
        if self.arrived.len() < MOST && self.looked.elapsed() >= MOMENT {
            // It fails only for what is no epoll set.
            let _ = self.fetch_within(Some(Duration::ZERO));
        }
    }

    pub(super) fn fetch_within(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let Self { epoll, events, arrived, others, trees, .. } = self;
        epoll.wait(events, timeout)?;
        self.looked = Instant::now();
        for (events, number) in events.iter() {
            if number & OTHER == OTHER {
                // They are told of until they are read.
                if !others.contains(&number) {
                    others.push(number);
                }
            } else if number & OTHER == NETLINK {
                arrived.push_back(Arrived::Netlink(Key::from_bits(number & !NETLINK), events));
            } else if number & TREE == 0 {
                arrived.push_back(Arrived::End(Key::from_bits(number), events));
            } else if let Some(tree) = trees[(number & !TREE) as usize].clone() {
                arrived.extend(at_tree(tree, events));
            }
        }
        Ok(())
    }

    /// Does the first thing; says whether there was any.
    pub(super) fn work_one_off(&mut self, world: &mut World) -> bool {
        match self.arrived.pop_front() {
            Some(Arrived::Call(tree, note)) => {
                self.calls += 1;
                self.notified(world, tree, note);
            }
            Some(Arrived::TreeGone(tree)) => self.tree_gone(world, &tree),
            Some(Arrived::End(key, events)) => self.end_ready(world, key, events),
            Some(Arrived::Netlink(key, events)) => self.netlink_end(world, key, events),
            None => return false,
        }
        true
    }
}

fn at_tree(tree: Rc<Tree>, events: u32) -> Option<Arrived> {
    if events & mask::IN != 0 {
        // It may have gone away before we looked.
        notify::receive(tree.listener.as_fd()).ok().map(|note| Arrived::Call(tree, note))
    } else {
        (events & mask::HUP != 0).then_some(Arrived::TreeGone(tree))
    }
}
