//! STATUS (RFC 9293 §3.10.6): a connection in numbers.

use crate::base::{Duration, Instant, Key};
use crate::transport::tcp::congestion::{Algorithm, Info};
use crate::transport::tcp::output::burst;
use crate::transport::tcp::state::is_synchronized;
use crate::transport::tcp::tcb::{Phase, Tcb};
use crate::transport::tcp::{Tcp, TcpConfig, TcpInfo, busy, ecn, rate, tuning, window};

impl Tcp {
    /// The numbers of `TCP_INFO`.
    pub fn info(&self, id: Key) -> TcpInfo {
        let tcb = &self.records.connections[id];
        let mut info = TcpInfo { state: tcb.state, ..TcpInfo::default() };
        if let Some(listener) = &tcb.listener {
            info.unacked = listener.accept_queue.len() as u32;
            info.sacked = listener.backlog;
            return info;
        }
        info.reordering = u32::from(self.common.config.reordering);
        handshake(tcb, &mut info);
        marks(tcb, &mut info);
        sending(tcb, &mut info);
        rates(tcb, &self.common.config, &mut info);
        receiving(tcb, &mut info);
        info
    }

    /// The congestion control of a connection, or that which one of this socket would have.
    pub fn congestion_control(&self, id: Key) -> Algorithm {
        let tcb = &self.records.connections[id];
        let of_socket = tcb.options.congestion.unwrap_or(self.common.config.congestion_control);
        if is_synchronized(tcb.state) { tcb.congestion.algorithm() } else { of_socket }
    }

    /// What `TCP_CC_INFO` tells; none of algorithms that go by windows only.
    pub fn congestion_info(&self, id: Key) -> Option<Info> {
        self.records.connections[id].congestion.info()
    }

    /// The same with how long ago things happened.
    pub fn info_at(&self, id: Key, now: Instant) -> TcpInfo {
        let mut info = self.info(id);
        let tcb = &self.records.connections[id];
        if tcb.listener.is_none() {
            ages(tcb, now, &mut info);
        }
        info
    }
}

/// How long ago things happened, and how long others lasted.
fn ages(tcb: &Tcb, now: Instant, info: &mut TcpInfo) {
    let since = |then: u32| (now.millis() as u32).wrapping_sub(then);
    info.last_data_sent_ms = since(tcb.tally.last_sent_ms);
    info.last_data_recv_ms = since(tcb.rcv.last_data_ms);
    info.last_ack_recv_ms = since(tcb.tally.last_received_ms);
    (info.busy_us, info.rwnd_limited_us, info.sndbuf_limited_us) = busy::told(tcb, now);
}

/// Linux's `TCP_CA_*`.
fn ca_state(tcb: &Tcb) -> u8 {
    let sacked = tcb.sending.as_ref().is_some_and(|sending| sending.board.sacked_bytes() > 0);
    match tcb.recovery.phase {
        Phase::Loss => 4,
        Phase::Recovery => 3,
        Phase::Open => u8::from(sacked || tcb.recovery.dup_acks > 0),
    }
}

fn handshake(tcb: &Tcb, info: &mut TcpInfo) {
    info.timestamps = tcb.timestamps;
    info.sack = tcb.sack;
    info.syn_data = tcb.fast_open.as_ref().is_some_and(|fast_open| fast_open.taken);
    info.window_scaling = tcb.snd.wscale != 0 || tcb.rcv.wscale != 0;
    info.snd_wscale = tcb.snd.wscale;
    info.rcv_wscale = tcb.rcv.wscale;
    info.advmss = u32::from(tcb.rcv.announced_mss);
    let told = u32::from(tcb.path_mtu);
    info.pmtu = tcb.search.as_ref().map_or(told, |search| search.low.min(told));
}

