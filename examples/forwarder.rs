//! Everything that enters a TUN interface goes on by the machine's own sockets: what tun-to-proxy tools do.
//!
//! ```sh
//! forwarder tun0              # to where it was going; see to it that this does not lead into tun0 again
//! forwarder tun0 127.0.0.1    # to that address instead, same port
//! ```
//!
//! A connection is answered only once its far end is, and as that was: who is refused there is refused here.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loggia::device::Tun;
use loggia::tokio::net::{Opening, TcpGate, UdpGate, refuse_datagrams};
use loggia::{Host, Interface};
use tokio::net::{TcpStream, UdpSocket};

/// From whom, and to whom.
type Flow = (SocketAddr, SocketAddr);
type Shared<T> = Arc<Mutex<HashMap<Flow, T>>>;

/// An association of datagrams in which nothing has come for so long is over.
const IDLE: Duration = Duration::from_secs(60);

/// Forwards what enters the interface of the first argument.
pub(crate) fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let tun = Tun::open(&arguments.next().unwrap_or_else(|| "tun0".into()))?;
    let instead = arguments.next().map(|text| text.parse().expect("an IP address"));
    let host =
        Host::builder().interface(Interface::new(tun).transparent(true).address("192.0.2.1/32").gateway("192.0.2.2")).start()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(forward(&host, instead))
}

/// Forwards what comes to `host`, whose interfaces are transparent.
pub(crate) async fn forward(host: &Host, instead: Option<IpAddr>) -> io::Result<()> {
    let (v4, v6) = (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED));
    let tcp = |any| async move { tcp(TcpGate::bind_on(host, any, 1024)?, instead).await };
    let udp = |any| async move { udp(UdpGate::bind_on(host, any)?, instead).await };
    tokio::try_join!(tcp(v4), tcp(v6), udp(v4), udp(v6)).map(drop)
}

fn real(to: SocketAddr, instead: Option<IpAddr>) -> SocketAddr {
    SocketAddr::new(instead.unwrap_or(to.ip()), to.port())
}

async fn tcp(gate: TcpGate, instead: Option<IpAddr>) -> io::Result<()> {
    let dialled = Shared::<TcpStream>::default();
    loop {
        tokio::select! {
            opening = gate.opening() => drop(tokio::spawn(dial(opening?, instead, dialled.clone()))),
            accepted = gate.accept() => {
                let (mut near, from) = accepted?;
                let Ok(to) = near.local_addr() else { continue };
                let far = dialled.lock().unwrap_or_else(PoisonError::into_inner).remove(&(from, to));
                tokio::spawn(async move {
                    if let Some(mut far) = far {
                        // Either end may break off.
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        }
    }
}

async fn dial(opening: Opening, instead: Option<IpAddr>, dialled: Shared<TcpStream>) {
    // An opening that is dropped undecided is refused.
    let Ok(far) = TcpStream::connect(real(opening.to(), instead)).await else { return };
    dialled.lock().unwrap_or_else(PoisonError::into_inner).insert((opening.from(), opening.to()), far);
    opening.accept();
}

async fn udp(gate: UdpGate, instead: Option<IpAddr>) -> io::Result<()> {
    let far_ends = Shared::<Arc<UdpSocket>>::default();
    let mut datagram = vec![0; 65_535];
    loop {
        let (len, from, to) = gate.recv(&mut datagram).await?;
        let known = far_ends.lock().unwrap_or_else(PoisonError::into_inner).get(&(from, to)).cloned();
        let far = match known {
            Some(far) => far,
            None => {
                let any = if to.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
                let Ok(far) = UdpSocket::bind(SocketAddr::new(any, 0)).await.map(Arc::new) else { continue };
                let (Ok(()), Ok(near)) = (far.connect(real(to, instead)).await, gate.answering(from, to)) else { continue };
                far_ends.lock().unwrap_or_else(PoisonError::into_inner).insert((from, to), far.clone());
                let (own, far_ends) = (far.clone(), far_ends.clone());
                tokio::spawn(async move {
                    associate(&near, &own).await;
                    far_ends.lock().unwrap_or_else(PoisonError::into_inner).remove(&(from, to));
                });
                far
            }
        };
        // Datagrams may be lost.
        let _ = far.send(&datagram[..len]).await;
    }
}

/// Carries datagrams both ways until none come any more, or the far end says that nobody is there.
async fn associate(near: &loggia::tokio::net::UdpSocket, far: &UdpSocket) {
    let (mut out, mut back) = (vec![0; 65_535], vec![0; 65_535]);
    loop {
        tokio::select! {
            sent = near.recv(&mut out) => {
                let Ok(len) = sent else { return };
                let _ = far.send(&out[..len]).await;
            }
            received = far.recv(&mut back) => match received {
                Ok(len) => drop(near.send(&back[..len]).await),
                Err(_) => drop(refuse_datagrams(near)),
            },
            () = tokio::time::sleep(IDLE) => return,
        }
    }
}
