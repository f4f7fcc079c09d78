//! What the small servers have in common: they serve every connection and every datagram until they are told to end.

use std::future::Future;
use std::io;
use std::time::Duration;

use loggia::time::sleep;
use tokio::task::JoinSet;

use super::Setting;
use super::ends::{Answer, Datagrams, Listen, Listener, Peer, Stream};
use super::failure::Failure;
use super::stop::Stop;

/// Whether a server takes connections, datagrams or both.
#[derive(clap::Args, Clone, Debug)]
pub struct Protocols {
    /// Only connections: TCP, or streams of a Unix socket.
    #[arg(long, conflicts_with = "udp")]
    pub tcp: bool,
    /// Only datagrams: UDP, or those of a Unix socket.
    #[arg(long)]
    pub udp: bool,
}

/// How long a server rests that cannot accept: it has too many sockets.
const REST: Duration = Duration::from_millis(10);

/// Largest datagram.
pub const ROOM: usize = 65_536;

/// Serves each connection by itself until it is told to end; then those that there are go on to their own end. They are cut off when this
/// is dropped.
pub async fn connections<F: Future<Output = io::Result<()>> + Send + 'static>(
    setting: &Setting,
    listener: Listener,
    serve: impl Fn(Stream, Peer) -> F,
) {
    let mut tasks = JoinSet::new();
    while let Some(accepted) = setting.stop.unless_told(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                tasks.spawn(serve(stream, peer));
            }
            Err(_) => sleep(&setting.host, REST).await,
        }
        // What became of them is theirs: a client that goes away is no failure of the server.
        while tasks.try_join_next().is_some() {}
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

/// Answers each datagram until it is told to end.
pub async fn datagrams(stop: &Stop, socket: &Datagrams, answer: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut room = vec![0; ROOM];
    while let Some(received) = stop.unless_told(socket.recv_from(&mut room)).await {
        // Errors are those of earlier answers: a client that has gone.
        let Ok((len, from)) = received else { continue };
        if matches!(from, Answer::Nowhere) {
            continue;
        }
        if let Some(answer) = answer(&room[..len]) {
            let _ = socket.send_to(&answer, &from).await;
        }
    }
}

/// Serves as told.
pub async fn both<F: Future<Output = io::Result<()>> + Send + 'static>(
    setting: &Setting,
    (listen, usual): (&Listen, u16),
    protocols: &Protocols,
    serve: impl Fn(Stream, Peer) -> F,
    answer: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<(), Failure> {
    let Setting { host, .. } = setting;
    // A path is one socket, of one type.
    let (tcp, udp) = (!protocols.udp, !protocols.tcp && (protocols.udp || listen.unix.is_none()));
    let listener = if tcp { Some(listen.streams(host, usual).await?) } else { None };
    let socket = if udp { Some(listen.datagrams(host, usual).await?) } else { None };
    let streams = async {
        if let Some(listener) = listener {
            connections(setting, listener, serve).await;
        }
    };
    let messages = async {
        if let Some(socket) = &socket {
            datagrams(&setting.stop, socket, answer).await;
        }
    };
    tokio::join!(streams, messages);
    Ok(())
}
