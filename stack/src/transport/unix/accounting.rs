//! What a message costs its sender: Linux's `truesize`, so that `SO_SNDBUF` lets through what it lets through there.
//!
//! ```text
//!   sk_buff (256) │ linear part and 320 of shared info, rounded up to a power of two │ whole pages
//! ```
//!
//! Never less than what the message holds here, so the same number is charged to the stack's budget.

const PAGE: usize = 4096;
/// `struct sk_buff`, aligned.
const SK_BUFF: usize = 256;
/// `struct skb_shared_info`, aligned.
const SHARED_INFO: usize = 320;
/// Smallest buffer the kernel takes for the linear part.
const SMALLEST: usize = 512;
/// The linear part of a stream's piece (`SKB_MAX_HEAD(0)`).
const STREAM_LINEAR: usize = PAGE - SHARED_INFO;
/// The paged part of a stream's piece (`UNIX_SKB_FRAGS_SZ`).
const STREAM_PAGED: usize = 8 * PAGE;
/// The linear part of a message before pages are taken (`SKB_MAX_ALLOC`).
const MESSAGE_LINEAR: usize = 4 * PAGE - SHARED_INFO;
/// Most pages of a message (`MAX_SKB_FRAGS`); what is longer goes into the linear part after all.
const MESSAGE_PAGED: usize = 17 * PAGE;

const fn truesize(linear: usize, paged: usize) -> usize {
    let head = (linear + SHARED_INFO).next_power_of_two();
    let head = if head < SMALLEST { SMALLEST } else { head };
    SK_BUFF + head + paged.next_multiple_of(PAGE)
}

/// What a message of `len` bytes costs.
pub(super) fn message_charge(len: usize) -> usize {
    let paged = len.saturating_sub(MESSAGE_LINEAR).min(MESSAGE_PAGED).next_multiple_of(PAGE);
    truesize(len - paged, paged)
}

/// The longest message a send buffer of `send_buffer` takes.
pub(super) const fn longest_message(send_buffer: u32) -> usize {
    (send_buffer as usize).saturating_sub(32)
}

/// How many of `left` bytes of a stream go into one piece: two must fit a send buffer.
pub(super) fn piece_len(left: usize, send_buffer: u32) -> usize {
    let half = (send_buffer as usize / 2).saturating_sub(64).max(1);
    left.min(half).min(STREAM_LINEAR + STREAM_PAGED)
}

/// What a piece of `len` bytes costs.
pub(super) fn piece_charge(len: usize) -> usize {
    let paged = len.saturating_sub(STREAM_LINEAR).next_multiple_of(PAGE).min(len);
    truesize(len - paged, paged)
}

/// How many bytes a stream takes in one call when `sent` bytes of memory are charged: pieces are made as long as less than
/// the whole buffer is charged.
pub(super) fn stream_room(sent: usize, send_buffer: u32) -> usize {
    let piece = piece_len(usize::MAX, send_buffer);
    (send_buffer as usize).saturating_sub(sent).div_ceil(piece_charge(piece)) * piece
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `SIOCOUTQ` of Linux 6.18 on x86-64 tells after one write of that length.
    #[test]
    fn charges_are_those_of_linux() {
        let stream = [(1, 768), (192, 768), (193, 1280), (704, 1280), (705, 2304), (1729, 4352), (3776, 4352), (3777, 4864)];
        let longer = [(4289, 5376), (5832, 8448), (7880, 8960), (20168, 21248), (36543, 37120), (36544, 37120)];
        for (len, charge) in stream.into_iter().chain(longer) {
            assert_eq!(piece_charge(len), charge, "a piece of {len}");
        }
        let message =
            [(0, 768), (192, 768), (193, 1280), (3776, 4352), (3777, 8448), (8000, 16640), (16064, 16640), (16065, 20736)];
        let longer = [(20160, 20736), (20161, 24832), (36543, 37120), (36545, 41216), (85704, 102656), (100000, 102656)];
        for (len, charge) in message.into_iter().chain(longer).chain([(143360, 200960), (212960, 332032)]) {
            assert_eq!(message_charge(len), charge, "a message of {len}");
        }
    }

    #[test]
    fn a_charge_covers_the_bytes() {
        for len in (0..300_000).step_by(61) {
            assert!(message_charge(len) >= len);
            assert!(len > STREAM_LINEAR + STREAM_PAGED || piece_charge(len) >= len);
        }
    }

    #[test]
    fn room_is_what_a_large_write_takes() {
        assert_eq!(stream_room(0, 212_992), 219_264);
        assert_eq!(stream_room(212_992, 212_992), 0);
        assert_eq!(stream_room(0, 4608), 4480);
        assert_eq!(stream_room(0, 0), 0);
        assert_eq!(piece_len(10, 0), 1);
    }
}
