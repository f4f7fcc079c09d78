//! The addresses of a flow in sixteen bytes, as long as they are IPv4: of half-open connections and TIME-WAIT records there may be many.

use alloc::boxed::Box;

use super::flows::Tuple;
use crate::base::Addr;

/// The two addresses of a flow, ours first.
#[derive(Clone, Debug)]
pub(super) enum Addresses {
    V4([u8; 4], [u8; 4]),
    Other(Box<(Addr, Addr)>),
}

impl Addresses {
    /// Those of a tuple.
    pub(super) fn of(tuple: &Tuple) -> Self {
        if tuple.local.is_v4() && tuple.remote.is_v4() {
            Self::V4(tuple.local.v4_octets(), tuple.remote.v4_octets())
        } else {
            Self::Other(Box::new((tuple.local, tuple.remote)))
        }
    }

    /// The tuple with these ports.
    pub(super) fn with_ports(&self, local_port: u16, remote_port: u16) -> Tuple {
        let (local, remote) = match self {
            Self::V4(local, remote) => (Addr::from_v4(*local), Addr::from_v4(*remote)),
            Self::Other(pair) => **pair,
        };
        Tuple { local, remote, local_port, remote_port }
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
            assert_eq!(Addresses::of(&tuple).with_ports(80, 1024), tuple);
        }
        assert_eq!(size_of::<Addresses>(), 16);
    }
}