fn marks(tcb: &Tcb, info: &mut TcpInfo) {
    let Some(ecn) = &tcb.ecn else { return };
    (info.ecn, info.ecn_seen, info.delivered_ce) = (true, ecn.seen, ecn.marked);
    let Some(accurate) = &ecn.accurate else { return };
    let (delivered, received) = (&accurate.delivered_bytes, &accurate.received_bytes);
    info.delivered_ce = accurate.delivered;
    info.delivered_e1_bytes = delivered.get(ecn::ECT_1);
    info.delivered_e0_bytes = delivered.get(ecn::ECT_0);
    info.delivered_ce_bytes = delivered.get(ecn::CE);
    info.received_ce = accurate.received;
    info.received_e1_bytes = received.get(ecn::ECT_1);
    info.received_e0_bytes = received.get(ecn::ECT_0);
    info.received_ce_bytes = received.get(ecn::CE);
    info.accecn_fail_mode = u16::from(accurate.failed);
    info.accecn_opt_seen = accurate.seen as u16;
}

fn sending(tcb: &Tcb, info: &mut TcpInfo) {
    let mss = u32::from(tcb.snd.mss).max(1);
    let micros = |duration: Duration| duration.as_micros().min(u128::from(u32::MAX)) as u32;
    info.ca_state = ca_state(tcb);
    info.retransmits = tcb.recovery.timeouts;
    info.probes = tcb.recovery.probes;
    info.backoff = tcb.round_trip.backed_off();
    info.rto_us = micros(tcb.round_trip.timeout());
    info.snd_mss = mss;
    info.rtt_us = tcb.round_trip.smoothed().map_or(0, micros);
    info.rttvar_us = micros(tcb.round_trip.variance());
    info.min_rtt_us = tcb.round_trip.lowest().map_or(u32::MAX, micros);
    // Linux's TCP_INFINITE_SSTHRESH before the first loss.
    info.snd_ssthresh = if tcb.congestion.ssthresh() == u32::MAX { 0x7fff_ffff } else { tcb.congestion.ssthresh() / mss };
    info.snd_cwnd = tcb.congestion.cwnd() / mss;
    info.unacked = (tcb.snd.nxt - tcb.snd.una).div_ceil(mss);
    if let Some(sending) = &tcb.sending {
        info.sacked = sending.board.sacked_bytes().div_ceil(mss);
        info.lost = sending.board.lost_bytes().div_ceil(mss);
        info.retrans = sending.board.resent_bytes().div_ceil(mss);
    }
    info.delivered = tcb.tally.delivered;
    info.total_retrans = tcb.tally.retransmitted;
    info.notsent_bytes = tcb.unsent_len();
    info.snd_wnd = tcb.snd.wnd;
    info.bytes_acked = tcb.snd.acked;
    let losses = tcb.recovery.losses.as_deref();
    if let Some(losses) = losses {
        let (degree, times) = losses.reordering.told();
        (info.reordering, info.reord_seen) = (info.reordering.max(degree), times);
        (info.bytes_retrans, info.dsack_dups) = (losses.resent_bytes, losses.duplicates);
    }
    info.bytes_sent = tcb.snd.acked + u64::from(tcb.unacked_len() - tcb.unsent_len()) + info.bytes_retrans;
    (info.segs_out, info.data_segs_out) = (tcb.tally.segs_out, tcb.tally.data_segs_out);
}

fn rates(tcb: &Tcb, config: &TcpConfig, info: &mut TcpInfo) {
    info.max_pacing_rate = tcb.options.max_pacing_rate;
    info.pacing_rate = rate::pacing(tcb, config).or_else(|| burst::rate(tcb, config)).unwrap_or(u64::MAX);
    (info.delivery_rate, info.delivery_rate_app_limited) = rate::delivery_rate(tcb);
}

fn receiving(tcb: &Tcb, info: &mut TcpInfo) {
    info.ato_us = u32::from(tcb.rcv.ato_ms) * 1000;
    info.rcv_mss = u32::from(tcb.rcv.mss);
    info.rcv_wnd = window::offered(tcb);
    (info.rcv_space, info.rcv_rtt_us) = tuning::reader(tcb);
    info.bytes_received = tcb.rcv.received;
    (info.segs_in, info.data_segs_in) = (tcb.tally.segs_in, tcb.tally.data_segs_in);
}
