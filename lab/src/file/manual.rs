//! The manual's page on the lab file, made from the tables by which files are read.

use std::fmt::Write as _;

use super::schema::{self, Key, Section};

const HEAD: &str = r#"# The lab file

<!-- Made from lab/src/file/schema.rs; `LOGGIA_BLESS=1 cargo test -p loggia-lab` writes it anew. -->

A lab file is [TOML](https://toml.io). It describes hosts, the links between them, the programs on the hosts, what changes meanwhile and what
must hold in the end. `loggia run FILE.toml` runs it.

```toml
schema = 1
seed = 42
deadline = "60s"

[link.wan]
ends = ["server", "client"]
rtt = "100ms"
jitter = "5ms"
distribution = "normal"
loss = "1%"
rate = "20mbit"
queue = { kind = "droptail", limit = "200kB" }

[[at]]
t = "10s"
link = "wan"
down = "2s"

[host.server]
run = ["./srv", "-p", "8080"]
ready = { listen = "tcp/8080" }

[host.client]
count = 3
run = ["./cli", "http://server:8080/"]
after = ["server"]

[[check]]
metric = "tcp.request"
where = { host = "client*" }
expect = ["p(99) < 450ms", "max < 3s"]
```

## Values

| value | written as |
|---|---|
| a time | a number with `ns`, `us`, `ms`, `s`, `min` or `h`: `"100ms"`, `"1.5s"` |
| a percentage | `"1%"`, `"0.01%"` |
| a rate | bits a second with `bit`, `kbit`, `mbit`, `gbit`, or bytes a second with `kB/s`, `MB/s`: `"20mbit"`, `"2.5MB/s"`; thousands, not 1024 |
| a size | `B`, `kB`, `MB`, `GB` (thousands), `KiB`, `MiB`, `GiB` (1024): `"200kB"`, `"1MiB"` |
| a name | of a link, switch, host or program: small letters, digits and hyphens, as in host names |
| a path | relative to the folder of the lab file |

Units are obligatory, unknown keys are errors, and what would have no effect is an error: nothing is silently ignored. Errors are told together, twenty
of them at most: all that is wrong with the text and all that this machine lacks, and, when the text is right, all that is wrong with the whole
(addresses, loops, hosts without a link, programs that wait for each other). Each has its line and what to write instead:

```text
lab.toml:6:1: unknown key "dealy" in [link.wan]
 6 | dealy = "50ms"
   | ^^^^^
   = did you mean "delay"?
```

## Keys
"#;

const TAIL: &str = r"
## Several changes at once

What a link does at a moment is what `[link.NAME]` says, and on top of it every `[[at]]` that holds then, the later on top of the earlier. So two
outages that overlap end with the later end of both, and a `loss` that is changed during an outage is there when the outage is over.

A partition takes links down. A switch that no group names is on the side of most of its stations; where a partition would have to go through a
switch, it is refused.

## What is given out

| what | value |
|---|---|
| hosts | `NAME`, or with a count `NAME-1`, `NAME-2`, ... |
| links | `NAME`, or where an end has a count `NAME-1`, `NAME-2`, ... by that end |
| interfaces | `eth0`, `eth1`, ... in the order of the links in the file |
| networks | the N-th link, or group of links joined by switches: `10.x.y.0/24` and `fd00:0:0:N::/64` with N = 256 x + y, from 0; more than 250 ends: `10.x.0.0/16` with x from 128 |
| addresses | 1, 2, ... in the order of the ends: `10.0.0.1` and `fd00::1` |
| link addresses | `02:00:hh:hh:pp:pp`: number of the host, number of the interface, from 0 |
| the machine | in a lab with an uplink its loopback is `10.255.255.1` and `fd00:0:0:ffff::1`, named `machine.internal` |

Addresses of one family that are stated replace those given out for that family; the other ends of the link get theirs from the same network.
A link with an `mtu` below 1280 has no IPv6.

Names resolve inside the lab: `server`, `client-2`, `client` (all of them), what `names` adds, and `localhost`. A host with several interfaces is known
to each of the others by the addresses of the one by which their packets arrive.

Routes are static and follow the shortest way through hosts with `forward = true`. A host has a default route if there is only one way out, or if
a host has `uplink = true`. Hosts know the link addresses of the first 900 of their neighbours; for others, in networks
of more than 1000 hosts, and where `arp = true`, they ask.

As on Linux a datagram to an IPv4 group goes by the interface that its program names (`IP_MULTICAST_IF`), else by the default route; a host that
has none says `ENETUNREACH`. Every interface has a route to the groups of IPv6.

## On the command line

`loggia run --rtt 100ms --loss 1% --host server='./srv -p 8080' --host 'client*3=./cli http://server:8080/' --check 'tcp.request p(99)<450ms'`
says the same as a file: every key of one direction of a link but `down` is an option, `_` being `-`; a table is `--queue codel,limit=200kB`, `--rate up=5mbit,down=20mbit`,
`--loss gilbert-elliott,enter=0.4%,leave=25%`. The links are between the first host and each other: `wan` if there is one, otherwise `wan-HOST`.
A host whose name stands in the command of another is a server to it: the other waits until it listens. `--at '10s down=2s'` is a change of all links.
";

/// The manual's page on the lab file, in Markdown.
pub fn manual() -> String {
    let mut page = HEAD.to_owned();
    for section in schema::ALL {
        part(&mut page, section);
    }
    page + TAIL
}

/// Groups of keys that sections share: the first key, the section where they stand, and what others say of them.
const SHARED: [(&str, &str, &str); 2] = [
    ("delay", "[link.NAME]", "all those of `[link.NAME]` from `delay` to `down`"),
    ("run", "[host.NAME.programs.PROGRAM]", "all those of `[host.NAME.programs.PROGRAM]`"),
];

fn part(page: &mut String, section: &Section) {
    let _ = write!(page, "\n### {}\n\n{}\n", heading(section.title), section.about);
    let elsewhere = |group: &[Key]| {
        SHARED.iter().find(|(first, home, _)| section.title != *home && group.first().is_some_and(|key| key.name == *first))
    };
    let own: Vec<&Key> = section.keys.iter().filter(|group| elsewhere(group).is_none()).flat_map(|group| group.iter()).collect();
    for (_, _, words) in section.keys.iter().filter_map(|group| elsewhere(group)) {
        let _ = writeln!(page, "\nKeys: {words}{}", if own.is_empty() { "." } else { ", and:" });
    }
    if !own.is_empty() {
        page.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
        own.into_iter().for_each(|key| row(page, key));
    }
}

/// What the file writes is code, a word is a word.
fn heading(title: &str) -> String {
    if title.contains(' ') { title.into() } else { format!("`{title}`") }
}

fn row(page: &mut String, Key { name, kind, default, meaning, example }: &Key) {
    let words = kind.words();
    let example = if matches!(*example, "{ }" | "[]") { String::new() } else { format!(": `{name} = {example}`") };
    let _ = writeln!(page, "| `{name}` | {words}{example} | {default} | {meaning} |");
}
