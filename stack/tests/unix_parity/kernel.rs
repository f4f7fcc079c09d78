//! The kernel's AF_UNIX sockets. Names get a prefix, so that runs beside each other do not meet.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::sys;
use super::world::{Answer, Got, Handle, Letter, Name, World};

/// A folder for paths, and the sockets, which are named by their descriptors.
pub struct Kernel {
    folder: PathBuf,
    before: String,
    open: std::collections::BTreeMap<Handle, OwnedFd>,
}

static WORLDS: AtomicU32 = AtomicU32::new(0);

impl Kernel {
    pub fn new() -> Self {
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("loggia-unix-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self { before: format!("{}/", folder.display()), folder, open: std::collections::BTreeMap::new() }
    }

    fn keep(&mut self, fd: OwnedFd) -> Handle {
        let at = fd.as_raw_fd() as Handle;
        self.open.insert(at, fd);
        at
    }

    fn sun_path(&self, name: &Name) -> Vec<u8> {
        name.sun_path(&self.before)
    }

    fn read_name(&self, sun_path: Vec<u8>) -> String {
        Name::read(&sun_path, &self.before)
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl World for Kernel {
    fn open(&mut self, kind: i32) -> Handle {
        let fd = sys::socket(kind).expect("a socket");
        self.keep(fd)
    }

    fn pair(&mut self, kind: i32) -> (Handle, Handle) {
        let [a, b] = sys::socketpair(kind).expect("a pair");
        (self.keep(a), self.keep(b))
    }

    fn bind(&mut self, at: Handle, name: &Name) -> Answer<()> {
        sys::bind(at as RawFd, &self.sun_path(name))
    }

    fn listen(&mut self, at: Handle, backlog: i32) -> Answer<()> {
        sys::listen(at as RawFd, backlog)
    }

    fn connect(&mut self, at: Handle, name: Option<&Name>) -> Answer<()> {
        sys::connect(at as RawFd, name.map(|name| self.sun_path(name)).as_deref())
    }

    fn accept(&mut self, at: Handle) -> Answer<Handle> {
        let fd = sys::accept(at as RawFd)?;
        Ok(self.keep(fd))
    }

    fn send(&mut self, at: Handle, letter: &Letter<'_>) -> Answer<usize> {
        let to = letter.to.map(|name| self.sun_path(name));
        let rights: Vec<RawFd> = letter.rights.iter().map(|&right| right as RawFd).collect();
        sys::sendmsg(at as RawFd, letter.data, to.as_deref(), letter.flags, &rights)
    }

    fn receive(&mut self, at: Handle, len: usize, flags: i32) -> Answer<Got> {
        let received = sys::recvmsg(at as RawFd, len, flags)?;
        let rights = received.rights.into_iter().map(|fd| self.keep(fd)).collect();
        let from = self.read_name(received.from).into_bytes();
        Ok(Got {
            bytes: received.bytes,
            len: received.len,
            flags: received.flags,
            from,
            credentials: received.credentials,
            rights,
        })
    }

    fn shutdown(&mut self, at: Handle, how: i32) -> Answer<()> {
        sys::shutdown(at as RawFd, how)
    }

    fn close(&mut self, at: Handle) {
        self.open.remove(&at).expect("an open handle");
    }

    fn poll(&mut self, at: Handle) -> u16 {
        sys::poll(at as RawFd)
    }

    fn local_name(&mut self, at: Handle) -> Answer<String> {
        sys::getsockname(at as RawFd).map(|name| self.read_name(name))
    }

    fn peer_name(&mut self, at: Handle) -> Answer<String> {
        sys::getpeername(at as RawFd).map(|name| self.read_name(name))
    }

    fn set_option(&mut self, at: Handle, name: i32, value: i32) -> Answer<()> {
        sys::setsockopt(at as RawFd, name, value)
    }

    fn option(&mut self, at: Handle, name: i32) -> Answer<i32> {
        sys::getsockopt::<1>(at as RawFd, name).map(|[value]| value)
    }

    fn peer_credentials(&mut self, at: Handle) -> Answer<[i64; 3]> {
        sys::getsockopt::<3>(at as RawFd, libc::SO_PEERCRED).map(|words| words.map(|word| i64::from(word as u32)))
    }

    fn query(&mut self, at: Handle, request: u32) -> Answer<usize> {
        sys::ioctl(at as RawFd, request)
    }

    fn unlink(&mut self, name: &Name) -> Answer<()> {
        std::fs::remove_file(self.folder.join(&name.0)).map_err(|error| error.raw_os_error().unwrap_or(0))
    }
}
