//! `[host.NAME]`

use std::net::{IpAddr, Ipv4Addr};

use loggia_stack::base::{Addr, Cidr};

use crate::file::node::{Entry, Node, NodeKind};
use crate::file::reader::{Fields, Reader, text_of, texts_of};
use crate::file::schema::{HOST, PROGRAM};
use crate::file::source::Spanned;
use crate::file::{Address, Host, Program, Protocol, Publish};

/// Most hosts of one name.
const MOST: i64 = 10_000;

impl Reader<'_> {
    pub(super) fn host(&mut self, entry: &Entry) -> Option<Host> {
        let fields = self.fields(&HOST, format!("[host.{}]", entry.key.value), &entry.node)?;
        Some(Host {
            name: entry.key.clone(),
            count: self.whole(&fields, "count", 1..=MOST).map(|count| count.map(|count| count as u32)),
            programs: self.programs(&fields),
            addresses: self.addresses(&fields),
            names: self.further_names(&fields),
            forward: self.truth(&fields, "forward").is_some_and(|forward| forward.value),
            uplink: self.truth(&fields, "uplink").filter(|uplink| uplink.value),
            publish: self.publish(&fields),
        })
    }

    fn programs(&mut self, fields: &Fields<'_>) -> Vec<Program> {
        let mut programs = Vec::new();
        programs.extend(self.program(fields, None));
        let entries = fields.get("programs").and_then(|node| self.table("programs", node)).unwrap_or_default();
        for entry in entries {
            let title = format!("{}.programs.{}]", fields.title.trim_end_matches(']'), entry.key.value);
            self.name("a program", &entry.key);
            if let Some(fields) = self.fields(&PROGRAM, title, &entry.node) {
                programs.extend(self.program(&fields, Some(entry.key.clone())));
            }
        }
        programs
    }

    fn addresses(&mut self, fields: &Fields<'_>) -> Vec<Address> {
        let Some(node) = fields.get("address") else { return Vec::new() };
        match &node.kind {
            NodeKind::Table(entries) => {
                entries.iter().flat_map(|entry| self.addresses_of(fields, &entry.node, Some(&entry.key))).collect()
            }
            _ => self.addresses_of(fields, node, None),
        }
    }

    fn addresses_of(&mut self, fields: &Fields<'_>, node: &Node, link: Option<&Spanned<String>>) -> Vec<Address> {
        let Some(texts) = texts_of(node) else {
            self.refuse_by_schema(fields, "address", node);
            return Vec::new();
        };
        let mut addresses = Vec::new();
        for text in texts {
            match cidr(&text) {
                Ok(cidr) => addresses.push(Address { link: link.cloned(), cidr: Spanned::new(cidr, text.span) }),
                Err(remedy) => self.errors.add(text.span, format!("{:?} is no address of a host", text.value), remedy),
            }
        }
        addresses
    }

    fn further_names(&mut self, fields: &Fields<'_>) -> Vec<Spanned<String>> {
        let names = self.texts(fields, "names").unwrap_or_default();
        for name in &names {
            let label = |label: &str| {
                let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
                plain && !label.is_empty() && label.len() <= 63
            };
            if name.len() > 253 || !name.split('.').all(label) {
                self.errors.add(
                    name.span,
                    format!("{:?} is no name of a host", name.value),
                    "expected labels of letters, digits and hyphens: \"www.example.com\"",
                );
            }
        }
        names
    }

    fn publish(&mut self, fields: &Fields<'_>) -> Vec<Spanned<Publish>> {
        let Some(node) = fields.get("publish") else { return Vec::new() };
        let nodes = match &node.kind {
            NodeKind::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut all = Vec::new();
        for node in nodes {
            match text_of(node).and_then(|text| published(&text)) {
                Some(publish) => all.push(Spanned::new(publish, node.span)),
                None => self.refuse(
                    "publish",
                    node,
                    "expected [ADDRESS:]PORT:[HOST:]PORT[/udp], the machine's port first: \"8080:80\", \"8080:server:80\"",
                ),
            }
        }
        all
    }
}

/// An address with its prefix, which a host can have.
fn cidr(text: &str) -> Result<Cidr, String> {
    let Some((address, prefix)) = text.split_once('/') else {
        let prefix = if text.contains(':') { 64 } else { 24 };
        return Err(format!("expected the prefix of its network as well: \"{text}/{prefix}\""));
    };
    let form = "expected an address and the prefix of its network: \"192.0.2.1/24\", \"2001:db8::1/64\"";
    let addr: Addr = address.parse().map_err(|_| form.to_owned())?;
    let longest = if addr.is_v4() { 32 } else { 128 };
    let prefix: u8 = prefix.parse().ok().filter(|prefix| (1..=longest).contains(prefix)).ok_or(form)?;
    if addr.is_unspecified() || addr.is_multicast() || addr.is_loopback() || addr.is_limited_broadcast() {
        return Err("expected a unicast address; loopback, groups and broadcast are not given to links".into());
    }
    let cidr = Cidr::new(addr, prefix);
    if cidr.broadcast() == Some(addr) || addr.is_v4() && prefix < 31 && cidr.network() == addr {
        return Err(format!(
            "it is the network's own or its broadcast address: the hosts of {}/{prefix} lie between them",
            cidr.network()
        ));
    }
    Ok(cidr)
}

/// `[ADDRESS:]PORT:[HOST:]PORT[/udp]`; an IPv6 address in brackets.
fn published(text: &str) -> Option<Publish> {
    let (text, protocol) = match text.split_once('/') {
        None => (text, Protocol::Tcp),
        Some((text, "tcp")) => (text, Protocol::Tcp),
        Some((text, "udp")) => (text, Protocol::Udp),
        Some(_) => return None,
    };
    let (machine, rest) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once("]:")?;
            (Some(IpAddr::V6(address.parse().ok()?)), rest)
        }
        None => match text.split_once(':') {
            Some((address, rest)) if address.contains('.') => (Some(IpAddr::V4(address.parse().ok()?)), rest),
            _ => (None, text),
        },
    };
    let parts: Vec<&str> = rest.split(':').collect();
    let (machine_port, to, port) = match parts.as_slice() {
        [machine, port] => (machine, None, port),
        [machine, host, port] if !host.is_empty() => (machine, Some((*host).to_owned()), port),
        _ => return None,
    };
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let machine = machine.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Some(Publish { machine, machine_port: machine_port.parse().ok()?, to, port, protocol })
}
