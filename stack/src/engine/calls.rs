//! The socket calls, by their names. What each means is written in `socket/`; here time, events and the rest of the host are added.

use bytes::Bytes;

use super::stack::Stack;
use crate::base::event::Call;
use crate::base::{Errno, MsgFlags, Ready, SocketId, What};
use crate::socket::{Address, Message, Received};
use crate::transport::tcp::{Request, Verdict};
use crate::transport::unix::Credentials;

impl Stack {
    /// A socket of a family, a type and a protocol (Linux's numbers, see [`numbers`](crate::socket::numbers)).
    /// `EAFNOSUPPORT`, `ESOCKTNOSUPPORT`, `EPROTONOSUPPORT`, `EINVAL`, `EPERM` (raw), `EACCES`, `ENFILE`, `ENOBUFS`.
    pub fn socket(&mut self, family: i32, ty: i32, protocol: i32) -> Result<SocketId, Errno> {
        let id = self.sockets.socket(&mut self.net, family, ty, protocol)?;
        self.told(id, Call::Socket, Ok(0));
        Ok(id)
    }

    /// Two `AF_UNIX` sockets connected to each other. Errors as [`Stack::socket`]; `EOPNOTSUPP` for other families.
    pub fn socketpair(&mut self, family: i32, ty: i32, protocol: i32) -> Result<(SocketId, SocketId), Errno> {
        self.sockets.socketpair(&mut self.net, family, ty, protocol)
    }

    /// Gives a socket its name. `EINVAL`, `EADDRINUSE`, `EADDRNOTAVAIL`, `EAFNOSUPPORT`, `EACCES`.
    pub fn bind(&mut self, id: SocketId, address: &Address) -> Result<(), Errno> {
        let result = self.sockets.bind(&mut self.net, id, address);
        self.done(id, Call::Bind, result)
    }

    /// Lets a socket accept connections, of which `backlog` wait. `EOPNOTSUPP`, `EINVAL`, `EADDRINUSE`.
    pub fn listen(&mut self, id: SocketId, backlog: i32) -> Result<(), Errno> {
        let result = self.sockets.listen(&mut self.net, id, backlog);
        self.done(id, Call::Listen, result)
    }

    /// As [`Stack::bind`], to every port of the address: the socket gets what no other socket is bound to. TCP sockets must then listen;
    /// UDP ones only receive. `EINVAL`, `EADDRINUSE`, `EADDRNOTAVAIL`, `EAFNOSUPPORT`, `EOPNOTSUPP`.
    ///
    /// Together with [`Stack::set_transparent`] this is one end of a transparent proxy. Where a connection was to go is the local name of
    /// the accepted socket; where a datagram was to go tells `IP_RECVORIGDSTADDR`.
    pub fn bind_every_port(&mut self, id: SocketId, address: &Address) -> Result<(), Errno> {
        let result = self.sockets.bind_every_port(&mut self.net, id, address);
        self.done(id, Call::Bind, result)
    }

    /// Lets connections to a TCP listener wait for a decision before their SYN is answered. `EINVAL`, `EOPNOTSUPP`.
    pub fn put_gate(&mut self, id: SocketId) -> Result<(), Errno> {
        self.sockets.put_gate(id)
    }

    /// The next connection that waits at the gate; the listener is readable (IN) while there is one. `EAGAIN`, `EINVAL`, `EOPNOTSUPP`.
    pub fn next_request(&mut self, id: SocketId) -> Result<Request, Errno> {
        self.sockets.next_request(id)
    }

    /// Decides about a connection that waits at the gate. Each must be answered some day: it takes a place of the backlog.
    /// `ENOENT` if it does not wait, `EINVAL`, `EOPNOTSUPP`.
    pub fn answer(&mut self, id: SocketId, request: &Request, verdict: Verdict) -> Result<(), Errno> {
        let result = self.sockets.answer(&mut self.net, id, request, verdict);
        self.settle();
        result
    }

    /// Tells the other end of a connected UDP socket by ICMP that nobody takes what it sent, as if no socket were there: what a proxy says
    /// when it was told so itself. `ENOTCONN`, `EOPNOTSUPP`, `ENETUNREACH` and its kin.
    ///
    /// `quoted` is what the datagram carried, as far as that is known.
    pub fn refuse(&mut self, id: SocketId, quoted: &[u8]) -> Result<(), Errno> {
        let result = self.sockets.refuse(&mut self.net, id, quoted);
        self.settle();
        result
    }

