//! The table of functions through which packetdrill reaches a stack, and the one function it looks up to have it filled.

use std::ffi::CStr;
use std::sync::OnceLock;

use libc::{
    c_char, c_int, c_longlong, c_uint, c_ulong, c_void, epoll_event, iovec, loff_t, msghdr, nfds_t, pollfd, size_t, sockaddr,
    socklen_t, ssize_t, timeval, useconds_t,
};
use loggia_stack::Errno;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::{Address, Control, Received};

use super::{kernel, layout, memory};
use crate::machine::{Failed, Outcome};
use crate::stream::Outgoing;
use crate::{Machine, Setup};

type User = *mut c_void;

/// What packetdrill passes zeroed: user data, which is handed to every function, then 32 functions in this order.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs)] // The names are those of the calls.
pub struct Table {
    pub user: User,
    pub free: extern "C" fn(User),
    pub socket: extern "C" fn(User, c_int, c_int, c_int) -> c_int,
    pub bind: unsafe extern "C" fn(User, c_int, *const sockaddr, socklen_t) -> c_int,
    pub listen: extern "C" fn(User, c_int, c_int) -> c_int,
    pub accept: unsafe extern "C" fn(User, c_int, *mut sockaddr, *mut socklen_t) -> c_int,
    pub connect: unsafe extern "C" fn(User, c_int, *const sockaddr, socklen_t) -> c_int,
    pub read: unsafe extern "C" fn(User, c_int, *mut c_void, size_t) -> ssize_t,
    pub readv: unsafe extern "C" fn(User, c_int, *const iovec, c_int) -> ssize_t,
    pub recv: unsafe extern "C" fn(User, c_int, *mut c_void, size_t, c_int) -> ssize_t,
    pub recvfrom: unsafe extern "C" fn(User, c_int, *mut c_void, size_t, c_int, *mut sockaddr, *mut socklen_t) -> ssize_t,
    pub recvmsg: unsafe extern "C" fn(User, c_int, *mut msghdr, c_int) -> ssize_t,
    pub write: unsafe extern "C" fn(User, c_int, *const c_void, size_t) -> ssize_t,
    pub writev: unsafe extern "C" fn(User, c_int, *const iovec, c_int) -> ssize_t,
    pub send: unsafe extern "C" fn(User, c_int, *const c_void, size_t, c_int) -> ssize_t,
    pub sendto: unsafe extern "C" fn(User, c_int, *const c_void, size_t, c_int, *const sockaddr, socklen_t) -> ssize_t,
    pub sendmsg: unsafe extern "C" fn(User, c_int, *const msghdr, c_int) -> ssize_t,
    /// Variadic in C; a third argument of a word lies in the same register.
    pub fcntl: extern "C" fn(User, c_int, c_int, i64) -> c_int,
    /// Likewise.
    pub ioctl: unsafe extern "C" fn(User, c_int, c_ulong, *mut c_int) -> c_int,
    pub close: extern "C" fn(User, c_int) -> c_int,
    pub shutdown: extern "C" fn(User, c_int, c_int) -> c_int,
    pub getsockopt: unsafe extern "C" fn(User, c_int, c_int, c_int, *mut c_void, *mut socklen_t) -> c_int,
    pub setsockopt: unsafe extern "C" fn(User, c_int, c_int, c_int, *const c_void, socklen_t) -> c_int,
    pub poll: unsafe extern "C" fn(User, *mut pollfd, nfds_t, c_int) -> c_int,
    pub netdev_send: unsafe extern "C" fn(User, *const c_void, size_t) -> c_int,
    pub netdev_receive: unsafe extern "C" fn(User, *mut c_void, *mut size_t, *mut c_longlong) -> c_int,
    pub usleep: extern "C" fn(User, useconds_t) -> c_int,
    pub gettimeofday: unsafe extern "C" fn(User, *mut timeval, *mut c_void) -> c_int,
    pub epoll_create: extern "C" fn(User, c_int) -> c_int,
    pub epoll_ctl: unsafe extern "C" fn(User, c_int, c_int, c_int, *mut epoll_event) -> c_int,
    pub epoll_wait: unsafe extern "C" fn(User, c_int, *mut epoll_event, c_int, c_int) -> c_int,
    pub pipe: unsafe extern "C" fn(User, *mut c_int) -> c_int,
    pub splice: extern "C" fn(User, c_int, *mut loff_t, c_int, *mut loff_t, size_t, c_uint) -> ssize_t,
}

