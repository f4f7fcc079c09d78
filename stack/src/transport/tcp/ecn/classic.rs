//! Classic feedback (RFC 3168): one bit of echo, and one to take it back.

use super::CE;
use crate::transport::tcp::arrives::Arrival;
use crate::transport::tcp::header::{CWR, ECE, SYN};
use crate::transport::tcp::output::delay;
use crate::transport::tcp::tcb::Tcb;

/// RFC 3168 §6.1.3: marks on data are echoed until the sender has reduced its window.
pub(super) fn data_arrived(tcb: &mut Tcb, arrival: &Arrival) {
    if !tcb.ecn.agreed || arrival.payload.is_empty() {
        return;
    }
    if arrival.has(CWR) {
        tcb.ecn.echo = false;
        tcb.rcv.ack_now = true;
    }
    if arrival.codepoint == CE && !tcb.ecn.echo {
        tcb.ecn.echo = true;
        // As in Linux: the sender's window may be very small.
        delay::quicken(tcb);
    }
}

/// RFC 3168 §6.1.2: the receiver says that there was a mark.
pub(super) fn is_echo(tcb: &Tcb, arrival: &Arrival) -> bool {
    tcb.ecn.agreed && arrival.has(ECE) && !arrival.has(SYN)
}
