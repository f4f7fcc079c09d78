use super::*;
use crate::base::Entropy;
use alloc::vec;
use alloc::vec::Vec;

/// Random operations on the queue and on a plain vector of bytes; they must agree on every answer.
#[test]
fn it_behaves_as_a_plain_list_of_bytes() {
    for seed in 0..40 {
        let mut entropy = Entropy::new(seed.into());
        let mut queue = ChunkQueue::default();
        let mut model: Vec<u8> = Vec::new();
        for step in 0..400 {
            let scale = [10, 600, 5000, 150_000][entropy.below(4) as usize];
            let count = entropy.below(scale) as usize;
            let mut data = vec![0; count];
            match entropy.below(7) {
                0 if model.len() < 400_000 => {
                    entropy.fill(&mut data);
                    queue.append(&data);
                    model.extend_from_slice(&data);
                }
                1 if model.len() < 400_000 => {
                    entropy.fill(&mut data);
                    queue.push(Bytes::copy_from_slice(&data));
                    model.extend_from_slice(&data);
                }
                2 => {
                    queue.advance(count);
                    model.drain(..count.min(model.len()));
                }
                3 => {
                    let taken = queue.take(count).unwrap_or_default();
                    assert_eq!(taken, model.drain(..taken.len()).collect::<Vec<_>>(), "seed {seed} step {step}");
                    assert!(taken.len() <= count);
                }
                4 => {
                    let dropped = queue.drop_last();
                    model.truncate(model.len() - dropped);
                    assert!(dropped > 0 || model.is_empty(), "seed {seed} step {step}");
                }
                kind => {
                    let offset = entropy.below(model.len() as u32 + 10) as usize;
                    let end = (offset + count).min(model.len());
                    let want = model.get(offset..end).unwrap_or_default();
                    if kind == 5 {
                        let rope = queue.slice(offset, count);
                        assert_eq!(rope.to_vec(), want, "seed {seed} step {step}");
                        assert!(rope.chunk_count() <= MOST_CHUNKS);
                    } else {
                        assert_eq!(queue.copy_to(offset, &mut data), want.len(), "seed {seed} step {step}");
                        assert_eq!(&data[..want.len()], want);
                    }
                }
            }
            assert_eq!((queue.len(), queue.is_empty()), (model.len(), model.is_empty()), "seed {seed} step {step}");
            assert!(queue.charge() >= model.len());
            assert_eq!(queue.owns_nothing(), model.is_empty(), "seed {seed} step {step}");
        }
        assert_eq!(queue.into_rope().to_vec(), model, "seed {seed}");
    }
}

#[test]
fn the_list_of_chunks_shrinks_as_it_empties() {
    let mut queue = ChunkQueue::default();
    (0..4000).for_each(|_| queue.push(Bytes::from_static(b"x")));
    queue.advance(3990);
    assert!(queue.rest.as_ref().unwrap().chunks.capacity() <= KEEP * 2);
}
