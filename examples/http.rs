//! axum serves and hyper asks, over our sockets.
//!
//! ```sh
//! cargo run -p loggia --features tokio --example http
//! ```

use std::future;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use loggia::Host;
use loggia::device::{Properties, pair};
use loggia::tokio::net::{TcpListener, TcpStream};

/// Lets axum accept from our listener.
struct Listener(TcpListener);

impl axum::serve::Listener for Listener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok(accepted) => return accepted,
                // The host has ended: nobody comes any more, and axum has no word for that.
                Err(end) if end.kind() == io::ErrorKind::NetworkDown => future::pending().await,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Runs both.
pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(talk())
}

async fn talk() -> Result<(), Box<dyn std::error::Error>> {
    let [one, other] = pair(Properties::ip(1500));
    let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
    let client = Host::builder().address("10.0.0.2/24").device(other).start()?;

    let listener = Listener(TcpListener::bind_on(&server, "10.0.0.1:80").await?);
    let router = Router::new().route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("hello, {name}") }));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let stream = TcpStream::connect_on(&client, "10.0.0.1:80").await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/hello/loggia").header("host", "10.0.0.1").body(Empty::<Bytes>::new())?;
    let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    println!("{}", String::from_utf8_lossy(&body));
    assert_eq!(&body[..], b"hello, loggia");
    Ok(())
}
