//! Everything that a lab file can say.

use std::path::PathBuf;

use loggia_stack::base::Cidr;
use loggia_stack::base::time::Duration;

use super::source::{Source, Spanned};
use super::threshold::Threshold;
use crate::link::{Distribution, Loss, Queue, Rate, Reorder, Terms};

/// What a lab file says, read and checked by itself. [`plan`](crate::plan::plan) makes it concrete.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What it was read from.
    pub source: Source,
    /// What all draws follow from; 1 if it is not stated.
    pub seed: u64,
    /// How long the run lasts at most, in lab time; 60 s if it is not stated.
    pub deadline: Duration,
    /// What the lab is called.
    pub title: Option<String>,
    /// What it shows, in a few sentences.
    pub description: Option<String>,
    /// What is controlled beyond the fates of packets.
    pub determinism: Determinism,
    /// Data calls of the machine's programs are carried one by one.
    pub precise: bool,
    /// All `[link.NAME]`, in the order of the file.
    pub links: Vec<Link>,
    /// All `[switch.NAME]`.
    pub switches: Vec<Switch>,
    /// All `[host.NAME]`.
    pub hosts: Vec<Host>,
    /// All `[[at]]`.
    pub changes: Vec<Change>,
    /// All `[[check]]`.
    pub checks: Vec<Check>,
}

/// What of a run the seed decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Determinism {
    /// `net`: every fate of a packet; the time is real.
    #[default]
    Net,
    /// `virtual`: also time and order.
    Virtual,
    /// `full`: everything; two runs are byte-identical.
    Full,
}

impl Determinism {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] = [("net", Self::Net), ("virtual", Self::Virtual), ("full", Self::Full)];

    /// Its name in files and manifests.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// A link between two hosts or switches.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its name.
    pub name: Spanned<String>,
    /// What it joins: names of hosts or switches.
    pub ends: [Spanned<String>; 2],
    /// What it does: `[0]` to packets from the first end to the second (`there`, `down`), `[1]` to the others (`back`, `up`).
    pub conditions: [Conditions; 2],
    /// The largest IP packet of the interfaces at its ends, in bytes.
    pub mtu: Spanned<u32>,
    /// Hosts resolve link addresses by ARP and neighbour discovery, which costs a round trip at first. Otherwise they know them.
    pub arp: bool,
    /// A run in which one of its impairments touched no packet says nothing.
    pub must_fire: bool,
}

impl Link {
    /// What it does in each direction at the beginning.
    pub fn terms(&self) -> [Terms; 2] {
        self.conditions.each_ref().map(Conditions::terms)
    }
}

/// What the file says about one direction of a link; `None` where it says nothing.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Conditions {
    /// One way.
    pub delay: Option<Duration>,
    /// How much the delay varies.
    pub jitter: Option<Duration>,
    /// How its variations are distributed.
    pub distribution: Option<Distribution>,
    /// How much one variation takes after the one before.
    pub jitter_correlation: Option<f64>,
    /// Whether packets may arrive before earlier ones because of the jitter.
    pub overtake: Option<bool>,
    /// Which packets are lost.
    pub loss: Option<Loss>,
    /// How much one loss takes after the one before.
    pub loss_correlation: Option<f64>,
    /// How many packets arrive twice.
    pub duplicate: Option<f64>,
    /// How much one doubling takes after the one before.
    pub duplicate_correlation: Option<f64>,
    /// How many packets are damaged.
    pub corrupt: Option<f64>,
    /// How much one damage takes after the one before.
    pub corrupt_correlation: Option<f64>,
    /// How many packets overtake others.
    pub reorder: Option<f64>,
    /// How much one overtaking takes after the one before.
    pub reorder_correlation: Option<f64>,
    /// By how much a packet overtakes.
    pub reorder_by: Option<Duration>,
    /// How fast packets leave the queue.
    pub rate: Option<RateLimit>,
    /// Bytes that may leave at once after a pause.
    pub burst: Option<u64>,
    /// Bytes that framing adds to each packet.
    pub overhead: Option<i32>,
    /// What waits for the rate.
    pub queue: Option<Queue>,
    /// Larger packets vanish.
    pub blackhole_mtu: Option<u32>,
    /// Nothing crosses.
    pub down: Option<bool>,
}

/// How fast packets leave a queue.
#[derive(Clone, Debug, PartialEq)]
pub enum RateLimit {
    /// At once, whatever was said before.
    Unlimited,
    /// As fast as this.
    Limited(Rate),
}

/// A switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// Its name.
    pub name: Spanned<String>,
}

/// A host, or several alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its name. With a count, the hosts are `NAME-1`, `NAME-2`, ..., and `NAME` means all of them.
    pub name: Spanned<String>,
    /// How many there are; without, one with the plain name.
    pub count: Option<Spanned<u32>>,
    /// What runs on it: that of `run` or `program` first, then those of `[host.NAME.programs.*]`.
    pub programs: Vec<Program>,
    /// Addresses that are stated, with the link they are for if the file names one.
    pub addresses: Vec<Address>,
    /// Further names by which it is found in the lab.
    pub names: Vec<Spanned<String>>,
    /// It is a router.
    pub forward: bool,
    /// It stands for the machine: what the others send to it for the world outside goes to the machine's network, and
    /// what they publish comes in by it.
    pub uplink: Option<Spanned<bool>>,
    /// Ports of the machine that lead to it, or by it into the lab.
    pub publish: Vec<Spanned<Publish>>,
}

