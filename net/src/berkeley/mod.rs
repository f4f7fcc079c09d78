//! The calls themselves, with small numbers for sockets: for those who port C, and for event loops of one's own.
//!
//! A [`Berkeley`] is what a process is to the calls: a table of descriptors, on one host. Arguments and options are Linux's numbers (see
//! [`numbers`]), results are `Result` with the errno in it. Calls wait unless the socket is in non-blocking mode (`SOCK_NONBLOCK`,
//! `O_NONBLOCK`) or the call says `MSG_DONTWAIT`. There are no signals: writing after the end gives `EPIPE`. Closing never waits.
//!
//! ```
//! use loggia::Host;
//! use loggia::berkeley::Berkeley;
//! use loggia::berkeley::numbers::*;
//!
//! let host = Host::builder().start()?;
//! let b = Berkeley::on(&host);
//! let listener = b.socket(AF_INET, SOCK_STREAM, 0)?;
//! b.bind(listener, &"127.0.0.1:7".parse::<std::net::SocketAddr>().unwrap().into())?;
//! b.listen(listener, 8)?;
//!
//! let client = b.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)?;
//! let begun = b.connect(client, &b.getsockname(listener)?).unwrap_err();
//! assert_eq!(begun.raw_os_error(), Some(115)); // EINPROGRESS
//!
//! let set = b.epoll_create()?;
//! b.epoll_ctl(set, EPOLL_CTL_ADD, client, EPOLLOUT | EPOLLET, 4711)?;
//! let (server, _) = b.accept(listener)?;
//! let events = b.epoll_wait(set, 8, None)?;
//! assert_eq!((events[0].data, events[0].events & EPOLLOUT), (4711, EPOLLOUT));
//!
//! b.send(client, b"hello", 0)?;
//! let mut room = [0; 16];
//! assert_eq!(b.recv(server, &mut room, 0)?, 5);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `table` | descriptors |
//! | `calls` | the calls |
//! | `message` | `sendmsg`, `recvmsg` and ancillary data |
//! | `poll`, `select` | waiting for several |
//! | `epoll` | sets of interests, with level and edge triggering, and sets of sets |
//! | `numbers` | constants |

mod calls;
mod epoll;
mod message;
pub mod numbers;
mod poll;
mod select;
mod table;

use std::io;
use std::sync::Arc;

use loggia_stack::base::Errno;

use crate::blocking::Blocking;
use crate::host::Host;
use crate::socket::error;
use table::{Entry, Table};

pub use epoll::Event;
pub use message::MsgReceived;
pub use poll::PollFd;
pub use select::FdSet;

/// A descriptor.
pub type Fd = i32;

/// A table of descriptors on a host. Cloning it is cheap and gives the same table; with the last clone all of them are closed.
#[derive(Clone, Debug)]
pub struct Berkeley {
    host: Host,
    table: Arc<Table>,
}

impl Berkeley {
    /// An empty table on a host. The first descriptor is 3, and there may be as many as on Linux at most.
    pub fn on(host: &Host) -> Self {
        Self::limited(host, table::LIMIT)
    }

    /// An empty table whose descriptors are below `limit`, as `RLIMIT_NOFILE` says of a process.
    pub fn limited(host: &Host, limit: usize) -> Self {
        Self { host: host.clone(), table: Arc::new(Table::new(limit)) }
    }

    /// The socket behind a descriptor. `EBADF`, `ENOTSOCK`
    fn get(&self, fd: Fd) -> io::Result<Blocking> {
        match self.table.get(fd)? {
            Entry::Socket(socket) => Ok(socket),
            Entry::Epoll(_) => Err(error(Errno::ENOTSOCK)),
        }
    }
}
