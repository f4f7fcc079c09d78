"""What is particular to each suite: its variants, its set-up, and what is made neutral before a script runs."""
import dataclasses
import pathlib
import re

NAMES = ["google-tcp", "gvisor", "nplab-linux", "freebsd"]

#: Addresses of a variant: family as packetdrill names it, ours with its prefix, the gateway's, the peer's, MTU, definitions.
IPV4 = ("192.168.0.1", 16, "192.168.0.1", "192.0.2.1", 1500)
IPV6 = ("fd3d:a0b:17d6::1", 64, "fd3d:a0b:17d6:8888::1", "fd3d:fa7b:d17d::1", 1520)
FAMILIES = {"4": "ipv4", "m": "ipv4-mapped-ipv6", "6": "ipv6"}
DEFINITIONS = {
    "4": ["TFO_COOKIE=3021b9d889017eeb", "CODE=host_unreachable", "CMSG_LEVEL_IP=SOL_IP", "CMSG_TYPE_RECVERR=IP_RECVERR"],
    "m": ["TFO_COOKIE=3021b9d889017eeb", "CODE=host_unreachable", "CMSG_LEVEL_IP=SOL_IPV6", "CMSG_TYPE_RECVERR=IPV6_RECVERR"],
    "6": ["TFO_COOKIE=c1d1e9742a47a9bc", "CODE=address_unreachable", "CMSG_LEVEL_IP=SOL_IPV6", "CMSG_TYPE_RECVERR=IPV6_RECVERR"],
}
#: gVisor's own set-up script says this.
GVISOR_SETTINGS = {"tcp_sack": "1", "tcp_rmem": "4096 2097152 8388608", "tcp_wmem": "4096 2097152 8388608"}


@dataclasses.dataclass(frozen=True)
class Trial:
    """One script in one variant: 4, m (IPv4 by IPv6 sockets), 6, or own (IPv4 with the addresses that the script names)."""

    suite: str
    path: str
    script: pathlib.Path
    feature: str
    variant: str


def passed_by_linux(result):
    """The variants of an entry such as `pass(4+m) fail(6)` or `pass(4 own-addresses)`."""
    inside = re.match(r"pass\*?\(([^)]*)\)", result)
    if inside is None:
        return []
    return ["own"] if "own-addresses" in inside[1] else inside[1].split("+")


def variants(suite, script):
    """The variants of a script: its name may say that it is for one family."""
    name, text = script.stem, script.read_text(errors="replace")
    if "--local_ip=" in text and "ipv6" not in text:
        return ["own"]
    if name.endswith("v6"):
        return ["6"]
    if name.endswith("v4"):
        return ["4"] if suite == "freebsd" else ["4", "m"]
    return ["4"] if suite == "freebsd" else ["4", "m", "6"]


def addresses(trial):
    """Our address with its prefix, and the MTU, to be told to the library."""
    if trial.variant == "own":
        own = re.search(r"--local_ip=(\S+)", trial.script.read_text())
        return f"{own[1]}/16", 1500
    ours, prefix, _, _, mtu = IPV6 if trial.variant == "6" else IPV4
    return f"{ours}/{prefix}", mtu


def options(trial):
    """Options of packetdrill for a trial."""
    given = ["--send_omit_free"]
    if trial.suite == "gvisor":
        given.append("--tolerance_usecs=20000")
    if trial.variant == "own":
        return given + ["--ip_version=ipv4"] + [f"-D{definition}" for definition in DEFINITIONS["4"]]
    ours, _, gateway, peer, mtu = IPV6 if trial.variant == "6" else IPV4
    given += [f"--ip_version={FAMILIES[trial.variant]}", f"--mtu={mtu}"]
    given += [f"--local_ip={ours}", f"--gateway_ip={gateway}", f"--remote_ip={peer}"]
    given += ["--netmask_ip=255.255.0.0"] if trial.variant != "6" else []
    return given + [f"-D{definition}" for definition in DEFINITIONS[trial.variant]]


def settings(trial):
    """`net.ipv4.*` that differ from settings.txt."""
    return GVISOR_SETTINGS if trial.suite == "gvisor" else {}


def neutral(trial):
    """The script as it runs; none if it runs as it is."""
    text = trial.script.read_text(errors="replace")
    if trial.suite == "nplab-linux":
        # Their window scale is from another tcp_rmem.
        return "\n".join(re.sub(r"wscale 6", "wscale 7", line) if is_outbound(line) else line for line in text.split("\n"))
    if trial.suite == "freebsd":
        lines = [line for line in text.split("\n") if not is_of_freebsd(line)]
        return "\n".join(without_expectations(line) if is_outbound(line) else line for line in lines)
    return None


def is_outbound(line):
    return re.match(r"\s*[+*]?[\d.~+*]+\s+>", line) is not None


def is_of_freebsd(line):
    """A line that sets something of that system, looks into its tables, or asks for the size of a buffer."""
    return re.search(r"`\s*(sysctl|sockstat|tcpdrop|kldstat|setkey)\b", line) is not None or re.search(r"getsockopt\(.*SO_(RCV|SND)BUF", line) is not None


def without_expectations(line):
    """An outbound packet with any options and any window."""
    line = re.sub(r"<[^>]*>", "<...>", line)
    return re.sub(r"\bwin \d+", "", line)
