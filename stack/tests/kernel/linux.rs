//! The world of the kernel of this machine.

use crate::script::World;

/// The kernel, if it is Linux.
#[cfg(not(target_os = "linux"))]
pub(crate) fn kernel() -> Option<Box<dyn World>> {
    None
}

/// The kernel, if it lets us open sockets over its loopback.
#[cfg(target_os = "linux")]
pub(crate) fn kernel() -> Option<Box<dyn World>> {
    let works = std::net::TcpListener::bind("[::1]:0").is_ok() && std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    works.then(|| Box::new(calls::Kernel) as Box<dyn World>)
}

#[cfg(target_os = "linux")]
mod calls {
    use std::mem::size_of;
    use std::ptr;
    use std::time::Duration;

    use libc::{c_int, c_void, sockaddr, socklen_t};

    use crate::script::{Handle, Outcome, World};

    pub(super) struct Kernel;

    fn outcome(result: i64) -> Outcome {
        if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
    }

    fn name(call: unsafe extern "C" fn(c_int, *mut sockaddr, *mut socklen_t) -> c_int, socket: Handle) -> Result<Vec<u8>, i32> {
        let mut bytes = vec![0u8; 128];
        let mut len = bytes.len() as socklen_t;
        // SAFETY: the buffer has the length that is passed.
        outcome(unsafe { call(socket, bytes.as_mut_ptr().cast(), &raw mut len) }.into())?;
        bytes.truncate(len as usize);
        Ok(bytes)
    }

    impl World for Kernel {
        fn socket(&mut self, family: i32, ty: i32, protocol: i32) -> Outcome {
            // SAFETY: no memory is passed.
            outcome(unsafe { libc::socket(family, ty | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, protocol) }.into())
        }

        fn pair(&mut self, family: i32, ty: i32) -> Result<(Handle, Handle), i32> {
            let mut both = [0; 2];
            // SAFETY: the array has room for two descriptors.
            outcome(unsafe { libc::socketpair(family, ty | libc::SOCK_NONBLOCK, 0, both.as_mut_ptr()) }.into())?;
            Ok((both[0], both[1]))
        }

        fn bind(&mut self, socket: Handle, to: &[u8]) -> Outcome {
            // SAFETY: the address has the length that is passed.
            outcome(unsafe { libc::bind(socket, to.as_ptr().cast(), to.len() as socklen_t) }.into())
        }

        fn connect(&mut self, socket: Handle, to: &[u8]) -> Outcome {
            // SAFETY: the address has the length that is passed.
            outcome(unsafe { libc::connect(socket, to.as_ptr().cast(), to.len() as socklen_t) }.into())
        }

        fn listen(&mut self, socket: Handle, backlog: i32) -> Outcome {
            // SAFETY: no memory is passed.
            outcome(unsafe { libc::listen(socket, backlog) }.into())
        }

        fn accept(&mut self, socket: Handle) -> Outcome {
            // SAFETY: no address is asked for.
            outcome(unsafe { libc::accept4(socket, ptr::null_mut(), ptr::null_mut(), libc::SOCK_NONBLOCK) }.into())
        }

        fn send(&mut self, socket: Handle, data: &[u8], flags: i32, to: Option<&[u8]>) -> Outcome {
            let (address, len) = to.map_or((ptr::null(), 0), |to| (to.as_ptr(), to.len() as socklen_t));
            let flags = flags | libc::MSG_NOSIGNAL;
            // SAFETY: data and address have the lengths that are passed.
            outcome(unsafe { libc::sendto(socket, data.as_ptr().cast(), data.len(), flags, address.cast(), len) } as i64)
        }

        fn receive(&mut self, socket: Handle, room: usize, flags: i32) -> Result<(usize, Vec<u8>, i32, Vec<u8>), i32> {
            let (mut data, mut from) = (vec![0u8; room], vec![0u8; 128]);
            let mut piece = libc::iovec { iov_base: data.as_mut_ptr().cast::<c_void>(), iov_len: room };
            // SAFETY: all zeros is a message header with nothing in it.
            let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
            header.msg_name = from.as_mut_ptr().cast();
            header.msg_namelen = from.len() as socklen_t;
            header.msg_iov = &raw mut piece;
            header.msg_iovlen = 1;
            // SAFETY: the header names buffers that outlive the call, with their lengths.
            let count = outcome(unsafe { libc::recvmsg(socket, &raw mut header, flags) } as i64)? as usize;
            data.truncate(count);
            from.truncate(header.msg_namelen as usize);
            Ok((count, data, header.msg_flags & !libc::MSG_CMSG_CLOEXEC, from))
        }

        fn shutdown(&mut self, socket: Handle, how: i32) -> Outcome {
            // SAFETY: no memory is passed.
            outcome(unsafe { libc::shutdown(socket, how) }.into())
        }

        fn close(&mut self, socket: Handle) -> Outcome {
            // SAFETY: the descriptor is one of ours.
            outcome(unsafe { libc::close(socket) }.into())
        }

        fn local(&mut self, socket: Handle) -> Result<Vec<u8>, i32> {
            name(libc::getsockname, socket)
        }

        fn peer(&mut self, socket: Handle) -> Result<Vec<u8>, i32> {
            name(libc::getpeername, socket)
        }

        fn set(&mut self, socket: Handle, level: i32, name: i32, value: &[u8]) -> Outcome {
            // SAFETY: the value has the length that is passed.
            outcome(unsafe { libc::setsockopt(socket, level, name, value.as_ptr().cast(), value.len() as socklen_t) }.into())
        }

        fn get(&mut self, socket: Handle, level: i32, name: i32, room: usize) -> Result<Vec<u8>, i32> {
            let mut into = vec![0u8; room];
            let mut len = room as socklen_t;
            // SAFETY: the buffer has the length that is passed.
            outcome(unsafe { libc::getsockopt(socket, level, name, into.as_mut_ptr().cast(), &raw mut len) }.into())?;
            into.truncate(len as usize);
            Ok(into)
        }

        fn poll(&mut self, socket: Handle) -> i32 {
            let events = libc::POLLIN | libc::POLLPRI | libc::POLLOUT | libc::POLLRDHUP;
            let mut entry = libc::pollfd { fd: socket, events, revents: 0 };
            // SAFETY: one entry is passed.
            unsafe { libc::poll(&raw mut entry, 1, 0) };
            entry.revents.into()
        }

        fn query(&mut self, socket: Handle, request: u32) -> Outcome {
            let mut number: c_int = 0;
            // SAFETY: the requests asked for write one int.
            outcome(unsafe { libc::ioctl(socket, request.into(), &raw mut number) }.into())?;
            assert_eq!(size_of::<c_int>(), 4);
            Ok(number.into())
        }

        fn wait(&mut self) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
