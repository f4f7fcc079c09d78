//! The same assertions, once of std's sockets (and socket2's) on this machine and once of ours on two hosts in memory.
//!
//! [`stories`] is compiled twice: its `net` is `std::net` and `std::os::unix::net` in one, `loggia::net` in the other. What differs between
//! the two is only how a socket is made, which the two modules here say.
#![cfg(target_os = "linux")]
#![allow(clippy::duplicate_mod, reason = "the stories are compiled twice on purpose")]

/// Gives the names of all stories to a macro.
macro_rules! every_story {
    ($to:ident) => {
        $to! {
            bytes_go_both_ways
            nobody_listens
            half_a_close
            what_was_unread_resets
            linger_zero_resets
            a_write_after_a_reset
            what_came_before_a_reset_is_read
            peeking_takes_nothing
            shutting_down_each_way
            a_read_times_out
            a_write_times_out
            a_timeout_of_nothing_is_refused
            clones_are_one_socket
            nonblocking_calls_do_not_wait
            a_write_takes_everything
            reading_and_writing_at_once
            vectored_reads_and_writes
            connections_come_one_by_one
            accepted_after_the_client_has_gone
            accepting_times_out
            a_port_in_use
            an_address_that_is_not_ours
            addresses_of_both_ends
            ipv6_and_mapped_addresses
            options_are_kept
            empty_datagrams
            long_datagrams_are_cut
            a_datagram_too_long_is_refused
            connected_datagrams
            peeked_datagrams
            nobody_takes_datagrams
            no_destination
            receiving_times_out
            unix_streams
            unix_listeners
            unix_abstract_names
            unix_datagrams
            unix_nobody_is_there
            a_connect_that_does_not_wait
            a_refused_connect_that_does_not_wait
            sockets_of_every_kind
            the_byte_that_overtakes
            options_by_socket2s_names
            calls_with_flags
        }
    };
}

mod machine;
#[path = "../parity/memory.rs"]
mod memory;
mod ours;
