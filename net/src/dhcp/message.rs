//! What goes over the wire (RFC 2131 §2 and §4.1).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, DhcpOptions, Message, MessageType, Opcode, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};

use super::config::Config;
use crate::device::MacAddr;

/// Where the options begin, behind the cookie.
const OPTIONS: usize = 240;
/// RFC 2131 §3: what says that options follow.
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// RFC 951: many a server and relay takes no less.
const SHORTEST: usize = 300;
/// The largest answer we take: what fits into an Ethernet frame.
const LARGEST: u16 = 1472;

/// What we ask for, and all that is read of an answer.
const WANTED: [OptionCode; 8] = [
    OptionCode::SubnetMask,
    // RFC 3442: it comes before the routers.
    OptionCode::ClasslessStaticRoute,
    OptionCode::Router,
    OptionCode::DomainNameServer,
    OptionCode::DomainName,
    OptionCode::DomainSearch,
    OptionCode::InterfaceMtu,
    OptionCode::BroadcastAddr,
];
const ALWAYS: [OptionCode; 5] = [
    OptionCode::MessageType,
    OptionCode::ServerIdentifier,
    OptionCode::AddressLeaseTime,
    OptionCode::Renewal,
    OptionCode::Rebinding,
];

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Offer,
    Ack,
    Nak,
}

/// An answer of a server.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) kind: Kind,
    pub(super) server: Ipv4Addr,
    pub(super) address: Ipv4Addr,
    pub(super) options: DhcpOptions,
}

/// What a client says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Say {
    /// Who has an address for me?
    Discover,
    /// I take what that server offered (SELECTING).
    Take { server: Ipv4Addr, address: Ipv4Addr },
    /// May I have again what I had? (INIT-REBOOT)
    Again { address: Ipv4Addr },
    /// May I keep what I have? (RENEWING, REBINDING)
    Keep { address: Ipv4Addr },
    /// Somebody has that address.
    Decline { server: Ipv4Addr, address: Ipv4Addr },
    /// I need it no longer.
    Release { server: Ipv4Addr, address: Ipv4Addr },
}

/// A message to a server. `secs` is for how long we have been asking. The table of what goes where is RFC 2131 §4.4.1's.
pub(super) fn write(say: Say, mac: MacAddr, xid: u32, secs: u16, config: &Config) -> Vec<u8> {
    let (kind, own) = match say {
        Say::Discover => (MessageType::Discover, None),
        Say::Take { .. } | Say::Again { .. } => (MessageType::Request, None),
        Say::Keep { address } => (MessageType::Request, Some(address)),
        Say::Decline { .. } => (MessageType::Decline, None),
        Say::Release { address, .. } => (MessageType::Release, Some(address)),
    };
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(xid, own.unwrap_or(none), none, none, none, &mac);
    message.set_secs(secs);
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(kind));
    // RFC 6842: it is also how the server tells clients apart.
    let default_id = || [&[1], &mac[..]].concat();
    options.insert(DhcpOption::ClientIdentifier(config.client_id.clone().unwrap_or_else(default_id)));
    match say {
        Say::Take { server, address } | Say::Decline { server, address } => {
            options.insert(DhcpOption::ServerIdentifier(server));
            options.insert(DhcpOption::RequestedIpAddress(address));
        }
        Say::Again { address } => drop(options.insert(DhcpOption::RequestedIpAddress(address))),
        Say::Release { server, .. } => drop(options.insert(DhcpOption::ServerIdentifier(server))),
        Say::Discover | Say::Keep { .. } => {}
    }
    if matches!(kind, MessageType::Discover | MessageType::Request) {
        options.insert(DhcpOption::ParameterRequestList(WANTED.to_vec()));
        options.insert(DhcpOption::MaxMessageSize(LARGEST));
        if let Some(name) = &config.host_name {
            options.insert(DhcpOption::Hostname(name.clone()));
        }
        if own.is_none() {
            // RFC 2131 §4.1: nothing reaches us by an address that we do not have yet.
            message.set_flags(message.flags().set_broadcast());
        }
    }
    let mut bytes = Vec::with_capacity(SHORTEST);
    message.encode(&mut Encoder::new(&mut bytes)).expect("a vector takes everything");
    bytes.resize(bytes.len().max(SHORTEST), 0);
    bytes
}

