//! `sendmsg`: what all types check, and the two ways data goes: in pieces (streams) or whole (datagrams, seqpackets).

use alloc::vec::Vec;

use super::accounting::{longest_message, message_charge, piece_charge, piece_len};
use super::delivery::Parcel;
use super::message::Gather;
use super::{Credentials, Right, SCM_MAX_FD, Unix, UnixAddress, UnixControl, UnixKind, UnixState};
use crate::base::{Base, Errno, Key, MsgFlags};

impl Unix {
    /// Sends `data` (its slices one after another) and says how many bytes were taken: of a message all, of a stream as many as
    /// the send buffer lets.
    ///
    /// The rights are given away by the call, whatever it answers: those it does not queue come out of [`Unix::dropped_right`].
    /// Of a stream's pieces the first carries them; a write of no bytes loses them.
    ///
    /// * Streams: `EISCONN` or `EOPNOTSUPP` with an address, `ENOTCONN`, `EPIPE`, `EAGAIN`, `EOPNOTSUPP` for an urgent write of no bytes.
    /// * Messages: `EMSGSIZE`, `EPIPE`, `EAGAIN` (the send buffer or the receiver's queue is full), `ENOTCONN` without a peer; of datagrams
    ///   also what [`Unix::connect`] gives for an address, and `ECONNREFUSED` once if the peer was closed. `EOPNOTSUPP` for urgent data.
    ///   A seqpacket ignores the address, as on Linux.
    /// * All: the pending error; `EINVAL` for more than [`SCM_MAX_FD`] rights, `ETOOMANYREFS`, `EPERM` for false credentials or to a
    ///   receiver that takes no rights, `ENOBUFS` if the stack's memory budget is used up.
    pub fn send(
        &mut self,
        base: &mut Base,
        id: Key,
        data: &[&[u8]],
        to: Option<&UnixAddress>,
        flags: MsgFlags,
        control: UnixControl,
    ) -> Result<usize, Errno> {
        let UnixControl { mut rights, credentials } = control;
        let mut data = Gather::new(data);
        let mut letter = Letter { data: &mut data, rights: &mut rights, credentials, flags };
        let sent = match self.sockets[id].kind {
            UnixKind::Stream => self.send_stream(base, id, to, &mut letter),
            UnixKind::Datagram => self.send_message(base, id, to, &mut letter),
            UnixKind::SeqPacket => self.check_seqpacket(id).and_then(|()| self.send_message(base, id, None, &mut letter)),
        };
        self.rights.refuse(rights);
        sent
    }

    /// Linux tells a seqpacket's pending error and missing connection before anything else.
    fn check_seqpacket(&mut self, id: Key) -> Result<(), Errno> {
        let socket = &mut self.sockets[id];
        socket.check_error()?;
        if socket.state == UnixState::Established { Ok(()) } else { Err(Errno::ENOTCONN) }
    }

    fn check_control(&self, id: Key, letter: &Letter<'_, '_>) -> Result<(), Errno> {
        let own = self.sockets[id].credentials;
        if letter.rights.len() > SCM_MAX_FD {
            return Err(Errno::EINVAL);
        }
        // Linux asks for capabilities; user 0 is who has them here.
        match letter.credentials {
            Some(claimed) if claimed != own && own.uid != 0 => Err(Errno::EPERM),
            _ => Ok(()),
        }
    }

    fn send_stream(
        &mut self,
        base: &mut Base,
        id: Key,
        to: Option<&UnixAddress>,
        letter: &mut Letter<'_, '_>,
    ) -> Result<usize, Errno> {
        self.check_control(id, letter)?;
        let urgent = letter.flags.contains(MsgFlags::OOB);
        let total = letter.data.left();
        if urgent && total == 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let socket = &self.sockets[id];
        if to.is_some() {
            return Err(if socket.state == UnixState::Established { Errno::EISCONN } else { Errno::EOPNOTSUPP });
        }
        let peer = socket.peer.ok_or(Errno::ENOTCONN)?;
        if socket.shut.send() {
            return Err(Errno::EPIPE);
        }
        // The last byte of an urgent write goes apart: it alone is urgent.
        let plain = usize::from(urgent);
        while letter.data.left() > 0 {
            let left = letter.data.left();
            let len = if left > plain { piece_len(left - plain, self.sockets[id].options.send_buffer) } else { left };
            if let Err(errno) = self.send_piece(base, id, peer, letter, len, left == plain) {
                let sent = total - left;
                return if sent > 0 { Ok(sent) } else { Err(errno) };
            }
        }
        Ok(total)
    }

