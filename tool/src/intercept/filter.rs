//! Which calls the kernel asks us about: the seccomp filter as data.
//!
//! Installed in the child between `fork` and `exec`, after `no_new_privs`. Everything it decides on is in registers, so nothing can be
//! changed between the decision and the call. What is not named here runs natively, at the kernel's speed: `read`, `write`, `close`, `dup`,
//! `poll`, `epoll`, `sendfile` and the rest, because the program's descriptor is a real socket.

use super::precise::QUEUES;
use libc::{
    BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
    SECCOMP_RET_USER_NOTIF, sock_filter,
};

/// The architecture the program must be of, as `seccomp_data` names it (`AUDIT_ARCH_*`: 64 bits, little endian).
const ARCHITECTURE: u32 = (if cfg!(target_arch = "x86_64") { libc::EM_X86_64 } else { libc::EM_AARCH64 }) as u32 | 0xc000_0000;

/// The first call number of x32 on x86-64, whose calls would pass by the numbers below.
const X32: u32 = 0x4000_0000;

/// Control calls of sockets, and the one that tells the host's name: always trapped.
const CONTROL: [libc::c_long; 15] = [
    libc::SYS_uname,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_setsockopt,
    libc::SYS_getsockopt,
    libc::SYS_shutdown,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
];

/// Data calls that precise mode traps too.
const DATA: [libc::c_long; 7] =
    [libc::SYS_sendto, libc::SYS_recvfrom, libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_splice];

/// The first and one behind the last request of `ioctl` that asks for interfaces (`SIOCGIFNAME` to `SIOCGIFMAP` and kin).
const INTERFACE_REQUESTS: (u32, u32) = (0x8910, 0x8980);

/// Bytes of `struct nlmsghdr` with `struct rtgenmsg`.
const MUSL_QUESTION: u32 = 20;

/// Where `seccomp_data` has what the filter looks at.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
/// The low half of an argument; the high half is four bytes further.
const fn argument(number: u32) -> u32 {
    16 + 8 * number
}

const NOTIFY: u32 = SECCOMP_RET_USER_NOTIF;
const ENOSYS: u32 = SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const EPERM: u32 = SECCOMP_RET_ERRNO | libc::EPERM as u32;
const EAFNOSUPPORT: u32 = SECCOMP_RET_ERRNO | libc::EAFNOSUPPORT as u32;

/// Of `linux/socket.h`.
const AF_SMC: i32 = 43;
/// `USERFAULTFD_IOC_NEW` of `linux/userfaultfd.h`, the other way to what the call of that name gives.
const USERFAULTFD_NEW: u32 = 0xaa00;

/// The filter. `precise` also traps the data calls, of all descriptors: the filter cannot tell sockets from files.
///
/// Whoever installs the precise one cannot `write` the listener's number to its parent any more, for that call is trapped already;
/// `vmsplice` is not.
pub fn program(precise: bool) -> Vec<sock_filter> {
    let mut program = vec![load(ARCH), jump(BPF_JEQ, ARCHITECTURE, 1, 0), give(ENOSYS), load(NUMBER)];
    if cfg!(target_arch = "x86_64") {
        program.extend([jump(BPF_JGE, X32, 0, 1), give(ENOSYS)]);
    }
    program.extend([jump(BPF_JEQ, libc::SYS_io_uring_setup as u32, 0, 1), give(ENOSYS)]);
    // Whoever reads memory that such a descriptor stands for waits until its holder likes: that would be us.
    program.extend([jump(BPF_JEQ, libc::SYS_userfaultfd as u32, 0, 1), give(EPERM)]);
    // The host has its name from the lab, and the machine keeps its own.
    for number in [libc::SYS_sethostname, libc::SYS_setdomainname] {
        program.extend([jump(BPF_JEQ, number as u32, 0, 1), give(EPERM)]);
    }
    for number in CONTROL.iter().chain(DATA.iter().filter(|_| precise)) {
        program.extend([jump(BPF_JEQ, *number as u32, 0, 1), give(NOTIFY)]);
    }
    on(&mut program, libc::SYS_socket, &creation());
    if !precise {
        on(&mut program, libc::SYS_sendto, &[question(), addressed()].concat());
        on(&mut program, libc::SYS_recvfrom, &addressed());
    }
    let queues = if precise { &QUEUES[..] } else { &[] };
    on(&mut program, libc::SYS_ioctl, &questions(queues));
    program.push(give(SECCOMP_RET_ALLOW));
    program
}

