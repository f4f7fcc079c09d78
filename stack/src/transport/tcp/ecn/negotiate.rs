//! What both ends agree on (RFC 3168 §6.1.1, RFC 9768 §3.1): the three bits AE, CWR and ECE of the SYN ask, those of the SYN-ACK answer.
//!
//! ```text
//!   SYN     1 1 1 accurate, 0 1 1 classic, 0 0 0 none
//!   SYN-ACK 0 0 1 classic, 0 0 0 none; accurate tells with which codepoint the SYN came: 0 1 0 not capable, 0 1 1 ECT(1), 1 0 0 ECT(0), 1 1 0 CE
//!   ACK     tells the same of the SYN-ACK
//! ```

use alloc::boxed::Box;

use super::accurate::{Accurate, fail};
use super::option::{AccurateOption, initial};
use super::{CE, ECT_0, ECT_1, Ecn, NOT_ECT};
use crate::transport::tcp::arrives::Arrival;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::Header;
use crate::transport::tcp::options::TcpConfig;
use crate::transport::tcp::tcb::Tcb;

/// How congestion is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::transport::tcp) enum Feedback {
    #[default]
    None,
    Classic,
    Accurate,
}

const CLASSIC_SYN: u8 = 0b011;
const ACCURATE_SYN: u8 = 0b111;
const CLASSIC_SYN_ACK: u8 = 0b001;

/// What `tcp_ecn` has us ask for.
fn asked(config: &TcpConfig) -> Feedback {
    match config.ecn {
        1 | 4 => Feedback::Classic,
        3 => Feedback::Accurate,
        _ => Feedback::None,
    }
}

/// What we grant to a SYN with these bits and this codepoint: RFC 9768 §3.1.2: all but none and classic mean accurate.
fn granted(config: &TcpConfig, ace: u8, codepoint: u8) -> Feedback {
    match ace {
        0 => Feedback::None,
        // RFC 3168 §6.1.1: a SYN is never marked as capable; one that is was not made by who understands the bits.
        CLASSIC_SYN if config.ecn != 0 && codepoint == NOT_ECT => Feedback::Classic,
        CLASSIC_SYN => Feedback::None,
        _ if config.ecn >= 3 => Feedback::Accurate,
        ACCURATE_SYN if config.ecn != 0 => Feedback::Classic,
        _ => Feedback::None,
    }
}

/// RFC 9768 §3.1.2 table 2: what tells that a packet of the handshake came with this codepoint.
pub(super) fn reflection(codepoint: u8) -> u8 {
    match codepoint {
        ECT_1 => 0b011,
        ECT_0 => 0b100,
        CE => 0b110,
        _ => 0b010,
    }
}

/// The reverse; none for what tells nothing.
fn reflected(ace: u8) -> Option<u8> {
    [NOT_ECT, ECT_1, ECT_0, CE].into_iter().find(|&codepoint| reflection(codepoint) == ace)
}

/// RFC 9768 §3.2.2.3: on the way a codepoint does not become capable, or stop being it, or stop being a mark.
fn is_possible(sent: u8, came: u8) -> bool {
    sent == came || (sent != NOT_ECT && sent != CE && came != NOT_ECT)
}

/// What a half-open connection keeps of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::transport::tcp) struct Offer {
    pub(in crate::transport::tcp) feedback: Feedback,
    /// The codepoint of the latest SYN.
    codepoint: u8,
    /// Our option goes with the first SYN-ACK.
    option: bool,
    /// The peer asked again without the bits: somebody on the path may not like them.
    bleached: bool,
}

impl Offer {
    /// What a SYN is granted.
    pub(in crate::transport::tcp) fn new(config: &TcpConfig, header: &Header, codepoint: u8) -> Self {
        let feedback = granted(config, header.ace(), codepoint);
        let option = feedback == Feedback::Accurate && config.ecn_option > 0;
        Self { feedback, codepoint, option, bleached: false }
    }

    /// The SYN came again.
    pub(in crate::transport::tcp) fn repeated(&mut self, header: &Header, codepoint: u8) {
        self.codepoint = codepoint;
        self.bleached |= header.ace() == 0;
        self.option = false;
    }

    /// The SYN-ACK was not answered, or was asked for again: what goes again goes without what may be in its way.
    pub(in crate::transport::tcp) fn without_option(&mut self) {
        self.option = false;
    }

    /// The three bits of the SYN-ACK. RFC 9768 §3.1.4.1: after two that were not answered they are left out.
    pub(in crate::transport::tcp) fn bits(&self, retries: u8) -> u8 {
        if self.feedback == Feedback::None { 0 } else { self.some_bits(retries) }
    }

