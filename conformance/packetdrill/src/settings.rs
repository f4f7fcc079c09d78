//! `net.ipv4.tcp_*` from a folder of plain files that stands for `/proc/sys/net/ipv4`, as the stack's configuration.
//!
//! Scripts write the files while they run, by `sysctl` or directly; so they are looked at before each call and each packet. A file that
//! is not there, or whose value cannot be read, changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use loggia_stack::Stack;
use loggia_stack::base::Duration;
use loggia_stack::transport::tcp::congestion::Algorithm;
use loggia_stack::transport::tcp::{FastOpenKeys, TcpConfig};

/// Takes a file's words into the configuration; none if they cannot be read.
type Take = fn(&mut TcpConfig, &[&str]) -> Option<()>;

/// The settings that the stack has, by their files' names.
const SETTINGS: &[(&str, Take)] = &[
    ("tcp_wmem", |config, words| three(words).map(|values| config.wmem = values)),
    ("tcp_rmem", |config, words| three(words).map(|values| config.rmem = values)),
    ("tcp_moderate_rcvbuf", |config, words| number(words).map(|value| config.moderate_rcvbuf = value != 0)),
    ("tcp_congestion_control", |config, words| {
        config.congestion_control = Algorithm::named(words.first()?, &config.own_congestion_controls)?;
        Some(())
    }),
    ("tcp_hystart_samples", |config, words| byte(words).map(|value| config.hystart_samples = value)),
    ("tcp_hystart_css_rounds", |config, words| byte(words).map(|value| config.hystart_css_rounds = value)),
    ("tcp_window_scaling", |config, words| number(words).map(|value| config.window_scaling = value != 0)),
    ("tcp_timestamps", |config, words| number(words).map(|value| config.timestamps = value != 0)),
    ("tcp_sack", |config, words| number(words).map(|value| config.sack = value != 0)),
    ("tcp_dsack", |config, words| number(words).map(|value| config.dsack = value != 0)),
    ("tcp_syn_retries", |config, words| byte(words).map(|value| config.syn_retries = value)),
    ("tcp_syn_linear_timeouts", |config, words| byte(words).map(|value| config.syn_linear_timeouts = value)),
    ("tcp_synack_retries", |config, words| byte(words).map(|value| config.synack_retries = value)),
    ("tcp_retries1", |config, words| byte(words).map(|value| config.retries1 = value)),
    ("tcp_retries2", |config, words| byte(words).map(|value| config.retries2 = value)),
    ("tcp_orphan_retries", |config, words| byte(words).map(|value| config.orphan_retries = value)),
    ("tcp_keepalive_time", |config, words| seconds(words).map(|value| config.keepalive_time = value)),
    ("tcp_keepalive_intvl", |config, words| seconds(words).map(|value| config.keepalive_intvl = value)),
    ("tcp_keepalive_probes", |config, words| byte(words).map(|value| config.keepalive_probes = value)),
    ("tcp_fin_timeout", |config, words| seconds(words).map(|value| config.fin_timeout = value)),
    ("tcp_syncookies", |config, words| byte(words).map(|value| config.syncookies = value)),
    ("tcp_max_syn_backlog", |config, words| number(words).map(|value| config.max_syn_backlog = value)),
    ("tcp_abort_on_overflow", |config, words| number(words).map(|value| config.abort_on_overflow = value != 0)),
    ("tcp_stdurg", |config, words| number(words).map(|value| config.stdurg = value != 0)),
    ("tcp_slow_start_after_idle", |config, words| number(words).map(|value| config.slow_start_after_idle = value != 0)),
    ("tcp_challenge_ack_limit", |config, words| number(words).map(|value| config.challenge_ack_limit = value)),
    ("tcp_reordering", |config, words| byte(words).map(|value| config.reordering = value)),
    ("tcp_min_tso_segs", |config, words| number(words).map(|value| config.min_tso_segs = value)),
    ("tcp_tso_rtt_log", |config, words| number(words).map(|value| config.tso_rtt_log = value)),
    ("tcp_pacing_ss_ratio", |config, words| number(words).map(|value| config.pacing_ss_ratio = value)),
    ("tcp_pacing_ca_ratio", |config, words| number(words).map(|value| config.pacing_ca_ratio = value)),
    ("tcp_notsent_lowat", |config, words| number(words).map(|value| config.notsent_lowat = value)),
    ("tcp_ecn", |config, words| byte(words).map(|value| config.ecn = value)),
    ("tcp_ecn_option", |config, words| byte(words).map(|value| config.ecn_option = value)),
    ("tcp_ecn_option_beacon", |config, words| byte(words).map(|value| config.ecn_option_beacon = value)),
    ("tcp_ecn_fallback", |config, words| number(words).map(|value| config.ecn_fallback = value != 0)),
    ("tcp_mtu_probing", |config, words| byte(words).map(|value| config.mtu_probing = value)),
    ("tcp_base_mss", |config, words| number(words).map(|value| config.base_mss = value)),
    ("tcp_mtu_probe_floor", |config, words| number(words).map(|value| config.mtu_probe_floor = value)),
    ("tcp_min_snd_mss", |config, words| number(words).map(|value| config.min_snd_mss = value)),
    ("tcp_probe_threshold", |config, words| number(words).map(|value| config.probe_threshold = value)),
    ("tcp_probe_interval", |config, words| seconds(words).map(|value| config.probe_interval = value)),
    ("tcp_fastopen", |config, words| number(words).map(|value| config.fastopen = value)),
    ("tcp_fastopen_key", |config, words| keys(words).map(|keys| config.fastopen_key = Some(keys))),
    ("tcp_early_retrans", |config, words| byte(words).map(|value| config.early_retrans = value)),
    ("tcp_frto", |config, words| number(words).map(|value| config.frto = value != 0)),
    ("tcp_rfc1337", |config, words| number(words).map(|value| config.rfc1337 = value != 0)),
];