/// An address that is stated.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// For which link; `None`: the only one.
    pub link: Option<Spanned<String>>,
    /// The address with its prefix.
    pub cidr: Spanned<Cidr>,
}

/// TCP or UDP.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A port of the machine that leads into the lab: `127.0.0.1:8080:server:80/tcp`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publish {
    /// Address on the machine; its loopback if it is not stated.
    pub machine: std::net::IpAddr,
    /// Port on the machine; 0: any free one.
    pub machine_port: u16,
    /// To which host connections go, from the host that publishes; `None`: to that one, from the host that stands for the machine.
    pub to: Option<String>,
    /// Port on the host they go to.
    pub port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// A program on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The NAME of `[host.x.programs.NAME]`; `None` for the host's own `run` or `program`.
    pub name: Option<Spanned<String>>,
    /// What is run.
    pub command: Spanned<Command>,
    /// When those that wait for it may start.
    pub ready: Option<Spanned<Ready>>,
    /// Hosts (`server`) or programs (`server.db`) that must be ready first.
    pub after: Vec<Spanned<String>>,
    /// Not before this moment of lab time.
    pub start: Duration,
    /// How and when it is stopped.
    pub stop: Stop,
    /// Whether it is started again when it ends.
    pub restart: Restart,
    /// In which state it must be found; `None`: see [`Expect`].
    pub expect: Option<Expect>,
    /// Variables of its environment, besides those it inherits.
    pub env: Vec<(String, String)>,
    /// Its working directory, relative to the lab file's; that one if it is not stated.
    pub cwd: Option<Spanned<PathBuf>>,
    /// The user it runs as.
    pub user: Option<Spanned<String>>,
    /// What it reads.
    pub stdin: Option<Spanned<PathBuf>>,
    /// Where its output goes, besides the run folder.
    pub stdout: Option<Spanned<PathBuf>>,
    /// Where its errors go, besides the run folder.
    pub stderr: Option<Spanned<PathBuf>>,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A program of the machine with its arguments; at least one word.
    Run(Vec<String>),
    /// A program that ships with Loggia.
    BuiltIn {
        /// Its name.
        name: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

impl Command {
    /// As one would type it.
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::Run(words) => words.iter().map(String::as_str).collect(),
            Self::BuiltIn { name, args } => std::iter::once(name).chain(args).map(String::as_str).collect(),
        }
    }
}

/// When a program is ready for those that come after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// As soon as it was started.
    Started,
    /// When its host listens on all of these ports (TCP: `listen`, UDP: `bind`); if there are none, on any.
    Listen(Vec<(Protocol, u16)>),
    /// When it has ended with this status.
    Exit(i32),
}

/// How a program is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// By which signal: its number.
    pub signal: i32,
    /// At which moment of lab time; `None`: when the run ends.
    pub at: Option<Duration>,
    /// At the end of the run it goes on for so long with whoever has a connection with it; and so long after the signal it is killed.
    pub grace: Duration,
    /// The status with which it may answer the signal, besides those that everybody may.
    pub exit: Option<i32>,
}

impl Default for Stop {
    /// `SIGTERM` at the end, two seconds to obey.
    fn default() -> Self {
        Self { signal: 15, at: None, grace: Duration::from_secs(2), exit: None }
    }
}

/// Whether a program is started again when it ends before the run does and was not stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Restart {
    /// When.
    pub when: RestartWhen,
    /// How long after its end.
    pub delay: Duration,
    /// How often at most; `None`: always.
    pub most: Option<u32>,
}

/// When a program is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RestartWhen {
    /// Never.
    #[default]
    Never,
    /// If it ended by a signal or with another status than 0.
    OnFailure,
    /// However it ended.
    Always,
}

/// In which state a program must be found at the end of the run.
///
/// If the file does not say: [`Expect::Running`] for a program that is ready when it listens, otherwise [`Expect::Exit`] with 0.
/// A run is over when all programs that are expected to exit have done so, or at the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It runs until it is stopped.
    Running,
    /// It ends by itself with this status.
    Exit(i32),
    /// It ends by itself with any status.
    Exited,
    /// It ends by this signal.
    Signal(i32),
    /// Anything; the run does not wait for it.
    Any,
}

/// A change while the lab runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When, in lab time.
    pub at: Spanned<Duration>,
    /// For how long; `None`: for good, or until the next change of the same.
    pub lasting: Option<Duration>,
    /// What.
    pub what: What,
    /// The keys by which the file says it, for the places of errors.
    pub keys: Vec<Spanned<String>>,
}

