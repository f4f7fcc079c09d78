//! What an ICMP error means to a socket: Linux's `icmp_err_convert` and `icmpv6_err_convert`, with what its TCP and UDP do for
//! the types those leave out. RFC 1122 §4.2.3.9 and RFC 5461 tell hard errors from soft ones.

use crate::base::{Errno, Version};
use crate::network::packet::ErrorCause;

use super::types::{v4, v6};

/// The meaning of an error message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// What kind of error.
    pub cause: ErrorCause,
    /// What a call gets.
    pub errno: Errno,
    /// Ends a connected socket.
    pub fatal: bool,
}

const SOFT: bool = false;
const HARD: bool = true;

/// By code of "destination unreachable".
const UNREACHABLE_V4: [(Errno, bool); 16] = [
    (Errno::ENETUNREACH, SOFT),  // net
    (Errno::EHOSTUNREACH, SOFT), // host
    (Errno::ENOPROTOOPT, HARD),  // protocol
    (Errno::ECONNREFUSED, HARD), // port
    (Errno::EMSGSIZE, SOFT),     // fragmentation needed
    (Errno::EOPNOTSUPP, SOFT),   // source route failed
    (Errno::ENETUNREACH, HARD),  // net unknown
    (Errno::EHOSTDOWN, HARD),    // host unknown
    (Errno::ENONET, HARD),       // source host isolated
    (Errno::ENETUNREACH, HARD),  // net prohibited
    (Errno::EHOSTUNREACH, HARD), // host prohibited
    (Errno::ENETUNREACH, SOFT),  // net for this type of service
    (Errno::EHOSTUNREACH, SOFT), // host for this type of service
    (Errno::EHOSTUNREACH, HARD), // communication prohibited
    (Errno::EHOSTUNREACH, HARD), // precedence violation
    (Errno::EHOSTUNREACH, HARD), // precedence cutoff
];

/// By code of "destination unreachable".
const UNREACHABLE_V6: [(Errno, bool); 7] = [
    (Errno::ENETUNREACH, SOFT),  // no route
    (Errno::EACCES, HARD),       // prohibited
    (Errno::EHOSTUNREACH, SOFT), // beyond the scope of the source
    (Errno::EHOSTUNREACH, SOFT), // address
    (Errno::ECONNREFUSED, HARD), // port
    (Errno::EACCES, HARD),       // policy
    (Errno::EACCES, HARD),       // reject route
];

/// The meaning of an error of `kind` and `code`; `mtu` is what "too big" tells. None for what sockets do not hear of.
pub fn meaning(version: Version, kind: u8, code: u8, mtu: u32) -> Option<Meaning> {
    match version {
        Version::V4 => meaning_v4(kind, code, mtu),
        Version::V6 => Some(meaning_v6(kind, code, mtu)),
    }
}

fn meaning_v4(kind: u8, code: u8, mtu: u32) -> Option<Meaning> {
    match kind {
        v4::DEST_UNREACHABLE => {
            let &(errno, fatal) = UNREACHABLE_V4.get(usize::from(code))?;
            let cause = if code == v4::FRAGMENTATION_NEEDED { ErrorCause::TooBig { mtu } } else { ErrorCause::Unreachable };
            Some(Meaning { cause, errno, fatal })
        }
        v4::TIME_EXCEEDED => Some(Meaning { cause: ErrorCause::TimeExceeded, errno: Errno::EHOSTUNREACH, fatal: SOFT }),
        v4::PARAMETER_PROBLEM => Some(Meaning { cause: ErrorCause::ParameterProblem, errno: Errno::EPROTO, fatal: HARD }),
        // Source quench is dead (RFC 6633), redirects are the network layer's.
        _ => None,
    }
}

fn meaning_v6(kind: u8, code: u8, mtu: u32) -> Meaning {
    match kind {
        v6::DEST_UNREACHABLE => {
            let (errno, fatal) = UNREACHABLE_V6.get(usize::from(code)).copied().unwrap_or((Errno::EPROTO, HARD));
            Meaning { cause: ErrorCause::Unreachable, errno, fatal }
        }
        v6::PACKET_TOO_BIG => Meaning { cause: ErrorCause::TooBig { mtu }, errno: Errno::EMSGSIZE, fatal: SOFT },
        v6::TIME_EXCEEDED => Meaning { cause: ErrorCause::TimeExceeded, errno: Errno::EHOSTUNREACH, fatal: SOFT },
        v6::PARAMETER_PROBLEM => Meaning { cause: ErrorCause::ParameterProblem, errno: Errno::EPROTO, fatal: HARD },
        // RFC 4443 §2.4 (a): errors of unknown type go to the upper layer too.
        _ => Meaning { cause: ErrorCause::Unreachable, errno: Errno::EPROTO, fatal: SOFT },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn codes(version: Version, kind: u8, count: u8) -> Vec<(Errno, bool)> {
        let found = (0..count).map(|code| meaning(version, kind, code, 0).unwrap());
        found.map(|meaning| (meaning.errno, meaning.fatal)).collect()
    }

    #[test]
    fn port_and_protocol_unreachable_are_hard_and_net_and_host_are_soft() {
        // RFC 1122 §4.2.3.9: codes 0, 1, 5 are soft, 2-4 hard (4 is path MTU discovery's since RFC 1191).
        let found = codes(Version::V4, v4::DEST_UNREACHABLE, 6);
        assert_eq!(found.iter().map(|(_, fatal)| *fatal).collect::<Vec<_>>(), [false, false, true, true, false, false]);
        assert_eq!(found[3].0, Errno::ECONNREFUSED);
        assert_eq!(codes(Version::V6, v6::DEST_UNREACHABLE, 8)[4], (Errno::ECONNREFUSED, true));
        assert_eq!(codes(Version::V6, v6::DEST_UNREACHABLE, 8)[7], (Errno::EPROTO, true));
    }

    #[test]
    fn what_sockets_do_not_hear_of_has_no_meaning() {
        assert_eq!(meaning(Version::V4, v4::DEST_UNREACHABLE, 16, 0), None);
        assert_eq!(meaning(Version::V4, v4::SOURCE_QUENCH, 0, 0), None);
        assert_eq!(meaning(Version::V4, v4::ECHO_REPLY, 0, 0), None);
    }

    #[test]
    fn too_big_tells_the_mtu() {
        let cause = |version, kind, code| meaning(version, kind, code, 1400).unwrap().cause;
        assert_eq!(cause(Version::V4, v4::DEST_UNREACHABLE, v4::FRAGMENTATION_NEEDED), ErrorCause::TooBig { mtu: 1400 });
        assert_eq!(cause(Version::V6, v6::PACKET_TOO_BIG, 0), ErrorCause::TooBig { mtu: 1400 });
    }
}
