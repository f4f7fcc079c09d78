//! What a link does, as options: the keys of `[link.NAME]` in a lab file, with the same units.

use clap::Args;

/// The link's terms.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "The link (as the keys of [link.NAME] in a lab file)")]
pub struct LinkTerms {
    /// Delay there and back together, e.g. 100ms.
    #[arg(long, value_name = "TIME", conflicts_with = "delay")]
    pub rtt: Option<String>,
    /// Delay one way.
    #[arg(long, value_name = "TIME")]
    pub delay: Option<String>,
    /// Variation of the delay.
    #[arg(long, value_name = "TIME")]
    pub jitter: Option<String>,
    /// How it varies: uniform, normal, pareto, paretonormal.
    #[arg(long, value_name = "NAME", requires = "jitter")]
    pub distribution: Option<String>,
    /// How many packets are lost, e.g. 1%.
    #[arg(long, value_name = "SHARE")]
    pub loss: Option<String>,
    /// How many arrive twice.
    #[arg(long, value_name = "SHARE")]
    pub duplicate: Option<String>,
    /// How many arrive damaged.
    #[arg(long, value_name = "SHARE")]
    pub corrupt: Option<String>,
    /// How many overtake others.
    #[arg(long, value_name = "SHARE")]
    pub reorder: Option<String>,
    /// How fast it is, e.g. 20mbit.
    #[arg(long, value_name = "RATE")]
    pub rate: Option<String>,
    /// How much waits for the rate, e.g. 200kB.
    #[arg(long, value_name = "SIZE")]
    pub queue: Option<String>,
    /// Largest packet in bytes.
    #[arg(long, value_name = "BYTES")]
    pub mtu: Option<String>,
}

impl LinkTerms {
    /// Key and value of each that was given, as they would stand in a lab file.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let Self { rtt, delay, jitter, distribution, loss, duplicate, corrupt, reorder, rate, queue, mtu } = self;
        let all = [
            ("rtt", rtt),
            ("delay", delay),
            ("jitter", jitter),
            ("distribution", distribution),
            ("loss", loss),
            ("duplicate", duplicate),
            ("corrupt", corrupt),
            ("reorder", reorder),
            ("rate", rate),
            ("queue", queue),
            ("mtu", mtu),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))).collect()
    }
}
