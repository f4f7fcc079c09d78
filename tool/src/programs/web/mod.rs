//! A web server: `web` inside a lab, `loggia serve` on the machine.
//!
//! | file | what |
//! |---|---|
//! | `app` | what it answers |
//! | `files`, `listing` | files of a folder, with ranges and caching headers; the list of a folder without an index |
//! | `probes` | `/bytes`, `/delay`, `/chunked`, `/echo` |
//! | `serve` | connections |
//! | `clock` | whose time it is |

mod app;
mod clock;
mod files;
mod listing;
mod probes;
mod serve;

use std::path::PathBuf;

use clap::{CommandFactory, Parser};

pub use app::{app, page};
pub use clock::Clock;
pub use serve::serve;

use super::ends::{self, Listen};
use super::failure::Attempt;
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "web", serves: true, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Serves the files of a folder by HTTP/1.1, or a page of its own with /bytes/SIZE, /delay/MS, /chunked and /echo. Its usual port is
/// 80.
#[derive(Parser, Debug)]
#[command(name = "web")]
struct Args {
    #[command(flatten)]
    listen: Listen,
    /// The folder; without it, a page of its own.
    directory: Option<PathBuf>,
    /// Print no line for each request.
    #[arg(long, short)]
    quiet: bool,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let directory = args.directory.map(|directory| setting.directory.join(directory));
    if let Some(directory) = &directory {
        std::fs::read_dir(directory).attempt(directory.display())?;
    }
    let listener = args.listen.streams(&setting.host, 80).await?;
    let clock = Clock::Lab { host: setting.host.clone(), epoch: setting.epoch };
    let log = (!args.quiet).then(|| setting.out.clone());
    let listener = Accepting { listener, host: setting.host.clone() };
    serve(listener, app(directory.as_deref(), &clock), clock, log, setting.stop.told()).await;
    Ok(())
}

/// Our listeners as axum wants them.
struct Accepting {
    listener: ends::Listener,
    host: loggia::Host,
}

impl axum::serve::Listener for Accepting {
    type Io = ends::Stream;
    type Addr = ends::Peer;

    async fn accept(&mut self) -> (ends::Stream, ends::Peer) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // An answer goes out at once, whatever of the one before is on the way.
                    let _ = stream.set_nodelay();
                    return (stream, peer);
                }
                Err(_) => loggia::time::sleep(&self.host, std::time::Duration::from_millis(10)).await,
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<ends::Peer> {
        Ok("the lab".into())
    }
}