/// The one host of this process.
static MACHINE: OnceLock<Machine> = OnceLock::new();

pub(super) fn machine() -> Option<&'static Machine> {
    MACHINE.get()
}

/// # Panics
/// Before [`packetdrill_interface_init`]: nobody has the table then.
fn host() -> &'static Machine {
    MACHINE.get().expect("packetdrill asks for the table first")
}

/// What packetdrill looks up: `flags` are those of `--so_flags` (null without them), `table` has room for a [`Table`].
///
/// # Safety
/// `flags` is null or a C string, `table` is valid for writing a [`Table`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn packetdrill_interface_init(flags: *const c_char, table: *mut Table) {
    // SAFETY: as the caller promises.
    let flags = if flags.is_null() { String::new() } else { unsafe { CStr::from_ptr(flags) }.to_string_lossy().into_owned() };
    let setup = Setup::parse(&flags).unwrap_or_else(|fault| {
        eprintln!("--so_flags={flags}: {fault}");
        std::process::exit(2);
    });
    MACHINE.get_or_init(|| Machine::new(&setup));
    // SAFETY: as the caller promises.
    unsafe { table.write(filled()) };
}

/// As packetdrill does it, for tests, which have no `unsafe`.
pub fn filled_for_test<'a>(flags: &CStr, room: &'a mut std::mem::MaybeUninit<Table>) -> &'a Table {
    // SAFETY: both come from safe references; the function fills the table.
    unsafe {
        packetdrill_interface_init(flags.as_ptr(), room.as_mut_ptr());
        room.assume_init_ref()
    }
}

fn filled() -> Table {
    Table {
        user: std::ptr::null_mut(),
        free,
        socket,
        bind,
        listen,
        accept,
        connect,
        read,
        readv,
        recv,
        recvfrom,
        recvmsg,
        write,
        writev,
        send,
        sendto,
        sendmsg,
        fcntl,
        ioctl,
        close,
        shutdown,
        getsockopt,
        setsockopt,
        poll,
        netdev_send,
        netdev_receive,
        usleep,
        gettimeofday,
        epoll_create,
        epoll_ctl,
        epoll_wait,
        pipe,
        splice,
    }
}

/// A result as C has it: -1 and `errno`.
pub(super) fn answer<T: From<i8>>(outcome: Outcome<T>) -> T {
    outcome.unwrap_or_else(|Failed(errno)| {
        // SAFETY: the C library gives the address of this thread's `errno`.
        unsafe { *libc::__errno_location() = errno };
        T::from(-1)
    })
}

fn done(outcome: Outcome<()>) -> c_int {
    answer(outcome.map(|()| 0))
}

fn count(outcome: Outcome<usize>) -> ssize_t {
    answer(outcome.map(|count| count as ssize_t))
}

extern "C" fn free(_: User) {}

extern "C" fn socket(_: User, family: c_int, ty: c_int, protocol: c_int) -> c_int {
    answer(host().socket(family, ty, protocol))
}

unsafe extern "C" fn bind(_: User, fd: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: packetdrill's address has the length beside it.
    let address = unsafe { memory::address(address.cast(), len) };
    done(address.and_then(|address| host().at_once(fd, |world, id| world.host.stack.bind(id, &address))))
}

extern "C" fn listen(_: User, fd: c_int, backlog: c_int) -> c_int {
    done(host().at_once(fd, |world, id| world.host.stack.listen(id, backlog)))
}

