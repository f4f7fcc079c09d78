//! A connection that waits for a decision.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use loggia_stack::base::SockAddr;
use loggia_stack::network;
use loggia_stack::transport::tcp::{Request, Verdict};

use crate::blocking::Blocking;
use crate::socket::Socket;

/// What an opening waits at.
pub(crate) trait Gate: Send + Sync {
    fn socket(&self) -> &Socket;
}

impl Gate for Blocking {
    fn socket(&self) -> &Socket {
        Blocking::socket(self)
    }
}

impl Gate for Arc<Socket> {
    fn socket(&self) -> &Socket {
        self
    }
}

/// Why a destination cannot be reached, as ICMP says it (RFC 1812 §5.2.7.1, RFC 4443 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Unreachable {
    /// No route leads there.
    Network,
    /// The host does not answer.
    Host,
    /// It must not be reached.
    Prohibited,
}

/// A connection that somebody wants to open. Dropping it undecided refuses it.
pub struct Opening {
    gate: Box<dyn Gate>,
    request: Request,
    decided: bool,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("from", &self.from()).field("to", &self.to()).finish_non_exhaustive()
    }
}

impl Opening {
    pub(crate) fn new(gate: impl Gate + 'static, request: Request) -> Self {
        Self { gate: Box::new(gate), request, decided: false }
    }

    /// Whom it is for.
    pub fn to(&self) -> SocketAddr {
        std_addr(self.request.local)
    }

    /// From whom it is.
    pub fn from(&self) -> SocketAddr {
        std_addr(self.request.remote)
    }

    /// Lets the handshake go on; the gate's `accept` gives the connection.
    pub fn accept(self) {
        self.decide(Verdict::Accept);
    }

    /// Resets it, as if nobody listened there.
    pub fn refuse(self) {
        self.decide(Verdict::Refuse);
    }

    /// Tells its sender by ICMP that the destination cannot be reached.
    pub fn unreachable(self, why: Unreachable) {
        self.decide(Verdict::Unreachable(match why {
            Unreachable::Network => network::Unreachable::Network,
            Unreachable::Host => network::Unreachable::Host,
            Unreachable::Prohibited => network::Unreachable::Prohibited,
        }));
    }

    /// Says nothing; the sender will ask again.
    pub fn ignore(self) {
        self.decide(Verdict::Ignore);
    }

    fn decide(mut self, verdict: Verdict) {
        self.decided = true;
        self.answer(verdict);
    }

    fn answer(&self, verdict: Verdict) {
        // It may have gone meanwhile; then there is nobody to answer.
        let _ = self.gate.socket().call(|stack, id| stack.answer(id, &self.request, verdict));
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.decided {
            self.answer(Verdict::Refuse);
        }
    }
}

pub(crate) fn std_addr(SockAddr { addr, port, .. }: SockAddr) -> SocketAddr {
    SocketAddr::new(addr.into(), port)
}
