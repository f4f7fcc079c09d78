//! A port of the machine that leads to a port in the lab.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use loggia::Host;
use loggia::tokio::net::{TcpStream, UdpSocket};
use loggia_lab::file::Protocol;
use tokio::task::JoinSet;

use super::Notes;
use super::association::{Associations, DATAGRAM, Used, is_of_one_datagram};
use super::relay::{self, Relay, Spare};

/// A port of the machine, taken and not yet served.
#[derive(Debug)]
pub struct Publication {
    listener: Listener,
}

#[derive(Debug)]
enum Listener {
    Tcp(std::net::TcpListener),
    Udp(std::net::UdpSocket),
}

impl Publication {
    /// Takes the port; 0 takes any that is free. From now on clients may connect, and wait. `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`
    pub fn take(machine: SocketAddr, protocol: Protocol) -> io::Result<Self> {
        let listener = match protocol {
            Protocol::Tcp => {
                let listener = std::net::TcpListener::bind(machine)?;
                listener.set_nonblocking(true)?;
                Listener::Tcp(listener)
            }
            Protocol::Udp => {
                let socket = std::net::UdpSocket::bind(machine)?;
                socket.set_nonblocking(true)?;
                Listener::Udp(socket)
            }
        };
        Ok(Self { listener })
    }

    /// Where clients find it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.listener {
            Listener::Tcp(listener) => listener.local_addr(),
            Listener::Udp(socket) => socket.local_addr(),
        }
    }

    /// Opens a connection from `host` to `to` for each of a client, until it is dropped; then those that are open are reset. A client
    /// whose connection cannot be opened is reset.
    pub async fn serve(self, host: Host, to: SocketAddr, idle: Duration, notes: Notes) -> io::Result<()> {
        match self.listener {
            Listener::Tcp(listener) => serve_tcp(tokio::net::TcpListener::from_std(listener)?, host, to, notes).await,
            Listener::Udp(socket) => serve_udp(Arc::new(tokio::net::UdpSocket::from_std(socket)?), host, to, idle, notes).await,
        }
    }
}

async fn serve_tcp(listener: tokio::net::TcpListener, host: Host, to: SocketAddr, notes: Notes) -> io::Result<()> {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if clients.len() < relay::MOST => match accepted {
                Ok((client, from)) => {
                    clients.spawn(carry(Spare::new(client), from, host.clone(), to, notes.clone()));
                }
                Err(error) => {
                    // Out of descriptors, or a client that has gone already.
                    notes(&format!("a client of {to} cannot be accepted: {error}"));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn carry(client: Spare<tokio::net::TcpStream>, from: SocketAddr, host: Host, to: SocketAddr, notes: Notes) {
    match TcpStream::connect_on(&host, to).await {
        Ok(server) => Relay::new(client.take(), server).run().await,
        Err(error) => {
            notes(&format!("{from} is not let in to {to}: {error}"));
        }
    }
}

/// A client's datagrams come from a socket of their own in the lab.
type Client = (Arc<UdpSocket>, Arc<Used>);

async fn serve_udp(
    machine: Arc<tokio::net::UdpSocket>,
    host: Host,
    to: SocketAddr,
    idle: Duration,
    notes: Notes,
) -> io::Result<()> {
    let clients = Associations::<SocketAddr, Client>::default();
    let mut tasks = JoinSet::new();
    let mut datagram = vec![0; DATAGRAM];
    loop {
        tokio::select! {
            received = machine.recv_from(&mut datagram) => {
                let (len, from) = match received {
                    Err(error) if is_of_one_datagram(&error) => continue,
                    received => received?,
                };
                let known = clients.find(&from);
                let new = known.is_none();
                let client = match known {
                    Some(client) => Ok(client),
                    None => new_client(&host, to, from, &clients).await,
                };
                let client = match client {
                    Ok(client) => client,
                    Err(error) => {
                        notes(&format!("a datagram of {from} to {to} is dropped: {error}"));
                        continue;
                    }
                };
                client.1.touch();
                // What cannot be sent is lost, as datagrams are.
                let _ = client.0.send(&datagram[..len]).await;
                if new {
                    tasks.spawn(answers(client, from, machine.clone(), clients.clone(), idle));
                }
            }
            Some(_) = tasks.join_next() => {}
        }
    }
}

async fn new_client(
    host: &Host,
    to: SocketAddr,
    from: SocketAddr,
    clients: &Associations<SocketAddr, Client>,
) -> io::Result<Client> {
    let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind_on(host, any).await?;
    socket.connect(to).await?;
    let client = (Arc::new(socket), Arc::new(Used::now()));
    clients.add(&from, &client)?;
    Ok(client)
}

/// Carries the answers of one client back.
async fn answers(
    (socket, used): Client,
    from: SocketAddr,
    machine: Arc<tokio::net::UdpSocket>,
    clients: Associations<SocketAddr, Client>,
    idle: Duration,
) {
    let mut datagram = vec![0; DATAGRAM];
    loop {
        tokio::select! {
            received = socket.recv(&mut datagram) => match received {
                Ok(len) => {
                    used.touch();
                    let _ = machine.send_to(&datagram[..len], from).await;
                }
                Err(error) if is_of_one_datagram(&error) => {}
                Err(_) => break,
            },
            () = used.idle_for(idle) => break,
        }
    }
    clients.forget(&from);
}