    fn send_piece(
        &mut self,
        base: &mut Base,
        id: Key,
        peer: Key,
        letter: &mut Letter<'_, '_>,
        len: usize,
        urgent: bool,
    ) -> Result<(), Errno> {
        let charge = piece_charge(len);
        self.may_charge(base, id, charge)?;
        self.rights.admit(letter.rights)?;
        let receiver = &self.sockets[peer];
        if receiver.dead || receiver.shut.receive() {
            return Err(Errno::EPIPE);
        }
        if !letter.rights.is_empty() && !receiver.options.pass_rights {
            return Err(Errno::EPERM);
        }
        if urgent {
            self.make_urgent(peer);
        }
        self.deliver(base, id, peer, letter.parcel(len, charge, urgent));
        Ok(())
    }

    fn send_message(
        &mut self,
        base: &mut Base,
        id: Key,
        to: Option<&UnixAddress>,
        letter: &mut Letter<'_, '_>,
    ) -> Result<usize, Errno> {
        self.check_control(id, letter)?;
        if letter.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if to.is_some_and(UnixAddress::is_unnamed) {
            return Err(Errno::EINVAL);
        }
        self.autobind_for_credentials(base, id)?;
        let len = letter.data.left();
        if len > longest_message(self.sockets[id].options.send_buffer) {
            return Err(Errno::EMSGSIZE);
        }
        let charge = message_charge(len);
        self.may_charge(base, id, charge)?;
        self.rights.admit(letter.rights)?;
        // Linux looks for the receiver last: what is wrong with the message is told before a missing or unknown address.
        let receiver = self.receiver(base, id, to)?;
        self.check_receiver(id, receiver, letter)?;
        self.deliver(base, id, receiver, letter.parcel(len, charge, false));
        Ok(len)
    }

    /// Whom a message goes to. A peer that was closed is found out here, once.
    fn receiver(&mut self, base: &mut Base, id: Key, to: Option<&UnixAddress>) -> Result<Key, Errno> {
        if let Some(address) = to {
            return self.find(id, address);
        }
        let socket = &self.sockets[id];
        let peer = socket.peer.ok_or(Errno::ENOTCONN)?;
        if !self.sockets[peer].dead {
            return Ok(peer);
        }
        if socket.connects() {
            return Err(Errno::EPIPE);
        }
        self.set_peer(base, id, None);
        Err(Errno::ECONNREFUSED)
    }

    fn check_receiver(&mut self, id: Key, receiver: Key, letter: &Letter<'_, '_>) -> Result<(), Errno> {
        let target = &self.sockets[receiver];
        if !self.may_send(id, receiver) {
            Err(Errno::EPERM)
        } else if target.shut.receive() {
            Err(Errno::EPIPE)
        } else if !letter.rights.is_empty() && !target.options.pass_rights {
            Err(Errno::EPERM)
        } else if self.must_wait(id, receiver) {
            self.wait_for(id, receiver);
            Err(Errno::EAGAIN)
        } else {
            Ok(())
        }
    }
}

/// One send call on its way.
struct Letter<'a, 'b> {
    data: &'a mut Gather<'b>,
    rights: &'a mut Vec<Right>,
    credentials: Option<Credentials>,
    flags: MsgFlags,
}

impl Letter<'_, '_> {
    /// The next `len` bytes, with the rights if they have not gone yet.
    fn parcel(&mut self, len: usize, charge: usize, urgent: bool) -> Parcel {
        let data = self.data.take(len);
        Parcel { data, charge, rights: core::mem::take(self.rights), credentials: self.credentials, urgent }
    }
}
