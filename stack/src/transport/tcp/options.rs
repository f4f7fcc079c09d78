//! What can be set and what can be asked of TCP: per stack, per connection.

use super::congestion::{Algorithm, Own};
use crate::base::{Duration, TcpState};
use alloc::vec::Vec;

/// Settings of a stack, named after `net.ipv4.tcp_*`.
#[derive(Clone, Debug)]
pub struct TcpConfig {
    /// `tcp_wmem`: smallest, default and largest send buffer in bytes. One that `SO_SNDBUF` does not fix grows with the congestion window.
    pub wmem: [u32; 3],
    /// `tcp_rmem`: smallest, default and largest receive buffer in bytes.
    pub rmem: [u32; 3],
    /// `tcp_moderate_rcvbuf`: receive buffers that the application did not fix grow with what it reads.
    pub moderate_rcvbuf: bool,
    /// `tcp_congestion_control`
    pub congestion_control: Algorithm,
    /// Congestion controls of one's own, by whose names `TCP_CONGESTION` finds them.
    pub own_congestion_controls: Vec<&'static Own>,
    /// HyStart++ looks at a round trip that has so many samples (RFC 9406 §4.3 `N_RTT_SAMPLE`; Linux's HyStart: 9) ...
    pub hystart_samples: u8,
    /// ... and leaves slow start after so many careful rounds (`CSS_ROUNDS`); 0: at once, as Linux's HyStart does.
    pub hystart_css_rounds: u8,
    /// `tcp_window_scaling`
    pub window_scaling: bool,
    /// `tcp_timestamps`
    pub timestamps: bool,
    /// `tcp_sack`
    pub sack: bool,
    /// `tcp_dsack`
    pub dsack: bool,
    /// `tcp_syn_retries`
    pub syn_retries: u8,
    /// `tcp_syn_linear_timeouts`: so many of them come a second apart, the others after twice the time of the one before.
    pub syn_linear_timeouts: u8,
    /// `tcp_synack_retries`
    pub synack_retries: u8,
    /// `tcp_retries1`
    pub retries1: u8,
    /// `tcp_retries2`
    pub retries2: u8,
    /// `tcp_orphan_retries`
    pub orphan_retries: u8,
    /// `tcp_keepalive_time`
    pub keepalive_time: Duration,
    /// `tcp_keepalive_intvl`
    pub keepalive_intvl: Duration,
    /// `tcp_keepalive_probes`
    pub keepalive_probes: u8,
    /// `tcp_fin_timeout`
    pub fin_timeout: Duration,
    /// `tcp_syncookies`: 0 never, 1 when the SYN queue is full, 2 always.
    pub syncookies: u8,
    /// `tcp_max_syn_backlog`
    pub max_syn_backlog: u32,
    /// `somaxconn`: the largest backlog of a listener.
    pub somaxconn: u32,
    /// `tcp_max_tw_buckets`
    pub max_tw_buckets: u32,
    /// `tcp_abort_on_overflow`
    pub abort_on_overflow: bool,
    /// `tcp_stdurg`
    pub stdurg: bool,
    /// `tcp_slow_start_after_idle`
    pub slow_start_after_idle: bool,
    /// `tcp_challenge_ack_limit` per second for the stack.
    pub challenge_ack_limit: u32,
    /// `tcp_invalid_ratelimit`
    pub invalid_ratelimit: Duration,
    /// `tcp_reordering`
    pub reordering: u8,
    /// `tcp_early_retrans`: with 3 or more, tail loss probes (RFC 8985 §7).
    pub early_retrans: u8,
    /// `tcp_frto`: find out whether a timeout was needed (RFC 5682).
    pub frto: bool,
    /// `tcp_mtu_probing`: search for the path's MTU (RFC 4821) never (0), when large packets seem to vanish (1), always (2). Linux has 0.
    pub mtu_probing: u8,
    /// `tcp_base_mss`: where the search begins.
    pub base_mss: u32,
    /// `tcp_mtu_probe_floor`: it goes no lower.
    pub mtu_probe_floor: u32,
    /// `tcp_min_snd_mss`: the smallest segment size that a search comes to.
    pub min_snd_mss: u32,
    /// `tcp_probe_threshold`: it ends when the range is smaller than this.
    pub probe_threshold: u32,
    /// `tcp_probe_interval`: it begins anew after this time.
    pub probe_interval: Duration,
    /// `tcp_rfc1337`
    pub rfc1337: bool,
    /// `tcp_adv_win_scale` is Linux's old way; the window offered is this part of the buffer's charge in 1/256 (Linux's `scaling_ratio`).
    pub window_ratio: u8,
    /// `tcp_min_tso_segs`: a frame may carry at least so many segments, however slow the connection is.
    pub min_tso_segs: u32,
    /// `tcp_tso_rtt_log`: what a frame carries beyond its share of the rate halves each time the round trip grows by 2^n microseconds.
    pub tso_rtt_log: u32,
    /// `tcp_pacing_ss_ratio`: the rate in the first half of slow start, in hundredths of a window a round trip.
    pub pacing_ss_ratio: u32,
    /// `tcp_pacing_ca_ratio`: the rate otherwise.
    pub pacing_ca_ratio: u32,
    /// `tcp_ecn`: 0 never, 1 asked for and granted, 2 granted; accurate feedback (RFC 9768) is granted from 3 on, and with 3 it is asked for,
    /// with 4 classic feedback, with 5 none.
    pub ecn: u8,
    /// `tcp_ecn_option`: the option of accurate feedback goes never (0), when there is news (1), with every segment (2).
    pub ecn_option: u8,
    /// `tcp_ecn_option_beacon`: with 1 it goes so many times a round trip at least.
    pub ecn_option_beacon: u8,
    /// `tcp_ecn_fallback`: a SYN that had to be repeated does not ask, and a path that mangles the bits is found out.
    pub ecn_fallback: bool,
    /// `tcp_fastopen`: 1 clients, 2 servers, 4 clients without a cookie, 0x200 servers without a cookie, 0x400 all listeners.
    pub fastopen: u32,
    /// `tcp_fastopen_key`: the key of cookies, and one that they may have been made with before; none: one of the stack's own.
    pub fastopen_key: Option<FastOpenKeys>,
    /// `tcp_notsent_lowat`: with so many bytes unsent a connection is not writable.
    pub notsent_lowat: u32,
    /// How long TIME-WAIT lasts (Linux: 60 s). At most 30 minutes.
    pub time_wait: Duration,
}

