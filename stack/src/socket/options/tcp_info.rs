//! `struct tcp_info` as Linux lays it out.

use crate::base::TcpState;
use crate::transport::tcp::TcpInfo;
use crate::transport::tcp::congestion::Info;

/// Bytes of the structure: what Linux 6.18 fills.
pub(super) const SIZE: usize = 280;

/// The states by Linux's numbers.
pub(crate) const fn state_number(state: TcpState) -> u8 {
    match state {
        TcpState::Established => 1,
        TcpState::SynSent => 2,
        TcpState::SynReceived => 3,
        TcpState::FinWait1 => 4,
        TcpState::FinWait2 => 5,
        TcpState::TimeWait => 6,
        TcpState::Closed => 7,
        TcpState::CloseWait => 8,
        TcpState::LastAck => 9,
        TcpState::Listen => 10,
        TcpState::Closing => 11,
    }
}

/// Fills the structure; what this stack does not measure is 0.
pub(super) fn encode(info: &TcpInfo) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[0] = state_number(info.state);
    bytes[1] = info.ca_state;
    bytes[2] = info.retransmits;
    bytes[3] = info.probes;
    bytes[4] = info.backoff;
    bytes[5] = u8::from(info.timestamps)
        | u8::from(info.sack) << 1
        | u8::from(info.window_scaling) << 2
        | u8::from(info.ecn) << 3
        | u8::from(info.ecn_seen) << 4
        | u8::from(info.syn_data) << 5;
    bytes[7] = u8::from(info.delivery_rate_app_limited);
    bytes[6] = info.snd_wscale & 0xf | info.rcv_wscale << 4;
    for (offset, value) in words(info) {
        bytes[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    }
    for (offset, value) in long_words(info) {
        bytes[offset..offset + 8].copy_from_slice(&value.to_ne_bytes());
    }
    bytes
}

/// `union tcp_cc_info`: `struct tcp_bbr_info`.
pub(super) fn congestion(info: &Info) -> [u8; 20] {
    let Info::Bbr(bbr) = info;
    let words = [bbr.bandwidth as u32, (bbr.bandwidth >> 32) as u32, bbr.min_rtt_us, bbr.pacing_gain, bbr.cwnd_gain];
    let mut bytes = [0; 20];
    for (at, word) in words.into_iter().enumerate() {
        bytes[at * 4..at * 4 + 4].copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

const fn words(info: &TcpInfo) -> [(usize, u32); 42] {
    [
        (8, info.rto_us),
        (12, info.ato_us),
        (16, info.snd_mss),
        (20, info.rcv_mss),
        (24, info.unacked),
        (28, info.sacked),
        (32, info.lost),
        (36, info.retrans),
        (44, info.last_data_sent_ms),
        (52, info.last_data_recv_ms),
        (56, info.last_ack_recv_ms),
        (60, info.pmtu),
        (64, info.rcv_wnd),
        (68, info.rtt_us),
        (72, info.rttvar_us),
        (76, info.snd_ssthresh),
        (80, info.snd_cwnd),
        (84, info.advmss),
        (88, info.reordering),
        (92, info.rcv_rtt_us),
        (96, info.rcv_space),
        (100, info.total_retrans),
        (136, info.segs_out),
        (140, info.segs_in),
        (144, info.notsent_bytes),
        (148, info.min_rtt_us),
        (152, info.data_segs_in),
        (156, info.data_segs_out),
        (192, info.delivered),
        (196, info.delivered_ce),
        (216, info.dsack_dups),
        (220, info.reord_seen),
        (228, info.snd_wnd),
        (232, info.rcv_wnd),
        (248, info.received_ce),
        (252, info.delivered_e1_bytes),
        (256, info.delivered_e0_bytes),
        (260, info.delivered_ce_bytes),
        (264, info.received_e1_bytes),
        (268, info.received_e0_bytes),
        (272, info.received_ce_bytes),
        (276, info.accecn_fail_mode as u32 | (info.accecn_opt_seen as u32) << 16),
    ]
}

const fn long_words(info: &TcpInfo) -> [(usize, u64); 10] {
    [
        (104, info.pacing_rate),
        (112, info.max_pacing_rate),
        (120, info.bytes_acked),
        (128, info.bytes_received),
        (160, info.delivery_rate),
        (168, info.busy_us),
        (176, info.rwnd_limited_us),
        (184, info.sndbuf_limited_us),
        (200, info.bytes_sent),
        (208, info.bytes_retrans),
    ]
}
