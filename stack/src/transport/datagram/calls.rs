//! The calls that only look into a socket's [`Endpoint`](super::Endpoint): the same for every datagram protocol.

/// Gives a table of sockets (field `sockets`, a slab whose entries have an `endpoint`) the calls that need no protocol.
macro_rules! endpoint_calls {
    ($protocol:ty) => {
        const _: () = {
            use $crate::base::{Errno, Key, Ready};
            use $crate::network::Network;
            use $crate::transport::datagram::{Datagram, DatagramOptions, Endpoint, Front, MembershipChange, QueuedError};
            use $crate::transport::inet::{Inet, Shutdown};

            /// What is the same for every datagram protocol. A key must be that of a living socket.
            impl $protocol {
                /// The ends and common options of a socket.
                pub fn inet(&self, id: Key) -> &Inet {
                    &self.endpoint(id).inet
                }

                /// After a change of what bindings depend on (reuse, `v6only`, link) call [`Self::options_changed`].
                pub fn inet_mut(&mut self, id: Key) -> &mut Inet {
                    let endpoint = &mut self.sockets[id].endpoint;
                    endpoint.changes += 1;
                    &mut endpoint.inet
                }

                /// The options of a socket.
                pub fn options(&self, id: Key) -> &DatagramOptions {
                    &self.endpoint(id).options
                }

                /// After a change call [`Self::options_changed`].
                pub fn options_mut(&mut self, id: Key) -> &mut DatagramOptions {
                    let endpoint = &mut self.sockets[id].endpoint;
                    endpoint.changes += 1;
                    &mut endpoint.options
                }

                /// The oldest datagram, not taken.
                pub fn front(&self, id: Key) -> Option<Front<'_>> {
                    self.endpoint(id).front()
                }

                /// Takes the oldest datagram.
                pub fn pop(&mut self, net: &mut Network, id: Key) -> Option<Datagram> {
                    self.sockets[id].endpoint.pop(&mut net.links.base)
                }

                /// Throws the oldest datagram away.
                pub fn discard(&mut self, net: &mut Network, id: Key) {
                    self.sockets[id].endpoint.discard(&mut net.links.base);
                }

                /// Bytes of payload that wait, of all datagrams.
                pub fn queued(&self, id: Key) -> usize {
                    self.endpoint(id).queue.payload()
                }

                /// The oldest entry of the error queue (`MSG_ERRQUEUE`), taken. `SO_ERROR` becomes the next entry's, as in Linux.
                pub fn pop_error(&mut self, net: &mut Network, id: Key) -> Option<QueuedError> {
                    self.sockets[id].endpoint.pop_error(&mut net.links.base)
                }

                /// `IN OUT ERR HUP RDHUP` as Linux's `udp_poll` gives them.
                pub fn readiness(&self, id: Key) -> Ready {
                    self.endpoint(id).readiness()
                }

                /// True after `shutdown` of reading: a read gives 0 when nothing is queued.
                pub fn read_shut(&self, id: Key) -> bool {
                    self.endpoint(id).read_shut
                }

                /// `ENOTCONN` if not connected, but it takes effect all the same, as in Linux.
                pub fn shutdown(&mut self, net: &mut Network, id: Key, how: Shutdown) -> Result<(), Errno> {
                    self.sockets[id].endpoint.shutdown(&mut net.links.base, how)
                }

                /// `IP_ADD_MEMBERSHIP` and kin: joins, leaves, admits or blocks a source. `EADDRINUSE`, `EADDRNOTAVAIL`, `ENOBUFS`,
                /// `ENODEV`, `EINVAL`.
                pub fn membership(&mut self, net: &mut Network, id: Key, change: &MembershipChange) -> Result<(), Errno> {
                    self.sockets[id].endpoint.membership(net, change)
                }

                /// Keys of all sockets, for listings.
                pub fn keys(&self) -> Vec<Key> {
                    self.sockets.keys()
                }

                fn endpoint(&self, id: Key) -> &Endpoint {
                    &self.sockets[id].endpoint
                }
            }
        };
    };
}

pub(in crate::transport) use endpoint_calls;
