//! What ICMP tells of datagrams we sent (RFC 1122 §4.1.3.3).

use super::flows::Ends;
use super::{Udp, base, header};
use crate::base::Discard;
use crate::network::{Network, TransportError};

impl Udp {
    /// An ICMP error that quotes a datagram. It is told to the socket that would get the answer: a connected one as
    /// `SO_ERROR` if the error is a hard one, one with `IP_RECVERR` always and with details; others never learn, as in Linux.
    pub fn error(&mut self, net: &mut Network, error: &TransportError) {
        let [a, b, c, d, ..] = error.quoted[..] else {
            return base(net).discard(Some(error.link), Discard::IcmpMalformed, error.quoted.len());
        };
        let (local_port, remote_port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let ends = Ends { local: error.local, local_port, remote: error.remote, remote_port };
        match self.lookup(&ends, error.link) {
            Some((id, _)) => self.sockets[id].endpoint.icmp_error(base(net), error, remote_port, header::LEN),
            None => {
                base(net).counters.icmp.in_errors += 1;
                base(net).discard(Some(error.link), Discard::IcmpNoSocket, error.quoted.len());
            }
        }
    }
}
