//! Frames of one connection, some of them lent, leave whole and in order.

use crate::outbox::{Arena, Lane, Lent, Meta, Outbox, Segment};
use proptest::prelude::*;

fn put(arena: &mut Arena, fill: u8, len: usize, meta: Meta) -> Segment {
    arena.frame(meta, |out| out.extend(std::iter::repeat_n(fill, len)))
}

/// A frame of which a part is lent.
fn lend(arena: &mut Arena, fill: u8, len: usize) -> Segment {
    let head = len.min(10);
    arena.lend(Meta::Raw, Lent::new(vec![fill; len - head]), |out| out.extend(vec![fill; head]))
}

proptest! {
    /// Whatever the kernel takes at a time: control never enters the middle of a data frame,
    /// data keeps its order, and no reference is left at the end.
    #[test]
    fn frames_leave_whole_and_in_order(steps in prop::collection::vec((0u8..5, 1usize..3000), 1..200)) {
        let (mut arena, mut outbox, mut out) = (Arena::default(), Outbox::default(), Vec::new());
        let (mut n, mut control, mut data) = (0u8, Vec::new(), Vec::new());
        for (what, len) in steps {
            n = n.wrapping_add(1);
            match what {
                0 => { let s = put(&mut arena, n, len, Meta::Control); outbox.push(Lane::Control, s, &mut arena); control.push((n, len)); }
                1 => { let s = put(&mut arena, n, len, Meta::Raw); outbox.push(Lane::Data, s, &mut arena); data.push((n, len)); }
                2 => { let s = lend(&mut arena, n, len); outbox.push(Lane::Data, s, &mut arena); data.push((n, len)); }
                _ => {
                    let mut slices = Vec::new();
                    outbox.gather(&arena, &mut slices, 16);
                    let all: Vec<u8> = slices.concat();
                    let taken = len.min(all.len());
                    out.extend_from_slice(&all[..taken]);
                    outbox.consume(taken, &mut arena);
                }
            }
        }
        while !outbox.is_empty() {
            let mut slices = Vec::new();
            outbox.gather(&arena, &mut slices, 16);
            let all: Vec<u8> = slices.concat();
            out.extend_from_slice(&all);
            outbox.consume(all.len(), &mut arena);
        }
        prop_assert_eq!(arena.references(), 0);
        prop_assert_eq!((outbox.control_bytes(), outbox.data_bytes()), (0, 0));
        let mut at = 0;
        let (mut control, mut data) = (control.into_iter().peekable(), data.into_iter().peekable());
        while at < out.len() {
            let (fill, len) = if control.peek().is_some_and(|next| next.0 == out[at]) { control.next().unwrap() } else { data.next().unwrap() };
            prop_assert!(out[at..at + len].iter().all(|b| *b == fill), "a frame was torn");
            at += len;
        }
        prop_assert!(control.next().is_none() && data.next().is_none());
    }
}

#[test]
fn what_was_lent_is_given_back_when_it_has_left_or_is_not_wanted_any_more() {
    use std::sync::Arc;
    let (mut arena, mut outbox) = (Arena::default(), Outbox::default());
    let owned: Arc<[u8]> = vec![7; 1000].into();
    let put = |arena: &mut Arena, outbox: &mut Outbox| {
        let frame = arena.lend(Meta::Raw, Lent::new(Arc::clone(&owned)), |out| out.push(7));
        outbox.push(Lane::Data, frame, arena);
        Arc::strong_count(&owned)
    };
    assert_eq!((put(&mut arena, &mut outbox), put(&mut arena, &mut outbox)), (2, 3));
    outbox.consume(500, &mut arena);
    assert_eq!(Arc::strong_count(&owned), 3, "the first has not left whole");
    outbox.consume(501, &mut arena);
    assert_eq!(Arc::strong_count(&owned), 2);
    outbox.retain(&mut arena, |meta| meta != Meta::Raw);
    assert_eq!((Arc::strong_count(&owned), arena.references()), (1, 0));
}

#[test]
fn neighbours_share_one_reference() {
    let (mut arena, mut outbox) = (Arena::default(), Outbox::default());
    for n in 0..16 {
        let s = put(&mut arena, n, 100, Meta::Raw);
        assert!(outbox.offer(s, 65536, &mut arena));
    }
    assert_eq!(arena.references(), 1);
    outbox.retain(&mut arena, |_| false);
    assert!(outbox.is_empty());
    assert_eq!(arena.references(), 0);
}