/// `socket`: internet families and questions about the host's network are ours, packet sockets need a permission nobody has here.
fn creation() -> Vec<sock_filter> {
    let mut block = vec![
        load(argument(0)),
        jump(BPF_JEQ, libc::AF_INET as u32, 0, 1),
        give(NOTIFY),
        jump(BPF_JEQ, libc::AF_INET6 as u32, 0, 1),
        give(NOTIFY),
        jump(BPF_JEQ, libc::AF_PACKET as u32, 0, 1),
        give(EPERM),
    ];
    // These carry data over the machine's own network, or fall back to it.
    for family in [AF_SMC, libc::AF_RDS, libc::AF_RXRPC, libc::AF_TIPC, libc::AF_XDP, libc::AF_PPPOX] {
        block.extend([jump(BPF_JEQ, family as u32, 0, 1), give(EAFNOSUPPORT)]);
    }
    block.extend([
        jump(BPF_JEQ, libc::AF_NETLINK as u32, 1, 0),
        give(SECCOMP_RET_ALLOW),
        load(argument(2)),
        jump(BPF_JEQ, libc::NETLINK_ROUTE as u32, 0, 1),
        give(NOTIFY),
        give(SECCOMP_RET_ALLOW),
    ]);
    block
}

/// `sendto` and `recvfrom`: only with an address. `send` and `recv` are these without one.
fn addressed() -> Vec<sock_filter> {
    vec![
        load(argument(4)),
        jump(BPF_JEQ, 0, 1, 0),
        give(NOTIFY),
        load(argument(4) + 4),
        jump(BPF_JEQ, 0, 1, 0),
        give(NOTIFY),
        give(SECCOMP_RET_ALLOW),
    ]
}

/// `sendto` without an address that cannot be native all the same: with `MSG_MORE`, which makes one datagram of several calls, and of exactly
/// the bytes by which musl asks for interfaces: it takes the answer without waiting for it, so that it must be there when the call
/// returns. Any other twenty bytes cost a trap and are sent as they are.
fn question() -> Vec<sock_filter> {
    let more = [load(argument(3)), jump(BPF_JSET, libc::MSG_MORE as u32, 0, 1), give(NOTIFY)];
    [&more[..], &[load(argument(2)), jump(BPF_JEQ, MUSL_QUESTION, 0, 1), give(NOTIFY)]].concat()
}

/// `ioctl`: only what asks for the host's interfaces, and for these queues.
fn questions(queues: &[u32]) -> Vec<sock_filter> {
    let mut block = vec![load(argument(1)), jump(BPF_JEQ, USERFAULTFD_NEW, 0, 1), give(EPERM)];
    for request in queues {
        block.extend([jump(BPF_JEQ, *request, 0, 1), give(NOTIFY)]);
    }
    block.extend([
        jump(BPF_JGE, INTERFACE_REQUESTS.0, 1, 0),
        give(SECCOMP_RET_ALLOW),
        jump(BPF_JGE, INTERFACE_REQUESTS.1, 0, 1),
        give(SECCOMP_RET_ALLOW),
        give(NOTIFY),
    ]);
    block
}

/// For this call number `block` decides; every way through it returns.
fn on(program: &mut Vec<sock_filter>, number: libc::c_long, block: &[sock_filter]) {
    program.push(jump(BPF_JEQ, number as u32, 0, block.len() as u8));
    program.extend_from_slice(block);
}

