//! Classic feedback (RFC 3168): one bit of echo, and one to take it back.

use super::{CE, Ecn};
use crate::transport::tcp::arrives::Arrival;
use crate::transport::tcp::header::{CWR, ECE, SYN};
use crate::transport::tcp::output::delay;
use crate::transport::tcp::tcb::Tcb;

/// RFC 3168 §6.1.3: marks on data are echoed until the sender has reduced its window.
pub(super) fn data_arrived(tcb: &mut Tcb, arrival: &Arrival<'_>) {
    let Some(ecn) = tcb.ecn.as_mut().filter(|ecn| ecn.is_classic() && !arrival.payload.is_empty()) else { return };
    if arrival.has(CWR) {
        ecn.echo = false;
        tcb.rcv.ack_now = true;
    }
    if arrival.codepoint == CE && !ecn.echo {
        ecn.echo = true;
        // As in Linux: the sender's window may be very small.
        delay::quicken(tcb);
    }
}

/// RFC 3168 §6.1.2: the receiver says that there was a mark.
pub(super) fn is_echo(ecn: &Ecn, arrival: &Arrival<'_>) -> bool {
    ecn.is_classic() && arrival.has(ECE) && !arrival.has(SYN)
}
