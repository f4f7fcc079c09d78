//! The application at one end of a connection.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Errno, Instant, MsgFlags, Ready, SocketId};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{IPPROTO_TCP, sol_socket as so, tcp};

use crate::plan::{EndPlan, Style};
use crate::sim::pattern::Pattern;
use crate::sim::{Host, Random};

/// An application and what it has seen.
#[derive(Debug)]
pub(crate) struct End {
    plan: EndPlan,
    random: Random,
    socket: Option<SocketId>,
    /// When it acts next.
    pub(crate) acts_at: Instant,
    /// Bytes that writes accepted.
    pub(crate) written: u64,
    /// Bytes that reads gave.
    pub(crate) read: u64,
    /// It said that no more will come.
    pub(crate) shut: bool,
    /// It was told that no more will come.
    pub(crate) end_of_stream: bool,
    /// What ended the connection, if not an end in order.
    pub(crate) error: Option<Errno>,
    /// The handshake is over.
    connected: bool,
    /// It has closed its socket.
    pub(crate) closed: bool,
}

impl End {
    /// An application that has no socket yet.
    pub(crate) fn new(plan: EndPlan, random: Random) -> Self {
        Self {
            plan,
            random,
            socket: None,
            acts_at: Instant::EPOCH,
            written: 0,
            read: 0,
            shut: false,
            end_of_stream: false,
            error: None,
            connected: false,
            closed: false,
        }
    }

    /// It has a socket now.
    pub(crate) fn start(&mut self, host: &mut Host, socket: SocketId, now: Instant) {
        host.keepalive(socket, 10, 5, 5);
        self.socket = Some(socket);
        self.acts_at = now;
    }

    /// True if it never got a socket.
    pub(crate) fn waits_for_socket(&self) -> bool {
        self.socket.is_none()
    }

    /// Does something, perhaps.
    pub(crate) fn act(&mut self, host: &mut Host, sends: &Pattern, expects: &Pattern, now: Instant) {
        let Some(socket) = self.socket.filter(|_| !self.closed) else { return };
        self.acts_at = now + Duration::from_nanos(1 + self.random.below(self.plan.pause.as_nanos() as u64));
        if self.random.chance(0.1)
            && let Err(error) = fiddle(host, socket, &mut self.random)
        {
            self.note(error);
        }
        // Linux takes back a connection that is shut down while it is being opened.
        if !host.stack.readiness(socket).expect("an open socket").intersects(Ready::OUT | Ready::IN | Ready::HUP)
            && !self.connected
        {
            return;
        }
        self.connected = true;
        self.write(host, socket, sends);
        if self.random.chance(self.plan.appetite) {
            self.read(host, socket, expects);
        }
        self.perhaps_leave(host, socket);
    }

    fn write(&mut self, host: &mut Host, socket: SocketId, sends: &Pattern) {
        if self.shut || self.error.is_some() {
            return;
        }
        if self.written == self.plan.bytes {
            match host.shutdown_write(socket) {
                Ok(()) => self.shut = true,
                Err(error) => self.error = Some(error),
            }
            return;
        }
        let most = self.random.between(1, self.plan.write as u64).min(self.plan.bytes - self.written);
        match host.write(socket, sends.at(self.written, most as usize)) {
            Ok(count) => self.written += count as u64,
            Err(error) => self.note(error),
        }
    }

    fn read(&mut self, host: &mut Host, socket: SocketId, expects: &Pattern) {
        if self.end_of_stream || self.error.is_some() {
            return;
        }
        let mut into = vec![0; self.random.between(1, self.plan.read as u64) as usize];
        if self.random.chance(0.1) {
            match host.peek(socket, &mut into) {
                Ok(count) => assert!(expects.matches(self.read, &into[..count]), "peeked wrong bytes after offset {}", self.read),
                // Whoever is told of an error is the only one.
                Err(error) => return self.note(error),
            }
        }
        match host.read(socket, &mut into) {
            Ok(0) => self.end_of_stream = true,
            Ok(count) => {
                assert!(expects.matches(self.read, &into[..count]), "wrong bytes after offset {}", self.read);
                self.read += count as u64;
            }
            Err(error) => self.note(error),
        }
    }

