//! All keys of a lab file: what the reader accepts, what its errors expect, and what the manual says. There is no other list of them.

/// A part of a lab file.
#[derive(Debug)]
pub(super) struct Section {
    /// How the file writes it: `[link.NAME]`.
    pub(super) title: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    /// Its keys, in groups that sections share.
    pub(super) keys: &'static [&'static [Key]],
}

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// What its values look like.
    pub(super) kind: Kind,
    /// What holds if it is left out; empty: nothing of the kind.
    pub(super) default: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
    /// A value, as TOML.
    pub(super) example: &'static str,
}

/// What values look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Time,
    Share,
    Size,
    Whole,
    Truth,
    Text,
    Texts,
    Tables,
    /// Something that only this key has, in words.
    Own(&'static str),
}

impl Kind {
    /// In words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Time => "a time",
            Self::Share => "a percentage",
            Self::Size => "a size in bytes",
            Self::Whole => "a whole number",
            Self::Truth => "true or false",
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Tables => "tables",
            Self::Own(words) => words,
        }
    }
}

impl Section {
    /// All keys.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().flat_map(|group| group.iter())
    }

    /// The key of this name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.all().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, kind: Kind, default: &'static str, example: &'static str, meaning: &'static str) -> Key {
    Key { name, kind, default, meaning, example }
}

/// All of them, in the order of the manual.
pub(super) const ALL: [&Section; 15] =
    [&TOP, &LINK, &DIRECTION, &LOSS, &RATE, &QUEUE, &SWITCH, &HOST, &PROGRAM, &READY, &EXPECT, &STOP, &RESTART, &AT, &CHECK];

pub(super) const TOP: Section = Section {
    title: "The top of the file",
    about: "Before the first `[...]`. The parts below may come in any order.",
    keys: &[&[
        key("schema", Kind::Whole, "", "1", "Version of this format: 1. Every file states it."),
        key("seed", Kind::Whole, "1", "42", "What every fate of a packet follows from; `--seed` overrules it."),
        key(
            "deadline",
            Kind::Time,
            "60s",
            "\"60s\"",
            "The run ends at this moment of lab time at the latest; what is not decided then is inconclusive.",
        ),
        key("title", Kind::Text, "", "\"A shop behind a bad line\"", "What the lab is called in lists and reports."),
        key("description", Kind::Text, "", "\"Three clients buy at once.\"", "What it shows, in a few sentences."),
        key(
            "determinism",
            Kind::Own("\"net\", \"virtual\" or \"full\""),
            "\"net\"",
            "\"net\"",
            "What the seed must decide. `net`: every fate of a packet, while time is real. `virtual`: also time and order. \
             `full`: two runs are byte-identical. Both want built-in programs only, without `uplink` and `publish`.",
        ),
        key(
            "precise",
            Kind::Truth,
            "false",
            "true",
            "Each `send` and `recv` of the machine's programs is carried by itself, as `--precise` has it: what two of them wrote in quick succession \
             is never one segment unless TCP makes it so. Slower.",
        ),
        key("link", Kind::Tables, "", "{ }", "`[link.NAME]`, a link each."),
        key("switch", Kind::Tables, "", "{ }", "`[switch.NAME]`, a switch each."),
        key("host", Kind::Tables, "", "{ }", "`[host.NAME]`, a host each, or several alike."),
        key("at", Kind::Tables, "", "[]", "`[[at]]`, a change each while the lab runs."),
        key("check", Kind::Tables, "", "[]", "`[[check]]`, something each that must hold in the end."),
    ]],
};

const RTT: Key =
    key("rtt", Kind::Time, "0s", "\"100ms\"", "Round trip: half of it is the delay of each direction. Not beside `delay`.");

const MTU: Key = key(
    "mtu",
    Kind::Own("a whole number of bytes from 128 to 65536"),
    "1500",
    "1500",
    "Largest IP packet of the interfaces at both ends. IPv6 takes 1280 at least; below 128 no TCP segment fits, since none is made smaller than 88 bytes.",
);

