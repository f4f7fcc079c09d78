//! Calls of the C library that packetdrill makes past its table. This library must be listed in `LD_PRELOAD` too; loaded twice it is
//! still one.

use libc::{c_int, c_void, off_t, size_t, socklen_t, ssize_t};

use super::table::{answer, machine, read_option};

/// `mlockall` fails without a privilege, and packetdrill would end: no memory need be locked where time is virtual.
#[unsafe(no_mangle)]
extern "C" fn mlockall(_flags: c_int) -> c_int {
    0
}

/// packetdrill asks for `TCP_INFO` and its kin here.
#[unsafe(no_mangle)]
unsafe extern "C" fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int {
    match machine() {
        // SAFETY: the pointers are those of the caller of `getsockopt`.
        Some(machine) if machine.lock().descriptors.is_ours(fd) => unsafe { read_option(machine, fd, level, name, value, len) },
        // SAFETY: as above.
        _ => unsafe { libc::syscall(libc::SYS_getsockopt, fd, level, name, value, len) as c_int },
    }
}

/// `sendfile` has no place in the table.
#[unsafe(no_mangle)]
unsafe extern "C" fn sendfile(out: c_int, file: c_int, offset: *mut off_t, len: size_t) -> ssize_t {
    match machine() {
        Some(machine) if !offset.is_null() && machine.lock().descriptors.is_ours(out) => {
            // SAFETY: the caller's offset, which is not null.
            let at = unsafe { *offset };
            let sent = machine.send_file(out, file, at, len);
            if let Ok(count) = sent {
                // SAFETY: as above.
                unsafe { *offset = at + count as off_t };
            }
            answer(sent.map(|count| count as ssize_t))
        }
        // SAFETY: the pointers are those of the caller of `sendfile`.
        _ => unsafe { libc::syscall(libc::SYS_sendfile, out, file, offset, len) as ssize_t },
    }
}
