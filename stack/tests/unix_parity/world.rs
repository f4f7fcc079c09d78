//! What a scenario needs of AF_UNIX: the kernel's and ours have it both.

/// A socket of a world.
pub type Handle = usize;

/// What a call gives: an error by its number in `errno.h`.
pub type Answer<T> = Result<T, i32>;

/// What `sendmsg` sends.
#[derive(Default)]
pub struct Letter<'a> {
    pub data: &'a [u8],
    pub to: Option<&'a Name>,
    pub flags: i32,
    /// Sockets to pass on.
    pub rights: Vec<Handle>,
}

/// What `recvmsg` gives.
#[derive(Default)]
pub struct Got {
    pub bytes: Vec<u8>,
    /// What the call returned.
    pub len: usize,
    pub flags: i32,
    pub from: Vec<u8>,
    pub credentials: Option<[i64; 3]>,
    pub rights: Vec<Handle>,
}

/// The name of a socket as scenarios write it: `path`, `@abstract`, or `-` for none.
pub struct Name(pub String);

impl Name {
    /// `sun_path`, with what keeps worlds apart in front of each name.
    pub fn sun_path(&self, before: &str) -> Vec<u8> {
        match (self.0.as_str(), self.0.strip_prefix('@')) {
            ("-", _) => Vec::new(),
            (_, Some(name)) => format!("\0{before}{name}").into_bytes(),
            (path, None) => format!("{before}{path}\0").into_bytes(),
        }
    }

    /// The name a `sun_path` stands for. Automatic ones differ from run to run, so they all are `@auto`.
    pub fn read(sun_path: &[u8], before: &str) -> String {
        let text = String::from_utf8_lossy(sun_path);
        match (text.strip_prefix('\0'), text.trim_end_matches('\0')) {
            (_, "") => "-".into(),
            (Some(name), _) if name.len() == 5 && name.bytes().all(|b| b.is_ascii_hexdigit()) => "@auto".into(),
            (Some(name), _) => format!("@{}", name.strip_prefix(before).unwrap_or(name)),
            (None, path) => path.strip_prefix(before).unwrap_or(path).into(),
        }
    }
}

/// Sockets, all non-blocking.
pub trait World {
    fn open(&mut self, kind: i32) -> Handle;
    fn pair(&mut self, kind: i32) -> (Handle, Handle);
    fn bind(&mut self, at: Handle, name: &Name) -> Answer<()>;
    fn listen(&mut self, at: Handle, backlog: i32) -> Answer<()>;
    /// None: to `AF_UNSPEC`.
    fn connect(&mut self, at: Handle, name: Option<&Name>) -> Answer<()>;
    fn accept(&mut self, at: Handle) -> Answer<Handle>;
    fn send(&mut self, at: Handle, letter: &Letter<'_>) -> Answer<usize>;
    fn receive(&mut self, at: Handle, len: usize, flags: i32) -> Answer<Got>;
    fn shutdown(&mut self, at: Handle, how: i32) -> Answer<()>;
    fn close(&mut self, at: Handle);
    fn poll(&mut self, at: Handle) -> u16;
    fn local_name(&mut self, at: Handle) -> Answer<String>;
    fn peer_name(&mut self, at: Handle) -> Answer<String>;
    fn set_option(&mut self, at: Handle, name: i32, value: i32) -> Answer<()>;
    fn option(&mut self, at: Handle, name: i32) -> Answer<i32>;
    fn peer_credentials(&mut self, at: Handle) -> Answer<[i64; 3]>;
    fn query(&mut self, at: Handle, request: u32) -> Answer<usize>;
    fn unlink(&mut self, name: &Name) -> Answer<()>;
}
