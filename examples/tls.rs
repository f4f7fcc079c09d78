//! TLS by rustls over our streams, with a certificate made on the spot.
//!
//! ```sh
//! cargo run -p loggia --features tokio --example tls
//! ```

use std::error::Error;
use std::sync::Arc;

use loggia::Host;
use loggia::device::{Properties, pair};
use loggia::tokio::net::{TcpListener, TcpStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Runs both ends.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(talk())
}

async fn talk() -> Result<(), Box<dyn Error>> {
    let [one, other] = pair(Properties::ip(1500));
    let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
    let client = Host::builder().address("10.0.0.2/24").device(other).start()?;
    client.add_name("server.example", ["10.0.0.1".parse()?])?;

    let made = rcgen::generate_simple_self_signed(["server.example".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let acceptor = TlsAcceptor::from(Arc::new(
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key)?,
    ));
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let connector = TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()));

    let listener = TcpListener::bind_on(&server, "10.0.0.1:443").await?;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = acceptor.accept(stream).await?;
        let mut question = Vec::new();
        stream.read_to_end(&mut question).await?;
        stream.write_all(&question).await?;
        stream.shutdown().await
    });

    let stream = TcpStream::connect_on(&client, "server.example:443").await?;
    let mut stream = connector.connect(ServerName::try_from("server.example")?, stream).await?;
    let data: Vec<u8> = (0..1_000_000u32).map(|at| (at ^ at >> 8) as u8).collect();
    stream.write_all(&data).await?;
    stream.shutdown().await?;
    let mut echo = Vec::new();
    stream.read_to_end(&mut echo).await?;
    serving.await??;
    assert!(echo == data);
    println!("{} bytes there and back, by {:?}", echo.len(), stream.get_ref().1.protocol_version().ok_or("none")?);
    Ok(())
}
