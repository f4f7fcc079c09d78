//! Which server is asked, how often, and for which name next.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};

use super::answer::{self, Says};
use super::cache::{Answer, Cache};
use super::config::Config;
use super::error::{Error, Failure};
use super::exchange::{self, Manner};
use super::question::Question;
use super::{MAX_CHAIN, names, order};
use crate::host::Host;
use crate::lookup::{Looking, Resolve};

/// Looks names up by DNS. Its clones share their cache. It belongs to no host: each question says from whose sockets it goes out.
#[derive(Clone)]
pub struct Resolver(Arc<Shared>);

struct Shared {
    config: Config,
    cache: Mutex<Cache>,
    /// Whose turn it is, if servers take turns.
    turn: AtomicUsize,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("servers", &self.0.config.servers).finish_non_exhaustive()
    }
}

/// What a name comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// Its addresses of both families, best first for the host that asked (RFC 6724); at least one.
    pub addresses: Vec<IpAddr>,
    /// The name itself: the last of the aliases, with the domain of the search list that was right.
    pub name: String,
}

impl Resolver {
    /// A resolver with an empty cache.
    pub fn new(config: Config) -> Self {
        let cache = Mutex::new(Cache::new(config.cache));
        Self(Arc::new(Shared { config, cache, turn: AtomicUsize::new(0) }))
    }

    /// How it asks.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Looks up the addresses of a name from the sockets of `host`. Errors are [`Failure`]s in an [`io::Error`].
    pub fn lookup(&self, host: &Host, name: &str) -> Looking<Lookup> {
        let (asker, name) = (self.asker(host), name.to_owned());
        Looking::new(async move { asker.addresses(&name).await.map_err(|error| Failure { asked: name, error }.into()) })
    }

    /// Looks up the names of an address (PTR), from the sockets of `host`; at least one.
    pub fn reverse(&self, host: &Host, addr: IpAddr) -> Looking<Vec<String>> {
        let asker = self.asker(host);
        let told = move |error| Failure { asked: addr.to_string(), error }.into();
        Looking::new(async move { asker.names(addr).await.map_err(told) })
    }

    /// How many answers are kept at the moment, those whose time is over included.
    pub fn cached(&self) -> usize {
        self.0.cache().len()
    }

    /// Forgets what was answered.
    pub fn clear_cache(&self) {
        self.0.cache().clear();
    }

    fn asker(&self, host: &Host) -> Asker {
        Asker { host: host.clone(), shared: self.0.clone() }
    }
}

impl Resolve for Resolver {
    fn addresses(&self, host: &Host, name: &str) -> Looking<Vec<IpAddr>> {
        let lookup = self.lookup(host, name);
        Looking::new(async move { Ok(lookup.await?.addresses) })
    }
}

impl Shared {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who asks, from a host.
struct Asker {
    host: Host,
    shared: Arc<Shared>,
}

impl Asker {
    async fn addresses(&self, name: &str) -> Result<Lookup, Error> {
        if let Some(known) = self.known(name) {
            return Ok(known);
        }
        if names::is_nowhere(name) {
            return Err(Error::NoName);
        }
        let mut worst = Error::NoName;
        for candidate in names::candidates(name, &self.shared.config)? {
            match self.both_families(&candidate).await {
                Ok(found) => return Ok(found),
                Err(Error::NoName) => {}
                // A name that is there outweighs one that is not, and a server that failed might have known.
                Err(Error::NoData) if worst == Error::NoName => worst = Error::NoData,
                Err(Error::NoData) => {}
                Err(failed @ (Error::Failed(_) | Error::Chain)) => worst = failed,
                Err(unreachable) => return Err(unreachable),
            }
        }
        Err(worst)
    }

