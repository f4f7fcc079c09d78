use super::*;
use crate::base::Entropy;
use alloc::vec::Vec;

fn rope(len: usize) -> Rope {
    alloc::vec![b'x'; len].into()
}

fn blocks(queue: &OutOfOrder) -> Vec<(u32, u32)> {
    queue.sack_blocks(4).as_slice().iter().map(|&(start, end)| (start.0, end.0)).collect()
}

#[test]
fn it_is_small_and_owns_nothing_when_empty() {
    assert!(size_of::<OutOfOrder>() <= 8);
    let mut queue = OutOfOrder::default();
    assert_eq!(queue.insert(Seq(10), Rope::new()), None);
    assert!(queue.is_empty() && queue.charge() == 0);
    queue.insert(Seq(10), rope(5));
    assert!(!queue.is_empty() && queue.charge() > 5);
    assert_eq!(queue.take(Seq(9)), None);
    assert_eq!(queue.take(Seq(12)).unwrap().len(), 3);
    assert!(queue.is_empty() && queue.charge() == 0);
    queue.insert(Seq(10), rope(5));
    assert_eq!(queue.take(Seq(15)), None, "all of it came otherwise");
    assert!(queue.is_empty());
}

/// RFC 2018 §4: the first block holds the segment that triggered the acknowledgement, the others repeat what was reported last.
#[test]
fn the_latest_arrival_is_reported_first() {
    let mut queue = OutOfOrder::default();
    for start in [100, 300, 500, 700, 900] {
        queue.insert(Seq(start), rope(50));
    }
    assert_eq!(blocks(&queue), [(900, 950), (700, 750), (500, 550), (300, 350)]);
    queue.insert(Seq(350), rope(50));
    assert_eq!(blocks(&queue), [(300, 400), (900, 950), (700, 750), (500, 550)]);
    assert_eq!(queue.sack_blocks(2).as_slice().len(), 2);
    // Two runs become one.
    queue.insert(Seq(750), rope(150));
    assert_eq!(blocks(&queue), [(700, 950), (300, 400), (500, 550)]);
    // A run is delivered.
    assert_eq!(queue.take(Seq(110)).unwrap().len(), 40);
    assert_eq!(queue.take(Seq(300)).unwrap().len(), 100);
    assert_eq!(blocks(&queue), [(700, 950), (500, 550)]);
}

/// RFC 2883 §4: the first part of the segment that was there already.
#[test]
fn a_duplicate_is_told() {
    let mut queue = OutOfOrder::default();
    assert_eq!(queue.insert(Seq(100), rope(50)), None);
    assert_eq!(queue.insert(Seq(100), rope(50)), Some((Seq(100), Seq(150))));
    assert_eq!(queue.insert(Seq(80), rope(30)), Some((Seq(100), Seq(110))));
    assert_eq!(queue.insert(Seq(140), rope(20)), Some((Seq(140), Seq(150))));
    assert_eq!(queue.insert(Seq(200), rope(10)), None);
    assert_eq!(queue.insert(Seq(150), rope(100)), Some((Seq(150), Seq(160))));
    assert_eq!(queue.insert(Seq(250), rope(10)), None, "it touches and does not overlap");
    assert_eq!(blocks(&queue), [(80, 260)]);
}

#[test]
fn pruning_takes_what_is_furthest_ahead() {
    let mut queue = OutOfOrder::default();
    for i in 0..10 {
        queue.insert(Seq(1000 + i * 1000), rope(1000));
    }
    queue.insert(Seq(20_000), rope(1000));
    let limit = queue.charge() / 2;
    let dropped = queue.prune(limit);
    assert!(queue.charge() <= limit && dropped >= 5000, "{dropped}");
    assert_eq!(blocks(&queue), [(1000, 12_000 - dropped as u32)]);
    assert_eq!(queue.prune(limit), 0);
    assert_eq!(queue.prune(0), 11_000 - dropped);
    assert!(queue.is_empty());
}

#[test]
fn a_byte_of_every_second_place_costs_what_it_holds() {
    let mut queue = OutOfOrder::default();
    for i in (0..20_000u32).rev() {
        queue.insert(Seq(u32::MAX - 100) + i * 2, rope(1));
    }
    assert!(queue.charge() > 20_000 * 100);
    assert_eq!(queue.insert(Seq(u32::MAX - 101), rope(40_001)), Some((Seq(u32::MAX - 100), Seq(u32::MAX - 99))));
    assert_eq!(queue.take(Seq(u32::MAX - 101)).unwrap().len(), 40_001);
}

/// Random arrivals around the end of the sequence space against a map of bytes: the first arrival of each byte wins.
#[test]
fn it_behaves_as_a_map_of_bytes() {
    for seed in 0..30 {
        let mut entropy = Entropy::new(seed.into());
        let base = Seq(u32::MAX - 3000);
        let mut queue = OutOfOrder::default();
        let mut model: Vec<Option<u8>> = alloc::vec![None; 8000];
        let mut next = 0;
        while next < 6000 {
            let start = next + entropy.below(1200) as usize;
            let mut data = alloc::vec![0; 1 + entropy.below(700) as usize];
            entropy.fill(&mut data);
            let mut parts = Rope::from(&data[..data.len() / 3]);
            parts.append(Rope::from(&data[data.len() / 3..]));
            let there = |i: &usize| model[*i].is_some();
            let first = (start..start + data.len()).find(there);
            let want = first.map(|first| {
                let end = (first..start + data.len()).find(|i| !there(i)).unwrap_or(start + data.len());
                (base + first as u32, base + end as u32)
            });
            assert_eq!(queue.insert(base + start as u32, parts), want, "seed {seed}");
            for (i, byte) in data.iter().enumerate() {
                model[start + i].get_or_insert(*byte);
            }
            for &(start, end) in queue.sack_blocks(4).as_slice() {
                let (start, end) = ((start - base) as usize, (end - base) as usize);
                assert!((start..end).all(|i| model[i].is_some()), "seed {seed}");
                assert!(start == next || model[start - 1].is_none() && model[end].is_none(), "seed {seed}: a whole run");
            }
            if entropy.below(10) == 0 {
                let dropped = queue.prune(queue.charge() - queue.charge() / 4);
                let kept: Vec<usize> = (next..8000).filter(|&i| model[i].is_some()).collect();
                kept[kept.len() - dropped..].iter().for_each(|&i| model[i] = None);
            }
            if entropy.below(4) == 0 {
                // A segment in order arrives up to here.
                next += entropy.below(800) as usize;
                let run: Vec<u8> = model[next..].iter().map_while(|byte| *byte).collect();
                let taken = queue.take(base + next as u32).unwrap_or_default();
                assert_eq!(taken.to_vec(), run, "seed {seed}");
                next += run.len();
                model[..next].iter_mut().for_each(|byte| *byte = None);
            }
        }
    }
}