fn load(offset: u32) -> sock_filter {
    sock_filter { code: (BPF_LD | BPF_W | BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

/// Skips `yes` instructions if the test holds, `no` if not.
fn jump(test: u32, k: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter { code: (BPF_JMP | test | BPF_K) as u16, jt: yes, jf: no, k }
}

fn give(action: u32) -> sock_filter {
    sock_filter { code: (BPF_RET | BPF_K) as u16, jt: 0, jf: 0, k: action }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do, by a small interpreter of the instructions used here.
    fn verdict(program: &[sock_filter], number: libc::c_long, args: [u64; 6]) -> u32 {
        let mut data = [0; 64];
        data[..4].copy_from_slice(&(number as u32).to_le_bytes());
        data[4..8].copy_from_slice(&ARCHITECTURE.to_le_bytes());
        for (place, value) in args.iter().enumerate() {
            data[16 + 8 * place..24 + 8 * place].copy_from_slice(&value.to_le_bytes());
        }
        let (mut at, mut register) = (0, 0);
        loop {
            let step = program[at];
            at += 1;
            let code = u32::from(step.code);
            let skip = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
            match code & 0x07 {
                BPF_LD => {
                    let bytes = data[step.k as usize..][..4].try_into().expect("four bytes");
                    register = u32::from_le_bytes(bytes);
                }
                BPF_RET => return step.k,
                _ if code & 0xf0 == BPF_JEQ => at += skip(register == step.k),
                _ if code & 0xf0 == BPF_JSET => at += skip(register & step.k != 0),
                _ => at += skip(register >= step.k),
            }
        }
    }

    #[test]
    fn internet_sockets_are_trapped_and_others_are_not() {
        let filter = program(false);
        let socket = |family: i32| verdict(&filter, libc::SYS_socket, [family as u64, 1, 0, 0, 0, 0]);
        assert_eq!(socket(libc::AF_INET), NOTIFY);
        assert_eq!(socket(libc::AF_INET6), NOTIFY);
        assert_eq!(socket(libc::AF_UNIX), SECCOMP_RET_ALLOW);
        assert_eq!(socket(libc::AF_PACKET), EPERM);
        assert_eq!(socket(libc::AF_NETLINK), NOTIFY);
        let netlink = |protocol: i32| verdict(&filter, libc::SYS_socket, [libc::AF_NETLINK as u64, 3, protocol as u64, 0, 0, 0]);
        assert_eq!(netlink(libc::NETLINK_KOBJECT_UEVENT), SECCOMP_RET_ALLOW);
        assert_eq!(socket(AF_SMC), EAFNOSUPPORT, "it falls back to TCP of the machine");
    }

    #[test]
    fn data_calls_are_native_unless_they_carry_an_address() {
        let filter = program(false);
        let sendto = |address: u64| verdict(&filter, libc::SYS_sendto, [3, 0, 0, 0, address, 16]);
        assert_eq!(sendto(0), SECCOMP_RET_ALLOW);
        assert_eq!(sendto(0x7f00_0000_0000), NOTIFY);
        assert_eq!(sendto(0x1000), NOTIFY);
        assert_eq!(verdict(&filter, libc::SYS_sendto, [3, 0, 20, 0, 0, 0]), NOTIFY, "musl's question");
        let more = libc::MSG_MORE as u64;
        assert_eq!(verdict(&filter, libc::SYS_sendto, [3, 0, 100, more, 0, 0]), NOTIFY, "a part of a datagram");
        assert_eq!(verdict(&filter, libc::SYS_write, [0; 6]), SECCOMP_RET_ALLOW);
        assert_eq!(verdict(&filter, libc::SYS_connect, [0; 6]), NOTIFY);
        assert_eq!(verdict(&filter, libc::SYS_io_uring_setup, [0; 6]), ENOSYS);
    }

    #[test]
    fn of_ioctl_only_questions_about_interfaces_are_trapped() {
        let filter = program(false);
        let ioctl = |request: u64| verdict(&filter, libc::SYS_ioctl, [3, request, 0, 0, 0, 0]);
        assert_eq!(ioctl(libc::FIONREAD), SECCOMP_RET_ALLOW);
        assert_eq!(ioctl(0x8912), NOTIFY, "SIOCGIFCONF");
        assert_eq!(ioctl(0x8b01), SECCOMP_RET_ALLOW, "wireless");
        assert_eq!(ioctl(0xaa00), EPERM, "userfaultfd");
        assert_eq!(verdict(&filter, libc::SYS_userfaultfd, [0; 6]), EPERM);
    }

    #[test]
    fn precise_mode_traps_data_calls() {
        let filter = program(true);
        for number in DATA {
            assert_eq!(verdict(&filter, number, [0; 6]), NOTIFY);
        }
    }
}
