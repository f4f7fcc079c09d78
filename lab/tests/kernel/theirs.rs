//! The kernel's end of the transfers: sockets in a network namespace of the thread's own, behind a TUN device.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use crate::ends::{End, Role, Socket};
use crate::plan::Transfer;
use crate::sys;

const NAME: &str = "loggia0";

/// The device and the sockets.
pub(crate) struct Theirs {
    pub(crate) tun: File,
    listeners: BTreeMap<u16, OwnedFd>,
    ends: BTreeMap<u16, (File, End)>,
    role: Role,
}

struct Connected<'a>(&'a mut File);

impl Socket for Connected<'_> {
    fn write(&mut self, data: &[u8]) -> Option<usize> {
        now_or_not(self.0.write(data))
    }

    fn read(&mut self, into: &mut [u8]) -> Option<usize> {
        now_or_not(self.0.read(into))
    }

    fn end_writing(&mut self) {
        let socket = self.0.try_clone().map(OwnedFd::from).expect("a descriptor");
        sys::end_writing(&socket).expect("connected");
    }
}

fn now_or_not(result: io::Result<usize>) -> Option<usize> {
    match result {
        Ok(count) => Some(count),
        // Linux says of a connection that is being opened that it is not connected.
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("the kernel's socket says {error}"),
    }
}

/// This thread leaves the machine's network for one with a TUN device.
pub(crate) fn enter(address: [u8; 4]) -> io::Result<File> {
    sys::leave_network()?;
    let tun = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    sys::make_tun(&tun, NAME)?;
    sys::set_up(NAME, address)?;
    // What one transfer learns of its link must not slow another down, whose link is another.
    std::fs::write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1")?;
    Ok(tun)
}

impl Theirs {
    pub(crate) fn new(tun: File, [own, peer]: [[u8; 4]; 2], role: Role, transfers: &[Transfer]) -> io::Result<Self> {
        let mut theirs = Self { tun, listeners: BTreeMap::new(), ends: BTreeMap::new(), role };
        for transfer in transfers {
            let socket = socket()?;
            if role == Role::Sender {
                set(&socket, libc::SO_SNDBUF, transfer.sndbuf)?;
                sys::bind(&socket, own, transfer.source_port())?;
                sys::connect(&socket, peer, transfer.target_port())?;
                theirs.ends.insert(transfer.number, (File::from(socket), End::new(transfer, role)));
            } else {
                set(&socket, libc::SO_RCVBUF, transfer.rcvbuf)?;
                sys::bind(&socket, own, transfer.target_port())?;
                sys::listen(&socket)?;
                theirs.listeners.insert(transfer.number, socket);
            }
        }
        Ok(theirs)
    }

    /// Waits so long, or until a socket or the device is ready; lets the sockets do what became possible. Gives the transfers that are
    /// over, with what `TCP_INFO` says of them.
    pub(crate) fn act(&mut self, transfers: &[Transfer], nanos: u64) -> Vec<(u16, [u8; 256])> {
        let mut fds: Vec<(RawFd, i16)> = vec![(self.tun.as_raw_fd(), libc::POLLIN)];
        let wanted = |end: &End| if end.wants_to_write() { libc::POLLOUT } else { libc::POLLIN };
        fds.extend(self.listeners.values().map(|listener| (listener.as_raw_fd(), libc::POLLIN)));
        fds.extend(self.ends.values().map(|(socket, end)| (socket.as_raw_fd(), wanted(end))));
        let ready = sys::wait(&fds, nanos);
        let numbers: Vec<u16> = self.listeners.keys().chain(self.ends.keys()).copied().collect();
        let listening = self.listeners.len();
        let mut over = Vec::new();
        for (at, number) in numbers.into_iter().enumerate().filter(|(at, _)| ready[at + 1]) {
            if at < listening {
                self.accept(transfers, number);
            } else {
                over.extend(self.act_at(number));
            }
        }
        over
    }

    fn accept(&mut self, transfers: &[Transfer], number: u16) {
        let Some(socket) = sys::accept(&self.listeners[&number]) else { return };
        self.listeners.remove(&number);
        let transfer = transfers.iter().find(|transfer| transfer.number == number).expect("one of them");
        self.ends.insert(number, (File::from(socket), End::new(transfer, self.role)));
    }

    fn act_at(&mut self, number: u16) -> Option<(u16, [u8; 256])> {
        let (socket, end) = self.ends.get_mut(&number)?;
        if !end.act(&mut Connected(socket)) {
            return None;
        }
        let (socket, _) = self.ends.remove(&number)?;
        Some((number, sys::tcp_info(&OwnedFd::from(socket)).expect("TCP_INFO")))
    }
}

/// A socket with the congestion control that ours has.
fn socket() -> io::Result<OwnedFd> {
    let socket = sys::tcp_socket()?;
    sys::set(&socket, libc::IPPROTO_TCP, libc::TCP_CONGESTION, b"cubic")?;
    Ok(socket)
}

fn set(socket: &OwnedFd, name: i32, value: Option<i32>) -> io::Result<()> {
    value.map_or(Ok(()), |value| sys::set(socket, libc::SOL_SOCKET, name, &value.to_ne_bytes()))
}