const THERE: [Key; 2] = [
    key(
        "there",
        Kind::Own("a table of the keys of one direction"),
        "",
        "{ delay = \"10ms\" }",
        "What is different from the first end to the second.",
    ),
    key(
        "back",
        Kind::Own("a table of the keys of one direction"),
        "",
        "{ delay = \"90ms\" }",
        "What is different from the second end to the first.",
    ),
];

pub(super) const CONDITIONS: [Key; 20] = [
    key(
        "delay",
        Kind::Time,
        "0s",
        "\"50ms\"",
        "One way, of each packet by itself: a delay never lowers the rate. Not beside `rtt`.",
    ),
    key("jitter", Kind::Time, "0s", "\"5ms\"", "How much the delay varies: the standard deviation, or with `uniform` the most."),
    key(
        "distribution",
        Kind::Own("\"uniform\", \"normal\", \"pareto\", \"paretonormal\" or the name of a trace file"),
        "\"uniform\"",
        "\"normal\"",
        "How the variations are distributed. A file has one delay a line (`12.5ms`), used in its order and added to the delay; its name has a dot or a slash.",
    ),
    key("jitter_correlation", Kind::Share, "0%", "\"25%\"", "How much each variation takes after the one before."),
    key(
        "overtake",
        Kind::Truth,
        "false",
        "true",
        "Jitter may let a packet arrive before an earlier one of its flow; otherwise it waits for it.",
    ),
    key(
        "loss",
        Kind::Own("a percentage or a table with a model"),
        "0%",
        "\"1%\"",
        "How many packets are lost, each by itself; or a model, see below.",
    ),
    key("loss_correlation", Kind::Share, "0%", "\"25%\"", "How much each loss takes after the one before. Not beside a model."),
    key("duplicate", Kind::Share, "0%", "\"0.1%\"", "How many packets arrive twice."),
    key("duplicate_correlation", Kind::Share, "0%", "\"25%\"", "How much each doubling takes after the one before."),
    key("corrupt", Kind::Share, "0%", "\"0.01%\"", "How many packets arrive with one bit flipped."),
    key("corrupt_correlation", Kind::Share, "0%", "\"25%\"", "How much each damage takes after the one before."),
    key(
        "reorder",
        Kind::Share,
        "0%",
        "\"0.5%\"",
        "How many packets do not wait for the delay and so overtake others. Needs a delay.",
    ),
    key("reorder_correlation", Kind::Share, "0%", "\"25%\"", "How much each overtaking takes after the one before."),
    key(
        "reorder_by",
        Kind::Time,
        "the whole delay",
        "\"10ms\"",
        "How much earlier than the others a packet arrives that overtakes.",
    ),
    key(
        "rate",
        Kind::Own("a rate, \"unlimited\", or a table"),
        "\"unlimited\"",
        "\"20mbit\"",
        "How fast packets leave the queue, each direction by itself; or a table, see below.",
    ),
    key(
        "burst",
        Kind::Size,
        "0B",
        "\"15kB\"",
        "How much may leave at once after a pause; without, every packet takes the time of its bits.",
    ),
    key(
        "overhead",
        Kind::Own("a whole number of bytes, may be negative"),
        "0",
        "24",
        "Bytes that framing adds to each Ethernet frame when the rate is counted.",
    ),
    key(
        "queue",
        Kind::Own(
            "\"droptail\", \"codel\", \"fq_codel\", \"red\", \"infinite\", a limit as \"200kB\" or \"100packets\", or a table",
        ),
        "\"droptail\"",
        "\"fq_codel\"",
        "What waits for the rate, and what is dropped; or a table, see below. Only a limit: a drop-tail queue with it. Needs a rate.",
    ),
    key(
        "blackhole_mtu",
        Kind::Own("a whole number of bytes from 68 to 65536"),
        "",
        "1400",
        "Larger packets vanish without a word, as where a tunnel's ends disagree.",
    ),
    key(
        "down",
        Kind::Own("true or false; in `[[at]]` also a time"),
        "false",
        "true",
        "Nothing crosses. In `[[at]]` a time says for how long: `down = \"2s\"`.",
    ),
];

