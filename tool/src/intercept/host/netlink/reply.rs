//! Answers as bytes: messages with attributes, in datagrams no larger than Linux makes them.

use super::request::{HEADER, Request};

/// Bytes of a datagram of several messages. Linux takes a page less its own overhead, which the smallest buffers of programs hold.
const DATAGRAM: usize = 3776;

/// Datagrams in the making, all to one port.
#[derive(Debug)]
pub(super) struct Reply {
    port: u32,
    datagrams: Vec<Vec<u8>>,
}

impl Reply {
    /// To the socket with this port.
    pub(super) fn to(port: u32) -> Self {
        Self { port, datagrams: Vec::new() }
    }

    /// Adds a message that answers `request`; several fill a datagram.
    pub(super) fn message(&mut self, request: &Request<'_>, kind: u16, flags: i32, fill: impl FnOnce(&mut Body)) {
        let mut body = Body(vec![0; HEADER]);
        fill(&mut body);
        let mut bytes = body.0;
        let len = bytes.len() as u32;
        bytes[0..4].copy_from_slice(&len.to_ne_bytes());
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags as u16).to_ne_bytes());
        bytes[8..12].copy_from_slice(&request.sequence.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.port.to_ne_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let multi = flags & libc::NLM_F_MULTI != 0;
        match self.datagrams.last_mut() {
            Some(last) if multi && last.len() + bytes.len() <= DATAGRAM => last.extend(bytes),
            _ => self.datagrams.push(bytes),
        }
    }

    /// The end of a list.
    pub(super) fn done(&mut self, request: &Request<'_>) {
        self.message(request, libc::NLMSG_DONE as u16, libc::NLM_F_MULTI, |body| body.put(&0i32.to_ne_bytes()));
    }

    /// Success (0) or an error number; `brief` leaves the question's body out.
    pub(super) fn error(&mut self, request: &Request<'_>, number: i32, brief: bool) {
        let told = if number == 0 || brief { &request.whole[..HEADER] } else { request.whole };
        let capped = if told.len() < request.whole.len() { libc::NLM_F_ROOT } else { 0 };
        self.message(request, libc::NLMSG_ERROR as u16, capped, |body| {
            body.put(&(-number).to_ne_bytes());
            body.put(told);
        });
    }

    /// What is to be sent.
    pub(super) fn datagrams(self) -> Vec<Vec<u8>> {
        self.datagrams
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.datagrams.iter().map(Vec::len).sum()
    }
}

/// A message in the making.
#[derive(Debug)]
pub(super) struct Body(Vec<u8>);

impl Body {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Adds an attribute.
    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.put(&(4 + value.len() as u16).to_ne_bytes());
        self.put(&kind.to_ne_bytes());
        self.put(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// Adds a text with its end.
    pub(super) fn text(&mut self, kind: u16, text: &str) {
        self.attribute(kind, &[text.as_bytes(), &[0]].concat());
    }

    pub(super) fn number(&mut self, kind: u16, number: u32) {
        self.attribute(kind, &number.to_ne_bytes());
    }
}