    /// Remembers an error that ends the connection.
    fn note(&mut self, error: Errno) {
        if ![Errno::EAGAIN, Errno::EINPROGRESS, Errno::EALREADY, Errno::ENOBUFS].contains(&error) {
            self.error = Some(error);
        }
    }

    fn perhaps_leave(&mut self, host: &mut Host, socket: SocketId) {
        let done = self.shut && self.end_of_stream || self.error.is_some();
        match self.plan.style {
            Style::Leaves(after) if self.read >= after => host.close(socket),
            Style::Aborts(after) if self.written >= after => {
                host.linger(socket, 0);
                host.close(socket);
            }
            _ if done => host.close(socket),
            _ => return,
        }
        self.closed = true;
    }
}

/// Calls that change nothing of what must arrive.
fn fiddle(host: &mut Host, socket: SocketId, random: &mut Random) -> Result<(), Errno> {
    let on = i32::from(random.chance(0.5));
    match random.below(8) {
        0 => host.set(socket, IPPROTO_TCP, tcp::TCP_NODELAY, on),
        1 => host.set(socket, IPPROTO_TCP, tcp::TCP_CORK, on),
        2 => host.set(socket, IPPROTO_TCP, tcp::TCP_QUICKACK, on),
        3 => host.set(socket, so::LEVEL, so::SO_RCVBUF, random.below(200_000) as i32),
        4 => host.set(socket, so::LEVEL, so::SO_SNDBUF, random.below(200_000) as i32),
        5 => return look(host, socket),
        _ => odd_calls(host, socket, random),
    }
    Ok(())
}

/// Everything that can be asked of a socket. Gives the pending error, of which nobody else is told then.
fn look(host: &mut Host, socket: SocketId) -> Result<(), Errno> {
    let stack = &mut host.stack;
    let ready = stack.readiness(socket).expect("an open socket");
    let mut byte = [0];
    let peeked = stack.recv(socket, &mut byte, MsgFlags::PEEK);
    if !ready.contains(Ready::IN) {
        assert_eq!(peeked, Err(Errno::EAGAIN), "not readable, and yet there is something to read");
    }
    let mut into = [0; 256];
    for (level, name) in [(so::LEVEL, so::SO_SNDBUF), (so::LEVEL, so::SO_RCVBUF), (IPPROTO_TCP, tcp::TCP_INFO)] {
        stack.getsockopt(socket, level, name, &mut into).expect("it can be asked");
    }
    stack.getsockname(socket).expect("it has a name");
    let _ = stack.getpeername(socket);
    peeked.map(|_| ())
}

/// Calls that make no sense: an errno, never a panic, and no effect.
fn odd_calls(host: &mut Host, socket: SocketId, random: &mut Random) {
    let stack = &mut host.stack;
    if stack.readiness(socket).expect("an open socket").contains(Ready::HUP) {
        // Of a connection that is no more, some of these begin anew.
        return;
    }
    let bytes: Vec<u8> = (0..random.below(20)).map(|_| random.next() as u8).collect();
    let unknown = 1000 + random.below(1000) as i32;
    assert!(stack.setsockopt(socket, so::LEVEL, unknown, &bytes).is_err());
    assert!(stack.setsockopt(socket, unknown, so::SO_RCVBUF, &bytes).is_err());
    assert!(stack.listen(socket, random.next() as i32).is_err());
    assert!(stack.bind(socket, &Address::Unspecified).is_err());
    assert!(stack.accept(socket).is_err());
    assert!(stack.shutdown(socket, 3).is_err());
    assert!(stack.recv(socket, &mut [], MsgFlags::ERRQUEUE).is_err());
}