pub(super) const LINK: Section = Section {
    title: "[link.NAME]",
    about: "A link joins two hosts, a host and a switch, or two switches. Whatever is stated holds for both directions, unless `there` or `back` \
            says otherwise. A host with `count = 3` gives three links on the same terms, named `NAME-1` to `NAME-3`.",
    keys: &[
        &[
            key(
                "ends",
                Kind::Own("a list of two names of hosts or switches"),
                "",
                "[\"server\", \"client\"]",
                "What it joins; required. `down` of a rate is towards the second, `up` towards the first.",
            ),
            RTT,
        ],
        &CONDITIONS,
        &[
            MTU,
            key(
                "arp",
                Kind::Truth,
                "false",
                "true",
                "Hosts ask for link addresses (ARP, neighbour discovery), which costs a round trip at first. Otherwise they know them.",
            ),
            key(
                "must_fire",
                Kind::Truth,
                "true",
                "false",
                "A run in which `loss`, `duplicate`, `corrupt` or `reorder` touched no packet is inconclusive; `false` allows it.",
            ),
        ],
        &THERE,
    ],
};

pub(super) const DIRECTION: Section = Section {
    title: "there and back",
    about: "One direction of a link: `[link.NAME.there]`, `[link.NAME.back]`, or inline.",
    keys: &[&CONDITIONS],
};

pub(super) const LOSS: Section = Section {
    title: "loss",
    about: "A model of loss instead of a percentage: `loss = { model = \"gilbert-elliott\", enter = \"0.4%\", leave = \"25%\", bad = \"60%\" }`. \
            Each model has its own keys; they count the packets of each flow.",
    keys: &[&[
        key(
            "model",
            Kind::Own("\"gilbert-elliott\", \"four-state\", \"periodic\" or \"list\""),
            "",
            "\"gilbert-elliott\"",
            "Which one; required.",
        ),
        key("enter", Kind::Share, "", "\"0.4%\"", "`gilbert-elliott`: how often a packet finds the good state ended; required."),
        key("leave", Kind::Share, "", "\"25%\"", "`gilbert-elliott`: how often a packet finds the bad state ended; required."),
        key("bad", Kind::Share, "100%", "\"60%\"", "`gilbert-elliott`: loss in the bad state."),
        key("good", Kind::Share, "0%", "\"0.1%\"", "`gilbert-elliott`: loss in the good state."),
        key("p13", Kind::Share, "", "\"1%\"", "`four-state` (netem's): from received in a gap to lost in a burst; required."),
        key("p31", Kind::Share, "100% - p13", "\"30%\"", "`four-state`: from lost in a burst to received in a gap."),
        key("p32", Kind::Share, "0%", "\"10%\"", "`four-state`: from lost in a burst to received in a burst."),
        key("p23", Kind::Share, "100%", "\"20%\"", "`four-state`: from received in a burst to lost in a burst."),
        key("p14", Kind::Share, "0%", "\"0.1%\"", "`four-state`: from received in a gap to lost alone."),
        key("every", Kind::Whole, "", "100", "`periodic`: one packet in so many is lost; required."),
        key("first", Kind::Whole, "as every", "5", "`periodic`: the first that is lost, counted from 1."),
        key(
            "packets",
            Kind::Own("a list of whole numbers"),
            "",
            "[3, 4, 20]",
            "`list`: these packets of each flow are lost, counted from 1; required.",
        ),
    ]],
};

/// Which keys each model of loss has besides `model`.
pub(super) const LOSS_MODELS: [(&str, &[&str]); 4] = [
    ("gilbert-elliott", &["enter", "leave", "bad", "good"]),
    ("four-state", &["p13", "p31", "p32", "p23", "p14"]),
    ("periodic", &["every", "first"]),
    ("list", &["packets"]),
];

pub(super) const RATE: Section = Section {
    title: "rate",
    about: "`rate = { up = \"5mbit\", down = \"20mbit\" }` or `rate = { trace = \"lte.trace\" }`; `up` and `down` may be traces as well.",
    keys: &[&[
        key(
            "up",
            Kind::Own("a rate, \"unlimited\", or a table with a trace"),
            "\"unlimited\"",
            "\"5mbit\"",
            "Towards the first end of the link.",
        ),
        key(
            "down",
            Kind::Own("a rate, \"unlimited\", or a table with a trace"),
            "\"unlimited\"",
            "\"20mbit\"",
            "Towards the second end of the link.",
        ),
        key(
            "trace",
            Kind::Own("the name of a file"),
            "",
            "\"lte.trace\"",
            "mahimahi's format: one line for each moment, in milliseconds, at which 1500 bytes may leave; repeated for ever.",
        ),
    ]],
};

