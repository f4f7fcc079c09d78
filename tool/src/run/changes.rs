//! What changes while a lab runs, at its moment.

use std::collections::VecDeque;

use loggia_lab::plan::{Action, Change, Plan};
use loggia_lab::world::World;
use loggia_stack::base::Instant;

/// The changes that are still to come.
#[derive(Clone, Debug)]
pub struct Changes(VecDeque<Change>);

impl Changes {
    /// All of a plan's.
    pub fn new(plan: &Plan) -> Self {
        Self(plan.changes.iter().cloned().collect())
    }

    /// When the next one is due.
    pub fn next_deadline(&self) -> Instant {
        self.0.front().map_or(Instant::NEVER, |change| Instant::EPOCH + change.at)
    }

    /// Brings the world to the next change that is due by `now`, and makes it; false if none is.
    pub fn make_next(&mut self, world: &mut World, now: Instant) -> bool {
        let at = self.next_deadline();
        if at > now {
            return false;
        }
        let Some(change) = self.0.pop_front() else { return false };
        world.advance(at);
        world.note(None, "link", &change.text);
        for action in &change.actions {
            make(world, action);
        }
        true
    }
}

fn make(world: &mut World, action: &Action) {
    match action {
        Action::Terms(pipe, terms) => world.set_terms(*pipe, (**terms).clone()),
        Action::Mtu { host, port, mtu } => {
            let link = world.hosts()[host.0].link(*port);
            // The file was checked: the size is one that an interface can have.
            let _ = world.stack(*host).set_mtu(link, *mtu);
            world.settle(*host);
        }
    }
}