/// What changes.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// What links do.
    Links {
        /// Links by name, or all links of hosts by name.
        of: Vec<Spanned<LinksOf>>,
        /// What is different from then on: `[0]` from the first end to the second.
        conditions: Box<[Conditions; 2]>,
        /// The largest packet of the interfaces.
        mtu: Option<u32>,
    },
    /// Groups of hosts that no longer reach each other; all that are not named are one more group.
    Partition(Vec<Vec<Spanned<String>>>),
}

/// Which links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinksOf {
    /// That of this name, or all that came of it.
    Link(String),
    /// Those of this host, or of all hosts that came of it.
    Host(String),
}

/// What must hold in the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Of which metric.
    pub metric: Spanned<String>,
    /// Whose samples count: label and pattern (`*` and `?` as in file names); all of them must match.
    pub filter: Vec<(Spanned<String>, Spanned<String>)>,
    /// What must hold.
    pub expect: Vec<Spanned<Threshold>>,
    /// Fewer samples than this, and the run is inconclusive; `None`: see [`Threshold::min_samples`].
    pub min_samples: Option<u64>,
}

impl Conditions {
    /// These, where `later` says nothing else.
    pub fn with(&self, later: &Self) -> Self {
        macro_rules! later_or_this {
            ($($field:ident)*) => { Self { $($field: later.$field.clone().or_else(|| self.$field.clone())),* } };
        }
        later_or_this! {
            delay jitter distribution jitter_correlation overtake loss loss_correlation duplicate duplicate_correlation corrupt
            corrupt_correlation reorder reorder_correlation reorder_by rate burst overhead queue blackhole_mtu down
        }
    }

    /// Of what is `stated`, the first key that has no effect under all these conditions, and what it would need.
    pub(crate) fn without_effect(&self, stated: &Self) -> Option<(&'static str, &'static str)> {
        let terms = self.terms();
        [
            ("queue", stated.queue.is_some(), terms.rate.is_some(), "a rate"),
            ("burst", stated.burst.is_some(), terms.rate.is_some(), "a rate"),
            ("overhead", stated.overhead.is_some(), terms.rate.is_some(), "a rate"),
            ("distribution", stated.distribution.is_some(), terms.jitter.is_some(), "jitter"),
            ("jitter_correlation", stated.jitter_correlation.is_some(), terms.jitter.is_some(), "jitter"),
            ("overtake", stated.overtake.is_some(), terms.jitter.is_some(), "jitter"),
            ("reorder", stated.reorder.is_some_and(|share| share > 0.0), !terms.delay.is_zero(), "a delay"),
        ]
        .into_iter()
        .find(|(_, is_stated, has_effect, _)| *is_stated && !has_effect)
        .map(|(key, _, _, needed)| (key, needed))
    }

    /// What a link under these conditions does.
    pub fn terms(&self) -> Terms {
        let chance = |probability: Option<f64>, correlation: Option<f64>| crate::link::Chance {
            probability: probability.unwrap_or(0.0),
            correlation: correlation.unwrap_or(0.0),
        };
        Terms {
            delay: self.delay.unwrap_or_default(),
            jitter: self.jitter_terms(),
            loss: self.loss_terms(),
            duplicate: chance(self.duplicate, self.duplicate_correlation),
            corrupt: chance(self.corrupt, self.corrupt_correlation),
            reorder: self
                .reorder
                .filter(|share| *share > 0.0)
                .map(|share| Reorder { chance: chance(Some(share), self.reorder_correlation), by: self.reorder_by }),
            rate: self.rate_terms(),
            queue: self.queue.unwrap_or_default(),
            mtu: self.blackhole_mtu,
            down: self.down.unwrap_or(false),
        }
    }

    fn jitter_terms(&self) -> Option<crate::link::Jitter> {
        let distribution = self.distribution.clone().unwrap_or(Distribution::Uniform);
        let traced = matches!(distribution, Distribution::Trace(_));
        let spread = self.jitter.unwrap_or_default();
        (traced || !spread.is_zero()).then(|| crate::link::Jitter {
            spread,
            distribution,
            correlation: self.jitter_correlation.unwrap_or(0.0),
            overtake: self.overtake.unwrap_or(false),
        })
    }

    fn loss_terms(&self) -> Option<Loss> {
        match self.loss.clone()? {
            Loss::Independent(chance) if chance.probability <= 0.0 => None,
            Loss::Independent(chance) => {
                let correlation = self.loss_correlation.unwrap_or(chance.correlation);
                Some(Loss::Independent(crate::link::Chance { correlation, ..chance }))
            }
            model => Some(model),
        }
    }

    fn rate_terms(&self) -> Option<Rate> {
        match self.rate.clone()? {
            RateLimit::Unlimited => None,
            RateLimit::Limited(Rate::Fixed { bits, burst, overhead }) => {
                Some(Rate::Fixed { bits, burst: self.burst.unwrap_or(burst), overhead: self.overhead.unwrap_or(overhead) })
            }
            RateLimit::Limited(Rate::Trace(trace)) => Some(Rate::Trace(trace)),
        }
    }
}
