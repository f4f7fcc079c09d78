//! Counters, named as in Linux's `/proc/net/snmp`, `/proc/net/snmp6` and `/proc/net/netstat`.

use super::discard::Discard;

macro_rules! counters {
    ($($(#[$group_doc:meta])* $group:ident : $kind:ident { $($field:ident = $name:literal,)* })*) => {
        $(
            $(#[$group_doc])*
            #[derive(Clone, Debug, Default, PartialEq, Eq)]
            #[non_exhaustive]
            pub struct $kind { $(#[doc = concat!("`", $name, "`")] pub $field: u64,)* }
        )*

        /// All counters of a stack.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$group_doc])* pub $group: $kind,)*
            /// Discards by reason, indexed by `Discard as usize`.
            pub discards: alloc::vec::Vec<u64>,
        }

        impl Counters {
            /// All counters set to zero.
            pub fn new() -> Self {
                Self { $($group: $kind::default(),)* discards: alloc::vec![0; Discard::ALL.len()] }
            }

            /// Every counter as (group, name, value), discards last.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                let named = [$($((stringify!($kind), $name, self.$group.$field),)*)*];
                let discards = Discard::ALL.iter().map(|&reason| ("Discard", reason.text(), self.discards[reason as usize]));
                named.into_iter().chain(discards)
            }
        }
    };
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

counters! {
    /// IP, both families together (`Ip:` and `Ip6`).
    ip: Ip {
        in_receives = "InReceives",
        in_hdr_errors = "InHdrErrors",
        in_addr_errors = "InAddrErrors",
        in_no_routes = "InNoRoutes",
        forw_datagrams = "ForwDatagrams",
        in_unknown_protos = "InUnknownProtos",
        in_discards = "InDiscards",
        in_delivers = "InDelivers",
        in_mcast_pkts = "InMcastPkts",
        in_bcast_pkts = "InBcastPkts",
        in_octets = "InOctets",
        out_requests = "OutRequests",
        out_discards = "OutDiscards",
        out_no_routes = "OutNoRoutes",
        out_octets = "OutOctets",
        reasm_timeout = "ReasmTimeout",
        reasm_reqds = "ReasmReqds",
        reasm_oks = "ReasmOKs",
        reasm_fails = "ReasmFails",
        reasm_overlaps = "ReasmOverlaps",
        frag_oks = "FragOKs",
        frag_fails = "FragFails",
        frag_creates = "FragCreates",
    }
    /// ICMP and ICMPv6 together.
    icmp: Icmp {
        in_msgs = "InMsgs",
        in_errors = "InErrors",
        in_csum_errors = "InCsumErrors",
        in_dest_unreachs = "InDestUnreachs",
        in_time_excds = "InTimeExcds",
        in_parm_probs = "InParmProbs",
        in_pkt_too_bigs = "InPktTooBigs",
        in_redirects = "InRedirects",
        in_echos = "InEchos",
        in_echo_reps = "InEchoReps",
        out_msgs = "OutMsgs",
        out_errors = "OutErrors",
        out_rate_limit_global = "OutRateLimitGlobal",
        out_rate_limit_host = "OutRateLimitHost",
        out_dest_unreachs = "OutDestUnreachs",
        out_time_excds = "OutTimeExcds",
        out_parm_probs = "OutParmProbs",
        out_pkt_too_bigs = "OutPktTooBigs",
        out_redirects = "OutRedirects",
        out_echos = "OutEchos",
        out_echo_reps = "OutEchoReps",
    }
    /// TCP (`Tcp:` of snmp).
    tcp: Tcp {
        active_opens = "ActiveOpens",
        passive_opens = "PassiveOpens",
        attempt_fails = "AttemptFails",
        estab_resets = "EstabResets",
        curr_estab = "CurrEstab",
        in_segs = "InSegs",
        out_segs = "OutSegs",
        retrans_segs = "RetransSegs",
        in_errs = "InErrs",
        out_rsts = "OutRsts",
        in_csum_errors = "InCsumErrors",
    }
    /// Extended TCP counters (`TcpExt:` of netstat).
    tcp_ext: TcpExt {
        syncookies_sent = "SyncookiesSent",
        syncookies_recv = "SyncookiesRecv",
        syncookies_failed = "SyncookiesFailed",
        embryonic_rsts = "EmbryonicRsts",
        prune_called = "PruneCalled",
        rcv_pruned = "RcvPruned",
        ofo_pruned = "OfoPruned",
        out_of_window_icmps = "OutOfWindowIcmps",
        tw = "TW",
        tw_recycled = "TWRecycled",
        tw_killed = "TWKilled",
        paws_active = "PAWSActive",
        paws_estab = "PAWSEstab",
        delayed_acks = "DelayedACKs",
        delayed_ack_lost = "DelayedACKLost",
        listen_overflows = "ListenOverflows",
        listen_drops = "ListenDrops",
        tcp_hp_hits = "TCPHPHits",
        tcp_pure_acks = "TCPPureAcks",
        tcp_sack_recovery = "TCPSackRecovery",
        tcp_reno_recovery = "TCPRenoRecovery",
        tcp_sack_reneging = "TCPSACKReneging",
        tcp_sack_reorder = "TCPSACKReorder",
        tcp_lost_retransmit = "TCPLostRetransmit",
        tcp_fast_retrans = "TCPFastRetrans",
        tcp_slow_start_retrans = "TCPSlowStartRetrans",
        tcp_timeouts = "TCPTimeouts",
        tcp_spurious_rtos = "TCPSpuriousRTOs",
        tcp_loss_probes = "TCPLossProbes",
        tcp_loss_probe_recovery = "TCPLossProbeRecovery",
        tcp_full_undo = "TCPFullUndo",
        tcp_partial_undo = "TCPPartialUndo",
        tcp_dsack_undo = "TCPDSACKUndo",
        tcp_loss_undo = "TCPLossUndo",
        tcp_dsack_old_sent = "TCPDSACKOldSent",
        tcp_dsack_ofo_sent = "TCPDSACKOfoSent",
        tcp_dsack_recv = "TCPDSACKRecv",
        tcp_abort_on_data = "TCPAbortOnData",
        tcp_abort_on_close = "TCPAbortOnClose",
        tcp_abort_on_memory = "TCPAbortOnMemory",
        tcp_abort_on_timeout = "TCPAbortOnTimeout",
        tcp_abort_on_linger = "TCPAbortOnLinger",
        tcp_memory_pressures = "TCPMemoryPressures",
        tcp_defer_accept_drop = "TCPDeferAcceptDrop",
        tcp_fast_open_active = "TCPFastOpenActive",
        tcp_fast_open_active_fail = "TCPFastOpenActiveFail",
        tcp_fast_open_passive = "TCPFastOpenPassive",
        tcp_fast_open_cookie_reqd = "TCPFastOpenCookieReqd",
        tcp_fast_open_listen_overflow = "TCPFastOpenListenOverflow",
        tcp_challenge_ack = "TCPChallengeACK",
        tcp_syn_challenge = "TCPSYNChallenge",
        tcp_ack_skipped = "TCPACKSkippedChallenge",
        tcp_keep_alive = "TCPKeepAlive",
        tcp_win_probe = "TCPWinProbe",
        tcp_ofo_queue = "TCPOFOQueue",
        tcp_ofo_drop = "TCPOFODrop",
        tcp_ofo_merge = "TCPOFOMerge",
        tcp_rcv_q_drop = "TCPRcvQDrop",
        tcp_zero_window_drop = "TCPZeroWindowDrop",
        tcp_to_zero_window_adv = "TCPToZeroWindowAdv",
        tcp_from_zero_window_adv = "TCPFromZeroWindowAdv",
        tcp_want_zero_window_adv = "TCPWantZeroWindowAdv",
        tcp_req_q_full_do_cookies = "TCPReqQFullDoCookies",
        tcp_req_q_full_drop = "TCPReqQFullDrop",
        tcp_syn_retrans = "TCPSynRetrans",
        tcp_mtup_success = "TCPMTUPSuccess",
        tcp_mtup_fail = "TCPMTUPFail",
        tcp_orig_data_sent = "TCPOrigDataSent",
        tcp_time_wait_overflow = "TCPTimeWaitOverflow",
    }
    /// UDP (`Udp:` of snmp), both families together.
    udp: Udp {
        in_datagrams = "InDatagrams",
        no_ports = "NoPorts",
        in_errors = "InErrors",
        out_datagrams = "OutDatagrams",
        rcvbuf_errors = "RcvbufErrors",
        sndbuf_errors = "SndbufErrors",
        in_csum_errors = "InCsumErrors",
        ignored_multi = "IgnoredMulti",
        mem_errors = "MemErrors",
    }
    /// ARP and neighbour discovery.
    neighbour: Neighbour {
        entries = "Entries",
        resolved = "Resolved",
        failed = "Failed",
        table_fulls = "TableFulls",
        unresolved_discards = "UnresolvedDiscards",
        arp_in = "ArpIn",
        arp_out = "ArpOut",
        conflicts = "Conflicts",
    }
}
