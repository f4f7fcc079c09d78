//! What happened to a packet, in words: the comments of captures and the marks of ladders.

use crate::link::{Cause, Marks};

/// Why a packet did not arrive.
pub const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Loss => "loss model",
        Cause::QueueFull => "queue full",
        Cause::CoDel => "dropped by CoDel",
        Cause::Red => "dropped by RED",
        Cause::Down => "link down",
        Cause::TooBig => "larger than the link carries",
    }
}

/// The comment on a packet that link `link` dropped while `waiting` packets were in its queue.
pub fn dropped(link: &str, why: Cause, waiting: u64) -> String {
    let waiting = match (why, waiting) {
        (Cause::QueueFull | Cause::CoDel | Cause::Red, 1) => ", 1 packet waiting".into(),
        (Cause::QueueFull | Cause::CoDel | Cause::Red, 2..) => format!(", {waiting} packets waiting"),
        _ => String::new(),
    };
    format!("lost on {link}: {}{waiting}", cause(why))
}

/// The comments on a packet that link `link` let pass but not untouched.
pub fn marked(link: &str, marks: &Marks) -> Vec<String> {
    let mut comments = Vec::new();
    if marks.duplicate {
        comments.push(format!("copy made by {link}"));
    }
    if marks.duplicated {
        comments.push(format!("duplicated by {link}"));
    }
    if let Some(bit) = marks.corrupted {
        comments.push(format!("corrupted on {link}: bit {bit} of the IP packet flipped"));
    }
    if marks.reordered {
        comments.push(format!("reordered on {link}: overtook packets sent before it"));
    }
    if marks.ecn {
        comments.push(format!("marked by {link}: congestion experienced"));
    }
    comments
}

/// The comment on a segment of which some was sent before, as long as nobody says why.
pub const AGAIN: &str = "sent again";