    /// What can be said without asking.
    fn known(&self, name: &str) -> Option<Lookup> {
        let mut addresses = match name.parse::<IpAddr>() {
            Ok(addr) => vec![addr],
            Err(_) => self.shared.config.hosts.addresses(name).to_vec(),
        };
        if addresses.is_empty() && names::is_localhost(name) {
            addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        if addresses.is_empty() {
            return None;
        }
        order::best_first(&self.host, &mut addresses);
        Some(Lookup { addresses, name: name.to_owned() })
    }

    async fn both_families(&self, name: &Name) -> Result<Lookup, Error> {
        let (v4, v6) = join(self.query(name, RecordType::A), self.query(name, RecordType::AAAA)).await;
        let (data, name) = either(v4, v6)?;
        let mut addresses: Vec<IpAddr> = data.iter().filter_map(address).collect();
        order::best_first(&self.host, &mut addresses);
        Ok(Lookup { addresses, name: names::text(&name) })
    }

    async fn names(&self, addr: IpAddr) -> Result<Vec<String>, Error> {
        if let Some(name) = self.shared.config.hosts.name(addr) {
            return Ok(vec![name.to_owned()]);
        }
        let (data, _) = self.query(&Name::from(addr), RecordType::PTR).await?;
        let names = data.iter().filter_map(|data| match data {
            RData::PTR(name) => Some(names::text(name)),
            _ => None,
        });
        Ok(names.collect())
    }

    /// The data of a name, over all aliases.
    async fn query(&self, name: &Name, ty: RecordType) -> Answer {
        if let Some(answer) = self.shared.cache().get(name, ty, self.host.now()) {
            return answer;
        }
        let (answer, ttl) = self.follow(name, ty).await?;
        let now = self.host.now();
        self.shared.cache().put(name.clone(), ty, answer.clone(), now + ttl, now);
        answer
    }

    /// Asks, and asks again where the answer is but an alias. Gives what is to be kept, and for how long.
    async fn follow(&self, name: &Name, ty: RecordType) -> Result<(Answer, Duration), Error> {
        let (mut name, mut life) = (name.clone(), Duration::MAX);
        for _ in 0..MAX_CHAIN {
            let (answer, ttl) = match self.ask_servers(&name, ty).await? {
                Says::Found { data, name, ttl } => (Ok((data, name)), ttl),
                Says::NoName { ttl } => (Err(Error::NoName), ttl),
                Says::NoData { ttl } => (Err(Error::NoData), ttl),
                Says::Alias { name: next, ttl } => {
                    (name, life) = (next, life.min(ttl));
                    continue;
                }
                Says::Failed(code) => return Err(Error::Failed(code.to_string())),
                Says::Chain => return Err(Error::Chain),
            };
            return Ok((answer, life.min(ttl)));
        }
        Err(Error::Chain)
    }

    /// Asks one server after the other until one has an answer.
    async fn ask_servers(&self, name: &Name, ty: RecordType) -> Result<Says, Error> {
        let Config { servers, rotate, attempts, .. } = &self.shared.config;
        let first = if *rotate { self.shared.turn.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let mut failed = Error::NoServer;
        for _ in 0..*attempts {
            for number in 0..servers.len() {
                let server = servers[first.wrapping_add(number) % servers.len()];
                match self.ask(server, name, ty).await {
                    Ok(Says::Failed(code)) => failed = Error::Failed(code.to_string()),
                    Ok(says) => return Ok(says),
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => failed = Error::TimedOut,
                    Err(error) => failed = Error::Unreachable(error.kind()),
                }
            }
        }
        Err(failed)
    }

    /// Asks one server, without EDNS if it does not know that (RFC 6891 §6.2.2).
    async fn ask(&self, server: SocketAddr, name: &Name, ty: RecordType) -> io::Result<Says> {
        let config = &self.shared.config;
        let mut manner = Manner { tcp: config.use_tcp, edns: true, deadline: self.host.now() + config.timeout };
        loop {
            let question = Question::new(self.host.with(|stack, _| stack.random()) as u16, name.clone(), ty);
            let message = exchange::ask(&self.host, server, &question, manner).await?;
            let knows_no_edns =
                matches!(message.metadata.response_code, ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS);
            if !(knows_no_edns && manner.edns) {
                return Ok(answer::read(&message, &question));
            }
            manner.edns = false;
        }
    }
}

/// What both families together say.
fn either(v4: Answer, v6: Answer) -> Answer {
    match (v4, v6) {
        (Ok((mut data, name)), Ok((more, _))) => {
            data.extend(more);
            Ok((data, name))
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        // What is known for sure of one family says nothing of the other.
        (Err(Error::NoName), Err(other)) | (Err(other), Err(Error::NoName)) => Err(other),
        (Err(Error::NoData), Err(other)) | (Err(other), Err(_)) => Err(other),
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(v4) => Some(v4.0.into()),
        RData::AAAA(v6) => Some(v6.0.into()),
        _ => None,
    }
}

/// What both give, whichever is first.
async fn join<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(move |cx| {
        if of_a.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(cx)
        {
            of_a = Some(done);
        }
        if of_b.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(cx)
        {
            of_b = Some(done);
        }
        match (of_a.take(), of_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (of_a, of_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