    #[cold]
    #[inline(never)]
    fn some_bits(&self, retries: u8) -> u8 {
        match self.feedback {
            Feedback::None => 0,
            Feedback::Classic => CLASSIC_SYN_ACK,
            Feedback::Accurate if retries > 1 => 0,
            Feedback::Accurate => reflection(self.codepoint),
        }
    }

    /// The option of the SYN-ACK.
    pub(in crate::transport::tcp) fn option(&self) -> Option<AccurateOption> {
        self.option.then(empty_option)
    }
}

/// Before anything came: ECT(1) first, as Linux has it.
fn empty_option() -> AccurateOption {
    AccurateOption { order: 1, count: 3, fields: [ECT_1, CE, ECT_0].map(initial) }
}

/// `connect`: what is asked for is remembered.
pub(in crate::transport::tcp) fn began(tcb: &mut Tcb, cx: &Cx<'_>) {
    if asked(&cx.common.config) == Feedback::Accurate {
        ask_for_accurate(tcb);
    }
}

#[cold]
#[inline(never)]
fn ask_for_accurate(tcb: &mut Tcb) {
    tcb.ecn = Some(Box::new(Ecn { accurate: Some(Accurate::default()), ..Ecn::default() }));
}

/// The three bits of our SYN. RFC 3168 §6.1.1.1, RFC 9768 §3.1.4.1: one that had to be repeated does not ask, lest that be the reason; accurate
/// feedback is asked for twice.
pub(in crate::transport::tcp) fn syn_bits(tcb: &Tcb, cx: &Cx<'_>) -> u8 {
    let tries = match asked(&cx.common.config) {
        Feedback::None => 0,
        Feedback::Classic => 1,
        Feedback::Accurate => 2,
    };
    if cx.common.config.ecn_fallback && tcb.recovery.timeouts >= tries {
        return 0;
    }
    match asked(&cx.common.config) {
        Feedback::None => 0,
        Feedback::Classic => CLASSIC_SYN,
        Feedback::Accurate => ACCURATE_SYN,
    }
}

/// The three bits of a SYN-ACK that the connection itself sends.
pub(in crate::transport::tcp) fn synack_bits(tcb: &Tcb) -> u8 {
    match tcb.ecn.as_ref().map(|ecn| &ecn.accurate) {
        None => 0,
        Some(None) => CLASSIC_SYN_ACK,
        Some(Some(_)) if tcb.recovery.timeouts > 1 => 0,
        Some(Some(accurate)) => reflection(accurate.reflect.unwrap_or(NOT_ECT)),
    }
}

/// Its option.
pub(in crate::transport::tcp) fn synack_option(tcb: &Tcb, cx: &Cx<'_>) -> Option<AccurateOption> {
    (tcb.accurate().is_some() && cx.common.config.ecn_option > 0 && tcb.recovery.timeouts <= 1).then(empty_option)
}

/// Both ends agree on this.
fn agree(tcb: &mut Tcb, feedback: Feedback, accurate: Option<Accurate>) {
    let ecn = Ecn { accurate, point: tcb.snd.una, ..Ecn::default() };
    tcb.ecn = (feedback != Feedback::None).then(|| Box::new(ecn));
}

/// A connection begins that the peer asked for.
pub(in crate::transport::tcp) fn opened(tcb: &mut Tcb, offer: &Offer, retries: u8) {
    if offer.feedback != Feedback::None {
        opened_with(tcb, offer, retries);
    }
}

#[cold]
#[inline(never)]
fn opened_with(tcb: &mut Tcb, offer: &Offer, retries: u8) {
    let accurate = || {
        let mut accurate = Accurate::new(offer.codepoint);
        if offer.bleached {
            accurate.fails(fail::BITS_IN);
        }
        if retries > 1 {
            accurate.fails(fail::BITS_OUT);
        }
        accurate
    };
    agree(tcb, offer.feedback, (offer.feedback == Feedback::Accurate).then(accurate));
}

/// The answer to our SYN came: a SYN-ACK, or a SYN because both ends open at once (RFC 9768 §3.1.2 table 2).
pub(in crate::transport::tcp) fn answered(tcb: &mut Tcb, cx: &Cx<'_>, arrival: &Arrival<'_>, is_syn_ack: bool) {
    match asked(&cx.common.config) {
        Feedback::None => tcb.ecn = None,
        asked => answered_as(tcb, cx, arrival, is_syn_ack, asked),
    }
}