pub(super) const QUEUE: Section = Section {
    title: "queue",
    about: "`queue = { kind = \"codel\", limit = \"200kB\", ecn = true }`. What a kind has no use for is refused.",
    keys: &[&[
        key(
            "kind",
            Kind::Own("\"droptail\", \"codel\", \"fq_codel\", \"red\" or \"infinite\""),
            "\"droptail\"",
            "\"codel\"",
            "`droptail`: full is full. `codel`: RFC 8289. `fq_codel`: RFC 8290. `red`: random early detection, gentle. `infinite`: nothing is ever dropped.",
        ),
        key(
            "limit",
            Kind::Own("a size, or a number of packets: \"100packets\""),
            "1000packets; fq_codel 10240packets; red 1MB",
            "\"200kB\"",
            "How much it holds.",
        ),
        key(
            "ecn",
            Kind::Truth,
            "false",
            "true",
            "`codel`, `fq_codel`, `red`: packets of transports that understand ECN are marked instead of dropped.",
        ),
        key("target", Kind::Time, "5ms", "\"5ms\"", "`codel`, `fq_codel`: acceptable standing delay."),
        key("interval", Kind::Time, "100ms", "\"100ms\"", "`codel`, `fq_codel`: about a round trip."),
        key("flows", Kind::Whole, "1024", "1024", "`fq_codel`: number of queues."),
        key("quantum", Kind::Size, "1514B", "\"1514B\"", "`fq_codel`: how much a queue may send in its turn."),
        key("min", Kind::Size, "a third of max", "\"30kB\"", "`red`: average queue at which dropping begins."),
        key("max", Kind::Size, "a quarter of limit", "\"90kB\"", "`red`: average queue at which `probability` is reached."),
        key("probability", Kind::Share, "2%", "\"2%\"", "`red`: how many packets are dropped at `max`."),
        key("weight", Kind::Share, "0.2%", "\"0.2%\"", "`red`: how much a new sample counts in the average."),
    ]],
};

/// Which keys each kind of queue has besides `kind`.
pub(super) const QUEUE_KINDS: [(&str, &[&str]); 5] = [
    ("droptail", &["limit"]),
    ("codel", &["limit", "ecn", "target", "interval"]),
    ("fq_codel", &["limit", "ecn", "target", "interval", "flows", "quantum"]),
    ("red", &["limit", "ecn", "min", "max", "probability", "weight"]),
    ("infinite", &[]),
];

pub(super) const SWITCH: Section = Section {
    title: "[switch.NAME]",
    about: "A learning Ethernet switch. It has no keys; links name it as an end. Switches and links that form a loop are refused.",
    keys: &[],
};

pub(super) const HOST: Section = Section {
    title: "[host.NAME]",
    about: "A host, with a stack and an interface for each link that names it. Its one program may be stated here with the keys of a program \
            (below); several programs are `[host.NAME.programs.PROGRAM]`, each with those keys.",
    keys: &[
        &[
            key(
                "count",
                Kind::Whole,
                "one host with the plain name",
                "3",
                "So many hosts alike: `NAME-1` to `NAME-3`; `NAME` means all of them.",
            ),
            key(
                "address",
                Kind::Own("a list of addresses with their prefixes, or a table with such a list for each link"),
                "given out",
                "[\"192.0.2.1/24\", \"2001:db8::1/64\"]",
                "Its addresses, instead of those given out. With several links: `address = { wan = [\"192.0.2.1/24\"] }`.",
            ),
            key("names", Kind::Texts, "", "[\"www.example.com\"]", "Further names by which it is found inside the lab."),
            key("forward", Kind::Truth, "false", "true", "It is a router."),
            key(
                "uplink",
                Kind::Truth,
                "false",
                "true",
                "It stands for the machine: what others send beyond the lab goes to the machine's network by it, over the links that lead to it, and what they publish comes in by it.",
            ),
            key(
                "publish",
                Kind::Own("a list of \"[ADDRESS:]PORT:[HOST:]PORT[/udp]\""),
                "",
                "[\"8080:80\"]",
                "Ports of the machine (first) that lead to a port in the lab (second). `\"8080:server:80\"`: this host opens the connections to `server`, \
                 over its links. `\"8080:80\"`: they go to this host, from the one with `uplink`. The machine's address is 127.0.0.1 if none is stated.",
            ),
            key("programs", Kind::Tables, "", "{ }", "`[host.NAME.programs.PROGRAM]`, a program each."),
        ],
        &PROGRAM_KEYS,
    ],
};