unsafe extern "C" fn accept(_: User, fd: c_int, address: *mut sockaddr, len: *mut socklen_t) -> c_int {
    answer(host().accept(fd).map(|(accepted, peer)| {
        // SAFETY: packetdrill's room has the length beside it.
        unsafe { memory::put_address(&peer, address.cast(), len) };
        accepted
    }))
}

unsafe extern "C" fn connect(_: User, fd: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: packetdrill's address has the length beside it.
    let address = unsafe { memory::address(address.cast(), len) };
    done(address.and_then(|address| host().connect(fd, &address)))
}

unsafe extern "C" fn read(user: User, fd: c_int, into: *mut c_void, len: size_t) -> ssize_t {
    // SAFETY: the same promise.
    unsafe { recv(user, fd, into, len, 0) }
}

unsafe extern "C" fn readv(_: User, fd: c_int, pieces: *const iovec, len: c_int) -> ssize_t {
    // SAFETY: packetdrill's pieces are as many as it says.
    let mut into = unsafe { memory::pieces_mut(pieces, len.max(0) as usize) };
    count(host().receive_message(fd, &mut into, 0, MsgFlags::NONE).map(|received| received.len))
}

unsafe extern "C" fn recv(_: User, fd: c_int, into: *mut c_void, len: size_t, flags: c_int) -> ssize_t {
    if let Err(failed) = memory::check(into, len) {
        return answer(Err(failed));
    }
    // SAFETY: packetdrill's room has the length beside it.
    let into = unsafe { memory::bytes_mut(into, len) };
    count(host().receive_message(fd, &mut [into], 0, MsgFlags(flags as u32)).map(|received| received.len))
}

unsafe extern "C" fn recvfrom(
    _: User,
    fd: c_int,
    into: *mut c_void,
    len: size_t,
    flags: c_int,
    address: *mut sockaddr,
    address_len: *mut socklen_t,
) -> ssize_t {
    if let Err(failed) = memory::check(into, len) {
        return answer(Err(failed));
    }
    // SAFETY: packetdrill's room has the length beside it.
    let into = unsafe { memory::bytes_mut(into, len) };
    count(host().receive_message(fd, &mut [into], 0, MsgFlags(flags as u32)).map(|received| {
        // SAFETY: likewise.
        unsafe { memory::put_address(&received.from, address.cast(), address_len) };
        received.len
    }))
}

unsafe extern "C" fn recvmsg(_: User, fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    // SAFETY: packetdrill's header and what it names are valid.
    let (message, mut into) = unsafe { (&mut *message, memory::pieces_mut((*message).msg_iov, (*message).msg_iovlen)) };
    let received = host().receive_message(fd, &mut into, message.msg_controllen, MsgFlags(flags as u32));
    count(received.map(|received| {
        // SAFETY: likewise.
        unsafe { put_message(message, &received) };
        received.len
    }))
}

/// What `recvmsg` gives besides the bytes.
unsafe fn put_message(message: &mut msghdr, received: &Received) {
    // SAFETY: the header's pointers are valid for the lengths beside them.
    unsafe {
        memory::put_address(&received.from, message.msg_name, &raw mut message.msg_namelen);
        let room = memory::bytes_mut(message.msg_control, message.msg_controllen);
        message.msg_controllen = layout::write_control(&received.control, room);
    }
    message.msg_flags = received.flags.0 as c_int;
}

unsafe extern "C" fn write(user: User, fd: c_int, from: *const c_void, len: size_t) -> ssize_t {
    // SAFETY: the same promise.
    unsafe { send(user, fd, from, len, 0) }
}

unsafe extern "C" fn writev(_: User, fd: c_int, pieces: *const iovec, len: c_int) -> ssize_t {
    // SAFETY: packetdrill's pieces are as many as it says.
    let data = unsafe { memory::pieces(pieces, len.max(0) as usize) };
    count(host().send_message(fd, &Outgoing { data: &data, to: None, control: &[], flags: MsgFlags::NONE }))
}