impl Default for TcpConfig {
    /// Linux's defaults, but for `mtu_probing` (`docs/adr/0014-mtu-probing.md`).
    fn default() -> Self {
        Self {
            wmem: [4096, 16384, 4 << 20],
            rmem: [4096, 131_072, 6 << 20],
            moderate_rcvbuf: true,
            congestion_control: Algorithm::Cubic,
            own_congestion_controls: Vec::new(),
            hystart_samples: 8,
            hystart_css_rounds: 5,
            window_scaling: true,
            timestamps: true,
            sack: true,
            dsack: true,
            syn_retries: 6,
            syn_linear_timeouts: 4,
            synack_retries: 5,
            retries1: 3,
            retries2: 15,
            orphan_retries: 0,
            keepalive_time: Duration::from_hours(2),
            keepalive_intvl: Duration::from_secs(75),
            keepalive_probes: 9,
            fin_timeout: Duration::from_mins(1),
            syncookies: 1,
            max_syn_backlog: 4096,
            somaxconn: 4096,
            max_tw_buckets: 262_144,
            abort_on_overflow: false,
            stdurg: false,
            slow_start_after_idle: true,
            challenge_ack_limit: 1000,
            invalid_ratelimit: Duration::from_millis(500),
            reordering: 3,
            early_retrans: 3,
            frto: true,
            mtu_probing: 1,
            base_mss: 1024,
            mtu_probe_floor: 48,
            min_snd_mss: 48,
            probe_threshold: 8,
            probe_interval: Duration::from_mins(10),
            rfc1337: false,
            window_ratio: 128,
            ecn: 2,
            ecn_option: 2,
            ecn_option_beacon: 3,
            ecn_fallback: true,
            fastopen: 1,
            fastopen_key: None,
            notsent_lowat: u32::MAX,
            min_tso_segs: 2,
            tso_rtt_log: 9,
            pacing_ss_ratio: 200,
            pacing_ca_ratio: 120,
            time_wait: Duration::from_mins(1),
        }
    }
}