    /// The next connection that waits, and whom it is with. `EAGAIN`, `EINVAL`, `EOPNOTSUPP`, `ENFILE`.
    pub fn accept(&mut self, id: SocketId) -> Result<(SocketId, Address), Errno> {
        let result = self.sockets.accept(&mut self.net, id);
        let number = result.as_ref().map(|(socket, _)| socket.index()).map_err(|error| *error);
        self.told(id, Call::Accept, number);
        self.settle();
        result
    }

    /// Connects a socket, or names a datagram socket's other end. `EINPROGRESS` means it has begun; readiness OUT tells its end.
    pub fn connect(&mut self, id: SocketId, address: &Address) -> Result<(), Errno> {
        let result = self.sockets.connect(&mut self.net, id, address);
        self.done(id, Call::Connect, result)
    }

    /// Sends to the connected end; says how many bytes were taken.
    pub fn send(&mut self, id: SocketId, data: &[u8], flags: MsgFlags) -> Result<usize, Errno> {
        let result = self.sockets.send(&mut self.net, id, data, flags);
        self.settle();
        result
    }

    /// Sends to an address.
    pub fn sendto(&mut self, id: SocketId, data: &[u8], flags: MsgFlags, to: &Address) -> Result<usize, Errno> {
        self.sendmsg(id, &Message { data: &[data], to: Some(to), flags, ..Message::default() })
    }

    /// Sends pieces with ancillary data. See [`Sockets::sendmsg`](crate::socket::Sockets::sendmsg) for errors.
    pub fn sendmsg(&mut self, id: SocketId, message: &Message<'_>) -> Result<usize, Errno> {
        let result = self.sockets.sendmsg(&mut self.net, id, message);
        self.settle();
        result
    }

    /// Sends a chunk without copying it.
    pub fn send_bytes(&mut self, id: SocketId, chunk: Bytes, flags: MsgFlags) -> Result<usize, Errno> {
        let result = self.sockets.send_bytes(&mut self.net, id, chunk, flags);
        self.settle();
        result
    }

    /// As [`Stack::send_bytes`], to an address; without one to the connected end.
    pub fn send_bytes_to(&mut self, id: SocketId, chunk: Bytes, to: Option<&Address>, flags: MsgFlags) -> Result<usize, Errno> {
        let result = self.sockets.send_bytes_to(&mut self.net, id, chunk, to, flags);
        self.settle();
        result
    }

    /// Receives; 0 from a stream is its end.
    pub fn recv(&mut self, id: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
        let result = self.sockets.recv(&mut self.net, id, into, flags);
        self.settle();
        result
    }

