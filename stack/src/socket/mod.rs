//! Layer 4, the socket layer: the Berkeley calls, with one set of semantics for all families and types.
//!
//! A protocol says what it promises as data ([`semantics`]); message boundaries, truncation, low-water marks, lingering,
//! shutdown, peeking and the order of pending errors are written here once, over the closed set of transports in
//! [`Kind`]. Nothing waits: a call that would have to answers `EAGAIN` (or `EINPROGRESS`), and
//! readiness tells when to try again.
//!
//! | file | what |
//! |---|---|
//! | `numbers` | families, types, levels and options with Linux's numbers |
//! | `semantics` | what each kind of socket promises |
//! | `config` | limits and permissions |
//! | `address`, `control` | what names an end, what accompanies a message; both also in the byte forms of the C interface |
//! | `record`, `layer` | what is kept of a socket; the table of all of them and the way to their transports |
//! | `create` | `socket`, `socketpair`, `dup`, `close` |
//! | `name` | `bind`, `getsockname`, `getpeername` |
//! | `listen`, `connect`, `shutdown` | the life of a connection |
//! | `send`, `receive`, `ancillary`, `errors`, `zero_copy` | data, datagrams, what is told beside them, the error queue |
//! | `many` | `sendmmsg`, `recvmmsg` |
//! | `options` | `getsockopt`, `setsockopt`, a file for each level |
//! | `query` | `SIOCINQ` and kin; readiness; listings |
//!
//! Linux is the reference: which errno in which state, which check comes first, how lengths and values are clamped. Where POSIX says
//! otherwise a comment tells.

pub mod address;
pub mod config;
pub mod control;
pub mod layer;
pub mod numbers;
pub mod record;
pub mod semantics;

mod ancillary;
mod connect;
mod create;
mod errors;
mod listen;
mod many;
mod name;
mod options;
mod query;
mod receive;
mod send;
mod shutdown;
mod timestamping;
mod zero_copy;

pub use address::Address;
pub use config::{Config, Permission};
pub use control::Control;
pub use layer::Sockets;
pub use many::{Receiving, Sending};
pub use query::Row;
pub use receive::Received;
pub use record::{Kind, Record};
pub use semantics::{Family, Semantics, Type};
pub use send::Message;
