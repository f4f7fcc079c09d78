//! The host as unmodified programs see it: interfaces, addresses, routes, its name; never the machine's.

mod common;

use std::process::Command;

use common::{A, B, Stage};
use loggia_cli::process::Status;

/// Whether a program is there; if not the test says so and is over.
fn has(program: &str) -> bool {
    let there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    there
}

fn python(stage: &mut Stage, script: &str) -> String {
    std::fs::write(stage.folder().join("script.py"), script).expect("a file");
    let program = stage.sh(B, "exec python3 script.py");
    let outcome = stage.finish(program);
    assert_eq!(outcome.status, Status::Exit(0), "{}", outcome.output);
    outcome.output
}

const INTERFACES: &str = "\
lo 127.0.0.1 255.0.0.0
eth0 10.0.0.2 255.255.255.0
lo ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
eth0 fd00::2 ffff:ffff:ffff:ffff::
1=lo 2=eth0
2 eth0
";

/// Compiles `interfaces.c` with one of the C libraries and says what it sees.
fn interfaces_by(compiler: &str) {
    if !has(compiler) {
        return;
    }
    let mut stage = Stage::new(&format!("interfaces-{compiler}"), 0);
    let source = format!("{}/tests/programs/interfaces.c", env!("CARGO_MANIFEST_DIR"));
    let program = stage.folder().join("interfaces").to_string_lossy().into_owned();
    let made = Command::new(compiler).args(["-O1", "-o", &program, &source]).status().expect("it runs");
    assert!(made.success(), "interfaces.c does not compile");
    let handle = stage.sh(B, &format!("exec {program}"));
    let output = stage.finish(handle).output;
    // Link-local addresses are random.
    let lines: Vec<_> = output.lines().filter(|line| !line.contains("fe80:")).collect();
    assert_eq!(lines, INTERFACES.lines().collect::<Vec<_>>());
}

#[test]
fn glibc_lists_the_interfaces_of_the_host() {
    interfaces_by("cc");
}

#[test]
fn musl_lists_the_interfaces_of_the_host() {
    interfaces_by("musl-gcc");
}

#[test]
fn ip_shows_addresses_and_routes_of_the_host() {
    if !has("ip") {
        return;
    }
    let mut stage = Stage::new("ip", 0);
    let shown = stage.sh(B, "ip -br -4 addr; ip -4 route; ip route get 10.0.0.1; ip link show dev nowhere");
    let output = stage.finish(shown).output;
    let lines: Vec<_> = output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines[..3],
        ["lo UNKNOWN 127.0.0.1/8", "eth0 UP 10.0.0.2/24", "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2"]
    );
    assert!(lines[3].starts_with("10.0.0.1 dev eth0 src 10.0.0.2"), "{output}");
    assert!(output.contains("\"nowhere\" does not exist"), "{output}");
}

#[test]
fn the_older_requests_tell_the_same_on_any_socket() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("siocgif", 0);
    let script = r"
import array, errno, fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other = socket.socketpair()[0]
def ask(request, name=b'eth0', sock=s):
    try:
        return fcntl.ioctl(sock, request, struct.pack('16s24x', name))[16:]
    except OSError as error:
        return errno.errorcode[error.errno]
print([socket.inet_ntoa(ask(request)[4:8]) for request in (0x8915, 0x8919, 0x891b)])
print(hex(struct.unpack('h', ask(0x8913)[:2])[0]), struct.unpack('i', ask(0x8921)[:4])[0], struct.unpack('i', ask(0x8933, sock=other)[:4])[0])
print(ask(0x8927)[2:8].hex(':'), ask(0x8915, b'nowhere'), ask(0x8915, b'eth0:1')[4:8].hex())
room = array.array('B', bytes(400))
length, = struct.unpack('i12x', fcntl.ioctl(s, 0x8912, struct.pack('iP', 400, room.buffer_info()[0])))
print([(room[at:at + 16].tobytes().rstrip(b'\0'), socket.inet_ntoa(room[at + 20:at + 24].tobytes())) for at in range(0, length, 40)])
print(ask(0x8916, b'nowhere'), ask(0x8910, b''))
";
    let expected = "['10.0.0.2', '10.0.0.255', '255.255.255.0']\n0x1043 1500 2\n02:00:00:00:00:02 ENODEV 0a000002\n\
                    [(b'lo', '127.0.0.1'), (b'eth0', '10.0.0.2')]\nEPERM ENODEV\n";
    assert_eq!(python(&mut stage, script), expected);
}

#[test]
fn a_netlink_socket_is_one_to_whoever_looks_closely() {
    if !has("python3") {
        return;
    }
    let mut stage = Stage::new("netlink", 0);
    let script = r"
import errno, os, select, socket, struct
def named(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
def dump(kind, family=0): return struct.pack('IHHIIB3x', 20, kind, 0x301, 7, 0, family)
one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
two = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
print(one.getsockname()); one.bind((0, 0)); two.bind((0, 0))
print(one.getsockname() == (os.getpid(), 0), two.getsockname() != one.getsockname(), named(two.bind, (os.getpid(), 0)))
print([one.getsockopt(socket.SOL_SOCKET, name) for name in (socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL)])
poll = select.poll(); poll.register(one, select.POLLIN)
print(poll.poll(0), named(one.recv, 10, socket.MSG_DONTWAIT))
one.sendto(dump(18), (0, 0))
print(poll.poll(5000)[0][1], one.recvfrom(10, socket.MSG_PEEK | socket.MSG_TRUNC)[1])
data, who = one.recvfrom(65536)
print(struct.unpack('HH', data[4:8]), struct.unpack('II', data[8:16]) == (7, os.getpid()), who)
one.send(dump(22, socket.AF_INET)); print(len(one.recv(65536)) > 40)
one.sendto(struct.pack('IHHIIBxHiII', 32, 19, 1, 8, 0, 0, 0, 0x7fffffff, 0, 0), (0, 0))
print(struct.unpack('i', one.recv(100)[16:20]))
print(named(one.sendto, b'x' * 20, (1, 0)), named(one.sendto, b'x' * 20, (0, 1)), named(one.listen, 1))
many = [socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 0) for _ in range(50)]
for sock in many:
    for _ in range(400):
        named(sock.sendto, dump(18) * 20, (0, 0))
    sock.send(os.urandom(5000))
print(len(many[0].recv(65536)) > 40)
";
    let expected = "(0, 0)\nTrue True EINVAL\n[3, 16, 0]\n[] EAGAIN\n1 (0, 0)\n(16, 2) True (0, 0)\nTrue\n(-1,)\n\
                    ECONNREFUSED EPERM ENOTSUP\nTrue\n";
    assert_eq!(python(&mut stage, script), expected);
}

#[test]
fn a_host_has_its_own_name() {
    let mut stage = Stage::new("hostname", 0);
    let name = stage.world.hosts()[A.0].name.clone();
    let said = stage.sh(A, "uname -n; uname -s");
    assert_eq!(stage.finish(said).output, format!("{name}\nLinux\n"));
}

#[test]
fn nobody_renames_the_machine() {
    let mut stage = Stage::new("rename", 0);
    // Should it succeed all the same, the machine has the name it had.
    let script = "import errno, socket
try:
    socket.sethostname(open('/proc/sys/kernel/hostname').read().strip())
except OSError as error:
    print(errno.errorcode[error.errno])
";
    assert_eq!(python(&mut stage, script), "EPERM\n");
}