    /// Receives and tells the sender.
    pub fn recvfrom(&mut self, id: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<(usize, Address), Errno> {
        self.recvmsg(id, &mut [into], 0, flags).map(|received| (received.len, received.from))
    }

    /// Receives into pieces, with ancillary data as far as it fits a control buffer of `control_room` bytes
    /// (see [`Control::space`](crate::socket::Control::space)).
    /// See [`Sockets::recvmsg`](crate::socket::Sockets::recvmsg) for errors.
    pub fn recvmsg(
        &mut self,
        id: SocketId,
        into: &mut [&mut [u8]],
        control_room: usize,
        flags: MsgFlags,
    ) -> Result<Received, Errno> {
        let result = self.sockets.recvmsg(&mut self.net, id, into, control_room, flags);
        self.settle();
        result
    }

    /// Receives up to `max` bytes of a stream, or one datagram, without copying.
    pub fn recv_bytes(&mut self, id: SocketId, max: usize) -> Result<Bytes, Errno> {
        let result = self.sockets.recv_bytes(&mut self.net, id, max);
        self.settle();
        result
    }

    /// As [`Stack::recv_bytes`], and tells the sender of a datagram.
    pub fn recv_bytes_from(&mut self, id: SocketId, max: usize) -> Result<(Bytes, Address), Errno> {
        let result = self.sockets.recv_bytes_from(&mut self.net, id, max);
        self.settle();
        result
    }

    /// Ends reading (0), writing (1) or both (2). `ENOTCONN`, `EINVAL`.
    pub fn shutdown(&mut self, id: SocketId, how: i32) -> Result<(), Errno> {
        let result = self.sockets.shutdown(&mut self.net, id, how);
        self.done(id, Call::Shutdown, result)
    }

    /// Gives a handle back; with the last one the socket goes.
    pub fn close(&mut self, id: SocketId) -> Result<(), Errno> {
        let result = self.sockets.close(&mut self.net, id);
        self.done(id, Call::Close, result)
    }

    /// Resets the TCP connections that are not closed by both ends, those that applications have closed included: what they still have to
    /// send is given up. What came can still be read; then their sockets give `errno`. Says how many they were.
    pub fn abort_connections(&mut self, errno: Errno) -> usize {
        let count = self.sockets.tcp.abort_all(&mut self.net, errno);
        self.settle();
        count
    }

    /// True if a TCP connection, closed ones included, still has something to bring to its other end: data, or the end of them.
    pub fn is_flushing(&self) -> bool {
        self.sockets.tcp.is_flushing()
    }

    /// True if one of the connections that are [flushing](Self::is_flushing) has a route to its other end, be it on this very host.
    pub fn can_flush(&mut self) -> bool {
        self.sockets.tcp.can_flush(&mut self.net)
    }

    /// One more handle for a socket.
    pub fn dup(&mut self, id: SocketId) -> Result<(), Errno> {
        self.sockets.dup(id)
    }

    /// Our end's name.
    pub fn getsockname(&self, id: SocketId) -> Result<Address, Errno> {
        self.sockets.getsockname(id)
    }

    /// The other end's name. `ENOTCONN`
    pub fn getpeername(&self, id: SocketId) -> Result<Address, Errno> {
        self.sockets.getpeername(id)
    }

    /// Reads an option; says how many bytes were written to `into`. `ENOPROTOOPT`, `EINVAL`.
    pub fn getsockopt(&mut self, id: SocketId, level: i32, name: i32, into: &mut [u8]) -> Result<usize, Errno> {
        let result = self.sockets.getsockopt(&mut self.net, id, level, name, into);
        self.told(id, Call::Getsockopt, result.map(|len| len as u32));
        result
    }

    /// Sets an option. `ENOPROTOOPT`, `EINVAL`, `EPERM`.
    pub fn setsockopt(&mut self, id: SocketId, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        let result = self.sockets.setsockopt(&mut self.net, id, level, name, value);
        self.done(id, Call::Setsockopt, result)
    }

    /// Answers `SIOCINQ`, `SIOCOUTQ`, `SIOCATMARK`. `ENOTTY`, `EINVAL`.
    pub fn query(&self, id: SocketId, request: u32) -> Result<usize, Errno> {
        self.sockets.query(id, request)
    }

    /// The bits `poll` reports of a socket now.
    pub fn readiness(&self, id: SocketId) -> Result<Ready, Errno> {
        self.sockets.readiness(id)
    }

    /// Says whose a socket is (`SO_PEERCRED`, `SCM_CREDENTIALS`).
    pub fn set_credentials(&mut self, id: SocketId, credentials: Credentials) -> Result<(), Errno> {
        self.sockets.set_credentials(id, credentials)
    }

    /// The next foreign handle that was passed in a message nobody will receive.
    pub fn dropped_handle(&mut self) -> Option<u64> {
        self.sockets.dropped_handle()
    }

    /// Frees a path that an `AF_UNIX` socket is bound to, as `unlink` does. `ENOENT`
    pub fn unlink(&mut self, path: &[u8]) -> Result<(), Errno> {
        self.sockets.unix.unlink(&mut self.net.links.base, path)
    }

    fn told(&mut self, socket: SocketId, call: Call, result: Result<u32, Errno>) {
        self.net.links.base.emit(What::Call { socket, call, result });
    }

    fn done(&mut self, id: SocketId, call: Call, result: Result<(), Errno>) -> Result<(), Errno> {
        self.told(id, call, result.map(|()| 0));
        self.settle();
        result
    }
}
