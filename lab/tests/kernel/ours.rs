//! Our end of the transfers: a stack on a link of bare IP packets.

use std::collections::BTreeMap;

use loggia_stack::base::{Addr, Errno, SockAddr, SocketId};
use loggia_stack::socket::numbers::{IPPROTO_TCP, sol_socket as so, tcp};

use crate::ends::{End, Role, Socket};
use crate::plan::Transfer;
use crate::sim::Host;
use crate::sim::host::address;

/// A host and its sockets.
pub(crate) struct Ours {
    pub(crate) host: Host,
    /// Listeners, by socket: the number of the transfer.
    listeners: BTreeMap<u64, u16>,
    ends: BTreeMap<u64, (u16, End)>,
    transfers: Vec<Transfer>,
}

struct Connected<'a>(&'a mut Host, SocketId);

impl Socket for Connected<'_> {
    fn write(&mut self, data: &[u8]) -> Option<usize> {
        now_or_not(self.0.write(self.1, data))
    }

    fn read(&mut self, into: &mut [u8]) -> Option<usize> {
        now_or_not(self.0.read(self.1, into))
    }

    fn end_writing(&mut self) {
        self.0.shutdown_write(self.1).expect("connected");
    }
}

fn now_or_not(result: Result<usize, Errno>) -> Option<usize> {
    match result {
        Ok(count) => Some(count),
        Err(Errno::EAGAIN | Errno::EALREADY | Errno::EINPROGRESS) => None,
        Err(errno) => panic!("our socket says {errno:?}"),
    }
}

impl Ours {
    pub(crate) fn new([own, peer]: [[u8; 4]; 2], role: Role, transfers: &[Transfer]) -> Self {
        let [own, peer] = [own, peer].map(|[a, b, c, d]| Addr::v4(a, b, c, d));
        let host = Host::new(1, own, 1500);
        let mut ours = Self { host, listeners: BTreeMap::new(), ends: BTreeMap::new(), transfers: transfers.to_vec() };
        for transfer in transfers {
            match role {
                Role::Sender => ours.connect(transfer, own, peer),
                Role::Receiver => ours.listen(transfer, own),
            }
        }
        ours
    }

    fn connect(&mut self, transfer: &Transfer, own: Addr, peer: Addr) {
        let socket = self.host.tcp(own);
        self.set(socket, so::SO_SNDBUF, transfer.sndbuf);
        self.host.stack.bind(socket, &address(SockAddr::new(own, transfer.source_port()))).expect("a free port");
        self.host.connect(socket, SockAddr::new(peer, transfer.target_port()));
        self.ends.insert(socket.to_bits(), (transfer.number, End::new(transfer, Role::Sender)));
    }

    fn listen(&mut self, transfer: &Transfer, own: Addr) {
        let listener = self.host.listen(own, transfer.target_port(), 8);
        self.set(listener, so::SO_RCVBUF, transfer.rcvbuf);
        self.listeners.insert(listener.to_bits(), transfer.number);
    }

    fn set(&mut self, socket: SocketId, name: i32, value: Option<i32>) {
        if let Some(value) = value {
            self.host.set(socket, so::LEVEL, name, value);
        }
    }

    /// Does what became possible; gives the transfers that are over, with what `TCP_INFO` says of them.
    pub(crate) fn act(&mut self) -> Vec<(u16, [u8; 256])> {
        let mut over = Vec::new();
        while let Some((socket, _)) = self.host.stack.next_ready() {
            match self.listeners.get(&socket.to_bits()) {
                // What came before it was accepted nobody is told of.
                Some(&number) => over.extend(self.accept(socket, number).and_then(|accepted| self.act_at(accepted))),
                None => over.extend(self.act_at(socket)),
            }
        }
        over
    }

    fn accept(&mut self, listener: SocketId, number: u16) -> Option<SocketId> {
        let socket = self.host.accept(listener)?;
        let transfer = self.transfers.iter().find(|transfer| transfer.number == number).expect("one of them");
        self.ends.insert(socket.to_bits(), (number, End::new(transfer, Role::Receiver)));
        Some(socket)
    }

    fn act_at(&mut self, socket: SocketId) -> Option<(u16, [u8; 256])> {
        let (number, end) = self.ends.get_mut(&socket.to_bits())?;
        if !end.act(&mut Connected(&mut self.host, socket)) {
            return None;
        }
        let number = *number;
        let over = (number, self.info(socket));
        self.ends.remove(&socket.to_bits());
        self.host.close(socket);
        Some(over)
    }

    fn info(&mut self, socket: SocketId) -> [u8; 256] {
        let mut info = [0; 256];
        self.host.stack.getsockopt(socket, IPPROTO_TCP, tcp::TCP_INFO, &mut info).expect("TCP_INFO");
        info
    }
}