/// A server's answer to the client with this address and transaction; none if it is none.
pub(super) fn read(bytes: &[u8], mac: MacAddr, xid: u32) -> Option<Reply> {
    let message = Message::decode(&mut Decoder::new(&plain(bytes)?)).ok()?;
    if message.opcode() != Opcode::BootReply || message.xid() != xid || message.chaddr() != mac {
        return None;
    }
    let kind = match message.opts().msg_type()? {
        MessageType::Offer => Kind::Offer,
        MessageType::Ack => Kind::Ack,
        MessageType::Nak => Kind::Nak,
        _ => return None,
    };
    let server = match message.opts().get(OptionCode::ServerIdentifier)? {
        DhcpOption::ServerIdentifier(server) => *server,
        _ => return None,
    };
    Some(Reply { kind, server, address: message.yiaddr(), options: message.opts().clone() })
}

/// The message with nothing in it but what is read, each option once: the pieces of long options joined (RFC 3396), those in the fields
/// for names where they belong (RFC 2131 §4.1, option 52). What the decoder never sees cannot confuse it.
fn plain(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = bytes.split_at_checked(OPTIONS)?;
    let (sname, file) = (&header[44..108], &header[108..236]);
    // RFC 2131 §2: an Ethernet address has six bytes.
    if header[236..] != COOKIE || header[2] != 6 {
        return None;
    }
    let mut options = BTreeMap::<u8, Vec<u8>>::new();
    collect(rest, &mut options);
    let overload = options.get(&OptionCode::OptionOverload.into()).and_then(|value| value.first()).copied().unwrap_or(0);
    if overload & 1 != 0 {
        collect(file, &mut options);
    }
    if overload & 2 != 0 {
        collect(sname, &mut options);
    }
    let mut plain = header.to_vec();
    plain[44..236].fill(0);
    for code in WANTED.into_iter().chain(ALWAYS).map(u8::from) {
        for piece in options.get(&code).into_iter().flat_map(|value| value.chunks(255)) {
            plain.extend([code, piece.len() as u8]);
            plain.extend(piece);
        }
    }
    plain.push(OptionCode::End.into());
    Some(plain)
}

