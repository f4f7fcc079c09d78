//! Connections of the web server.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::clock::Clock;
use crate::programs::Output;

/// How long a client may take for the head of a request, and rest between two.
const PATIENCE: Duration = Duration::from_secs(75);
/// How long requests may go on that were under way when the server was stopped.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stop`, then ends what is under way: idle connections at once, others after their answer. Each request is a line of
/// `log`.
pub async fn serve<L: Listener<Addr: Display>>(
    mut listener: L,
    app: Router,
    clock: Clock,
    log: Option<Output>,
    stop: impl Future<Output = ()> + Send,
) {
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let (io, peer) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let log = log.clone().map(|log| (log, peer.to_string()));
        connections.spawn(connection(io, app.clone(), clock.clone(), log, stopped.clone()));
        while connections.try_join_next().is_some() {}
    }
    drop((listener, stopping));
    tokio::select! {
        biased;
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = clock.sleep(GRACE) => {}
    }
}

async fn connection<Io>(io: Io, app: Router, clock: Clock, log: Option<(Output, String)>, mut stopped: watch::Receiver<()>)
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(|request| respond(app.clone(), request, log.clone()));
    let connection = http1::Builder::new()
        .timer(clock.timer())
        .header_read_timeout(PATIENCE)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(io), answer);
    let mut connection = pin!(connection);
    // What becomes of a connection is its client's business.
    tokio::select! {
        biased;
        _ = &mut connection => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn respond(app: Router, request: Request<Incoming>, log: Option<(Output, String)>) -> Result<Response<Body>, Infallible> {
    let asked = log.is_some().then(|| format!("{} {}", request.method(), request.uri()));
    let response = tower_service(app, request).await;
    if let (Some((log, peer)), Some(asked)) = (log, asked) {
        log.line(&format!("{peer} {asked} {}", response.status().as_u16()));
    }
    Ok(response)
}

async fn tower_service(app: Router, request: Request<Incoming>) -> Response<Body> {
    use hyper::service::Service;
    let service = hyper_util::service::TowerToHyperService::new(app);
    service.call(request.map(Body::new)).await.unwrap_or_else(|never| match never {})
}
