//! The state machine of RFC 9293 §3.3.2 (figure 5) as one table, and what may be done in which state.

use crate::base::TcpState;
use TcpState::*;

/// What moves a connection from state to state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Input {
    /// `listen` was called.
    PassiveOpen,
    /// `connect` was called: a SYN is sent.
    ActiveOpen,
    /// A SYN without an ACK of ours arrived.
    Syn,
    /// A SYN with the ACK of ours arrived.
    SynAck,
    /// Our SYN was acknowledged.
    AckOfSyn,
    /// The application closed its direction: a FIN is queued.
    Close,
    /// The peer's FIN arrived in order.
    Fin,
    /// Our FIN was acknowledged.
    AckOfFin,
    /// Reset, time-out, abort: nothing more happens.
    End,
}

/// All transitions. What is not listed does not happen.
///
/// The figure's edges that leave SYN-RECEIVED by CLOSE or FIN are walked by way of ESTABLISHED: a close waits for the acknowledgement of
/// our SYN (RFC 9293 §3.10.4 allows it to be queued), and a FIN comes with that acknowledgement or is dropped (§3.10.7.4, fifth).
const TABLE: &[(TcpState, Input, TcpState)] = &[
    (Closed, Input::PassiveOpen, Listen),
    (Closed, Input::ActiveOpen, SynSent),
    (Listen, Input::Syn, SynReceived),
    (SynSent, Input::Syn, SynReceived),
    (SynSent, Input::SynAck, Established),
    (SynReceived, Input::AckOfSyn, Established),
    (Established, Input::Close, FinWait1),
    (Established, Input::Fin, CloseWait),
    (FinWait1, Input::AckOfFin, FinWait2),
    (FinWait1, Input::Fin, Closing),
    (FinWait2, Input::Fin, TimeWait),
    (CloseWait, Input::Close, LastAck),
    (Closing, Input::AckOfFin, TimeWait),
    (LastAck, Input::AckOfFin, Closed),
];

/// The table by state and input, so that nobody has to search it.
const NEXT: [[Option<TcpState>; INPUTS]; STATES] = {
    let mut next = [[None; INPUTS]; STATES];
    let mut row = 0;
    while row < TABLE.len() {
        let (from, on, to) = TABLE[row];
        next[from as usize][on as usize] = Some(to);
        row += 1;
    }
    next
};
const STATES: usize = TimeWait as usize + 1;
const INPUTS: usize = Input::End as usize;

/// The state after `input`, if it means anything in `state`.
pub(super) fn next(state: TcpState, input: Input) -> Option<TcpState> {
    if input == Input::End {
        return (state != Closed).then_some(Closed);
    }
    NEXT[state as usize][input as usize]
}

/// True once both SYNs were exchanged and until the connection is gone ("synchronized", RFC 9293 §3.3.2).
pub(super) fn is_synchronized(state: TcpState) -> bool {
    !matches!(state, Closed | Listen | SynSent | SynReceived)
}

/// True if the peer may still send data that we take.
pub(super) fn may_receive(state: TcpState) -> bool {
    matches!(state, Established | FinWait1 | FinWait2)
}

/// True if data of ours may go out (also again).
pub(super) fn may_send(state: TcpState) -> bool {
    matches!(state, Established | CloseWait | FinWait1 | Closing | LastAck)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TcpState; STATES] =
        [Closed, Listen, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait];

    /// RFC 9293 §3.3.2: every path from an opened connection leads to CLOSED or TIME-WAIT, and each input has one outcome.
    #[test]
    fn the_table_has_one_outcome_for_each_input() {
        for (i, a) in TABLE.iter().enumerate() {
            assert!(TABLE[i + 1..].iter().all(|b| (a.0, a.1) != (b.0, b.1)), "{a:?} stands twice");
        }
    }

    #[test]
    fn closing_first_second_and_at_once_ends_as_the_figure_says() {
        let walk = |inputs: &[Input]| inputs.iter().try_fold(Established, |state, input| next(state, *input));
        assert_eq!(walk(&[Input::Close, Input::AckOfFin, Input::Fin]), Some(TimeWait));
        assert_eq!(walk(&[Input::Fin, Input::Close, Input::AckOfFin]), Some(Closed));
        assert_eq!(walk(&[Input::Close, Input::Fin, Input::AckOfFin]), Some(TimeWait));
    }

    #[test]
    fn a_synchronized_state_never_goes_back() {
        for from in ALL.into_iter().filter(|state| is_synchronized(*state)) {
            for (_, _, to) in TABLE.iter().filter(|row| row.0 == from) {
                assert!(is_synchronized(*to) || *to == Closed);
            }
        }
    }
}
