//! The same calls, once of the machine's libc and once of ours: what they answer, and what `poll` and `epoll` tell.
#![cfg(target_os = "linux")]
#![allow(clippy::duplicate_mod, reason = "the stories are compiled twice on purpose")]

/// Gives the names of all stories to a macro.
macro_rules! every_story {
    ($to:ident) => {
        $to! {
            descriptors_are_the_lowest_free_ones
            duplicates_share_the_socket
            calls_that_do_not_wait
            modes_are_told_and_set
            poll_tells_what_is_there
            poll_waits_for_what_comes
            level_triggered_events_stay
            edge_triggered_events_come_once_each
            one_shot_events_need_another_wish
            sets_know_their_sockets
            closed_sockets_leave_their_sets
            events_take_turns
            rights_come_along
            messages_in_pieces
            waiting_for_all
            what_cuts_a_call_short_is_told_to_the_next
            bytes_that_wait_are_counted
            two_questions_about_one_socket
            some_calls_never_wait
            the_time_is_up_and_there_is_less_than_asked_for
            a_timeout_is_for_the_whole_call
            a_connect_that_was_begun_is_waited_for
            a_full_backlog_is_waited_for
            a_name_is_its_listeners
            modes_go_along_with_sockets
            all_of_a_message_in_pieces
            select_tells_what_is_there
            select_waits_for_what_comes
            ends_and_errors_for_select
            sets_in_sets
            sets_in_sets_with_edges
            sets_in_circles
        }
    };
}

mod interleaved;
mod limits;
mod machine;
mod ours;