/// A key of Fast Open cookies, and an older one that still counts.
pub type FastOpenKeys = [Option<[u8; 16]>; 2];

/// Settings of one connection or listener (inherited by what it accepts). Compact, because every connection has them.
#[derive(Clone, Copy, Debug)]
pub struct TcpOptions {
    /// `SO_SNDBUF` as `getsockopt` gives it (twice what was set); 0: not set, the stack's default.
    pub sndbuf: u32,
    /// `SO_RCVBUF` likewise.
    pub rcvbuf: u32,
    /// `TCP_MAXSEG`; 0: not set.
    pub maxseg: u16,
    /// `TCP_KEEPIDLE` in seconds; 0: the stack's default.
    pub keepidle: u16,
    /// `TCP_KEEPINTVL` in seconds; 0: the stack's default.
    pub keepintvl: u16,
    /// `TCP_KEEPCNT`; 0: the stack's default.
    pub keepcnt: u8,
    /// `TCP_SYNCNT`; 0: the stack's default.
    pub syncnt: u8,
    /// `TCP_USER_TIMEOUT` in milliseconds; 0: none.
    pub user_timeout: u32,
    /// `TCP_LINGER2` in seconds; 0: the stack's `fin_timeout`; negative: FIN-WAIT-2 is not waited for.
    pub linger2: i16,
    /// `TCP_DEFER_ACCEPT` in seconds.
    pub defer_accept: u16,
    /// `TCP_WINDOW_CLAMP`; 0: none.
    pub window_clamp: u32,
    /// `TCP_NOTSENT_LOWAT`; 0: none.
    pub notsent_lowat: u32,
    /// `SO_RCVLOWAT`; at least 1.
    pub rcvlowat: u32,
    /// `TCP_FASTOPEN`: so many connections may be open whose data came with the SYN; 0: none.
    pub fast_open_queue: u32,
    /// `TCP_FASTOPEN_KEY`; none: the stack's.
    pub fast_open_keys: Option<FastOpenKeys>,
    /// `TCP_FASTOPEN_CONNECT`: `connect` leaves the SYN to the first write.
    pub fast_open_connect: bool,
    /// `TCP_FASTOPEN_NO_COOKIE`
    pub fast_open_no_cookie: bool,
    /// `TCP_NODELAY`
    pub nodelay: bool,
    /// `TCP_CORK`
    pub cork: bool,
    /// `SO_KEEPALIVE`
    pub keepalive: bool,
    /// `SO_OOBINLINE`
    pub oobinline: bool,
    /// `TCP_QUICKACK`: no delayed acknowledgements for now.
    pub quickack: bool,
    /// `TCP_CONGESTION`; none: the stack's default.
    pub congestion: Option<Algorithm>,
    /// `SO_MAX_PACING_RATE` in bytes a second; all ones, or 0 as in Linux: no bound, and only who wants to is paced.
    pub max_pacing_rate: u64,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            sndbuf: 0,
            rcvbuf: 0,
            maxseg: 0,
            keepidle: 0,
            keepintvl: 0,
            keepcnt: 0,
            syncnt: 0,
            user_timeout: 0,
            linger2: 0,
            defer_accept: 0,
            window_clamp: 0,
            notsent_lowat: 0,
            rcvlowat: 1,
            fast_open_queue: 0,
            fast_open_keys: None,
            fast_open_connect: false,
            fast_open_no_cookie: false,
            nodelay: false,
            cork: false,
            keepalive: false,
            oobinline: false,
            quickack: true,
            congestion: None,
            max_pacing_rate: u64::MAX,
        }
    }
}

