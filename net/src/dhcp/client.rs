//! Who runs the machine: with the sockets, the time and the configuration of a host.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use loggia_stack::base::{Instant, MsgFlags, Seed};
use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM, sol_socket};

use super::config::Config;
use super::configure::{Configured, Probed};
use super::lease::Lease;
use super::machine::{Do, Machine};
use crate::device::MacAddr;
use crate::host::Host;
use crate::lookup::Looking;
use crate::socket::{READ, Socket, address, send};
use crate::time::sleep_until;

/// Where servers and clients listen (RFC 2131 §4.1).
const SERVER: u16 = 67;
const CLIENT: u16 = 68;
/// How often it is looked whether the search for another user of the address has ended: for the few seconds that it takes.
const LOOK: Duration = Duration::from_millis(100);
/// The largest message we take.
const ROOM: usize = 1500;

/// A DHCP client at work on an interface. Dropping it ends it as [`release`](Self::release) does, without waiting.
pub struct Client {
    shared: Arc<Shared>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("lease", &self.lease()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared(Mutex<Status>);

type Ended = Result<(), (io::ErrorKind, String)>;

#[derive(Default)]
struct Status {
    lease: Option<Lease>,
    /// The client is to end.
    stopped: bool,
    /// It has ended; with an error, if something could not be.
    ended: Option<Ended>,
    /// Who waits for a change, by number.
    waiting: BTreeMap<u64, Waker>,
    number: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        let mut status = self.lock();
        change(&mut status);
        let waiting = std::mem::take(&mut status.waiting);
        drop(status);
        waiting.into_values().for_each(Waker::wake);
    }

    /// Waits until `ask` has an answer.
    async fn when<T>(&self, mut ask: impl FnMut(&Status) -> Option<T>) -> T {
        let mut waiting = Waiting { shared: self, number: None };
        poll_fn(move |cx| waiting.poll(cx, &mut ask)).await
    }
}

/// One who waits for a change, until it is dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    number: Option<u64>,
}

impl Waiting<'_> {
    /// Asks; without an answer leaves a waker behind.
    fn poll<T>(&mut self, cx: &Context<'_>, ask: impl FnOnce(&Status) -> Option<T>) -> Poll<T> {
        let mut status = self.shared.lock();
        if let Some(answer) = ask(&status) {
            return Poll::Ready(answer);
        }
        let number = *self.number.get_or_insert_with(|| {
            status.number += 1;
            status.number
        });
        let before = status.waiting.insert(number, cx.waker().clone());
        drop(status);
        // With the last waker of a task the task may go, and with it others who wait.
        drop(before);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let left = self.number.and_then(|number| self.shared.lock().waiting.remove(&number));
        drop(left);
    }
}

impl Status {
    fn failure(&self) -> Option<io::Error> {
        match self.ended.as_ref()? {
            Ok(()) => Some(io::Error::new(io::ErrorKind::NotConnected, "the DHCP client has ended")),
            Err((kind, why)) => Some(io::Error::new(*kind, why.clone())),
        }
    }
}

impl Client {
    /// Asks for an address for an interface, on a thread of its own, and keeps it as long as the client lives. `ENODEV`;
    /// [`Unsupported`](io::ErrorKind::Unsupported) for an interface without station addresses; `EADDRINUSE` if there is one already.
    pub fn start(host: &Host, interface: &str, config: Config) -> io::Result<Self> {
        let (client, task) = Self::with_task(host, interface, config)?;
        thread::Builder::new().name("loggia-dhcp".into()).spawn(move || task.wait())?;
        Ok(client)
    }

    /// As [`Client::start`], but to be run by you: the second value is a future for any executor, and ends with the client.
    pub fn with_task(host: &Host, interface: &str, config: Config) -> io::Result<(Self, Looking<()>)> {
        let mac = station(host, interface)?;
        let socket = open(host, interface)?;
        let client = Self { shared: Arc::default() };
        let (now, seed) = host.with(|stack, _| (stack.now(), seed(|| stack.random())));
        let run = Run {
            configured: Configured::new(host, interface, &config),
            machine: Machine::new(mac, config, seed, now),
            host: host.clone(),
            socket,
            shared: client.shared.clone(),
        };
        Ok((client, Looking::new(run.run())))
    }

    /// What is held at the moment.
    pub fn lease(&self) -> Option<Lease> {
        self.shared.lock().lease.clone()
    }

    /// Waits until there is a lease, and the host is configured. [`NotConnected`](io::ErrorKind::NotConnected) if the client has ended.
    pub fn bound(&self) -> Looking<Lease> {
        let shared = self.shared.clone();
        let ask = |status: &Status| status.lease.clone().map(Ok).or_else(|| status.failure().map(Err));
        Looking::new(async move { shared.when(ask).await })
    }

    /// Gives the address back, takes the configuration away, and ends. The answer comes when that is done.
    pub fn release(self) -> Looking<()> {
        let shared = self.shared.clone();
        drop(self);
        let ask = |status: &Status| status.ended.clone().map(|ended| ended.map_err(|(kind, why)| io::Error::new(kind, why)));
        Looking::new(async move { shared.when(ask).await })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.change(|status| status.stopped = true);
    }
}