const PROGRAM_KEYS: [Key; 14] = [
    key(
        "run",
        Kind::Own("a list of words, or one text that is split at blanks as a shell does"),
        "",
        "[\"./srv\", \"-p\", \"8080\"]",
        "A program of this machine, and its arguments. No shell is involved: for one, `[\"sh\", \"-c\", \"...\"]`.",
    ),
    key(
        "program",
        Kind::Own("a list of words, or one text"),
        "",
        "[\"web\", \"--port\", \"80\"]",
        "A program that ships with Loggia, and its arguments. Instead of `run`.",
    ),
    key(
        "ready",
        Kind::Own("\"started\", \"listen\" or a table"),
        "\"started\"; \"listen\" for built-in programs that serve until they are stopped",
        "{ listen = \"tcp/8080\" }",
        "When those that come after it may start, see below.",
    ),
    key(
        "after",
        Kind::Own("a name or a list of names"),
        "",
        "[\"server\"]",
        "Hosts, or programs as `HOST.PROGRAM`, that must be ready first.",
    ),
    key("start", Kind::Time, "0s", "\"2s\"", "Not before this moment of lab time."),
    key(
        "stop",
        Kind::Own("the name of a signal or a table"),
        "\"TERM\"",
        "\"INT\"",
        "By which signal it is stopped, and when, see below.",
    ),
    key(
        "restart",
        Kind::Own("\"never\", \"on-failure\", \"always\" or a table"),
        "\"never\"",
        "\"on-failure\"",
        "Whether it is started again when it ends by itself, see below.",
    ),
    key(
        "expect",
        Kind::Own("\"running\", \"exited\", \"any\" or a table"),
        "{ exit = 0 }; \"running\" if it is ready when it listens, unless it is a built-in program that ends by itself",
        "\"running\"",
        "In which state it must be found at the end, see below. The run is over when all have ended that are expected to.",
    ),
    key(
        "env",
        Kind::Own("a table of texts and whole numbers"),
        "",
        "{ LANG = \"C\" }",
        "Variables of its environment, besides those that `loggia` has.",
    ),
    key(
        "cwd",
        Kind::Text,
        "the lab file's folder",
        "\"site\"",
        "Its working directory. All paths are relative to the lab file's folder.",
    ),
    key(
        "user",
        Kind::Own("a name or number of a user"),
        "the one who runs loggia",
        "\"www-data\"",
        "The user it runs as; needs permission.",
    ),
    key("stdin", Kind::Text, "nothing", "\"input.txt\"", "The file that it reads."),
    key("stdout", Kind::Text, "", "\"out.txt\"", "A file for its output, besides the run folder's."),
    key("stderr", Kind::Text, "", "\"errors.txt\"", "A file for its errors, besides the run folder's."),
];

pub(super) const PROGRAM: Section = Section {
    title: "[host.NAME.programs.PROGRAM]",
    about: "A program on a host. The same keys stand in `[host.NAME]` itself for a host's only or main program.",
    keys: &[&PROGRAM_KEYS],
};

pub(super) const READY: Section = Section {
    title: "ready",
    about: "The stack knows when a program listens: no sleeping, no probing. `\"started\"`: at once. `\"listen\"`: when it listens on any port. Or one of:",
    keys: &[&[
        key(
            "listen",
            Kind::Own("a port as \"tcp/8080\", or a list of them"),
            "",
            "\"tcp/8080\"",
            "When its host listens on all of these ports (UDP: has bound them).",
        ),
        key(
            "exit",
            Kind::Own("a status from 0 to 255"),
            "",
            "0",
            "When it has ended with this status: for what prepares others.",
        ),
    ]],
};

