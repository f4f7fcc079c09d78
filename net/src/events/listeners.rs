//! Who listens to a host, as the host knows them: under its lock.

use std::collections::HashMap;
use std::io;
use std::task::Waker;

use loggia_stack::base::{self, LinkId, event};
use loggia_stack::engine::Stack;

use super::stream::Listener;
use super::tell;
use super::what::{DropCause, Event, What};

/// Who listens to a host.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    listeners: Vec<Listener>,
    names: Names,
}

/// The names of interfaces, also of those that are gone by the time of which they are told.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<LinkId, String>);

impl Names {
    pub(super) fn of(&mut self, stack: &Stack, link: LinkId) -> String {
        if let Some(status) = stack.links().find(|status| status.link == link) {
            let known = self.0.entry(link).or_default();
            known.clone_from(&status.config.name);
        }
        self.0.get(&link).cloned().unwrap_or_default()
    }

    fn learn(&mut self, stack: &Stack) {
        self.0 = stack.links().map(|status| (status.link, status.config.name.clone())).collect();
    }
}

impl Listeners {
    pub(crate) fn add(&mut self, stack: &Stack, listener: Listener) {
        self.names.learn(stack);
        self.listeners.push(listener);
    }

    /// The classes of events that somebody still wants; who has gone is forgotten.
    pub(crate) fn classes(&mut self) -> u16 {
        self.listeners.retain(Listener::is_heard);
        self.listeners.iter().fold(0, |classes, listener| classes | listener.options().classes())
    }

    /// Tells an event of `stack` to all who want it; gathers who is to be woken.
    pub(crate) fn tell(&mut self, stack: &Stack, event: &base::Event, woken: &mut Vec<Waker>) {
        if self.listeners.is_empty() {
            return;
        }
        if let event::What::Lost { count } = event.what {
            self.listeners.iter().for_each(|listener| listener.missed(count));
        }
        for told in tell::events(stack, &mut self.names, event) {
            self.pass_on(&told, woken);
        }
    }

    /// Tells of a packet that a device did not take, which only the host knows.
    pub(crate) fn tell_refused(&mut self, stack: &Stack, link: LinkId, len: usize, error: &io::Error, woken: &mut Vec<Waker>) {
        if self.listeners.is_empty() {
            return;
        }
        let interface = Some(self.names.of(stack, link));
        let what = What::Dropped { interface, cause: DropCause::refused(error), len: len as u32 };
        self.pass_on(&Event { at: stack.now(), what }, woken);
    }

    fn pass_on(&self, told: &Event, woken: &mut Vec<Waker>) {
        let wanting = self.listeners.iter().filter(|listener| listener.options().want(&told.what));
        woken.extend(wanting.filter_map(|listener| listener.tell(told.clone())));
    }
}
