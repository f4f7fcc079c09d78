//! An HTTP client.
//!
//! | file | what |
//! |---|---|
//! | `request` | one request over a connection, kept or new |
//! | `tally` | what became of all of them |

mod request;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{CommandFactory, Parser};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Uri};
use tokio::task::JoinSet;

use self::request::Worker;
use self::tally::Tally;
use super::values::time;
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "get", serves: false, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Fetches a URL by HTTP/1.1, once or many times, and says how long it took. Fails if any request does.
#[derive(Parser, Clone, Debug)]
#[command(name = "get")]
pub(super) struct Args {
    #[allow(rustdoc::broken_intra_doc_links)] // The brackets are for people.
    /// http://HOST[:PORT]/PATH
    #[arg(value_name = "URL", value_parser = url)]
    url: Uri,
    /// How many requests.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1)]
    requests: u64,
    /// How many at once, each on its own connection.
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    concurrency: u64,
    /// A new connection for each request.
    #[arg(long)]
    no_keep_alive: bool,
    /// Connect to the Unix socket of this path; @NAME is an abstract one.
    #[arg(long, value_name = "PATH")]
    unix: Option<String>,
    /// Ask only for the head.
    #[arg(long, short = 'I')]
    head: bool,
    /// Send this body, with POST.
    #[arg(long, short, value_name = "TEXT", conflicts_with = "head")]
    data: Option<String>,
    /// Send this header, `Name: value`.
    #[arg(long, short = 'H', value_name = "HEADER", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// What the body must hash to, in hexadecimal.
    #[arg(long, value_name = "SHA256", value_parser = sha256)]
    check_sha256: Option<String>,
    /// The body must be the pattern of /bytes.
    #[arg(long)]
    check_pattern: bool,
    /// The status that is wanted, instead of any below 400.
    #[arg(long, value_name = "STATUS")]
    expect: Option<u16>,
    /// Print the body.
    #[arg(long, short)]
    body: bool,
    /// How long a request may take.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    timeout: Duration,
    /// Rest this long after each request.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pause: Option<Duration>,
}

fn url(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(_)) => Ok(uri),
        (Some("https"), _) => Err("https is not spoken here; use http, or a program of your own such as curl".into()),
        _ => Err("expected http://HOST[:PORT]/PATH".into()),
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("expected `Name: value`")?;
    Ok((name.trim().parse().map_err(|error| format!("{error}"))?, value.trim().parse().map_err(|error| format!("{error}"))?))
}

fn sha256(text: &str) -> Result<String, String> {
    let right = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if right { Ok(text.to_ascii_lowercase()) } else { Err("expected 64 hexadecimal digits".into()) }
}

impl Args {
    fn headers(&self) -> HeaderMap {
        self.header.iter().cloned().collect()
    }
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let begin = setting.host.now();
    let args = Arc::new(args);
    let left = Arc::new(AtomicU64::new(args.requests));
    let mut workers = JoinSet::new();
    for _ in 0..args.concurrency.min(args.requests) {
        workers.spawn(work(args.clone(), setting.clone(), left.clone()));
    }
    let mut tally = Tally::default();
    while let Some(part) = workers.join_next().await {
        tally.join(part.map_err(|error| Failure(error.to_string()))?);
    }
    if args.requests != 1 {
        tally.report(setting.host.now() - begin, &setting.out);
    }
    tally.verdict()
}

async fn work(args: Arc<Args>, setting: Setting, left: Arc<AtomicU64>) -> Tally {
    let mut tally = Tally::default();
    let mut worker = Worker::new(args.clone(), setting.clone());
    let one_less = |left: u64| left.checked_sub(1);
    while !setting.stop.is_told() && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        match worker.request().await {
            Ok(done) => {
                setting.out.line(&done.to_string());
                tally.done(&done);
            }
            Err(failure) => {
                setting.out.error(&format!("get: {}: {failure}", args.url));
                tally.failed();
            }
        }
        if let Some(pause) = args.pause {
            setting.stop.unless_told(loggia::time::sleep(&setting.host, pause)).await;
        }
    }
    tally
}
