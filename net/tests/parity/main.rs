//! The same assertions, once of tokio's sockets on this machine and once of ours on two hosts in memory.
//!
//! [`stories`] is compiled twice: its `net` is `tokio::net` in one, `loggia::tokio::net` in the other. What differs between the two is only
//! how a socket is made, which the two modules here say.
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
            peeking_takes_nothing
            shut_for_reading
            writing_after_the_reset_is_a_broken_pipe
            a_connection_waits_for_its_accept
            accepted_after_the_client_has_gone
            a_port_in_use
            an_address_that_is_not_ours
            options_are_kept
            trying_would_block
            readiness_is_told
            two_tasks_wait_for_one_socket
            halves_are_reunited
            a_dropped_half_ends_writing
            vectored_writes
            a_full_buffer_holds_the_writer
            names_of_both_ends
            empty_datagrams
            long_datagrams_are_cut
            an_interface_is_bound_to_by_name
            a_datagram_too_long_is_refused
            connected_datagrams
            peeked_datagrams
            nobody_takes_datagrams
            no_destination
            unix_streams
            unix_datagrams_keep_their_boundaries
            unix_datagrams_by_name
            unix_sockets_become_what_they_are_for
            sockets_of_the_other_facade
            options_by_a_look
            work_that_does_not_take_what_is_there
        }
    };
}

mod machine;
mod memory;
mod ours;
