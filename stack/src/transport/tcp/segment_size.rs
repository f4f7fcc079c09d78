//! Segment sizes (RFC 9293 §3.7.1): what we announce, what we send.

use core::hint::cold_path;

use super::tcb::Tcb;
use crate::base::Addr;

/// Bytes of the timestamp option with its padding.
pub(super) const TIMESTAMP_BYTES: u16 = 12;
/// The smallest MSS we go down to, whatever a path or a peer says (Linux's `tcp_min_snd_mss` is 48, less the options).
const MIN_MSS: u16 = 88;
/// The least that is announced (Linux's `min_adv_mss`; what IPv6 always carries).
const MIN_ADVERTISED_V4: u16 = 256;
const MIN_ADVERTISED_V6: u16 = 1220;
/// The longest packet that an IP header can say the length of.
pub(super) const LONGEST_PACKET: u32 = 65_535;
/// Largest payload of a super-segment that is no longer, with all headers of IPv4.
pub(super) const MAX_SUPER: u32 = LONGEST_PACKET - 20 - 60;

/// The largest packet that an IP header can say the length of, however large the link's MTU is: the length of IPv4 counts the
/// header, that of IPv6 does not.
fn largest_packet(mtu: u32, remote: Addr) -> u32 {
    mtu.min(if remote.is_v4() { LONGEST_PACKET } else { LONGEST_PACKET + 40 })
}

/// Bytes of IP and TCP header without options.
pub(super) fn headers(remote: Addr) -> u32 {
    if remote.is_v4() { 40 } else { 60 }
}

/// RFC 9293 MUST-14, MUST-67, SHLD-5: what we announce in a SYN, from the MTU of the link; as in Linux no more than is known to pass on this
/// path, for what comes mostly goes the same way.
pub(super) fn announced(mtu: u32, remote: Addr, maxseg: u16) -> u16 {
    let least = if remote.is_v4() { MIN_ADVERTISED_V4 } else { MIN_ADVERTISED_V6 };
    largest_payload(mtu, remote).max(least).min(wanted(maxseg))
}

/// What such packets carry beside headers without options.
pub(super) fn largest_payload(mtu: u32, remote: Addr) -> u16 {
    largest_packet(mtu, remote).saturating_sub(headers(remote)) as u16
}

/// The most that the program wants, from its `TCP_MAXSEG`.
pub(super) fn wanted(maxseg: u16) -> u16 {
    if maxseg == 0 { u16::MAX } else { maxseg }
}

/// RFC 9293 MUST-15: what we assume if the peer announces nothing.
pub(super) fn default_for(remote: Addr) -> u16 {
    if remote.is_v4() { 536 } else { 1220 }
}

/// Bytes of a packet with so much payload, options of a connection included.
pub(super) fn packet_of(tcb: &Tcb, payload: u32) -> u32 {
    payload + headers(tcb.inet.remote) + options(tcb)
}

/// Bytes of payload in such a packet.
pub(super) fn payload_of(tcb: &Tcb, packet: u32) -> u32 {
    packet.saturating_sub(headers(tcb.inet.remote) + options(tcb))
}

fn options(tcb: &Tcb) -> u32 {
    if tcb.timestamps { u32::from(TIMESTAMP_BYTES) } else { 0 }
}

/// RFC 9293 MUST-16: the largest payload of a segment: the smaller of what the peer takes and what the path takes, less options. What passes is
/// known better by who searches for it (RFC 4821 §5.1).
pub(super) fn effective(tcb: &Tcb, path_mtu: u32) -> u16 {
    let path_mtu = tcb.search.as_ref().map_or(path_mtu, |search| {
        cold_path();
        path_mtu.min(search.low)
    });
    let path = largest_payload(path_mtu, tcb.inet.remote).max(MIN_MSS);
    let whole = path.min(tcb.snd.peer_mss).min(wanted(tcb.options.maxseg));
    whole - if tcb.timestamps { TIMESTAMP_BYTES } else { 0 }
}
