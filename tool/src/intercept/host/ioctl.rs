//! `SIOCGIFCONF`, `SIOCGIFADDR` and kin: the older way to ask for interfaces, which any socket answers (`netdevice(7)`).

use loggia_lab::world::World;
use loggia_stack::base::Addr;

use super::super::Supervisor;
use super::super::call::Call;
use super::super::fault::{Answer, DONE, Fault, Outcome};
use super::interface::{self, Interface};
use crate::sys::socket;

const SIOCGIFNAME: u32 = 0x8910;
const SIOCGIFCONF: u32 = 0x8912;
const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCGIFADDR: u32 = 0x8915;
const SIOCGIFDSTADDR: u32 = 0x8917;
const SIOCGIFBRDADDR: u32 = 0x8919;
const SIOCGIFNETMASK: u32 = 0x891b;
const SIOCGIFMETRIC: u32 = 0x891d;
const SIOCGIFMTU: u32 = 0x8921;
const SIOCGIFHWADDR: u32 = 0x8927;
const SIOCGIFINDEX: u32 = 0x8933;
const SIOCGIFTXQLEN: u32 = 0x8942;
const SIOCETHTOOL: u32 = 0x8946;
const SIOCGARP: u32 = 0x8954;
const SIOCGIFMAP: u32 = 0x8970;

/// Those that would change something.
const CHANGES: [u32; 23] = [
    0x8911, 0x8914, 0x8916, 0x8918, 0x891a, 0x891c, 0x891e, 0x8920, 0x8922, 0x8923, 0x8924, 0x8926, 0x8930, 0x8931, 0x8932,
    0x8934, 0x8936, 0x8937, 0x8943, 0x8949, 0x8953, 0x8955, 0x8971,
];

/// Bytes of `struct ifreq`, of the name in it, and of `struct ifconf`.
const IFREQ: usize = 40;
const NAME: usize = 16;
const IFCONF: usize = 16;

/// `IFF_*` that 16 bits have room for.
const SHORT: u32 = 0xffff;
/// The length of the output queue that is told: that of Linux's devices.
pub(super) const QUEUE_LENGTH: u32 = 1000;

impl Supervisor {
    /// Answers a question about interfaces; `Native` for what is no socket.
    pub(in super::super) fn ask_interface(&mut self, world: &World, call: &Call) -> Outcome {
        let Ok(copy) = self.threads.copy(call.thread(), call.descriptor()) else { return Ok(Answer::Native) };
        if socket::cookie(std::os::fd::AsFd::as_fd(&copy)).is_err() {
            return Ok(Answer::Native);
        }
        drop(copy);
        let interfaces = interface::all(world.hosts()[call.host().0].stack());
        match call.int(1) as u32 {
            SIOCGIFCONF => list(call, &interfaces),
            SIOCGIFNAME => name(call, &interfaces),
            SIOCGARP => Err(Fault(libc::ENXIO)),
            request if CHANGES.contains(&request) => Err(Fault(libc::EPERM)),
            request => {
                let name: [u8; NAME] = call.read_array(call.word(2))?;
                let found = named(&interfaces, &name).ok_or(Fault(libc::ENODEV))?;
                let value = about(found, request)?;
                call.write(call.word(2).wrapping_add(NAME as u64), &value)?;
                DONE
            }
        }
    }
}

/// True for the requests that are about interfaces, whatever socket they are made on.
pub(in super::super) fn is_about_interfaces(request: u32) -> bool {
    (SIOCGIFNAME..0x8980).contains(&request)
}

/// `eth0:1` is an older word for `eth0`.
fn named<'a>(interfaces: &'a [Interface], name: &[u8; NAME]) -> Option<&'a Interface> {
    let name = name.split(|byte| matches!(byte, 0 | b':')).next()?;
    interfaces.iter().find(|interface| interface.name.as_bytes() == name)
}

/// What stands behind the name in `struct ifreq`.
fn about(interface: &Interface, request: u32) -> Result<Vec<u8>, Fault> {
    let first = || interface.first_v4().ok_or(Fault(libc::EADDRNOTAVAIL));
    Ok(match request {
        SIOCGIFFLAGS => ((interface.flags() & SHORT) as u16).to_ne_bytes().into(),
        SIOCGIFADDR | SIOCGIFDSTADDR => inet(first()?.cidr.addr),
        SIOCGIFBRDADDR => inet(interface.broadcast(first()?).unwrap_or(Addr::V4_ANY)),
        SIOCGIFNETMASK => inet(interface::netmask(first()?.cidr.prefix)),
        SIOCGIFMETRIC => 0i32.to_ne_bytes().into(),
        SIOCGIFMTU => interface.mtu.to_ne_bytes().into(),
        SIOCGIFHWADDR => {
            let mac = interface.link_addresses().map_or([0; 6], |(mac, _)| mac.0);
            [&interface.hardware().to_ne_bytes()[..], &mac, &[0; 8]].concat()
        }
        SIOCGIFINDEX => i32::from(interface.index).to_ne_bytes().into(),
        SIOCGIFTXQLEN => QUEUE_LENGTH.to_ne_bytes().into(),
        SIOCGIFMAP => vec![0; IFREQ - NAME],
        SIOCETHTOOL => return Err(Fault(libc::EOPNOTSUPP)),
        _ => return Err(Fault(libc::EINVAL)),
    })
}

/// `struct sockaddr_in` without a port.
fn inet(addr: Addr) -> Vec<u8> {
    [&(libc::AF_INET as u16).to_ne_bytes()[..], &[0; 2], &addr.v4_octets(), &[0; 8]].concat()
}

/// `SIOCGIFCONF`: those that have an IPv4 address, one entry for each.
fn list(call: &Call, interfaces: &[Interface]) -> Outcome {
    let bytes: [u8; IFCONF] = call.read_array(call.word(2))?;
    let (len, rest) = bytes.split_at(8);
    let room = i32::from_ne_bytes(len[..4].try_into().expect("four bytes"));
    let buffer = u64::from_ne_bytes(rest.try_into().expect("eight bytes"));
    let mut entries = Vec::new();
    for interface in interfaces {
        for assigned in interface.addresses.iter().filter(|assigned| assigned.cidr.addr.is_v4()) {
            entries.extend(entry(&interface.name, assigned.cidr.addr));
        }
    }
    let told = if buffer == 0 {
        entries.len()
    } else {
        let room = usize::try_from(room).map_err(|_| Fault(libc::EINVAL))?;
        let whole = (room / IFREQ * IFREQ).min(entries.len());
        call.write(buffer, &entries[..whole])?;
        whole
    };
    call.write(call.word(2), &(told as i32).to_ne_bytes())?;
    DONE
}

/// `struct ifreq` with an address.
fn entry(name: &str, addr: Addr) -> [u8; IFREQ] {
    let mut bytes = [0; IFREQ];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    let address = inet(addr);
    bytes[NAME..NAME + address.len()].copy_from_slice(&address);
    bytes
}

/// `SIOCGIFNAME`: from a number to a name.
fn name(call: &Call, interfaces: &[Interface]) -> Outcome {
    let index = call.read_int(call.word(2).wrapping_add(NAME as u64))?;
    let found = interfaces.iter().find(|interface| i32::from(interface.index) == index).ok_or(Fault(libc::ENODEV))?;
    let mut bytes = [0; NAME];
    bytes[..found.name.len()].copy_from_slice(found.name.as_bytes());
    call.write(call.word(2), &bytes)?;
    DONE
}
