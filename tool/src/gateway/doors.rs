//! All doors of a plan: what leads into the lab and out of it.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use loggia_lab::file::Protocol;
use loggia_lab::plan::{Plan, Published};
use loggia_lab::world::HostId;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::{IDLE, Machine, Notes, Publication, Uplink};
use crate::engine::shared::Shared;

/// Notes that one door makes.
const MOST_NOTES: usize = 1000;

/// The doors of a plan: the machine's ports are taken, nothing is carried yet.
#[derive(Debug)]
pub struct Doors {
    published: Vec<(Publication, Published, SocketAddr)>,
    uplink: Option<HostId>,
}

/// Doors that are open; dropping it closes them, and what is open is reset.
#[derive(Debug)]
pub struct Open {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Doors {
    /// Takes the ports. The error is for the user and says which cannot be had.
    pub fn take(plan: &Plan) -> io::Result<Self> {
        let published = plan.publish.iter().map(|one| {
            let at = SocketAddr::new(one.machine, one.machine_port);
            let told = |error: io::Error| io::Error::new(error.kind(), message(at, one.protocol, &error));
            let to =
                address_of(plan, one).ok_or_else(|| io::Error::other(format!("port {}: its host has no address", one.port)))?;
            Ok((Publication::take(at, one.protocol).map_err(told)?, *one, SocketAddr::new(to, one.port)))
        });
        Ok(Self { published: published.collect::<io::Result<_>>()?, uplink: plan.uplink })
    }

    /// Where clients of the machine find which port of which host, in the order of the plan.
    pub fn published(&self) -> impl Iterator<Item = (SocketAddr, Published)> {
        self.published.iter().filter_map(|(publication, one, _)| Some((publication.local_addr().ok()?, *one)))
    }

    /// Opens the doors on a thread of its own.
    pub fn open(self, shared: &Arc<Shared>) -> io::Result<Open> {
        if self.published.is_empty() && self.uplink.is_none() {
            return Ok(Open { end: None, thread: None });
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        if let Some(id) = self.uplink {
            let uplink = Uplink::open(shared.host(id))?;
            let serving = uplink.serve(Machine::new(), IDLE, notes(shared, id));
            runtime.spawn(told(serving, notes(shared, id)));
        }
        for (publication, Published { from, .. }, to) in self.published {
            let serving = publication.serve(shared.host(from), to, IDLE, notes(shared, from));
            runtime.spawn(told(serving, notes(shared, from)));
        }
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || {
            let _ = runtime.block_on(ended);
        })?;
        Ok(Open { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A door that fails is told; the run goes on.
async fn told(serving: impl Future<Output = io::Result<()>>, notes: Notes) {
    if let Err(error) = serving.await {
        notes(&format!("the door is closed: {error}"));
    }
}

/// Into the record, up to a limit: what a stranger does may be worth a note each time, and he may do it a million times.
fn notes(shared: &Arc<Shared>, host: HostId) -> Notes {
    let (shared, told) = (shared.clone(), AtomicUsize::new(0));
    Arc::new(move |text| match told.fetch_add(1, Ordering::Relaxed) {
        0..MOST_NOTES => shared.lock().world.note(Some(host), "gateway", text),
        MOST_NOTES => shared.lock().world.note(Some(host), "gateway", "further notes are left out"),
        _ => {}
    })
}

/// The address by which `from` calls `to`.
fn address_of(plan: &Plan, one: &Published) -> Option<IpAddr> {
    let name = &plan.hosts[one.to.0].name;
    plan.resolve(one.from, name)?.first().map(|addr| IpAddr::from(*addr))
}

fn message(at: SocketAddr, protocol: Protocol, error: &io::Error) -> String {
    let protocol = match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {}/{protocol} of {} is taken by another program: publish another one", at.port(), at.ip())
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {}/{protocol} of {} is for root alone: publish one from 1024 on", at.port(), at.ip())
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{} is no address of this machine, so no port of it can be published", at.ip())
        }
        _ => format!("port {}/{protocol} of {} cannot be published: {error}", at.port(), at.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_published_says_why() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = taken.local_addr().unwrap();
        let error = Publication::take(at, Protocol::Tcp).unwrap_err();
        let port = at.port();
        assert_eq!(
            message(at, Protocol::Tcp, &error),
            format!("port {port}/tcp of 127.0.0.1 is taken by another program: publish another one")
        );
        let elsewhere = "192.0.2.1:8080".parse().unwrap();
        let error = Publication::take(elsewhere, Protocol::Udp).unwrap_err();
        assert!(message(elsewhere, Protocol::Udp, &error).starts_with("192.0.2.1 is no address of this machine"));
    }
}