/// The station's address of an interface.
fn station(host: &Host, interface: &str) -> io::Result<MacAddr> {
    let found = host.interfaces().into_iter().find(|status| status.name == interface);
    let status = found.ok_or_else(|| crate::socket::error(loggia_stack::base::Errno::ENODEV))?;
    status.mac.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "DHCP needs an Ethernet"))
}

fn seed(mut random: impl FnMut() -> u64) -> Seed {
    let mut seed = Seed::default();
    seed.0.chunks_exact_mut(8).for_each(|eight| eight.copy_from_slice(&random().to_le_bytes()));
    seed
}

/// A socket for that interface alone, so that there may be one for each.
fn open(host: &Host, interface: &str) -> io::Result<Socket> {
    let socket = Socket::new(host, AF_INET, SOCK_DGRAM)?;
    socket.set(sol_socket::LEVEL, sol_socket::SO_BINDTODEVICE, interface.as_bytes())?;
    socket.set_int(sol_socket::LEVEL, sol_socket::SO_BROADCAST, 1)?;
    socket.bind(&address(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), CLIENT)))?;
    Ok(socket)
}

struct Run {
    host: Host,
    socket: Socket,
    machine: Machine,
    configured: Configured,
    shared: Arc<Shared>,
}

impl Drop for Run {
    /// Whoever ran it may have given it up.
    fn drop(&mut self) {
        self.end(Ok(()));
    }
}

/// Why the client wakes up.
enum Woken {
    Datagram(usize),
    Time,
    Stop,
}

impl Run {
    async fn run(mut self) -> io::Result<()> {
        let result = self.serve().await;
        let ended = match &result {
            Ok(()) => Ok(()),
            Err(error) => Err((error.kind(), error.to_string())),
        };
        self.end(ended);
        result
    }

    fn end(&mut self, ended: Ended) {
        self.configured.unbind();
        self.shared.change(|status| {
            status.lease = None;
            status.ended.get_or_insert(ended);
        });
    }

    async fn serve(&mut self) -> io::Result<()> {
        let mut room = [0; ROOM];
        let mut stopped = false;
        loop {
            self.machine.advance(self.host.now());
            self.perform()?;
            self.look();
            self.perform()?;
            if self.machine.is_over() {
                return Ok(());
            }
            match self.wait(&mut room, stopped).await? {
                Woken::Datagram(len) => self.machine.receive(&room[..len], self.host.now()),
                Woken::Time => {}
                Woken::Stop => {
                    stopped = true;
                    self.machine.release(self.host.now());
                }
            }
        }
    }

    /// Looks how far the search for another user of the address is.
    fn look(&mut self) {
        let Some(address) = self.machine.probing() else { return };
        match self.configured.probed(address) {
            Probed::NotYet => {}
            found => self.machine.probed(found == Probed::Free, self.host.now()),
        }
    }

    /// Does what the machine says.
    fn perform(&mut self) -> io::Result<()> {
        while let Some(task) = self.machine.next() {
            match task {
                Do::Broadcast(bytes) => self.send(Ipv4Addr::BROADCAST, &bytes),
                Do::Unicast(server, bytes) => self.send(server, &bytes),
                Do::Probe(lease) => self.configured.probe(&lease)?,
                Do::Bind(lease) => {
                    self.configured.bind(&lease)?;
                    self.shared.change(|status| status.lease = Some(lease));
                }
                Do::Unbind => {
                    self.configured.unbind();
                    self.shared.change(|status| status.lease = None);
                }
            }
        }
        Ok(())
    }

    /// Sends, or does not: what is lost is sent again.
    fn send(&self, to: Ipv4Addr, bytes: &[u8]) {
        let to = address(SocketAddr::new(to.into(), SERVER));
        let _ = self.socket.call(|stack, id| send(stack, id, &[bytes], Some(&to)));
    }

    /// Waits for a datagram, the machine's next moment, or the end.
    async fn wait(&self, room: &mut [u8], stopped: bool) -> io::Result<Woken> {
        let now = self.host.now();
        let until = if self.machine.probing().is_some() { now + LOOK } else { Instant::NEVER };
        let mut time = pin!(sleep_until(&self.host, self.machine.deadline().min(until)));
        let mut datagram = pin!(self.socket.until(READ, |stack, id| stack.recv(id, room, MsgFlags::NONE)));
        let mut stop = pin!(self.shared.when(|status| (status.stopped && !stopped).then_some(())));
        poll_fn(move |cx| {
            if stop.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(Woken::Stop));
            }
            match datagram.as_mut().poll(cx) {
                Poll::Ready(Ok(len)) => return Poll::Ready(Ok(Woken::Datagram(len))),
                // An ICMP error about what was sent says nothing that the clock does not say.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    return Poll::Ready(Ok(Woken::Time));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
            time.as_mut().poll(cx).map(|()| Ok(Woken::Time))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiting::testing::leaves_nothing_behind;

    #[test]
    fn whoever_gives_up_waiting_leaves_nothing_behind() {
        let shared = Shared::default();
        leaves_nothing_behind(|| shared.when(|status| status.lease.clone()));
    }
}
