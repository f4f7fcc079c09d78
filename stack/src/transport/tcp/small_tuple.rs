//! A four-tuple in sixteen bytes, as long as it is one of IPv4: of half-open connections and TIME-WAIT records there may be many.

use alloc::boxed::Box;

use super::flows::Tuple;
use crate::base::Addr;

/// Both ends of a flow.
#[derive(Clone, Debug)]
pub(super) enum SmallTuple {
    V4 { local: [u8; 4], remote: [u8; 4], local_port: u16, remote_port: u16 },
    Other(Box<Tuple>),
}

impl From<Tuple> for SmallTuple {
    fn from(tuple: Tuple) -> Self {
        let Tuple { local, remote, local_port, remote_port } = tuple;
        if local.is_v4() && remote.is_v4() {
            Self::V4 { local: local.v4_octets(), remote: remote.v4_octets(), local_port, remote_port }
        } else {
            Self::other(tuple)
        }
    }
}

impl SmallTuple {
    #[cold]
    #[inline(never)]
    fn other(tuple: Tuple) -> Self {
        Self::Other(Box::new(tuple))
    }

    /// By a call, for it is rare and five words long.
    #[cold]
    #[inline(never)]
    fn copy(tuple: &Tuple) -> Tuple {
        *tuple
    }

    /// As it was.
    pub(super) fn get(&self) -> Tuple {
        match self {
            Self::V4 { local, remote, local_port, remote_port } => Tuple {
                local: Addr::from_v4(*local),
                remote: Addr::from_v4(*remote),
                local_port: *local_port,
                remote_port: *remote_port,
            },
            Self::Other(tuple) => Self::copy(tuple),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_comes_back_as_it_was() {
        let (v4, v6) = (Addr::v4(192, 0, 2, 1), Addr::from_v6([7; 16]));
        for (local, remote) in [(v4, Addr::V4_LOOPBACK), (v6, Addr::V6_LOOPBACK)] {
            let tuple = Tuple { local, remote, local_port: 80, remote_port: 1024 };
            assert_eq!(SmallTuple::from(tuple).get(), tuple);
        }
        assert_eq!(size_of::<SmallTuple>(), 16);
    }
}