unsafe extern "C" fn send(_: User, fd: c_int, from: *const c_void, len: size_t, flags: c_int) -> ssize_t {
    if let Err(failed) = memory::check(from, len) {
        return answer(Err(failed));
    }
    // SAFETY: packetdrill's bytes are as many as it says.
    let data = [unsafe { memory::bytes(from, len) }];
    count(host().send_message(fd, &Outgoing { data: &data, to: None, control: &[], flags: MsgFlags(flags as u32) }))
}

unsafe extern "C" fn sendto(
    _: User,
    fd: c_int,
    from: *const c_void,
    len: size_t,
    flags: c_int,
    address: *const sockaddr,
    address_len: socklen_t,
) -> ssize_t {
    if let Err(failed) = memory::check(from, len) {
        return answer(Err(failed));
    }
    // SAFETY: packetdrill's bytes are as many as it says.
    let data = [unsafe { memory::bytes(from, len) }];
    // SAFETY: likewise.
    let to = if address.is_null() { Ok(None) } else { unsafe { memory::address(address.cast(), address_len) }.map(Some) };
    count(to.and_then(|to| {
        host().send_message(fd, &Outgoing { data: &data, to: to.as_ref(), control: &[], flags: MsgFlags(flags as u32) })
    }))
}

unsafe extern "C" fn sendmsg(_: User, fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: packetdrill's header and what it names are valid.
    let (data, to, control) = unsafe {
        let message = &*message;
        let to =
            if message.msg_name.is_null() { Ok(None) } else { memory::address(message.msg_name, message.msg_namelen).map(Some) };
        let control = memory::bytes(message.msg_control, message.msg_controllen);
        (memory::pieces(message.msg_iov, message.msg_iovlen), to, control)
    };
    count(sent(fd, &data, to, control, MsgFlags(flags as u32)))
}

fn sent(fd: c_int, data: &[&[u8]], to: Outcome<Option<Address>>, control: &[u8], flags: MsgFlags) -> Outcome<usize> {
    let to = to?;
    let read = layout::read_control(control).into_iter().map(|(level, ty, data)| Control::from_bytes(level, ty, data));
    let control: Vec<Control> = read.collect::<Result<_, Errno>>()?;
    host().send_message(fd, &Outgoing { data, to: to.as_ref(), control: &control, flags })
}

extern "C" fn fcntl(_: User, fd: c_int, command: c_int, argument: i64) -> c_int {
    let ours = match command {
        libc::F_GETFL => host().status_flags(fd, None),
        libc::F_SETFL => host().status_flags(fd, Some(argument as i32)),
        _ => None,
    };
    answer(ours.unwrap_or_else(|| kernel::fcntl(fd, command, argument)))
}

unsafe extern "C" fn ioctl(_: User, fd: c_int, request: c_ulong, argument: *mut c_int) -> c_int {
    if !host().lock().descriptors.is_ours(fd) {
        return answer(kernel::ioctl(fd, request, argument as i64));
    }
    done(host().at_once(fd, |world, id| world.host.stack.query(id, request as u32)).map(|value| {
        // SAFETY: the queries that the stack knows write an `int`.
        unsafe { argument.write(value as c_int) };
    }))
}

extern "C" fn close(_: User, fd: c_int) -> c_int {
    done(host().close(fd))
}

extern "C" fn shutdown(_: User, fd: c_int, how: c_int) -> c_int {
    done(host().at_once(fd, |world, id| world.host.stack.shutdown(id, how)))
}

