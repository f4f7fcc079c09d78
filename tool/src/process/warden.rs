//! The process that forks keepers, because loggia itself has threads.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};

use super::keeper::{keep, tree};
use super::order::Order;
use super::report::{Failure, Report, Stage};
use crate::sys::descriptor::{Watched, close_all_but, poll, rename};
use crate::sys::message::{self, Patience};
use crate::sys::process::{self, Wait, wait};
use crate::sys::{Pid, signal};

/// What comes with one request: the keeper's end of its socket, the order in a memory file, the program's streams.
const REQUEST: usize = 5;

/// Forks keepers on request until the other end closes, then waits for the last of them.
pub(super) fn run(control: OwnedFd) -> i32 {
    match prepare(&control).and_then(|inbox| Warden { control, inbox, keepers: BTreeSet::new(), open: true }.run()) {
        Ok(()) => 0,
        Err(_) => process::PANICKED,
    }
}

/// Nothing of loggia's stays open, no signal ends this process but SIGKILL, and orphans come here.
fn prepare(control: &OwnedFd) -> io::Result<signal::Inbox> {
    signal::set_mask(signal::Set::all())?;
    signal::set_default(libc::SIGCHLD)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    (0..3).try_for_each(|number| rename(null.as_raw_fd(), number))?;
    close_all_but(&[control.as_raw_fd()])?;
    std::mem::forget(null);
    process::become_subreaper()?;
    signal::Inbox::new(signal::Set::of(&[libc::SIGCHLD]))
}

struct Warden {
    control: OwnedFd,
    inbox: signal::Inbox,
    keepers: BTreeSet<Pid>,
    /// Whether requests may still come.
    open: bool,
}

impl Warden {
    fn run(mut self) -> io::Result<()> {
        while self.reap() || self.open {
            let mut watched = vec![Watched::input(self.inbox.as_raw_fd())];
            watched.extend(self.open.then(|| Watched::input(self.control.as_raw_fd())));
            poll(&mut watched, self.timeout())?;
            while self.inbox.take().is_some() {}
            if watched.get(1).is_some_and(Watched::came) {
                self.serve();
            }
        }
        Ok(())
    }

    /// Buries the dead; says whether a child is left. A child that is no keeper was left behind by a keeper that was killed. A keeper that
    /// somebody has stopped goes on.
    fn reap(&mut self) -> bool {
        loop {
            match wait(Wait::Any) {
                Ok(Some(waited)) if waited.stopped() => drop(signal::send(waited.pid, libc::SIGCONT)),
                Ok(Some(waited)) if waited.ended() => drop(self.keepers.remove(&waited.pid)),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return false,
            }
        }
        tree::kill_descendants(|pid| self.keepers.contains(&pid));
        true
    }

    /// Strays are looked for again soon as long as there are any.
    fn timeout(&self) -> i32 {
        let strays = tree::own_children().iter().any(|pid| !self.keepers.contains(pid));
        if strays { 5 } else { -1 }
    }

    fn serve(&mut self) {
        match message::receive(self.control.as_fd(), &mut [0; 1], Patience::None) {
            Ok(received) if received.len > 0 => {
                if let Ok(request) = received.descriptors.try_into() {
                    self.start(request);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => self.open = false,
        }
    }

    fn start(&mut self, [control, order, input, output, error]: [OwnedFd; REQUEST]) {
        let kept = [&control, &order, &input, &output, &error].map(AsRawFd::as_raw_fd);
        let told = control.try_clone();
        let forked = process::fork(move || match close_all_but(&kept).and_then(|()| read(order)) {
            Ok(order) => keep(control, &order, [input, output, error]),
            Err(error) => refuse(&control, &Failure::of(Stage::Order, &error)),
        });
        match (forked, told) {
            (Ok(keeper), _) => drop(self.keepers.insert(keeper)),
            (Err(error), Ok(told)) => drop(refuse(&told, &Failure::of(Stage::Fork, &error))),
            (Err(_), Err(_)) => {}
        }
    }
}

fn read(order: OwnedFd) -> io::Result<Order> {
    let (mut file, mut bytes) = (File::from(order), Vec::new());
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Order::decode(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn refuse(control: &OwnedFd, failure: &Failure) -> i32 {
    let _ = message::send(control.as_fd(), &Report::Failed(*failure).encode(), &[]);
    0
}
