//! `loggia serve`

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use tokio::io::unix::AsyncFd;

use super::load::Refused;
use crate::cli::{Global, Serve};
use crate::exit::Exit;
use crate::process::Signals;
use crate::programs::{Output, web};
use crate::run::perform::Machine;

pub(super) fn serve(serve: &Serve, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    let Serve { dir, listen } = serve;
    std::fs::read_dir(dir).map_err(|error| Refused(format!("{}: {error}", dir.display())))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Refused::of)?;
    runtime.block_on(files(dir, listen, global.quiet, &mut machine.signals))
}

async fn files(dir: &Path, listen: &str, quiet: bool, signals: &mut Signals) -> Result<Exit, Refused> {
    let named = |error: io::Error| Refused(format!("listen on {listen}: {error}; expected ADDRESS:PORT"));
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(named)?;
    let addr = listener.local_addr().map_err(named)?;
    let log = (!quiet).then(|| Output::new(Box::new(io::stdout()), Box::new(io::stderr())));
    if let Some(log) = &log {
        log.error(&format!("serving {} at http://{addr}/ until Ctrl-C", dir.display()));
    }
    let app = web::app(Some(dir), &web::Clock::Machine);
    web::serve(listener, app, web::Clock::Machine, log, interrupted(signals)).await;
    Ok(Exit::Held)
}

/// Waits for a signal that ends programs.
async fn interrupted(signals: &mut Signals) {
    #[allow(deprecated, reason = "what is watched is owned, so it stays open as long as it is watched")]
    let inbox = signals.as_fd().try_clone_to_owned().and_then(AsyncFd::new);
    let Ok(inbox) = inbox else { return std::future::pending().await };
    loop {
        let Ok(mut readable) = inbox.readable().await else { return };
        let ending = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];
        for arrived in signals.turn() {
            if arrived.signal == libc::SIGTSTP {
                crate::process::suspend();
            }
            if ending.contains(&arrived.signal) {
                return;
            }
        }
        readable.clear_ready();
    }
}
