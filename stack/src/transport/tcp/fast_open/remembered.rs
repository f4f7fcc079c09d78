//! What we know of servers: their cookie, their segment size, and in which option they speak (RFC 7413 §4.1.3).

use super::cookie::FastOpenOption;
use crate::base::{Addr, Entropy};
use crate::network::lru::Lru;

/// So many servers are remembered.
const SERVERS: usize = 1024;

/// Which option the next request uses, after one that was not answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
enum Try {
    /// The standard one: nothing is known.
    #[default]
    Standard,
    /// The experimental one: the standard one was not answered.
    Experimental,
    /// The standard one for good: neither was answered.
    Neither,
}

/// What is known of one server from one of our addresses.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    option: FastOpenOption,
    /// The segment size it announced; 0: not known.
    mss: u16,
    next: Try,
}

/// The servers.
#[derive(Debug)]
pub(in crate::transport::tcp) struct Remembered {
    servers: Lru<(Addr, Addr), Server>,
}

impl Remembered {
    pub(in crate::transport::tcp) fn new(entropy: &Entropy) -> Self {
        Self { servers: Lru::new(entropy.key("tcp fast open servers"), SERVERS) }
    }

    /// Forgets all.
    pub(in crate::transport::tcp) fn clear(&mut self) {
        self.servers.clear();
    }

    /// The option for a SYN to a server, and the segment size it announced last.
    pub(in crate::transport::tcp) fn of(&self, local: Addr, remote: Addr) -> (FastOpenOption, Option<u16>) {
        let Some(server) = self.servers.get(&(local, remote)) else { return Default::default() };
        let mut option = server.option;
        option.experimental |= option.cookie.is_empty() && server.next == Try::Experimental;
        (option, (server.mss != 0).then_some(server.mss))
    }

    /// A server answered: with a cookie, or without one although it was `asked` (in the experimental option or not).
    pub(in crate::transport::tcp) fn learn(
        &mut self,
        ends: (Addr, Addr),
        mss: u16,
        answer: Option<FastOpenOption>,
        asked: Option<FastOpenOption>,
    ) {
        let server = self.servers.get_or_insert(ends, Server::default);
        server.mss = mss;
        match (answer, asked) {
            (Some(option), _) if !option.cookie.is_empty() => server.option = option,
            (_, Some(asked)) if server.option.cookie.is_empty() && !server.option.experimental => {
                server.next = server.next.max(if asked.experimental { Try::Neither } else { Try::Experimental });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cookie::Cookie;
    use super::*;
    use crate::base::Seed;

    const ENDS: (Addr, Addr) = (Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2));

    fn request(experimental: bool) -> FastOpenOption {
        FastOpenOption { cookie: Cookie::default(), experimental }
    }

    #[test]
    fn a_silent_server_is_asked_the_other_way_once() {
        let mut servers = Remembered::new(&Entropy::new(Seed::from(1)));
        let ask = |servers: &Remembered| servers.of(ENDS.0, ENDS.1).0;
        let asked = ask(&servers);
        assert_eq!(asked, request(false));
        servers.learn(ENDS, 1460, None, Some(asked));
        let asked = ask(&servers);
        assert_eq!(asked, request(true));
        servers.learn(ENDS, 1460, None, Some(asked));
        servers.learn(ENDS, 1460, None, Some(request(false)));
        assert_eq!(ask(&servers), request(false), "that is enough");
    }

    #[test]
    fn a_cookie_stays_until_another_comes() {
        let mut servers = Remembered::new(&Entropy::new(Seed::from(1)));
        let cookie = |byte| FastOpenOption { cookie: Cookie::new(&[byte; 8]).unwrap(), experimental: true };
        servers.learn(ENDS, 1000, Some(cookie(1)), Some(request(true)));
        servers.learn(ENDS, 900, None, Some(cookie(1)));
        assert_eq!(servers.of(ENDS.0, ENDS.1), (cookie(1), Some(900)));
        servers.learn(ENDS, 900, Some(cookie(2)), None);
        assert_eq!(servers.of(ENDS.0, ENDS.1).0, cookie(2));
    }
}
