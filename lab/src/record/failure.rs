//! How a connection ended, if not in order.

use super::connections::{Connection, Which};

/// Why a connection did not come about, or was cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A RST answered the SYN.
    Refused,
    /// This end sent a RST.
    Reset(Which),
    /// This end gave it up: nothing came in time.
    TimedOut(Which),
    /// This end gave it up: an ICMP error told it to.
    Unreachable(Which),
}

impl Failure {
    /// What a change of state of an end to CLOSED says; none if that is how connections end.
    pub(super) fn of(which: Which, from: &str, cause: &str) -> Option<Self> {
        // Nothing is waited for there any more but for time to pass.
        let over = matches!(from, "TIME-WAIT" | "FIN-WAIT-2");
        match (cause, from) {
            ("reset", "SYN-SENT") => Some(Self::Refused),
            ("reset", _) if from != "TIME-WAIT" => Some(Self::Reset(which.other())),
            ("timeout", _) if !over => Some(Self::TimedOut(which)),
            ("icmp", _) => Some(Self::Unreachable(which)),
            _ => None,
        }
    }

    /// In a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset(_) => "reset",
            Self::TimedOut(_) => "timed out",
            Self::Unreachable(_) => "unreachable",
        }
    }

    /// In a sentence.
    pub fn text(self, connection: &Connection) -> String {
        match self {
            Self::Refused => format!("It was refused: {} answered the SYN with a RST.", connection.name(Which::Server)),
            Self::Reset(by) => format!("It was reset: {} sent a RST.", connection.name(by)),
            Self::TimedOut(at) => format!("It timed out: {} had no answer, and gave up.", connection.name(at)),
            Self::Unreachable(at) => format!("It was unreachable: an ICMP error told {} to give up.", connection.name(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_out_of_order_is_a_failure() {
        let cases = [
            ("SYN-SENT", "reset", Some(Failure::Refused)),
            ("SYN-SENT", "timeout", Some(Failure::TimedOut(Which::Client))),
            ("SYN-SENT", "icmp", Some(Failure::Unreachable(Which::Client))),
            ("ESTABLISHED", "reset", Some(Failure::Reset(Which::Server))),
            ("ESTABLISHED", "timeout", Some(Failure::TimedOut(Which::Client))),
            ("LAST-ACK", "fin-acked", None),
            ("TIME-WAIT", "timeout", None),
            ("TIME-WAIT", "reset", None),
            ("FIN-WAIT-2", "timeout", None),
            ("SYN-SENT", "call", None),
        ];
        for (from, cause, failure) in cases {
            assert_eq!(Failure::of(Which::Client, from, cause), failure, "{from}, {cause}");
        }
    }
}
