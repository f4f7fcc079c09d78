//! Connecting to one of several addresses: the one that answers first, without asking all at once (RFC 8305).

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use loggia_stack::base::Errno;
use loggia_stack::socket::numbers::SOCK_STREAM;

use crate::host::Host;
use crate::socket::{Socket, WRITE, address, ended, error, family};
use crate::time::{Sleep, sleep};

/// RFC 8305 §8: the Connection Attempt Delay.
const HEAD_START: Duration = Duration::from_millis(250);

/// An attempt under way.
type Attempt = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>;

/// Connects to whichever answers first. The next address is tried when the one before has failed, or has not answered within its head
/// start; the others are given up once one has. The last error if all fail.
pub(crate) async fn race(host: &Host, addrs: Vec<SocketAddr>) -> io::Result<Socket> {
    let mut race = Race {
        host: host.clone(),
        left: interleave(addrs).into(),
        running: Vec::new(),
        next: sleep(host, Duration::ZERO),
        last: None,
    };
    poll_fn(move |cx| race.poll(cx)).await
}

struct Race {
    host: Host,
    left: VecDeque<SocketAddr>,
    running: Vec<Attempt>,
    /// When the next may begin.
    next: Sleep,
    last: Option<io::Error>,
}

impl Race {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        loop {
            if let Some(winner) = self.poll_running(cx) {
                return Poll::Ready(Ok(winner));
            }
            if self.left.is_empty() && self.running.is_empty() {
                let none = || io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address");
                return Poll::Ready(Err(self.last.take().unwrap_or_else(none)));
            }
            if !self.running.is_empty() && (self.left.is_empty() || Pin::new(&mut self.next).poll(cx).is_pending()) {
                return Poll::Pending;
            }
            if let Some(addr) = self.left.pop_front() {
                self.running.push(Box::pin(connect(self.host.clone(), addr)));
                self.next.reset(self.host.now() + HEAD_START);
            }
        }
    }

    /// Who has won, if anybody; those who have failed are taken out, and the next may begin at once.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<Socket> {
        let mut at = 0;
        while let Some(attempt) = self.running.get_mut(at) {
            match attempt.as_mut().poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(Ok(socket)) => return Some(socket),
                Poll::Ready(Err(failed)) => {
                    self.last = Some(failed);
                    drop(self.running.remove(at));
                    self.next.reset(self.host.now());
                }
            }
        }
        None
    }
}

/// Connects to one address.
pub(crate) async fn connect(host: Host, to: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(&host, family(&to), SOCK_STREAM)?;
    match host.with(|stack, _| stack.connect(socket.id, &address(to))) {
        Ok(()) => return Ok(socket),
        Err(Errno::EINPROGRESS) => {}
        Err(errno) => return Err(error(errno)),
    }
    socket.until(WRITE, |stack, id| ended(stack.readiness(id)?)).await?;
    socket.take_error()?.map_or(Ok(socket), Err)
}

/// RFC 8305 §4: the families by turns, beginning with that of the first; within a family the order stays.
fn interleave(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addrs.first().map(SocketAddr::is_ipv4) else { return addrs };
    let (like_first, others): (Vec<_>, Vec<_>) = addrs.into_iter().partition(|addr| addr.is_ipv4() == first);
    let longest = like_first.len().max(others.len());
    (0..longest).flat_map(|at| [like_first.get(at), others.get(at)]).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addrs = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect::<Vec<SocketAddr>>();
        let sorted = addrs(&["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "192.0.2.1:1"]);
        let expected = addrs(&["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "[2001:db8::3]:1"]);
        assert_eq!(interleave(sorted), expected, "RFC 8305 §4");
        assert!(interleave(Vec::new()).is_empty());
    }
}
