//! A DHCP server that answers what it is told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use dhcproto::v4::{DhcpOption, Message, MessageType, Opcode, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use loggia::Host;
use loggia::host::Route;
use loggia::time::Instant;
use loggia::tokio::net::UdpSocket;

use crate::world::World;

pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(crate) const OFFERED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);

/// A message of a client: when, from where, and whether it came by broadcast.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) from: SocketAddr,
    pub(crate) message: Message,
}

impl Heard {
    pub(crate) fn kind(&self) -> MessageType {
        self.message.opts().msg_type().expect("a type")
    }

    pub(crate) fn requested(&self) -> Option<Ipv4Addr> {
        match self.message.opts().get(OptionCode::RequestedIpAddress)? {
            DhcpOption::RequestedIpAddress(address) => Some(*address),
            _ => None,
        }
    }
}

/// What a server has heard so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Heard>>>);

impl Log {
    pub(crate) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut self.0.lock().expect("log"))
    }

    pub(crate) fn kinds(&self) -> Vec<MessageType> {
        self.take().iter().map(Heard::kind).collect()
    }
}

/// Serves at port 67 of a host for ever.
pub(crate) fn serve(world: &World, host: &Host, mut script: impl FnMut(&Heard) -> Vec<Message> + Send + 'static) -> Log {
    let log = Log::default();
    let (heard, host) = (log.clone(), host.clone());
    // Broadcasts go where the default route leads, as on Linux.
    host.add_route(&Route::to("0.0.0.0/0").expect("a prefix").on("eth0")).expect("a route");
    world.spawn(async move {
        let socket = UdpSocket::bind_on(&host, "0.0.0.0:67").await.expect("bind");
        socket.set_broadcast(true).expect("an option");
        let mut room = [0; 1500];
        loop {
            let Ok((len, from)) = socket.recv_from(&mut room).await else { continue };
            let message = Message::decode(&mut Decoder::new(&room[..len])).expect("a message");
            let note = Heard { at: host.now(), from, message };
            heard.0.lock().expect("log").push(note.clone());
            for answer in script(&note) {
                let mut bytes = Vec::new();
                answer.encode(&mut Encoder::new(&mut bytes)).expect("bytes");
                // RFC 2131 §4.1: to the client's address if it has one, else to all.
                let client = note.message.ciaddr();
                let to = if client.is_unspecified() { Ipv4Addr::BROADCAST } else { client };
                let _ = socket.send_to(&bytes, (to, 68)).await;
            }
        }
    });
    log
}

/// An answer of this kind with an address and the options that every lease has.
pub(crate) fn answer(heard: &Heard, kind: MessageType, address: Ipv4Addr, lease: u32) -> Message {
    let (client, none) = (&heard.message, Ipv4Addr::UNSPECIFIED);
    let mut answer = Message::new_with_id(client.xid(), none, address, none, none, client.chaddr());
    answer.set_opcode(Opcode::BootReply).set_flags(client.flags());
    let options = answer.opts_mut();
    options.insert(DhcpOption::MessageType(kind));
    options.insert(DhcpOption::ServerIdentifier(SERVER));
    if kind != MessageType::Nak {
        options.insert(DhcpOption::AddressLeaseTime(lease));
        options.insert(DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)));
        options.insert(DhcpOption::Router(vec![SERVER]));
    }
    answer
}

/// Offers and gives one address.
pub(crate) fn give(address: Ipv4Addr, lease: u32) -> impl FnMut(&Heard) -> Vec<Message> + Send {
    give_with(address, lease, |_| {})
}

/// As [`give`], with more options.
pub(crate) fn give_with(
    address: Ipv4Addr,
    lease: u32,
    mut more: impl FnMut(&mut Message) + Send,
) -> impl FnMut(&Heard) -> Vec<Message> + Send {
    move |heard| {
        let kind = match heard.kind() {
            MessageType::Discover => MessageType::Offer,
            MessageType::Request => MessageType::Ack,
            _ => return Vec::new(),
        };
        let mut answer = answer(heard, kind, address, lease);
        more(&mut answer);
        vec![answer]
    }
}
