use super::*;
use crate::base::{Duration, Entropy};
use alloc::vec::Vec;

const MSS: u32 = 100;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn blocks(list: &[(u32, u32)]) -> SackBlocks {
    let mut blocks = SackBlocks::default();
    for &(start, end) in list {
        assert!(blocks.push(Seq(start), Seq(end)));
    }
    blocks
}

/// Ten segments of 100 bytes from 1000 on, each sent a millisecond after the other.
fn ten() -> Scoreboard {
    let mut board = Scoreboard::default();
    for i in 0..10 {
        board.sent(Seq(1000 + i * MSS), MSS, at(u64::from(i)));
    }
    board
}

fn sack(board: &mut Scoreboard, list: &[(u32, u32)]) -> Delivered {
    board.sacked(&blocks(list), Seq(1000), Seq(2000))
}

fn records(board: &Scoreboard) -> usize {
    match &board.flight {
        Flight::Nothing => 0,
        Flight::One { .. } => 1,
        Flight::Many(board) => board.record_count(),
    }
}

#[test]
fn it_is_small_and_owns_nothing_when_empty() {
    assert!(size_of::<Scoreboard>() <= 32);
    let mut board = ten();
    assert_eq!(board.pipe(), 1000);
    board.acked(Seq(2000));
    assert!(matches!(board.flight, Flight::Nothing));
    board.sent(Seq(2000), 10, at(20));
    assert!(matches!(board.flight, Flight::One { .. }), "a request on its own needs no board");
    board.sent(Seq(2010), 10, at(20));
    let delivered = board.acked(Seq(2015));
    assert_eq!((delivered.bytes, delivered.sent_at, delivered.latest), (15, Some(at(20)), Some((at(20), Seq(2015)))));
    assert_eq!((board.pipe(), board.first_sent_at()), (5, Some(at(20))));
}

#[test]
fn what_is_sent_at_one_time_is_one_record() {
    let mut board = Scoreboard::default();
    for i in 0..100u32 {
        board.sent(Seq(i * 10), 10, at(u64::from(i / 50)));
    }
    assert_eq!(records(&board), 2);
}