#[cold]
#[inline(never)]
fn answered_as(tcb: &mut Tcb, cx: &Cx<'_>, arrival: &Arrival<'_>, is_syn_ack: bool, asked: Feedback) {
    let ace = arrival.header.ace();
    let feedback = match (asked, ace) {
        (_, CLASSIC_SYN_ACK) if is_syn_ack => Feedback::Classic,
        (Feedback::Classic, CLASSIC_SYN) if !is_syn_ack => Feedback::Classic,
        (Feedback::Accurate, CLASSIC_SYN) if !is_syn_ack => Feedback::Classic,
        (Feedback::Classic, ACCURATE_SYN) if !is_syn_ack => Feedback::Classic,
        (Feedback::Accurate, 0) => Feedback::None,
        // A SYN-ACK that repeats the bits of the SYN comes from who does not understand them.
        (Feedback::Accurate, ACCURATE_SYN) if is_syn_ack => Feedback::None,
        (Feedback::Accurate, _) => Feedback::Accurate,
        _ => Feedback::None,
    };
    let accurate = || {
        let mut accurate = Accurate::new(arrival.codepoint);
        if is_syn_ack {
            take_syn_ack(&mut accurate, cx, arrival, ace);
        }
        accurate
    };
    agree(tcb, feedback, (feedback == Feedback::Accurate).then(accurate));
}

/// What the SYN-ACK tells of our SYN, and what came with it.
fn take_syn_ack(accurate: &mut Accurate, cx: &Cx<'_>, arrival: &Arrival<'_>, ace: u8) {
    if let Some(option) = &arrival.header.options.accurate {
        accurate.judge_option(option);
        accurate.demand_option(2);
    }
    judge_reflection(accurate, cx, ace);
    if arrival.codepoint == CE {
        accurate.received += 1;
    }
}

/// RFC 9768 §3.2.2.3: our SYN or SYN-ACK was not capable. Who says that it came with another codepoint, or not with all, says that the path
/// changes codepoints, and nothing more is sent as capable.
fn judge_reflection(accurate: &mut Accurate, cx: &Cx<'_>, ace: u8) -> Option<u8> {
    let came = reflected(ace)?;
    if cx.common.config.ecn_fallback && !is_possible(NOT_ECT, came) {
        accurate.fails(fail::BITS_IN);
        return None;
    }
    Some(came)
}

/// The first acknowledgement of our SYN-ACK (RFC 9768 §3.2.2.1 table 4).
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn third_ack(tcb: &mut Tcb, cx: &Cx<'_>, arrival: &Arrival<'_>) {
    let Some(accurate) = tcb.accurate_mut() else { return };
    let ace = arrival.header.ace();
    let lone = arrival.payload.is_empty() && arrival.header.options.sack.is_empty();
    accurate.reflect = None;
    if arrival.has(crate::transport::tcp::header::SYN) {
        // Both ends opened at once: this is the peer's SYN-ACK.
        accurate.reflect = Some(arrival.codepoint);
        take_syn_ack(accurate, cx, arrival, ace);
        return;
    }
    accurate.is_judged = true;
    if let Some(option) = &arrival.header.options.accurate {
        accurate.judge_option(option);
        accurate.demand_option(2);
    }
    match ace {
        0 if accurate.failed & fail::BITS_OUT != 0 => return tcb.ecn = None,
        // RFC 9768 §3.2.2.4: somebody cleared the bits.
        0 => accurate.fails(fail::BITS_IN),
        _ if lone && judge_reflection(accurate, cx, ace) == Some(CE) => accurate.delivered = 1,
        _ => {}
    }
    accurate.failed &= !fail::BITS_OUT;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9768 §3.1.2: what a server grants, by `tcp_ecn`.
    #[test]
    fn what_is_granted() {
        let table = |ecn: u8| {
            let config = TcpConfig { ecn, ..TcpConfig::default() };
            (0..8).map(|ace| granted(&config, ace, NOT_ECT) as u8).collect::<alloc::vec::Vec<u8>>()
        };
        assert_eq!(table(0), [0; 8]);
        assert_eq!(table(1), [0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(table(2), table(1));
        for ecn in [3, 4, 5] {
            assert_eq!(table(ecn), [0, 2, 2, 1, 2, 2, 2, 2]);
        }
    }

    /// RFC 9768 §3.2.2.3: what a path may do to a codepoint.
    #[test]
    fn codepoints_change_to_a_mark_only() {
        let possible = |sent| [NOT_ECT, ECT_1, ECT_0, CE].map(|came| is_possible(sent, came));
        assert_eq!(possible(NOT_ECT), [true, false, false, false]);
        assert_eq!(possible(CE), [false, false, false, true]);
        assert_eq!(possible(ECT_0), [false, true, true, true], "between ECT(0) and ECT(1) both are taken, as in Linux");
        for codepoint in [NOT_ECT, ECT_1, ECT_0, CE] {
            assert_eq!(reflected(reflection(codepoint)), Some(codepoint));
        }
    }
}
