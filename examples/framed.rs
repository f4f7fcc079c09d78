//! Messages over a byte stream by a codec of tokio-util: each line one.
//!
//! ```sh
//! cargo run -p loggia --features tokio --example framed
//! ```

use std::error::Error;

use futures_util::{SinkExt, StreamExt};
use loggia::Host;
use loggia::device::{Properties, pair};
use loggia::tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Framed, LinesCodec};

/// Runs both ends.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(talk())
}

async fn talk() -> Result<(), Box<dyn Error>> {
    let [one, other] = pair(Properties::ip(1500));
    let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
    let client = Host::builder().address("10.0.0.2/24").device(other).start()?;

    let listener = TcpListener::bind_on(&server, "10.0.0.1:7").await?;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        // Small answers are not to wait for acknowledgements of those before (Nagle, RFC 9293 §3.7.4).
        stream.set_nodelay(true)?;
        let (mut answers, mut questions) = Framed::new(stream, LinesCodec::new_with_max_length(1000)).split();
        while let Some(question) = questions.next().await {
            answers.send(format!("you said {:?}", question?)).await?;
        }
        Ok::<(), tokio_util::codec::LinesCodecError>(())
    });

    let mut lines = Framed::new(TcpStream::connect_on(&client, "10.0.0.1:7").await?, LinesCodec::new());
    for number in 0..100 {
        // What is fed and not flushed goes together with what comes after it: messages and segments have nothing to do with each other.
        lines.feed(format!("line {number}")).await?;
        lines.send(String::new()).await?;
        assert_eq!(lines.next().await.transpose()?, Some(format!("you said \"line {number}\"")));
        assert_eq!(lines.next().await.transpose()?.as_deref(), Some("you said \"\""));
    }
    SinkExt::<String>::close(&mut lines).await?;
    serving.await??;
    println!("a hundred lines there and back");
    Ok(())
}