/// A connection's state in numbers, after Linux's `struct tcp_info`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct TcpInfo {
    pub state: TcpState,
    /// Linux's `TCP_CA_*`: 0 open, 1 disorder, 3 recovery, 4 loss.
    pub ca_state: u8,
    pub retransmits: u8,
    pub probes: u8,
    pub backoff: u8,
    pub timestamps: bool,
    pub sack: bool,
    pub window_scaling: bool,
    /// Data in a SYN was taken, by us or by the peer.
    pub syn_data: bool,
    pub snd_wscale: u8,
    pub rcv_wscale: u8,
    pub rto_us: u32,
    pub ato_us: u32,
    pub snd_mss: u32,
    pub rcv_mss: u32,
    /// Segments sent and not acknowledged; for a listener the accept queue's length.
    pub unacked: u32,
    /// SACKed segments; for a listener the backlog.
    pub sacked: u32,
    pub lost: u32,
    pub retrans: u32,
    pub last_data_sent_ms: u32,
    pub last_data_recv_ms: u32,
    pub last_ack_recv_ms: u32,
    pub pmtu: u32,
    pub rtt_us: u32,
    pub rttvar_us: u32,
    pub snd_ssthresh: u32,
    /// In segments, as Linux gives it.
    pub snd_cwnd: u32,
    pub advmss: u32,
    pub reordering: u32,
    /// The round trip as the receiver sees it; 0: not measured.
    pub rcv_rtt_us: u32,
    /// The most bytes that the application read in a round trip.
    pub rcv_space: u32,
    pub total_retrans: u32,
    pub min_rtt_us: u32,
    pub notsent_bytes: u32,
    pub snd_wnd: u32,
    pub rcv_wnd: u32,
    /// Bytes a second at which it sends, as its window has it if it is not paced; all ones: not known yet.
    pub pacing_rate: u64,
    /// `SO_MAX_PACING_RATE`; all ones: no bound.
    pub max_pacing_rate: u64,
    /// The last reliable measure of how fast the path delivers, bytes a second; 0: none.
    pub delivery_rate: u64,
    /// That was no more than the application wrote.
    pub delivery_rate_app_limited: bool,
    /// How long there was something to send, in microseconds; how long of that the peer's window held it back, and how long the send
    /// buffer did. Each counts to three days and four hours, where it stays.
    pub busy_us: u64,
    pub rwnd_limited_us: u64,
    pub sndbuf_limited_us: u64,
    pub bytes_acked: u64,
    pub bytes_received: u64,
    /// Bytes of data, with those that were sent again.
    pub bytes_sent: u64,
    /// Bytes of data that were sent again.
    pub bytes_retrans: u64,
    /// Duplicates that the peer told of (DSACK), and segments that came later than others sent after them.
    pub dsack_dups: u32,
    pub reord_seen: u32,
    /// Segments of ours that arrived, as far as the peer told.
    pub delivered: u32,
    /// Feedback on marks was agreed on.
    pub ecn: bool,
    /// A packet came whose sender understands marks.
    pub ecn_seen: bool,
    /// Packets of ours that were marked, as far as accurate feedback told (classic feedback: all that came with an acknowledgement which echoes
    /// a mark); bytes by the codepoint they arrived with.
    pub delivered_ce: u32,
    pub delivered_e1_bytes: u32,
    pub delivered_e0_bytes: u32,
    pub delivered_ce_bytes: u32,
    /// Marked packets that came.
    pub received_ce: u32,
    pub received_e1_bytes: u32,
    pub received_e0_bytes: u32,
    pub received_ce_bytes: u32,
    /// What of accurate feedback does not work on this path (bits: our bits, the peer's, our option, the peer's).
    pub accecn_fail_mode: u16,
    /// What was seen of the peer's option: 0 nothing, 1 an empty one, 2 counters, 3 zeroed ones.
    pub accecn_opt_seen: u16,
    /// Segments, and those of them with data; what was joined or is still to be cut counts as what it is on the wire.
    pub segs_out: u32,
    pub segs_in: u32,
    pub data_segs_out: u32,
    pub data_segs_in: u32,
}
