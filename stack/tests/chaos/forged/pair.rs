//! Two hosts with one seed, to both of which everything is done, and of which nobody may tell which is which.

use super::*;

/// Both hosts: everything is done to each.
pub(crate) struct Pair {
    pub(crate) stacks: [Stack; 2],
    pub(crate) links: Vec<LinkId>,
    pub(crate) now: Instant,
    pub(crate) seed: u64,
}

impl Pair {
    pub(crate) fn new(seed: u64, site: &Site, random: &mut Random) -> Self {
        let mut config = Config::default();
        config.socket.net_raw = Permission::Granted;
        config.socket.net_admin = Permission::Granted;
        config.memory = random.one_of(&[config.memory, config.memory, 60_000, 20_000]);
        // Addresses are there at once, and nothing else speaks.
        config.network.ipv6.link_defaults = LinkSettings::MANUAL;
        config.tcp.ecn = random.one_of(&[2, 2, 0, 1, 3]);
        config.tcp.sack = random.chance(0.9);
        config.tcp.timestamps = random.chance(0.9);
        config.tcp.syncookies = random.one_of(&[1, 0, 2]);
        config.tcp.abort_on_overflow = random.chance(0.2);
        let coalesce = random.chance(0.5);
        let queue_limit = random.one_of(&[1 << 20, 1 << 20, 600]);
        let vlan = if random.chance(0.3) { Some(5) } else { None };
        let mut links = Vec::new();
        let stacks = [SOCK_DGRAM, SOCK_RAW].map(|ty| {
            let mut stack = Stack::new(config.clone(), Seed::from(seed), Instant::EPOCH);
            links.clear();
            for (n, addrs) in [&[site.us, site.also_us][..], &[site.us_elsewhere], &[site.us_there]].iter().enumerate() {
                let offloads = Offloads { coalesce, ..Offloads::default() };
                let medium = if n == 2 { Medium::Ethernet { mac: Mac(OUR_MAC), vlan } } else { Medium::Ip };
                let config = LinkConfig { name: format!("eth{n}"), medium, mtu: 1500, offloads, queue_limit };
                let link = stack.add_link(config).expect("a link");
                stack.set_up(link, true).expect("up");
                for addr in *addrs {
                    stack.add_address(link, Cidr::new(*addr, site.prefix)).expect("an address");
                }
                links.push(link);
            }
            stack.neighbour_set(links[2], site.them_there, Mac(THEIR_MAC)).expect("a neighbour");
            let protocol = if ty == SOCK_RAW { 253 } else { 0 };
            stack.socket(AF_INET, ty, protocol).expect("a socket");
            stack
        });
        Self { stacks, links, now: Instant::EPOCH, seed }
    }

    /// Does the same to both; it must give the same.
    pub(crate) fn both<T: Debug>(&mut self, what: &str, mut act: impl FnMut(&mut Stack) -> T) -> T {
        let [one, other] = self.stacks.each_mut().map(&mut act);
        assert_eq!(format!("{one:?}"), format!("{other:?}"), "{what}, LOGGIA_SEED={}", self.seed);
        one
    }

    /// All that can be seen from outside; gives the frames that left.
    pub(crate) fn observe(&mut self, what: &str) -> Vec<Vec<u8>> {
        let links = self.links.clone();
        self.both(what, |stack| {
            let mut events = Vec::new();
            while let Some(event) = stack.next_event() {
                events.push(event);
            }
            events
        });
        let frames = self.both(what, |stack| {
            let mut frames = Vec::new();
            for link in &links {
                while let Some(frame) = stack.transmit(*link) {
                    frames.push(frame.to_vec());
                }
            }
            frames
        });
        self.both(what, |stack| format!("{:?}", stack.counters()));
        self.both(what, |stack| {
            let links: Vec<_> = stack.links().map(|link| (link.up, link.queued, link.stats)).collect();
            // The first socket is of another kind in each.
            let sockets: Vec<String> = stack
                .inspect_sockets()
                .lines()
                .filter(|line| !line.contains("0.0.0.0:253 ") && !line.contains("0.0.0.0:0 "))
                .map(String::from)
                .collect();
            (stack.memory(), links, stack.next_deadline(), sockets)
        });
        frames
    }

    pub(crate) fn set(&mut self, socket: SocketId, level: i32, name: i32, value: i32) {
        let _ = self.both("setsockopt", |stack| stack.setsockopt(socket, level, name, &value.to_ne_bytes()));
    }
}