/// What the runner's `ip` writes to when a script says `ip tcp_metrics flush`.
const FLUSHED: &str = "tcp_metrics_flushed";

fn number(words: &[&str]) -> Option<u32> {
    let word = words.first()?;
    match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

fn byte(words: &[&str]) -> Option<u8> {
    number(words)?.try_into().ok()
}

/// `a-b-c-d`, four words of the key in hexadecimal digits, or two such keys with a comma between.
fn keys(words: &[&str]) -> Option<FastOpenKeys> {
    let key = |text: &str| -> Option<[u8; 16]> {
        let parts: Option<Vec<u32>> = text.split('-').map(|part| u32::from_str_radix(part, 16).ok()).collect();
        parts?.iter().flat_map(|part| part.to_le_bytes()).collect::<Vec<u8>>().try_into().ok()
    };
    let mut texts = words.first()?.split(',');
    Some([Some(key(texts.next()?)?), texts.next().and_then(key)])
}

fn seconds(words: &[&str]) -> Option<Duration> {
    number(words).map(|count| Duration::from_secs(count.into()))
}

fn three(words: &[&str]) -> Option<[u32; 3]> {
    let values: Vec<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    values.try_into().ok()
}

/// The files, and what they said last.
#[derive(Debug)]
pub struct Settings {
    folder: Option<PathBuf>,
    seen: BTreeMap<&'static str, String>,
    flushed: String,
}

impl Settings {
    /// The settings in a folder; without one there are none.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, seen: BTreeMap::new(), flushed: String::new() }
    }

    /// Takes what changed since the last time.
    pub fn apply(&mut self, stack: &mut Stack) {
        let Some(folder) = &self.folder else { return };
        let flushed = std::fs::read_to_string(folder.join(FLUSHED)).unwrap_or_default();
        if flushed != self.flushed {
            self.flushed = flushed;
            stack.flush_tcp_metrics();
        }
        for (name, take) in SETTINGS {
            let Ok(text) = std::fs::read_to_string(folder.join(name)) else { continue };
            if self.seen.get(name) == Some(&text) {
                continue;
            }
            let words: Vec<&str> = text.split_whitespace().collect();
            stack.configure_tcp(|config| _ = take(config, &words));
            self.seen.insert(name, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::engine::Config;
    use loggia_stack::{Instant, Seed};

    use super::*;

    #[test]
    fn a_file_is_taken_when_it_changes_and_nonsense_is_not() {
        let folder = std::env::temp_dir().join(format!("loggia-settings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        let mut stack = Stack::new(Config::default(), Seed::from(1), Instant::EPOCH);
        let mut settings = Settings::new(Some(folder.clone()));
        write("tcp_rmem", "4096\t540000 15728640\n");
        write("tcp_timestamps", "0\n");
        write("tcp_congestion_control", "vegas\n");
        settings.apply(&mut stack);
        let config = stack.tcp_config();
        assert_eq!(
            (config.rmem, config.timestamps, config.congestion_control),
            ([4096, 540_000, 15_728_640], false, Algorithm::Cubic)
        );
        write("tcp_timestamps", "1");
        write("tcp_rmem", "some");
        settings.apply(&mut stack);
        assert!(stack.tcp_config().timestamps);
        assert_eq!(stack.tcp_config().rmem[1], 540_000);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