/// An acknowledgement with these blocks arrives at this moment.
fn told(board: &mut Scoreboard, millis: u64, list: &[(u32, u32)]) {
    let delivered = sack(board, list);
    board.advance(&[&delivered], at(millis), Duration::ZERO);
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// RFC 8985 §6.2 step 5: what was sent before something that was delivered, and a round trip and the window ago.
#[test]
fn what_was_sent_before_something_delivered_is_lost_when_its_time_is_over() {
    let mut board = ten();
    // Sent at 3, delivered at 50: the round trip is 47 ms.
    told(&mut board, 50, &[(1300, 1400)]);
    assert_eq!(
        board.detect(at(50), ms(10)),
        Detected { lost: 0, again: 0, wait: Some(ms(9)), sent_at: None },
        "1200 was sent at 2: lost at 59"
    );
    assert_eq!(board.detect(at(57), ms(10)), Detected { lost: 100, again: 0, wait: Some(ms(2)), sent_at: Some(at(0)) });
    assert_eq!(board.detect(at(59), ms(10)), Detected { lost: 200, again: 0, wait: None, sent_at: Some(at(2)) });
    assert_eq!((board.pipe(), board.sacked_bytes(), board.lost_bytes()), (600, 100, 300));
    assert_eq!(board.highest_sacked(), Some(Seq(1400)));
}

/// RFC 8985 §6.2: without a window everything before the latest is lost at once; at one time the higher was sent later.
#[test]
fn of_one_time_the_higher_was_sent_later() {
    let mut board = Scoreboard::default();
    board.sent(Seq(1000), 1000, at(1));
    told(&mut board, 50, &[(1300, 1400), (1600, 1700)]);
    assert_eq!(board.detect(at(50), Duration::ZERO), Detected { lost: 500, again: 0, wait: None, sent_at: Some(at(1)) });
    assert_eq!(board.next_lost(1000), Some((Seq(1000), 300)));
}

#[test]
fn lost_ranges_are_sent_again_once() {
    let mut board = ten();
    told(&mut board, 50, &[(1100, 1200), (1300, 1400)]);
    board.detect(at(50), Duration::ZERO);
    assert_eq!(board.next_lost(50), Some((Seq(1000), 50)));
    assert_eq!(board.next_lost(MSS), Some((Seq(1000), 100)));
    let pipe = board.pipe();
    board.resent(Seq(1000), 100, at(60));
    assert_eq!(board.pipe(), pipe + 100);
    board.resent(Seq(1200), 60, at(60));
    assert_eq!(board.next_lost(MSS), Some((Seq(1260), 40)));
    board.resent(Seq(1260), 40, at(61));
    assert_eq!(board.next_lost(MSS), None);
}

/// RFC 8985 §6.2: a retransmission is a transmission as any other: it is lost if something sent later arrives.
#[test]
fn a_retransmission_that_is_lost_is_sent_again() {
    let mut board = ten();
    told(&mut board, 50, &[(1100, 1200)]);
    board.detect(at(50), Duration::ZERO);
    board.resent(Seq(1000), 100, at(60));
    board.sent(Seq(2000), 100, at(61));
    let delivered = board.sacked(&blocks(&[(2000, 2100)]), Seq(1000), Seq(2100));
    board.advance(&[&delivered], at(110), Duration::ZERO);
    assert_eq!(board.detect(at(110), ms(5)), Detected { lost: 800, again: 0, wait: Some(ms(4)), sent_at: Some(at(9)) });
    assert_eq!(board.detect(at(114), ms(5)), Detected { lost: 0, again: 100, wait: None, sent_at: Some(at(60)) });
    assert_eq!(board.next_lost(MSS), Some((Seq(1000), 100)));
}

/// RFC 8985 §6.2 step 2: what was acknowledged sooner than any round trip was acknowledged for its original.
#[test]
fn an_answer_that_came_too_soon_was_not_to_the_retransmission() {
    let mut board = ten();
    told(&mut board, 50, &[(1100, 1200)]);
    board.detect(at(50), Duration::ZERO);
    board.resent(Seq(1000), 100, at(60));
    let delivered = board.acked(Seq(1200));
    board.advance(&[&delivered], at(61), ms(40));
    assert_eq!(board.detect(at(200), Duration::ZERO), Detected::default(), "nothing was sent before 1100, which was");
}

/// RFC 8985 §6.2 step 3
#[test]
fn what_was_sent_once_and_comes_after_what_was_sent_later_was_reordered() {
    let mut board = ten();
    told(&mut board, 50, &[(1500, 1600)]);
    assert!(!sack(&mut board, &[(1600, 1700)]).reordered);
    let late = sack(&mut board, &[(1200, 1300)]);
    assert_eq!((late.reordered, late.reordered_by), (true, 400));
    board.resent(Seq(1000), 100, at(60));
    assert!(!board.acked(Seq(1100)).reordered, "it may be the retransmission that came");
}

#[test]
fn a_false_alarm_is_taken_back() {
    let mut board = ten();
    told(&mut board, 50, &[(1500, 1600)]);
    board.detect(at(50), Duration::ZERO);
    board.resent(Seq(1000), 100, at(51));
    assert_eq!((board.pipe(), board.lost_bytes()), (500, 500));
    board.unmark_lost();
    assert_eq!((board.pipe(), board.lost_bytes(), board.next_lost(MSS)), (1000, 0, None), "the one sent again is out twice");
}

/// RFC 8985 §7.3: the last segment, as it was cut.
#[test]
fn the_tail_is_the_last_segment() {
    let mut board = Scoreboard::default();
    board.sent(Seq(1000), 250, at(1));
    assert_eq!(board.tail(MSS), Some((Seq(1200), 50)));
    board.sent(Seq(1250), 300, at(2));
    assert_eq!(board.tail(MSS), Some((Seq(1450), 100)));
}

#[test]
fn a_retransmission_that_arrives_leaves_the_pipe() {
    let mut board = ten();
    told(&mut board, 50, &[(1100, 1500)]);
    assert_eq!(board.detect(at(50), Duration::ZERO).lost, 100);
    assert_eq!(board.pipe(), 500);
    board.resent(Seq(1000), 100, at(60));
    assert_eq!(board.pipe(), 600);
    let delivered = board.acked(Seq(1500));
    assert_eq!((delivered.bytes, delivered.sent_at, delivered.retransmitted), (100, None, true));
    assert_eq!((board.pipe(), board.sacked_bytes(), board.lost_bytes()), (500, 0, 0));
}

/// RFC 6298 §3 (Karn): what was sent twice is no measure of the round trip.
#[test]
fn the_round_trip_is_taken_from_the_latest_that_was_sent_once() {
    let mut board = ten();
    assert_eq!(board.acked(Seq(1250)).sent_at, Some(at(2)));
    assert_eq!(sack(&mut board, &[(1400, 1500), (1700, 1750)]).sent_at, Some(at(7)));
    board.resent(Seq(1300), 50, at(30));
    let delivered = board.acked(Seq(1400));
    assert_eq!((delivered.bytes, delivered.sent_at, delivered.retransmitted), (150, None, true));
}

#[test]
fn blocks_that_cannot_be_are_ignored() {
    let mut board = ten();
    for (start, end) in [(900, 950), (1000, 1100), (900, 1200), (1500, 1500), (1600, 1500), (1900, 2001), (3000, 3100)] {
        assert_eq!(sack(&mut board, &[(start, end)]), Delivered::default(), "{start}..{end}");
    }
    // RFC 2883: a DSACK of what is SACKed already changes nothing.
    sack(&mut board, &[(1500, 1700)]);
    assert_eq!(sack(&mut board, &[(1500, 1600), (1500, 1700)]), Delivered::default());
}

/// RFC 5681 §3.2, RFC 6582: without SACK only the first segment is known to be lost.
#[test]
fn without_sack_the_first_segment_is_lost() {
    let mut board = Scoreboard::default();
    board.sent(Seq(1000), 1000, at(0));
    assert_eq!(board.mark_first_lost(MSS), 100);
    assert_eq!((board.mark_first_lost(MSS), board.pipe()), (0, 900));
    assert_eq!(board.next_lost(4 * MSS), Some((Seq(1000), 100)));
    board.resent(Seq(1000), 100, at(9));
    assert_eq!((board.next_lost(MSS), board.pipe()), (None, 1000));
    board.acked(Seq(1300));
    assert_eq!(board.mark_first_lost(MSS), 100);
    assert_eq!(board.next_lost(4 * MSS), Some((Seq(1300), 100)));
}

#[test]
fn after_a_timeout_all_is_lost_but_what_is_sacked() {
    let mut board = ten();
    sack(&mut board, &[(1300, 1400)]);
    board.resent(Seq(1000), 100, at(20));
    board.mark_all_lost(false);
    assert_eq!((board.pipe(), board.lost_bytes(), board.sacked_bytes()), (0, 900, 100));
    assert_eq!(board.next_lost(1000), Some((Seq(1000), 300)), "records that touch are sent together");
    board.resent(Seq(1000), 300, at(21));
    assert_eq!(board.next_lost(1000), Some((Seq(1400), 600)));
    assert_eq!(board.pipe(), 300);
    // New data goes on behind.
    board.sent(Seq(2000), 100, at(22));
    assert_eq!((board.pipe(), board.lost_bytes()), (400, 900));
}

/// RFC 2018 §8: the receiver may have thrown away what it SACKed.
#[test]
fn sack_is_forgotten_when_the_peer_reneged() {
    let mut board = ten();
    sack(&mut board, &[(1300, 1400)]);
    assert!(!board.reneged());
    board.acked(Seq(1300));
    assert!(board.reneged());
    board.mark_all_lost(true);
    assert!(!board.reneged());
    assert_eq!((board.lost_bytes(), board.sacked_bytes(), board.highest_sacked()), (700, 0, None));
    assert_eq!(board.next_lost(50), Some((Seq(1300), 50)));
    assert_eq!(board.acked(Seq(1400)).sent_at, None, "it came long ago");
}

#[test]
fn a_peer_that_sacks_odd_bytes_cannot_make_records_without_end() {
    let mut board = Scoreboard::default();
    board.sent(Seq(0), 100_000, at(0));
    for i in 0..49_000 {
        board.sacked(&blocks(&[(i * 2 + 1, i * 2 + 2)]), Seq(0), Seq(100_000));
    }
    assert!(records(&board) < 1300, "{}", records(&board));
    if let Flight::Many(board) = &board.flight {
        board.check();
    }
    board.sacked(&blocks(&[(1, 100_000)]), Seq(0), Seq(100_000));
    assert_eq!(board.sacked_bytes(), 99_999);
}

#[test]
fn a_hundred_thousand_records_cost_no_more_each_than_ten() {
    let (count, mut board) = (100_000u32, Scoreboard::default());
    for i in 0..count {
        board.sent(Seq(i * MSS), MSS, at(u64::from(i)));
    }
    let end = Seq(count * MSS);
    // Every second segment is lost; the SACKs come one by one, with the runs reported before, and each lets something be sent.
    let mut resent = 0;
    for i in (1..count).step_by(2) {
        let run = |i: u32| (i * MSS, (i + 1) * MSS);
        let delivered = board.sacked(&blocks(&[run(i), run(i.max(3) - 2), run(i.max(5) - 4)]), Seq(0), end);
        board.advance(&[&delivered], at(200_000 + u64::from(i)), Duration::ZERO);
        board.detect(at(200_000 + u64::from(i)), Duration::ZERO);
        if let Some((seq, len)) = board.next_lost(MSS) {
            board.resent(seq, len, at(200_000 + u64::from(i)));
            resent += len;
        }
    }
    assert_eq!((resent, board.sacked_bytes()), (50_000 * MSS, 50_000 * MSS));
    board.mark_all_lost(false);
    let mut again = 0;
    while let Some((seq, len)) = board.next_lost(10 * MSS) {
        board.resent(seq, len, at(500_000));
        again += len;
    }
    assert_eq!(again, 50_000 * MSS);
    for i in 0..count {
        board.acked(Seq((i + 1) * MSS));
    }
    assert!(board.is_empty());
}

/// RFC 8985 §6.2 step 2: `RACK.rtt` is that of what is delivered, though what was sent later had overtaken it: what was sent with it may
/// be as late.
#[test]
fn the_round_trip_is_that_of_the_latest_news() {
    let mut board = Scoreboard::default();
    (0..4).for_each(|i| board.sent(Seq(i * MSS), MSS, at(u64::from(i))));
    let overtaking = board.sacked(&blocks(&[(3 * MSS, 4 * MSS)]), Seq(0), Seq(4 * MSS));
    board.advance(&[&overtaking], at(10), Duration::ZERO);
    let late = board.acked(Seq(MSS));
    board.advance(&[&late], at(40), Duration::ZERO);
    // The second was sent 39 ms ago; the first took 40.
    assert_eq!(board.detect(at(40), Duration::ZERO), Detected { wait: Some(Duration::from_millis(2)), ..Detected::default() });
}

/// What lies last in the stream lies last whatever block comes first: SACK tells of the latest arrival first (RFC 2018 §4). Here an original
/// that came after 31 ms and a retransmission after 11; the ACK of the retransmission alone was lost.
#[test]
fn the_round_trip_is_that_of_the_last_in_the_stream_in_any_order_of_blocks() {
    let last = (1900, 2000);
    for list in [[(1100, 1200), last], [last, (1100, 1200)]] {
        let mut board = Scoreboard::default();
        board.sent(Seq(1000), 1000, at(0));
        board.mark_first_lost(2 * MSS);
        board.resent(Seq(1100), MSS, at(20));
        let delivered = sack(&mut board, &list);
        board.advance(&[&delivered], at(31), ms(10));
        let found = board.detect(at(31), ms(5));
        assert_eq!(found, Detected { wait: Some(ms(5)), ..Detected::default() }, "what was sent with the original is as late");
    }
}

/// A retransmission that cannot have been what was acknowledged does not hide the original before it, which is part of what was acknowledged
/// cumulatively, from what SACK tells.
#[test]
fn an_answer_that_came_too_soon_hides_no_original() {
    let mut board = ten();
    board.resent(Seq(1100), MSS, at(95));
    let delivered = board.acked(Seq(1200));
    let sacked = board.sacked(&blocks(&[(1900, 2000)]), Seq(1200), Seq(2000));
    board.advance(&[&delivered, &sacked], at(100), ms(40));
    // 1000 was sent at 0: a round trip of 100 ms. That of 1900 would be 91.
    assert_eq!(board.detect(at(100), ms(5)).wait, Some(ms(13)), "1800 was sent at 8: lost at 113");
}

/// What is known of one byte.
#[derive(Clone, Copy, Default)]
struct Byte {
    sacked: bool,
    lost: bool,
    resent: bool,
    told: bool,
    sends: u8,
    sent_at: Instant,
}

/// The same as the scoreboard, byte by byte and by the letter of RFC 8985.
#[derive(Default)]
struct Model {
    una: Seq,
    bytes: Vec<Byte>,
    /// `RACK.xmit_ts`, `RACK.end_seq`, `RACK.rtt`
    rack: (Instant, Seq, Duration),
}

impl Model {
    fn count(&self, what: impl Fn(&Byte) -> bool) -> u32 {
        self.bytes.iter().filter(|byte| what(byte)).count() as u32
    }

    fn pipe(&self) -> u32 {
        self.count(|b| !b.sacked && !b.lost) + self.count(|b| !b.sacked && b.resent)
    }

    /// What `list`, which begins at `base`, says when it is delivered.
    fn deliver(base: Seq, list: &[Byte]) -> Delivered {
        let fresh: Vec<&Byte> = list.iter().filter(|byte| !byte.sacked).collect();
        let clean = fresh.iter().all(|byte| byte.sends == 1 && !byte.told);
        let latest = |once: bool| {
            let some = list.iter().enumerate().filter(|(_, byte)| !byte.sacked && !byte.told && (byte.sends == 1) == once);
            some.map(|(place, byte)| (byte.sent_at, place)).max().map(|(sent_at, place)| (sent_at, base + place as u32 + 1))
        };
        let last = |once: bool| {
            let place = list.iter().rposition(|byte| !byte.sacked && !byte.told && (byte.sends == 1) == once);
            place.map(|place| (list[place].sent_at, base + place as u32 + 1))
        };
        assert_eq!(last(true), latest(true), "what was sent once lies in the order of its times");
        Delivered {
            bytes: fresh.len() as u32,
            sacked: 0,
            sent_at: fresh.iter().map(|byte| byte.sent_at).max().filter(|_| clean),
            retransmitted: fresh.iter().any(|byte| byte.sends > 1),
            latest: latest(true),
            latest_resent: latest(false),
            last_resent: last(false),
            ..Delivered::default()
        }
    }

    fn acked(&mut self, count: usize) -> Delivered {
        let gone: Vec<Byte> = self.bytes.drain(..count).collect();
        let delivered = Self::deliver(self.una, &gone);
        self.una += count as u32;
        delivered
    }

    /// Each byte that one of the blocks names, in the order of the stream.
    fn sacked(&mut self, blocks: &[(usize, usize)]) -> Delivered {
        let is_named = |place: usize| blocks.iter().any(|&(start, end)| (start..end).contains(&place));
        let mut list = self.bytes.clone();
        for (place, byte) in list.iter_mut().enumerate() {
            byte.sacked |= !is_named(place);
        }
        let delivered = Self::deliver(self.una, &list);
        for (_, byte) in self.bytes.iter_mut().enumerate().filter(|(place, _)| is_named(*place)) {
            (byte.sacked, byte.lost, byte.resent) = (true, false, false);
        }
        Delivered { sacked: delivered.bytes, ..delivered }
    }

    /// RFC 8985 §6.2 step 2 for what SACK tells and then for what is acknowledged cumulatively, each in the order of the stream.
    fn advance(&mut self, delivered: &[Delivered], lowest: Duration, now: Instant) {
        for one in delivered.iter().rev() {
            let plausible = |resent: Option<(Instant, Seq)>| resent.filter(|(sent_at, _)| now - *sent_at >= lowest);
            let told = [one.latest, plausible(one.latest_resent), plausible(one.last_resent)];
            let mut told: Vec<(Instant, Seq)> = told.into_iter().flatten().collect();
            told.sort_by_key(|(_, end)| (*end - self.una) as i32);
            for (sent_at, end) in told {
                self.rack.2 = now - sent_at;
                if sent_at > self.rack.0 || sent_at == self.rack.0 && end.after(self.rack.1) {
                    (self.rack.0, self.rack.1) = (sent_at, end);
                }
            }
        }
    }

    /// RFC 8985 §6.2 `RACK_detect_loss`, byte by byte; but what is sent again now is not lost again now.
    fn detect(&mut self, now: Instant, window: Duration) -> Detected {
        let (sent_at, end, rtt) = self.rack;
        let mut found = Detected::default();
        for (place, byte) in self.bytes.iter_mut().enumerate() {
            let own_end = self.una + place as u32 + 1;
            let before = byte.sent_at < sent_at || byte.sent_at == sent_at && own_end.before(end);
            if byte.sacked || (byte.lost && !byte.resent) || !before {
                continue;
            }
            let left = (rtt + window).saturating_sub(now - byte.sent_at);
            if byte.lost && byte.sent_at == now && left.is_zero() {
                continue;
            }
            if left.is_zero() {
                *(if byte.lost { &mut found.again } else { &mut found.lost }) += 1;
                (byte.lost, byte.resent) = (true, false);
                found.sent_at = found.sent_at.max(Some(byte.sent_at));
            } else {
                found.wait = found.wait.max(Some(left));
            }
        }
        found
    }

    fn range(&self, until: usize, max: u32, what: impl Fn(&Byte) -> bool) -> Option<(Seq, u32)> {
        let begin = self.bytes[..until].iter().position(&what)?;
        let len = self.bytes[begin..until].iter().take(max as usize).take_while(|byte| what(byte)).count();
        Some((self.una + begin as u32, len as u32))
    }

    fn next_lost(&self, max: u32) -> Option<(Seq, u32)> {
        self.range(self.bytes.len(), max, |b| b.lost && !b.resent)
    }
}

/// Blocks of a SACK in any order, above the first byte in flight.
fn some_blocks(entropy: &mut Entropy, flight: u32) -> Vec<(usize, usize)> {
    let count = if flight < 2 { 0 } else { entropy.below(4) };
    let mut block = || {
        let start = 1 + entropy.below(flight - 1);
        (start as usize, (start + 1 + entropy.below((flight - start).min(60))) as usize)
    };
    (0..count).map(|_| block()).collect()
}

#[test]
fn it_behaves_as_rfc_8985_says_byte_by_byte() {
    for seed in 0..300 {
        let mut entropy = Entropy::new(seed.into());
        let mut board = Scoreboard::default();
        let una = Seq(u32::MAX - 700);
        let mut model = Model { una, bytes: Vec::new(), rack: (Instant::EPOCH, una, Duration::ZERO) };
        let lowest = ms(u64::from(entropy.below(20)));
        // What a board does not know any more, or not yet, is of no consequence.
        let same = |got: Delivered, want: &Delivered| Delivered {
            original: want.original,
            reordered: want.reordered,
            reordered_by: want.reordered_by,
            ..got
        };
        for step in 0..150 {
            let story = alloc::format!("seed {seed} step {step}");
            let (now, flight) = (at(1 + step), model.bytes.len() as u32);
            let (una, nxt) = (model.una, model.una + flight);
            match entropy.below(12) {
                0..=3 if flight < 600 => {
                    let len = 1 + entropy.below(60);
                    board.sent(nxt, len, now);
                    let byte = Byte { sends: 1, sent_at: now, ..Byte::default() };
                    model.bytes.extend(core::iter::repeat_n(byte, len as usize));
                }
                6 => {
                    let window = ms(u64::from(entropy.below(15)));
                    assert_eq!(board.detect(now, window), model.detect(now, window), "{story}");
                }
                // An acknowledgement: of something cumulatively, by SACK, or both.
                what @ (4 | 5 | 7) => {
                    let most = if what == 4 { 1 } else { 120 };
                    let count = entropy.below(flight + 1).min(entropy.below(most));
                    let parts = if what == 7 { Vec::new() } else { some_blocks(&mut entropy, flight - count) };
                    let una = una + count;
                    let list: Vec<(u32, u32)> =
                        parts.iter().map(|part| ((una + part.0 as u32).0, (una + part.1 as u32).0)).collect();
                    let want = [model.acked(count as usize), model.sacked(&parts)];
                    let got = [board.acked(una), board.sacked(&blocks(&list), una, nxt)];
                    assert_eq!([same(got[0], &want[0]), same(got[1], &want[1])], want, "{story}");
                    board.advance(&[&got[0], &got[1]], now, lowest);
                    model.advance(&want, lowest, now);
                }
                8 | 9 => {
                    if let Some((seq, len)) = board.next_lost(20) {
                        board.resent(seq, len, now);
                        let begin = (seq - una) as usize;
                        for byte in &mut model.bytes[begin..begin + len as usize] {
                            (byte.resent, byte.sends, byte.sent_at) = (true, byte.sends + 1, now);
                        }
                    }
                }
                10 if entropy.below(8) == 0 => {
                    let forget = entropy.below(3) == 0;
                    board.mark_all_lost(forget);
                    let first = model.bytes.iter().find(|byte| !byte.sacked).map_or(Instant::EPOCH, |byte| byte.sent_at);
                    for byte in &mut model.bytes {
                        byte.resent = false;
                        if forget && byte.sacked {
                            *byte = Byte { told: true, sends: 1, sent_at: first, ..Byte::default() };
                        }
                        byte.lost = !byte.sacked;
                    }
                }
                11 if entropy.below(4) == 0 => {
                    let marked = board.mark_first_lost(30);
                    let first = model.bytes.iter().position(|byte| !byte.sacked).unwrap_or(0);
                    let part = &mut model.bytes[first..first + marked as usize];
                    assert!(marked <= 30 && part.iter().all(|byte| !byte.lost && !byte.sacked), "{story}");
                    for byte in part {
                        byte.lost = true;
                    }
                }
                _ => {}
            }
            assert_eq!(board.pipe(), model.pipe(), "{story}");
            assert_eq!(board.sacked_bytes(), model.count(|b| b.sacked), "{story}");
            assert_eq!(board.lost_bytes(), model.count(|b| b.lost), "{story}");
            assert_eq!(board.is_empty(), model.bytes.is_empty(), "{story}");
            assert_eq!(board.next_lost(20), model.next_lost(20), "{story}");
            let highest = model.bytes.iter().rposition(|b| b.sacked).map(|last| model.una + last as u32 + 1);
            assert_eq!(board.highest_sacked(), highest, "{story}");
            assert_eq!(board.reneged(), model.bytes.first().is_some_and(|b| b.sacked), "{story}");
            assert_eq!(board.first_sent_at(), model.bytes.iter().find(|b| !b.sacked).map(|b| b.sent_at), "{story}");
            if let Flight::Many(board) = &board.flight {
                board.check();
            }
        }
    }
}

/// RFC 8985 §6.2 step 5: after a timeout that was taken back (RFC 5682) what it sent again stands before what was sent earlier; what is lost of that
/// is found all the same, and what was sent again is not sent a third time.
#[test]
fn behind_what_was_sent_again_for_nothing_losses_are_found() {
    let mut board = ten();
    board.mark_all_lost(false);
    board.resent(Seq(1000), 100, at(300));
    board.unmark_lost();
    // The second and the tenth arrive; the third to the ninth do not.
    told(&mut board, 320, &[(1100, 1200), (1900, 2000)]);
    let found = board.detect(at(320), Duration::ZERO);
    assert_eq!((found.lost, found.again, found.wait), (800, 0, None));
    assert_eq!(board.next_lost(1000), Some((Seq(1200), 700)));
    assert_eq!(board.pipe(), 100, "the one that was sent again");
}

/// The same where they still have time: there is somebody who looks.
#[test]
fn behind_what_was_sent_again_for_nothing_losses_are_looked_for() {
    let mut board = ten();
    board.mark_all_lost(false);
    board.resent(Seq(1000), 100, at(300));
    board.unmark_lost();
    // Sent at 9, delivered at 320: a round trip of 311 ms.
    told(&mut board, 320, &[(1900, 2000)]);
    assert_eq!(board.detect(at(318), Duration::ZERO).wait, Some(ms(1)), "1800 was sent at 8: lost at 319");
}

/// RFC 8985 §6.2 step 5: over loopback a round trip takes no time. What is sent again in the instant in which what was sent with it is delivered may
/// have been sent because of that: it is left to the retransmission timer, else it could be lost and sent again for ever in one instant.
#[test]
fn what_is_sent_again_is_not_lost_again_in_the_same_instant() {
    let mut board = Scoreboard::default();
    board.sent(Seq(1000), 1000, at(5));
    told(&mut board, 5, &[(1100, 2000)]);
    assert_eq!(board.detect(at(5), Duration::ZERO).lost, 100);
    board.resent(Seq(1000), 100, at(5));
    let found = board.detect(at(5), Duration::ZERO);
    assert_eq!((found.lost, found.again, found.wait), (0, 0, None));
    assert_eq!(board.detect(at(6), Duration::ZERO).again, 100);
}
