//! Whatever programs send to the host that stands for the machine goes on by the machine's own sockets.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loggia::Host;
use loggia::tokio::net::{Opening, TcpGate, UdpGate, UdpSocket, Unreachable, refuse_datagrams};
use tokio::task::JoinSet;

use super::association::{Associations, DATAGRAM, Used, is_of_one_datagram};
use super::relay::{self, End as _, Relay, Spare};
use super::{Machine, Notes};

/// Connections that may wait until the machine's side is open.
const BACKLOG: u32 = 1024;
/// After so long somebody who was let in and never came is forgotten; his SYN-ACKs have been given up by then.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// The gates of the host that stands for the machine: TCP and UDP, IPv4 and IPv6.
#[derive(Debug)]
pub struct Uplink {
    tcp: [TcpGate; 2],
    udp: [UdpGate; 2],
    host: Host,
}

/// What the connections of an uplink share.
#[derive(Clone)]
struct Shared {
    host: Host,
    machine: Arc<Machine>,
    notes: Notes,
    idle: Duration,
}

impl Uplink {
    /// Lets the host answer for everybody, on all of its links but loopback.
    pub fn open(host: Host) -> io::Result<Self> {
        host.with(|stack, _| {
            let links: Vec<_> = stack.links().map(|link| link.link).filter(|id| *id != loggia_stack::network::LOOPBACK).collect();
            links.into_iter().try_for_each(|link| stack.set_transparent(link, true))
        })
        .map_err(|errno| io::Error::from_raw_os_error(errno.number()))?;
        let (v4, v6) = (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED));
        let tcp = [TcpGate::bind_on(&host, v4, BACKLOG)?, TcpGate::bind_on(&host, v6, BACKLOG)?];
        let udp = [UdpGate::bind_on(&host, v4)?, UdpGate::bind_on(&host, v6)?];
        Ok(Self { tcp, udp, host })
    }

    /// Carries on until it is dropped; then what is open is reset.
    pub async fn serve(self, machine: Machine, idle: Duration, notes: Notes) -> io::Result<()> {
        let Self { tcp: [tcp4, tcp6], udp: [udp4, udp6], host } = self;
        let shared = Shared { host, machine: Arc::new(machine), notes, idle };
        let tcp = async { tokio::try_join!(serve_tcp(tcp4, &shared), serve_tcp(tcp6, &shared)) };
        let udp = async { tokio::try_join!(serve_udp(udp4, &shared), serve_udp(udp6, &shared)) };
        tokio::try_join!(tcp, udp).map(drop)
    }
}

impl Shared {
    /// Where on the machine's side `to` may be. The host's own addresses stand for nobody.
    fn real(&self, to: SocketAddr) -> Option<Vec<SocketAddr>> {
        let own = self.host.with(|stack, _| stack.addresses().any(|(_, cidr)| IpAddr::from(cidr.addr) == to.ip()));
        (!own).then(|| self.machine.real(to))
    }
}

/// Connections whose far end is open, until their near end is: by whom they are for and whom they are from.
type Ahead = Arc<Mutex<HashMap<(SocketAddr, SocketAddr), (Spare<tokio::net::TcpStream>, Instant)>>>;

