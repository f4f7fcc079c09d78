//! QUIC by quinn over our UDP: what quinn wants to know of a socket, in seventy lines. Datagrams of one size go and come as one, with ECN.
//!
//! ```sh
//! cargo run -p loggia --features tokio --example quic
//! ```

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use loggia::Host;
use loggia::device::{Properties, pair};
use loggia::net;
use loggia::tokio::net::UdpSocket;
use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, ClientConfig, Endpoint, EndpointConfig, ServerConfig, TokioRuntime, UdpPoller};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// So many datagrams may go, and come, as one.
const SEGMENTS: usize = 64;

/// A socket as quinn wants it.
#[derive(Debug)]
struct Socket(UdpSocket);

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Poller { socket: self, waiting: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut ours = net::Transmit::to(transmit.destination, transmit.contents);
        if let Some(size) = transmit.segment_size {
            ours = ours.segment_size(size as u16);
        }
        if let Some(from) = transmit.src_ip {
            ours = ours.from(from);
        }
        self.0.try_transmit(&ours.tos(transmit.ecn.map_or(0, |ecn| ecn as u8))).map(drop)
    }

    fn poll_recv(&self, cx: &mut Context<'_>, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        let told = ready!(self.0.poll_recv_meta(cx, &mut bufs[0]))?;
        let ecn = told.tos.and_then(EcnCodepoint::from_bits);
        meta[0] = RecvMeta { addr: told.from, len: told.len, stride: told.stride, ecn, dst_ip: told.to };
        Poll::Ready(Ok(1))
    }

    fn max_transmit_segments(&self) -> usize {
        SEGMENTS
    }

    fn max_receive_segments(&self) -> usize {
        SEGMENTS
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// One who waits until there is room to send. There may be many, so each has a future of its own.
struct Poller {
    socket: Arc<Socket>,
    waiting: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>,
}

impl UdpPoller for Poller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.socket.clone();
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(async move { socket.0.writable().await }));
        let writable = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(writable)
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Poller")
    }
}

/// An endpoint on one of our hosts. Timers and tasks are tokio's.
async fn endpoint(host: &Host, addr: &str, server: Option<ServerConfig>) -> io::Result<Endpoint> {
    let socket = UdpSocket::bind_on(host, addr).await?;
    socket.set_recv_meta(true)?;
    let socket = Arc::new(Socket(socket));
    Endpoint::new_with_abstract_socket(EndpointConfig::default(), server, socket, Arc::new(TokioRuntime))
}

/// Runs both ends.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(talk())
}

async fn talk() -> Result<(), Box<dyn Error>> {
    let [one, other] = pair(Properties::ip(1500));
    let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
    let client = Host::builder().address("10.0.0.2/24").device(other).start()?;

    let made = rcgen::generate_simple_self_signed(["server.example".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::with_single_cert(vec![made.cert.der().clone()], key)?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;

    let serving = endpoint(&server, "10.0.0.1:443", Some(config)).await?;
    tokio::spawn(async move {
        while let Some(incoming) = serving.accept().await {
            let Ok(connection) = incoming.await else { continue };
            while let Ok((mut answer, mut question)) = connection.accept_bi().await {
                tokio::spawn(async move { tokio::io::copy(&mut question, &mut answer).await });
            }
        }
    });

    let endpoint = endpoint(&client, "10.0.0.2:0", None).await?;
    let config = ClientConfig::with_root_certificates(Arc::new(roots))?;
    let connection = endpoint.connect_with(config, "10.0.0.1:443".parse()?, "server.example")?.await?;
    let streams = (0..10u8).map(|number| {
        let connection = connection.clone();
        tokio::spawn(async move {
            let (mut question, mut answer) = connection.open_bi().await.expect("a stream");
            let writing = tokio::spawn(async move {
                question.write_all(&vec![number; 100_000]).await.expect("written");
                question.finish().expect("finished");
            });
            let echo = answer.read_to_end(200_000).await.expect("read");
            writing.await.expect("no panic");
            assert!(echo == vec![number; 100_000]);
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        stream.await?;
    }
    println!("ten streams of 100 kB there and back over one connection, {:?} a round trip", connection.rtt());
    connection.close(0u32.into(), b"done");
    endpoint.wait_idle().await;
    Ok(())
}
