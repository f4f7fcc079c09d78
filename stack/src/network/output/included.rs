//! Packets of raw sockets that wrote the IP header themselves (`IP_HDRINCL`, raw(7)).

use crate::base::{Addr, Errno, Frame, Version};
use crate::network::ipv4::{self, MAX_HEADER_LEN};
use crate::network::{Network, Outgoing, Route, ipv6};

impl Network {
    /// Of an IPv4 header the checksum and the total length are always filled in, the source and the ident if they are zero, as
    /// Linux does. An IPv6 header goes as it is. Nothing is cut: `EMSGSIZE`. `EINVAL` if there is no header.
    pub(super) fn send_included(
        &mut self,
        route: &Route,
        version: Version,
        outgoing: &Outgoing,
        mut frame: Frame,
    ) -> Result<(), Errno> {
        if frame.len() > self.link_mtu(route.link, version).min(65535) as usize {
            return Err(Errno::EMSGSIZE);
        }
        let header_len = match version {
            Version::V4 => self.complete_v4(route, &mut frame)?,
            Version::V6 if frame.len() < ipv6::HEADER_LEN => return Err(Errno::EINVAL),
            Version::V6 => ipv6::HEADER_LEN,
        };
        (frame.l2_len, frame.l3_len) = (0, header_len as u16);
        self.loop_back(route, outgoing, &frame);
        self.hand_down(route.link, route.hop, version, frame)
    }

    fn complete_v4(&mut self, route: &Route, frame: &mut Frame) -> Result<usize, Errno> {
        let [first] = frame.read::<1>(0).ok_or(Errno::EINVAL)?;
        let len = usize::from(first & 0x0f) * 4;
        if len < ipv4::HEADER_LEN || len > frame.len() {
            return Err(Errno::EINVAL);
        }
        let mut bytes = [0; MAX_HEADER_LEN];
        let header = &mut bytes[..len];
        frame.copy_to(0, header);
        header[2..4].copy_from_slice(&(frame.len() as u16).to_be_bytes());
        if header[12..16] == [0; 4] {
            header[12..16].copy_from_slice(&route.src.v4_octets());
        }
        if header[4..6] == [0; 2] {
            let dst = Addr::v4(header[16], header[17], header[18], header[19]);
            let ident = self.idents.next(route.src, dst, header[9]) as u16;
            header[4..6].copy_from_slice(&ident.to_be_bytes());
        }
        ipv4::complete_checksum(header);
        frame.pull(len);
        frame.push(len).copy_from_slice(header);
        Ok(len)
    }
}
