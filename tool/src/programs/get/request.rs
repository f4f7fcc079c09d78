//! One request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use loggia::time::timeout;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::Args;
use crate::programs::Setting;
use crate::programs::ends::Target;
use crate::programs::failure::{Attempt, Failure};
use crate::programs::pattern::Pattern;
use crate::programs::values::{show_bytes, show_time};

/// What came of a request.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) status: u16,
    pub(super) bytes: u64,
    /// Only of those that made a connection.
    pub(super) connect: Option<Duration>,
    /// From asking to the head of the answer.
    pub(super) first_byte: Duration,
    /// Everything, connecting included.
    pub(super) total: Duration,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, bytes, connect, first_byte, total } = self;
        write!(f, "{status}, {} in {}", show_bytes(*bytes), show_time(*total))?;
        if let Some(connect) = connect {
            write!(f, ", connected in {}", show_time(*connect))?;
        }
        write!(f, ", answered in {}", show_time(*first_byte))
    }
}

type Sender = SendRequest<Full<Bytes>>;

/// Makes one request after the other.
pub(super) struct Worker {
    args: Arc<Args>,
    setting: Setting,
    open: Option<Sender>,
    /// What moves the bytes of the connection.
    connection: JoinSet<()>,
}

impl Worker {
    pub(super) fn new(args: Arc<Args>, setting: Setting) -> Self {
        Self { args, setting, open: None, connection: JoinSet::new() }
    }

    /// The next request, in time.
    pub(super) async fn request(&mut self) -> Result<Done, Failure> {
        let (host, limit) = (self.setting.host.clone(), self.args.timeout);
        let Ok(result) = timeout(&host, limit, self.exchange()).await else {
            self.open = None;
            return Err(Failure(format!("no whole answer within {}", show_time(limit))));
        };
        result
    }

    async fn exchange(&mut self) -> Result<Done, Failure> {
        let host = self.setting.host.clone();
        let begin = host.now();
        let (mut sender, connect) = match self.kept().await {
            Some(sender) => (sender, None),
            None => (self.connect().await?, Some(host.now() - begin)),
        };
        let asked = host.now();
        let response = sender.send_request(self.message()).await.attempt("ask")?;
        let first_byte = host.now() - asked;
        let status = response.status().as_u16();
        let bytes = self.receive(response).await?;
        self.open = (!self.args.no_keep_alive).then_some(sender);
        let done = Done { status, bytes, connect, first_byte, total: host.now() - begin };
        let right = self.args.expect.map_or(status < 400, |wanted| status == wanted);
        if right { Ok(done) } else { Err(Failure(format!("status {status}"))) }
    }

    /// The connection of the request before, if it still stands.
    async fn kept(&mut self) -> Option<Sender> {
        let mut sender = self.open.take()?;
        sender.ready().await.is_ok().then_some(sender)
    }

    async fn connect(&mut self) -> Result<Sender, Failure> {
        let stream = target(&self.args).stream(&self.setting.host).await?;
        let _ = stream.set_nodelay();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.attempt("begin")?;
        self.connection.abort_all();
        // How it ends is told by the request.
        self.connection.spawn(async move { connection.await.unwrap_or_default() });
        Ok(sender)
    }

    fn message(&self) -> Request<Full<Bytes>> {
        let Args { url, head, data, no_keep_alive, .. } = &*self.args;
        let method = match (head, data) {
            (true, _) => Method::HEAD,
            (false, Some(_)) => Method::POST,
            (false, None) => Method::GET,
        };
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::new(Full::from(data.clone().unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or(Uri::from_static("/"));
        let headers = request.headers_mut();
        headers.insert(HOST, authority(url).parse().expect("an authority is a header"));
        headers.insert(hyper::header::USER_AGENT, hyper::header::HeaderValue::from_static("loggia"));
        if *no_keep_alive {
            headers.insert(hyper::header::CONNECTION, hyper::header::HeaderValue::from_static("close"));
        }
        headers.extend(self.args.headers());
        request
    }

    /// Takes the body, looks at every byte, and counts.
    async fn receive(&self, response: Response<Incoming>) -> Result<u64, Failure> {
        let mut body = response.into_body();
        let (mut hash, pattern, mut count) = (Sha256::new(), self.args.check_pattern.then(Pattern::default), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failure(format!("after {count} bytes: {error}")))?;
            let Some(data) = frame.data_ref() else { continue };
            if self.args.check_sha256.is_some() {
                hash.update(data);
            }
            if let Some(at) = pattern.as_ref().and_then(|pattern| pattern.wrong(count, data)) {
                return Err(Failure(format!("byte {at} is not that of the pattern")));
            }
            if self.args.body {
                self.setting.out.bytes(data);
            }
            count += data.len() as u64;
        }
        match &self.args.check_sha256 {
            Some(wanted) => same(wanted, &hash.finalize()).map(|()| count),
            None => Ok(count),
        }
    }
}

fn same(wanted: &str, hash: &[u8]) -> Result<(), Failure> {
    let found = hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    if found == wanted { Ok(()) } else { Err(Failure(format!("the body hashes to {found}, not to {wanted}"))) }
}

fn authority(url: &Uri) -> &str {
    url.authority().map_or("", |authority| authority.as_str())
}

fn target(args: &Args) -> Target {
    if let Some(path) = &args.unix {
        return Target::Unix(path.clone());
    }
    let host = args.url.host().unwrap_or_default();
    Target::Inet(format!("{host}:{}", args.url.port_u16().unwrap_or(80)))
}
