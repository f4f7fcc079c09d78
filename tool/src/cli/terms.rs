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
    /// How much each variation of the delay takes after the one before, e.g. 25%.
    #[arg(long, value_name = "SHARE", requires = "jitter")]
    pub jitter_correlation: Option<String>,
    /// Jitter may let packets overtake others of their flow.
    #[arg(long, value_name = "true|false", requires = "jitter")]
    pub overtake: Option<String>,
    /// How much each loss takes after the one before.
    #[arg(long, value_name = "SHARE", requires = "loss")]
    pub loss_correlation: Option<String>,
    /// How much each doubling takes after the one before.
    #[arg(long, value_name = "SHARE", requires = "duplicate")]
    pub duplicate_correlation: Option<String>,
    /// How much each damage takes after the one before.
    #[arg(long, value_name = "SHARE", requires = "corrupt")]
    pub corrupt_correlation: Option<String>,
    /// How much each overtaking takes after the one before.
    #[arg(long, value_name = "SHARE", requires = "reorder")]
    pub reorder_correlation: Option<String>,
    /// By how much a packet overtakes.
    #[arg(long, value_name = "TIME", requires = "reorder")]
    pub reorder_by: Option<String>,
    /// How much may leave at once after a pause.
    #[arg(long, value_name = "SIZE", requires = "rate")]
    pub burst: Option<String>,
    /// Bytes that framing adds to each packet.
    #[arg(long, value_name = "BYTES", requires = "rate", allow_hyphen_values = true)]
    pub overhead: Option<String>,
    /// Larger packets vanish without a word.
    #[arg(long, value_name = "BYTES")]
    pub blackhole_mtu: Option<String>,
    /// Hosts ask for link addresses instead of knowing them.
    #[arg(long, value_name = "true|false")]
    pub arp: Option<String>,
    /// A run in which loss, duplicate, corrupt or reorder touched no packet is inconclusive; `false` allows it.
    #[arg(long, value_name = "true|false")]
    pub must_fire: Option<String>,
    /// A change, as `10s down=2s` or `10s loss=5% for=3s`.
    #[arg(long, value_name = "TIME KEY=VALUE...")]
    pub at: Vec<String>,
}

impl LinkTerms {
    /// Key and value of each that was given, as they would stand in a lab file.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("rtt", &self.rtt),
            ("delay", &self.delay),
            ("jitter", &self.jitter),
            ("distribution", &self.distribution),
            ("jitter-correlation", &self.jitter_correlation),
            ("overtake", &self.overtake),
            ("loss", &self.loss),
            ("loss-correlation", &self.loss_correlation),
            ("duplicate", &self.duplicate),
            ("duplicate-correlation", &self.duplicate_correlation),
            ("corrupt", &self.corrupt),
            ("corrupt-correlation", &self.corrupt_correlation),
            ("reorder", &self.reorder),
            ("reorder-correlation", &self.reorder_correlation),
            ("reorder-by", &self.reorder_by),
            ("rate", &self.rate),
            ("burst", &self.burst),
            ("overhead", &self.overhead),
            ("queue", &self.queue),
            ("mtu", &self.mtu),
            ("blackhole-mtu", &self.blackhole_mtu),
            ("arp", &self.arp),
            ("must-fire", &self.must_fire),
        ];
        let changes = self.at.iter().map(|change| ("at", change.as_str()));
        all.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))).chain(changes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Every key of a link that a lab file has is an option as well.
    #[test]
    fn nothing_of_a_link_is_missing_on_the_command_line() {
        let command = crate::cli::Cli::command();
        let run = command.find_subcommand("run").expect("the command");
        let has =
            |name: &str| run.get_arguments().chain(command.get_arguments()).any(|argument| argument.get_long() == Some(name));
        let missing: Vec<String> = loggia_lab::file::options().into_iter().filter(|name| !has(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(LinkTerms::default().pairs(), []);
    }
}