pub(super) const EXPECT: Section = Section {
    title: "expect",
    about: "`\"running\"`: until it is stopped. `\"exited\"`: by itself, with any status. `\"any\"`: whatever; the run does not wait for it. Or one of:",
    keys: &[&[
        key("exit", Kind::Own("a status from 0 to 255"), "", "0", "It ends by itself with this status."),
        key("signal", Kind::Own("the name or number of a signal"), "", "\"KILL\"", "It ends by this signal."),
    ]],
};

pub(super) const STOP: Section = Section {
    title: "stop",
    about: "`stop = \"INT\"` names only the signal.",
    keys: &[&[
        key("signal", Kind::Own("the name or number of a signal"), "\"TERM\"", "\"INT\"", "By which signal it is stopped."),
        key("at", Kind::Time, "the end of the run", "\"10s\"", "At which moment of lab time."),
        key(
            "grace",
            Kind::Time,
            "2s",
            "\"2s\"",
            "How long after that it is killed if it is still there, which the report says and the verdict does not mind. At the end of the run \
             it may before go on for as long with connections whose other end has closed.",
        ),
        key(
            "exit",
            Kind::Own("a status from 0 to 255"),
            "",
            "1",
            "A status that it may answer with. 0, the signal, and 128 and the signal's number are good answers always.",
        ),
    ]],
};

pub(super) const RESTART: Section = Section {
    title: "restart",
    about: "`restart = \"always\"` names only when.",
    keys: &[&[
        key(
            "when",
            Kind::Own("\"never\", \"on-failure\" or \"always\""),
            "",
            "\"on-failure\"",
            "`on-failure`: if it ended by a signal or with another status than 0. Required.",
        ),
        key("delay", Kind::Time, "0s", "\"1s\"", "How long after its end."),
        key("most", Kind::Whole, "no limit", "5", "How often at most."),
    ]],
};

pub(super) const AT: Section = Section {
    title: "[[at]]",
    about: "A change while the lab runs: at `t`, what `link` or `host` names has the stated values, all other values stay. With `for` the old \
            values come back after that time. Or a `partition`.",
    keys: &[
        &[
            key("t", Kind::Time, "", "\"10s\"", "When, in lab time; required."),
            key(
                "link",
                Kind::Own("a name or a list of names of links"),
                "",
                "\"wan\"",
                "Which links: one, or all that came of it.",
            ),
            key("host", Kind::Own("a name or a list of names of hosts"), "", "\"client-2\"", "All links of these hosts."),
            key("for", Kind::Time, "for good", "\"5s\"", "How long; after that what was before holds again."),
            key(
                "partition",
                Kind::Own("a list of names of hosts and switches, or a list of such lists"),
                "",
                "[\"server\"]",
                "Groups that no longer reach each other: all links between them are down. Whoever is not named is in one more group.",
            ),
            key("up", Kind::Truth, "", "true", "The links are no longer down."),
            Key { default: "", ..RTT },
            Key { default: "", ..MTU },
        ],
        &CONDITIONS,
        &THERE,
    ],
};

pub(super) const CHECK: Section = Section {
    title: "[[check]]",
    about: "Something that must hold in the end, in k6's words: a statistic (`p(N)`, `min`, `max`, `avg`, `med`, `count`, `rate`, `value`), one of \
            `< <= > >= == !=`, and a value with its unit.",
    keys: &[&[
        key(
            "metric",
            Kind::Text,
            "",
            "\"tcp.request\"",
            "Of which metric; required. They are listed in the manual's chapter on metrics.",
        ),
        key(
            "where",
            Kind::Own("a table of patterns"),
            "all samples",
            "{ host = \"client*\" }",
            "Whose samples count: all patterns must match; `*` and `?` as in file names.",
        ),
        key(
            "expect",
            Kind::Own("a bound or a list of bounds"),
            "",
            "[\"p(99) < 450ms\", \"max < 3s\"]",
            "What must hold; required.",
        ),
        key("min_samples", Kind::Whole, "3 / (1 - N/100) for p(N), else 1", "300", "With fewer samples the run is inconclusive."),
    ]],
};
