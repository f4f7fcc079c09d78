//! What happens between frames.

use super::*;

impl Forger {
    /// Calls, and changes of what is known of flows.
    pub(super) fn between(&mut self) {
        let Self { site, random, .. } = self;
        let site = *site;
        let what = random.below(26);
        let link = random.one_of(&self.pair.links);
        let name = format!("between {what}");
        match what {
            0 => {
                let up = random.chance(0.7);
                self.pair.both(&name, |stack| stack.set_up(link, up).expect("a link"));
            }
            1 => _ = self.pair.both(&name, |stack| stack.set_up(link, true)),
            // An Ethernet that was down has forgotten who is there.
            6 if random.chance(0.3) => self.pair.both(&name, |stack| stack.neighbour_remove(LinkId(4), site.them_there)),
            5 | 6 if random.chance(0.5) => {
                _ = self.pair.both(&name, |stack| stack.neighbour_set(LinkId(4), site.them_there, Mac(THEIR_MAC)));
            }
            2 => _ = self.pair.both(&name, |stack| stack.remove_address(LinkId(2), site.also_us)),
            3 => _ = self.pair.both(&name, |stack| stack.add_address(LinkId(2), Cidr::new(site.also_us, site.prefix))),
            4 => _ = self.pair.both(&name, |stack| stack.add_address(LinkId(3), Cidr::new(site.them, site.all))),
            5 => _ = self.pair.both(&name, |stack| stack.remove_address(LinkId(3), site.them)),
            6 => self.pair.both(&name, |stack| stack.configure_network(|_| ())),
            7 => {
                let mtu = random.one_of(&site.mtus);
                _ = self.pair.both(&name, |stack| stack.set_mtu(link, mtu));
            }
            8 => {
                let heard =
                    random.one_of(&[class::ALL, class::ALL & !class::CALLS, class::DISCARDS, 0, class::FRAMES, class::SEGMENTS]);
                self.pair.both(&name, |stack| stack.listen_events(heard));
            }
            // Somebody looks at packets for a while.
            9 => match self.raw.take() {
                Some(raw) => self.pair.both(&name, |stack| stack.close(raw).expect("it is open")),
                None => {
                    let protocol = random.one_of(&[6, 17, 253]);
                    self.raw = self.pair.both(&name, |stack| stack.socket(site.family, SOCK_RAW, protocol)).ok();
                }
            },
            10 if self.udp.len() > 1 => {
                let socket = self.udp.swap_remove(random.below(self.udp.len() as u64) as usize);
                _ = self.pair.both(&name, |stack| stack.close(socket));
            }
            10 | 11 if self.udp.len() < 5 => self.datagram(),
            12 => self.sets_option(),
            13 => {
                let socket = random.one_of(&self.udp);
                _ = self.pair.both(&name, |stack| stack.connect(socket, &at(site.them, 4000)));
            }
            14 => {
                let socket = random.one_of(&self.udp);
                _ = self.pair.both(&name, |stack| stack.connect(socket, &Address::Unspecified));
            }
            15 => {
                let socket = random.one_of(&self.udp);
                let how = random.below(3) as i32;
                _ = self.pair.both(&name, |stack| stack.shutdown(socket, how));
            }
            16 => {
                let listener = self.tcp[0];
                if let Ok((socket, _)) = self.pair.both(&name, |stack| stack.accept(listener)) {
                    self.tcp.push(socket);
                }
            }
            17 => {
                let port = random.between(5000, 5010) as u16;
                let peer = random.one_of(&[site.them, site.them_there]);
                let socket = self.stream();
                _ = self.pair.both(&name, |stack| stack.connect(socket, &at(peer, port)));
            }
            18 | 19 => {
                let (socket, len) = (random.one_of(&self.tcp), random.one_of(&[1, 64, 1448, 5000]));
                _ = self.pair.both(&name, |stack| stack.send(socket, &vec![9; len], MsgFlags::NONE));
            }
            20 => {
                let socket = random.one_of(&self.tcp);
                _ = self.pair.both(&name, |stack| {
                    let mut into = [0; 3000];
                    let read = stack.recv(socket, &mut into, MsgFlags::NONE);
                    (read, checksum(&into))
                });
            }
            21 if self.tcp.len() > 1 => {
                let socket = self.tcp.swap_remove(1 + random.below(self.tcp.len() as u64 - 1) as usize);
                _ = self.pair.both(&name, |stack| stack.close(socket));
            }
            22 => {
                let time = Duration::from_millis(random.one_of(&[1, 40, 300, 3000, 70_000]));
                self.pair.now += time;
                let now = self.pair.now;
                self.pair.both(&name, |stack| stack.advance(now));
            }
            _ => self.reads(),
        }
        self.look(&name);
    }

    fn sets_option(&mut self) {
        let socket = self.random.one_of(&self.udp);
        let (level, option, value) = self.random.one_of(&[
            (so::LEVEL, so::SO_RCVBUF, 2000),
            (so::LEVEL, so::SO_RCVBUF, 100_000),
            (so::LEVEL, so::SO_TIMESTAMP, 1),
            (so::LEVEL, so::SO_BINDTOIFINDEX, 2),
            (so::LEVEL, so::SO_BINDTOIFINDEX, 3),
            (so::LEVEL, so::SO_BINDTOIFINDEX, 0),
            (IPPROTO_IP, ip::IP_RECVTTL, 1),
            (IPPROTO_IP, ip::IP_RECVTTL, 0),
            (IPPROTO_IP, ip::IP_RECVTOS, 1),
            (IPPROTO_IP, ip::IP_RECVTOS, 0),
            (IPPROTO_IPV6, ipv6::IPV6_RECVHOPLIMIT, 1),
            (IPPROTO_IPV6, ipv6::IPV6_RECVTCLASS, 1),
            (IPPROTO_IP, ip::IP_RECVOPTS, 1),
            (IPPROTO_IP, ip::IP_RECVOPTS, 0),
        ]);
        self.pair.set(socket, level, option, value);
    }

    /// All that waits at one of the sockets, into places of one piece, which are used again: as much as can be at once, and one by one.
    fn reads(&mut self) {
        let socket = self.random.one_of(&self.udp);
        let size = self.random.one_of(&[2000, 2000, 30, 0]);
        let mut many = self.random.chance(0.5);
        self.pair.both("read", |stack| {
            many = !many;
            let mut got = Vec::new();
            let mut rooms = vec![vec![0; size]; 8];
            let mut pieces: Vec<[&mut [u8]; 1]> = rooms.iter_mut().map(|room| [&mut room[..]]).collect();
            let mut places: Vec<_> = pieces.iter_mut().map(|into| Receiving::into(into, 200)).collect();
            loop {
                let count = if many {
                    stack.recvmmsg(socket, &mut places, MsgFlags::DONTWAIT)
                } else {
                    let place = &mut places[0];
                    stack.recvmsg(socket, place.into, 200, MsgFlags::DONTWAIT).map(|received| {
                        place.received = received;
                        1
                    })
                };
                let Ok(count) = count else {
                    got.push(format!("{count:?}"));
                    break;
                };
                for place in &places[..count] {
                    got.push(format!("{:?} {:x?}", place.received, &place.into[0][..place.received.len.min(size)]));
                }
            }
            got
        });
    }
}
