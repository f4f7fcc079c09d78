//! The whole state of a host as text: a tree for people, rows in the manner of `ss`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::stack::Stack;
use crate::base::{SocketId, TcpState};
use crate::socket::{Kind, Row};
use crate::transport::tcp::TcpInfo;

impl Stack {
    /// The state as a tree: links, addresses, routes, neighbours, sockets with their queues, TCP's numbers, timers, memory.
    /// Made for reading; its form may change.
    pub fn inspect(&self) -> String {
        let mut text = String::new();
        self.write_tree(&mut text).expect("a string takes everything");
        text
    }

    /// Every socket in one line, in the manner of `ss -a`, with a heading. Connections in TIME-WAIT are not listed.
    pub fn inspect_sockets(&self) -> String {
        let mut text = String::from(Row::HEADING);
        for row in self.socket_rows() {
            write!(text, "\n{row}").expect("a string takes everything");
        }
        text.push('\n');
        text
    }

    /// Every socket as a row, for programs.
    pub fn socket_rows(&self) -> Vec<Row> {
        self.sockets.rows()
    }

    /// What `TCP_INFO` tells of a socket; none for other sockets.
    pub fn tcp_info(&self, socket: SocketId) -> Option<TcpInfo> {
        match self.sockets.record(socket).ok()?.kind {
            Kind::Tcp(key) => Some(self.sockets.tcp.info(key)),
            _ => None,
        }
    }

    /// The state of a TCP socket; none for other sockets.
    pub fn tcp_state(&self, socket: SocketId) -> Option<TcpState> {
        self.tcp_info(socket).map(|info| info.state)
    }

    fn write_tree(&self, out: &mut String) -> fmt::Result {
        let base = &self.net.links.base;
        writeln!(out, "stack at {}", base.now)?;
        writeln!(
            out,
            "├─ memory {} of {} bytes, pressure {:?}",
            base.budget.used(),
            base.budget.limit(),
            base.budget.pressure()
        )?;
        writeln!(out, "├─ timers {} armed, next not before {}", base.timers.len(), base.timers.next_deadline())?;
        self.write_links(out)?;
        self.write_routes(out)?;
        self.write_neighbours(out)?;
        self.write_sockets(out)?;
        self.write_counters(out)
    }

    fn write_links(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "├─ links")?;
        for status in self.net.links.links() {
            let state = if status.up { "up" } else { "down" };
            let config = status.config;
            writeln!(
                out,
                "│  ├─ {} {} {:?} mtu {} {state}, {} bytes queued",
                status.link.0, config.name, config.medium, config.mtu, status.queued
            )?;
            for assigned in self.net.addresses.on_link(status.link) {
                writeln!(out, "│  │  ├─ {} {:?}", assigned.cidr, assigned.state)?;
            }
        }
        Ok(())
    }

    fn write_routes(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "├─ routes")?;
        for entry in self.net.route_entries() {
            writeln!(out, "│  ├─ {} {:?} link {} metric {}", entry.dst, entry.via, entry.link.0, entry.metric)?;
        }
        Ok(())
    }

    fn write_neighbours(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "├─ neighbours")?;
        for neighbour in self.net.links.neighbours() {
            let (link, waiting) = (neighbour.link.0, neighbour.waiting);
            writeln!(
                out,
                "│  ├─ {} link {link} {:?} {:?}, {waiting} packets wait",
                neighbour.addr, neighbour.mac, neighbour.state
            )?;
        }
        Ok(())
    }

    fn write_sockets(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "├─ sockets {}", self.sockets.len())?;
        for row in self.sockets.rows() {
            let Row { socket, netid, state, recv_q, send_q, local, peer } = &row;
            let name = socket.map_or_else(|| String::from("-"), |id| alloc::format!("{id:?}"));
            writeln!(out, "│  ├─ {name} {netid} {state} {local} → {peer}, receive {recv_q}, send {send_q}")?;
            if let Some(info) = socket.and_then(|id| self.tcp_info(id)).filter(|info| info.state != TcpState::Closed) {
                write_tcp(out, &info)?;
            }
        }
        Ok(())
    }

    fn write_counters(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "└─ counters")?;
        for (group, name, value) in self.counters().iter().filter(|(_, _, value)| *value != 0) {
            writeln!(out, "   ├─ {group} {name} {value}")?;
        }
        Ok(())
    }
}

fn write_tcp(out: &mut String, info: &TcpInfo) -> fmt::Result {
    let ms = |micros: u32| f64::from(micros) / 1000.0;
    writeln!(
        out,
        "│  │  ├─ cwnd {} ssthresh {} mss {} rtt {} ms ± {} rto {} ms",
        info.snd_cwnd,
        info.snd_ssthresh,
        info.snd_mss,
        ms(info.rtt_us),
        ms(info.rttvar_us),
        ms(info.rto_us)
    )?;
    writeln!(
        out,
        "│  │  └─ in flight {} lost {} retransmitted {} (total {}), windows {} out {} in",
        info.unacked, info.lost, info.retrans, info.total_retrans, info.snd_wnd, info.rcv_wnd
    )
}