unsafe extern "C" fn getsockopt(_: User, fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int {
    // SAFETY: packetdrill's room has the length beside it.
    unsafe { read_option(host(), fd, level, name, value, len) }
}

/// # Safety
/// `len` is valid and names the room at `value`.
pub(super) unsafe fn read_option(
    machine: &Machine,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: as the caller promises.
    let into = unsafe { memory::bytes_mut(value, *len as usize) };
    done(machine.at_once(fd, |world, id| world.host.stack.getsockopt(id, level, name, into)).map(|filled| {
        // SAFETY: as the caller promises.
        unsafe { *len = filled as socklen_t };
    }))
}

unsafe extern "C" fn setsockopt(_: User, fd: c_int, level: c_int, name: c_int, value: *const c_void, len: socklen_t) -> c_int {
    // SAFETY: packetdrill's value has the length beside it.
    let value = unsafe { memory::bytes(value, len as usize) };
    done(host().at_once(fd, |world, id| world.host.stack.setsockopt(id, level, name, value)))
}

unsafe extern "C" fn poll(_: User, entries: *mut pollfd, len: nfds_t, timeout_ms: c_int) -> c_int {
    // SAFETY: packetdrill's entries are as many as it says.
    let entries = if len == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(entries, len as usize) } };
    answer(host().poll(entries, timeout_ms).map(|count| count as c_int))
}

unsafe extern "C" fn netdev_send(_: User, packet: *const c_void, len: size_t) -> c_int {
    // SAFETY: packetdrill's packet has the length beside it.
    host().receive(unsafe { memory::bytes(packet, len) });
    0
}

/// A length of 0 says that nothing will come: packetdrill then reports what it missed. An error, or waiting for ever, would hang it.
unsafe extern "C" fn netdev_receive(_: User, into: *mut c_void, len: *mut size_t, micros: *mut c_longlong) -> c_int {
    let sent = host().next_sent();
    // SAFETY: `len` names the room at `into`; all three are packetdrill's.
    unsafe {
        let room = memory::bytes_mut(into, *len);
        *len = 0;
        if let Some(sent) = sent {
            let count = sent.packet.len().min(room.len());
            room[..count].copy_from_slice(&sent.packet[..count]);
            *len = count;
            *micros = sent.at.micros() as c_longlong;
        }
    }
    0
}

extern "C" fn usleep(_: User, micros: useconds_t) -> c_int {
    host().sleep(u64::from(micros));
    0
}

unsafe extern "C" fn gettimeofday(_: User, into: *mut timeval, _zone: *mut c_void) -> c_int {
    let micros = host().clock().micros();
    // SAFETY: packetdrill passes room for one.
    unsafe { into.write(timeval { tv_sec: (micros / 1_000_000) as i64, tv_usec: (micros % 1_000_000) as i64 }) };
    0
}

extern "C" fn epoll_create(_: User, size: c_int) -> c_int {
    answer(host().epoll_create(size))
}

unsafe extern "C" fn epoll_ctl(_: User, epfd: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int {
    // SAFETY: packetdrill passes an event where the operation takes one.
    let event = if event.is_null() { (0, 0) } else { unsafe { ((*event).events, (*event).u64) } };
    done(host().epoll_ctl(epfd, op, fd, event))
}

unsafe extern "C" fn epoll_wait(_: User, epfd: c_int, into: *mut epoll_event, most: c_int, timeout_ms: c_int) -> c_int {
    answer(host().epoll_wait(epfd, most.max(0) as usize, timeout_ms).map(|events| {
        for (at, (bits, data)) in events.iter().enumerate() {
            // SAFETY: there is room for `most` events, and no more are given.
            unsafe { into.add(at).write(epoll_event { events: *bits, u64: *data }) };
        }
        events.len() as c_int
    }))
}

unsafe extern "C" fn pipe(_: User, ends: *mut c_int) -> c_int {
    done(kernel::pipe().map(|both| {
        // SAFETY: packetdrill passes room for two.
        unsafe { ends.cast::<[c_int; 2]>().write(both) };
    }))
}

extern "C" fn splice(
    _: User,
    from: c_int,
    _from_offset: *mut loff_t,
    to: c_int,
    _to_offset: *mut loff_t,
    len: size_t,
    flags: c_uint,
) -> ssize_t {
    count(host().splice(from, to, len, flags))
}

/// The table has room for 33 words, and every function is where packetdrill looks for it.
const _: () = assert!(size_of::<Table>() == 33 * size_of::<usize>());
