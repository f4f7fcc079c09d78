//! Linux's constants: families, types, options, flags, events.

pub use loggia_stack::socket::numbers::*;

/// `MSG_OOB`
pub const MSG_OOB: i32 = 0x1;
/// `MSG_PEEK`
pub const MSG_PEEK: i32 = 0x2;
/// `MSG_DONTROUTE`
pub const MSG_DONTROUTE: i32 = 0x4;
/// `MSG_CTRUNC`
pub const MSG_CTRUNC: i32 = 0x8;
/// `MSG_TRUNC`
pub const MSG_TRUNC: i32 = 0x20;
/// `MSG_DONTWAIT`
pub const MSG_DONTWAIT: i32 = 0x40;
/// `MSG_EOR`
pub const MSG_EOR: i32 = 0x80;
/// `MSG_WAITALL`
pub const MSG_WAITALL: i32 = 0x100;
/// `MSG_ERRQUEUE`
pub const MSG_ERRQUEUE: i32 = 0x2000;
/// `MSG_NOSIGNAL`
pub const MSG_NOSIGNAL: i32 = 0x4000;
/// `MSG_MORE`
pub const MSG_MORE: i32 = 0x8000;
/// `MSG_FASTOPEN`
pub const MSG_FASTOPEN: i32 = 0x2000_0000;

/// `POLLIN`
pub const POLLIN: i16 = 0x1;
/// `POLLPRI`
pub const POLLPRI: i16 = 0x2;
/// `POLLOUT`
pub const POLLOUT: i16 = 0x4;
/// `POLLERR`
pub const POLLERR: i16 = 0x8;
/// `POLLHUP`
pub const POLLHUP: i16 = 0x10;
/// `POLLNVAL`
pub const POLLNVAL: i16 = 0x20;
/// `POLLRDHUP`
pub const POLLRDHUP: i16 = 0x2000;

/// `EPOLLIN`
pub const EPOLLIN: u32 = 0x1;
/// `EPOLLPRI`
pub const EPOLLPRI: u32 = 0x2;
/// `EPOLLOUT`
pub const EPOLLOUT: u32 = 0x4;
/// `EPOLLERR`
pub const EPOLLERR: u32 = 0x8;
/// `EPOLLHUP`
pub const EPOLLHUP: u32 = 0x10;
/// `EPOLLRDHUP`
pub const EPOLLRDHUP: u32 = 0x2000;
/// `EPOLLONESHOT`
pub const EPOLLONESHOT: u32 = 1 << 30;
/// `EPOLLET`
pub const EPOLLET: u32 = 1 << 31;
/// `EPOLL_CTL_ADD`
pub const EPOLL_CTL_ADD: i32 = 1;
/// `EPOLL_CTL_DEL`
pub const EPOLL_CTL_DEL: i32 = 2;
/// `EPOLL_CTL_MOD`
pub const EPOLL_CTL_MOD: i32 = 3;

/// `F_DUPFD`
pub const F_DUPFD: i32 = 0;
/// `F_GETFL`
pub const F_GETFL: i32 = 3;
/// `F_SETFL`
pub const F_SETFL: i32 = 4;
/// `O_RDWR`
pub const O_RDWR: i32 = 2;
/// `O_NONBLOCK`
pub const O_NONBLOCK: i32 = 0o4000;
/// `FIONBIO`
pub const FIONBIO: u32 = 0x5421;
/// `FIONREAD`
pub const FIONREAD: u32 = SIOCINQ;
