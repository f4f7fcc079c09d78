//! The thread that writes.

use std::io::{self, Write};
use std::time::SystemTime;

use loggia_stack::base::Frame;
use loggia_stack::link::pcapng::{self, LinkType};
use loggia_stack::link::{complete_checksum, cut};

use super::handle::Summary;
use super::queue::{Item, Packet, Queue};

/// A file on its way.
pub(super) struct Writer<'a> {
    queue: &'a Queue,
    output: &'a mut dyn Write,
    scratch: Vec<u8>,
    began: u64,
    interfaces: Vec<Interface>,
    bytes: u64,
}

/// An interface of the file.
struct Interface {
    kind: LinkType,
    /// Packets that were written.
    written: u64,
    /// Packets that the limit kept out.
    kept_out: u64,
}

/// Writes until the capture is stopped or something fails.
pub(super) fn run(queue: &Queue, output: &mut dyn Write) -> io::Result<Summary> {
    let began = now();
    let mut writer = Writer { queue, output, scratch: Vec::new(), began, interfaces: Vec::new(), bytes: 0 };
    writer.put(&pcapng::section(concat!("loggia ", env!("CARGO_PKG_VERSION")), ""))?;
    loop {
        // Somebody may be looking at it as it grows.
        writer.output.flush()?;
        let items = queue.take();
        if items.is_empty() {
            return writer.end();
        }
        for item in items {
            writer.item(item)?;
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

/// What comes from a device does not say yet where its link header ends, which cutting wants to know.
fn with_link_header(mut frame: Frame) -> Frame {
    if frame.l2_len == 0 {
        let len = if frame.read(12) == Some(0x8100_u16.to_be_bytes()) { 18 } else { 14 };
        frame.l2_len = len;
        // Only the sum of the two says where a partial checksum begins.
        frame.l3_len = frame.l3_len.saturating_sub(len.into());
    }
    frame
}

impl Writer<'_> {
    fn put(&mut self, block: &[u8]) -> io::Result<()> {
        self.bytes += block.len() as u64;
        self.output.write_all(block)
    }

    fn item(&mut self, item: Item) -> io::Result<()> {
        match item {
            Item::Interface { name, kind } => {
                self.interfaces.push(Interface { kind, written: 0, kept_out: 0 });
                self.put(&pcapng::interface(&name, "", kind, self.queue.options.snaplen))
            }
            Item::Packet(packet) => self.packet(packet),
        }
    }

    /// Writes a packet as a wire would carry it: a large one as its segments, checksums complete.
    fn packet(&mut self, packet: Packet) -> io::Result<()> {
        let Packet { interface, at, direction, frame, comments } = packet;
        let frame = match self.interfaces[interface as usize].kind {
            LinkType::Ethernet => with_link_header(frame),
            LinkType::Ip => frame,
        };
        for mut frame in cut(frame) {
            complete_checksum(&mut frame);
            let snap = if self.queue.options.snaplen == 0 { usize::MAX } else { self.queue.options.snaplen as usize };
            self.scratch.resize(frame.len().min(snap), 0);
            frame.copy_to(0, &mut self.scratch);
            let (data, len, comments) = (&self.scratch[..], frame.len(), &comments[..]);
            let block = pcapng::packet(&pcapng::Packet { interface, at, data, len, direction, comments });
            let fits = self.bytes + block.len() as u64 <= self.queue.options.limit;
            let counts = &mut self.interfaces[interface as usize];
            counts.written += u64::from(fits);
            counts.kept_out += u64::from(!fits);
            if fits {
                self.put(&block)?;
            }
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<Summary> {
        let missing = self.queue.missing();
        let mut summary = Summary { packets: 0, missing: 0, bytes: 0 };
        let interfaces = std::mem::take(&mut self.interfaces);
        for (number, (interface, no_room)) in interfaces.into_iter().zip(missing).enumerate() {
            let missing = interface.kept_out + no_room;
            self.put(&pcapng::statistics(number as u32, self.began, now(), interface.written + missing, missing))?;
            summary.packets += interface.written;
            summary.missing += missing;
        }
        self.output.flush()?;
        summary.bytes = self.bytes;
        Ok(summary)
    }
}