/// Reads options as far as they are whole.
fn collect(mut bytes: &[u8], options: &mut BTreeMap<u8, Vec<u8>>) {
    while let [code, rest @ ..] = bytes {
        match (OptionCode::from(*code), rest) {
            (OptionCode::End, _) => return,
            (OptionCode::Pad, _) => bytes = rest,
            (_, [len, rest @ ..]) => {
                let Some((value, rest)) = rest.split_at_checked((*len).into()) else { return };
                options.entry(*code).or_default().extend(value);
                bytes = rest;
            }
            (_, []) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddr = [2, 0, 0, 0, 0, 1];
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

    fn sent(say: Say) -> Message {
        let bytes = write(say, MAC, 7, 3, &Config::default());
        assert!(bytes.len() >= SHORTEST);
        Message::decode(&mut Decoder::new(&bytes)).expect("a message")
    }

    fn answer(change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let none = Ipv4Addr::UNSPECIFIED;
        let mut message = Message::new_with_id(7, none, ADDRESS, none, none, &MAC);
        message.set_opcode(Opcode::BootReply);
        message.opts_mut().insert(DhcpOption::MessageType(MessageType::Ack));
        message.opts_mut().insert(DhcpOption::ServerIdentifier(SERVER));
        change(&mut message);
        let mut bytes = Vec::new();
        message.encode(&mut Encoder::new(&mut bytes)).expect("bytes");
        bytes
    }

    /// RFC 2131 §4.3.6, table 4, and §4.4.1, table 5.
    #[test]
    fn each_message_says_what_the_table_says() {
        let facts = |message: &Message| {
            let has = |code| message.opts().contains(code);
            (
                message.opts().msg_type().expect("a type"),
                !message.ciaddr().is_unspecified(),
                message.flags().broadcast(),
                has(OptionCode::RequestedIpAddress),
                has(OptionCode::ServerIdentifier),
                has(OptionCode::ParameterRequestList),
            )
        };
        use MessageType::*;
        let (server, address) = (SERVER, ADDRESS);
        assert_eq!(facts(&sent(Say::Discover)), (Discover, false, true, false, false, true));
        assert_eq!(facts(&sent(Say::Take { server, address })), (Request, false, true, true, true, true));
        assert_eq!(facts(&sent(Say::Again { address })), (Request, false, true, true, false, true));
        assert_eq!(facts(&sent(Say::Keep { address })), (Request, true, false, false, false, true));
        assert_eq!(facts(&sent(Say::Decline { server, address })), (Decline, false, false, true, true, false));
        assert_eq!(facts(&sent(Say::Release { server, address })), (Release, true, false, false, true, false));
        assert_eq!((sent(Say::Discover).xid(), sent(Say::Discover).secs()), (7, 3));
    }

    #[test]
    fn only_answers_to_us_are_read() {
        let reply = read(&answer(|_| {}), MAC, 7).expect("an answer");
        assert_eq!((reply.kind, reply.server, reply.address), (Kind::Ack, SERVER, ADDRESS));
        assert!(read(&answer(|_| {}), MAC, 8).is_none(), "another transaction");
        assert!(read(&answer(|_| {}), [2, 0, 0, 0, 0, 2], 7).is_none(), "another station");
        let request = answer(|message| {
            message.set_opcode(Opcode::BootRequest);
        });
        assert!(read(&request, MAC, 7).is_none());
        assert!(read(&answer(|message| drop(message.opts_mut().remove(OptionCode::ServerIdentifier))), MAC, 7).is_none());
        assert!(read(&answer(|message| drop(message.opts_mut().remove(OptionCode::MessageType))), MAC, 7).is_none());
        let mut odd = answer(|_| {});
        odd[2] = 200;
        assert!(read(&odd, MAC, 7).is_none(), "an address of 200 bytes");
        let mut odd = answer(|_| {});
        odd[239] = 0;
        assert!(read(&odd, MAC, 7).is_none(), "no cookie");
    }

    #[test]
    fn long_options_are_joined_and_those_in_the_fields_for_names_are_found() {
        let mut bytes = answer(|_| {});
        assert_eq!(bytes.pop(), Some(255));
        // RFC 3396: one list in two pieces, cut in the middle of an address.
        bytes.extend([6, 6, 10, 0, 0, 53, 10, 0, 52, 1, 3, 6, 2, 0, 54, 255]);
        // RFC 2131 §4.1: a router in `file`, the domain in `sname`.
        bytes[108..115].copy_from_slice(&[3, 4, 10, 0, 0, 1, 255]);
        bytes[44..51].copy_from_slice(&[0, 15, 3, b'l', b'a', b'n', 255]);
        let options = read(&bytes, MAC, 7).expect("an answer").options;
        let servers = vec![Ipv4Addr::new(10, 0, 0, 53), Ipv4Addr::new(10, 0, 0, 54)];
        assert_eq!(options.get(OptionCode::DomainNameServer), Some(&DhcpOption::DomainNameServer(servers)));
        assert_eq!(options.get(OptionCode::Router), Some(&DhcpOption::Router(vec![SERVER])));
        assert_eq!(options.get(OptionCode::DomainName), Some(&DhcpOption::DomainName("lan".into())));
    }

    #[test]
    fn whatever_bytes_come_nothing_breaks() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        let whole = answer(|message| {
            message.opts_mut().insert(DhcpOption::Router(vec![SERVER; 70]));
            message.opts_mut().insert(DhcpOption::AddressLeaseTime(60));
        });
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..random() % 8 {
                let at = 28 + random() % (bytes.len() - 28);
                bytes[at] = random() as u8;
            }
            // Options that the decoder of messages would stumble over.
            bytes.extend([81, random() as u8 % 4, 0, 0, 0, 121, 3, 33, 1, 2, 119, 2, 0xc0, 0]);
            bytes.truncate(random() % (bytes.len() + 1));
            if let Some(reply) = read(&bytes, MAC, 7) {
                let _ = crate::dhcp::Lease::new(&reply);
            }
        }
    }
}