async fn serve_tcp(gate: TcpGate, shared: &Shared) -> io::Result<()> {
    let ahead = Ahead::default();
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            opening = gate.opening(), if tasks.len() < relay::MOST => {
                tasks.spawn(open(opening?, shared.clone(), ahead.clone()));
            }
            accepted = gate.accept() => {
                let (near, from) = accepted?;
                // Who has gone already is nobody's reason to close the door.
                let Ok(to) = near.local_addr() else { continue };
                let name = (to, from);
                match ahead.lock().unwrap_or_else(PoisonError::into_inner).remove(&name) {
                    Some((far, _)) => drop(tasks.spawn(Relay::new(near, far.take()).run())),
                    None => near.break_off(),
                }
            }
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// Opens the far end first: only then is the near end answered, as the far end was.
async fn open(opening: Opening, shared: Shared, ahead: Ahead) {
    let (to, from) = (opening.to(), opening.from());
    let Some(real) = shared.real(to) else { return opening.refuse() };
    match tokio::net::TcpStream::connect(&real[..]).await {
        Ok(far) => {
            let mut ahead = ahead.lock().unwrap_or_else(PoisonError::into_inner);
            ahead.retain(|_, (_, since)| since.elapsed() < FORGOTTEN);
            ahead.insert((to, from), (Spare::new(far), Instant::now()));
            drop(ahead);
            opening.accept();
        }
        Err(error) => {
            (shared.notes)(&format!("{from} does not reach {to}: {error}"));
            decline(opening, &error);
        }
    }
}

/// Tells the caller what the machine was told.
fn decline(opening: Opening, error: &io::Error) {
    match error.raw_os_error() {
        Some(libc::ENETUNREACH | libc::ENETDOWN | libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT) => {
            opening.unreachable(Unreachable::Network);
        }
        Some(libc::EHOSTUNREACH | libc::EHOSTDOWN) => opening.unreachable(Unreachable::Host),
        Some(libc::EACCES | libc::EPERM) => opening.unreachable(Unreachable::Prohibited),
        // It has waited as long as the caller does, who will find out himself.
        Some(libc::ETIMEDOUT) => opening.ignore(),
        _ => opening.refuse(),
    }
}

/// From whom datagrams are, and whom they are for.
type Name = (SocketAddr, SocketAddr);

/// Both sockets of an association.
#[derive(Clone)]
struct Pair {
    near: Arc<UdpSocket>,
    far: Arc<tokio::net::UdpSocket>,
    used: Arc<Used>,
}

async fn serve_udp(gate: UdpGate, shared: &Shared) -> io::Result<()> {
    let pairs = Associations::<Name, Pair>::default();
    let mut tasks = JoinSet::new();
    let mut datagram = vec![0; DATAGRAM];
    loop {
        tokio::select! {
            received = gate.recv(&mut datagram) => {
                let (len, from, to) = received?;
                let name = (from, to);
                let known = pairs.find(&name);
                let new = known.is_none();
                let pair = match (known, shared.real(to)) {
                    (Some(pair), _) => pair,
                    (None, None) => continue,
                    (None, Some(real)) => match new_pair(&gate, name, real[0], &pairs) {
                        Ok(pair) => pair,
                        Err(error) => {
                            (shared.notes)(&format!("a datagram of {from} to {to} is dropped: {error}"));
                            continue;
                        }
                    },
                };
                pair.used.touch();
                // What cannot be sent is lost, as datagrams are.
                let _ = pair.far.send(&datagram[..len]).await;
                if new {
                    tasks.spawn(associate(pair, name, pairs.clone(), shared.idle));
                }
            }
            Some(_) = tasks.join_next() => {}
        }
    }
}

fn new_pair(gate: &UdpGate, (from, to): Name, real: SocketAddr, pairs: &Associations<Name, Pair>) -> io::Result<Pair> {
    let any: SocketAddr = if real.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let far = std::net::UdpSocket::bind(any)?;
    far.set_nonblocking(true)?;
    far.connect(real)?;
    let far = Arc::new(tokio::net::UdpSocket::from_std(far)?);
    let pair = Pair { near: Arc::new(gate.answering(from, to)?), far, used: Arc::new(Used::now()) };
    pairs.add(&(from, to), &pair)?;
    Ok(pair)
}

/// What became of a datagram, by the side whose socket speaks.
enum Carried {
    /// The machine's.
    Out(io::Result<usize>),
    /// The lab's.
    In(io::Result<usize>),
}

/// Carries datagrams both ways until none was sent for a while.
async fn associate(Pair { near, far, used }: Pair, name: Name, pairs: Associations<Name, Pair>, idle: Duration) {
    let (mut there, mut back) = (vec![0; DATAGRAM], vec![0; DATAGRAM]);
    loop {
        let carried = tokio::select! {
            received = near.recv(&mut there) => match received {
                Ok(len) => Carried::Out(far.send(&there[..len]).await),
                Err(error) => Carried::In(Err(error)),
            },
            received = far.recv(&mut back) => match received {
                Ok(len) => Carried::In(near.send(&back[..len]).await),
                Err(error) => Carried::Out(Err(error)),
            },
            () = used.idle_for(idle) => break,
        };
        match carried {
            Carried::Out(Ok(_)) | Carried::In(Ok(_)) => used.touch(),
            Carried::Out(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => drop(refuse_datagrams(&near)),
            Carried::Out(Err(error)) | Carried::In(Err(error)) if is_of_one_datagram(&error) => {}
            Carried::Out(Err(_)) | Carried::In(Err(_)) => break,
        }
    }
    pairs.forget(&name);
}
