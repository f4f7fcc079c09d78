//! What a host tells of a TCP connection.

use std::time::Duration;

use loggia_stack::base::TcpState;
use loggia_stack::transport::tcp;

use crate::socket::Socket;

/// The state of a TCP connection (RFC 9293 §3.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the RFC's names")]
pub enum State {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

/// A TCP connection in numbers: what `TCP_INFO` tells, in Rust's types.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TcpInfo {
    /// Its state.
    pub state: State,
    /// The smoothed round trip time.
    pub rtt: Duration,
    /// How much that varies.
    pub rtt_variance: Duration,
    /// The shortest round trip seen of late; none yet if zero.
    pub min_rtt: Duration,
    /// After so long without an acknowledgement it is sent again.
    pub retransmission_timeout: Duration,
    /// Most segments that may be on their way.
    pub congestion_window: u32,
    /// Where slow start ends, in segments.
    pub slow_start_threshold: u32,
    /// Payload bytes of a segment.
    pub segment_size: u32,
    /// Largest packet the path is known to carry, in bytes.
    pub path_mtu: u32,
    /// Bytes that the other end has room for.
    pub send_window: u32,
    /// Bytes that we have room for.
    pub receive_window: u32,
    /// Segments sent and not acknowledged.
    pub unacknowledged: u32,
    /// Of them, those taken for lost.
    pub lost: u32,
    /// Segments sent again, ever.
    pub retransmissions: u32,
    /// Bytes written and not sent yet.
    pub unsent: u32,
    /// Bytes sent, those sent again included.
    pub bytes_sent: u64,
    /// Bytes sent again.
    pub bytes_retransmitted: u64,
    /// Bytes the other end has acknowledged.
    pub bytes_acknowledged: u64,
    /// Bytes received in order.
    pub bytes_received: u64,
    /// How fast the path delivers, in bytes a second; none measured if zero.
    pub delivery_rate: u64,
    /// Segments sent.
    pub segments_sent: u32,
    /// Segments that came.
    pub segments_received: u32,
    /// Whether marks of congestion are heeded (ECN).
    pub ecn: bool,
}

impl TcpInfo {
    /// Of a socket; none if it is not one of TCP.
    pub(crate) fn of(socket: &Socket) -> Option<Self> {
        socket.host.with(|stack, _| stack.tcp_info(socket.id)).map(|info| Self::new(&info))
    }

    fn new(info: &tcp::TcpInfo) -> Self {
        let micros = |micros: u32| Duration::from_micros(micros.into());
        Self {
            state: state(info.state),
            rtt: micros(info.rtt_us),
            rtt_variance: micros(info.rttvar_us),
            min_rtt: micros(info.min_rtt_us),
            retransmission_timeout: micros(info.rto_us),
            congestion_window: info.snd_cwnd,
            slow_start_threshold: info.snd_ssthresh,
            segment_size: info.snd_mss,
            path_mtu: info.pmtu,
            send_window: info.snd_wnd,
            receive_window: info.rcv_wnd,
            unacknowledged: info.unacked,
            lost: info.lost,
            retransmissions: info.total_retrans,
            unsent: info.notsent_bytes,
            bytes_sent: info.bytes_sent,
            bytes_retransmitted: info.bytes_retrans,
            bytes_acknowledged: info.bytes_acked,
            bytes_received: info.bytes_received,
            delivery_rate: info.delivery_rate,
            segments_sent: info.segs_out,
            segments_received: info.segs_in,
            ecn: info.ecn,
        }
    }
}

pub(crate) fn state(state: TcpState) -> State {
    match state {
        TcpState::Closed => State::Closed,
        TcpState::Listen => State::Listen,
        TcpState::SynSent => State::SynSent,
        TcpState::SynReceived => State::SynReceived,
        TcpState::Established => State::Established,
        TcpState::FinWait1 => State::FinWait1,
        TcpState::FinWait2 => State::FinWait2,
        TcpState::CloseWait => State::CloseWait,
        TcpState::Closing => State::Closing,
        TcpState::LastAck => State::LastAck,
        TcpState::TimeWait => State::TimeWait,
    }
}
