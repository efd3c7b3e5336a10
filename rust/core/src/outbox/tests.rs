//! The laws of what waits to leave.

mod lanes;

use super::*;
use crate::ids::ConnId;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn say(out: &mut Out, id: ConnId, fill: u8, len: usize) {
    out.say(id, Lane::Data, Meta::Raw, |bytes| bytes.extend(std::iter::repeat_n(fill, len)));
}

fn all_of(out: &Out, id: ConnId) -> Vec<u8> {
    out.pieces(id).flatten().copied().collect()
}

proptest! {
    /// Connections come and go, are told things alone and together, and read as much as they like. Each hears what
    /// was said to it and nothing of who had its place before; who has something new stands on the list, once; and
    /// when all are gone nothing is held.
    #[test]
    fn each_hears_its_own_and_stands_on_the_list_once(
        steps in prop::collection::vec((0u8..7, 0u32..4, 1usize..300), 1..200)
    ) {
        let mut out = Out::new(1_000, usize::MAX);
        let (mut open, mut generations) = (BTreeMap::<u32, (ConnId, Vec<u8>, bool)>::new(), [1u32; 4]);
        for (n, (what, slot, len)) in steps.into_iter().enumerate() {
            let fill = u8::try_from(n % 251).unwrap();
            match (what, open.get_mut(&slot)) {
                (0 | 1, None) => {
                    let id = ConnId::new(slot, generations[slot as usize]);
                    out.open(id);
                    open.insert(slot, (id, Vec::new(), false));
                }
                (0, Some(_)) => {
                    let (id, ..) = open.remove(&slot).unwrap();
                    out.close(id);
                    generations[slot as usize] += 1;
                    prop_assert!(out.is_empty(id) && all_of(&out, id).is_empty());
                }
                (1, Some((id, owed, new))) => {
                    say(&mut out, *id, fill, len);
                    owed.extend(std::iter::repeat_n(fill, len));
                    *new = true;
                }
                (2 | 3, _) => {
                    let mut copies = out.copies(Meta::Volatile { room: 1 }, Part::Whole);
                    for (slot, (_, owed, new)) in &mut open {
                        let fits = owed.is_empty() || owed.len() + len <= 1_000;
                        let taken = copies.offer(*slot as usize, 0, |bytes, _| {
                            bytes.extend(std::iter::repeat_n(fill, len));
                        });
                        prop_assert_eq!(taken, fits);
                        if taken {
                            owed.extend(std::iter::repeat_n(fill, len));
                            *new = true;
                        }
                    }
                }
                (4, Some((id, owed, new))) => {
                    let fits = owed.is_empty() || owed.len() + len <= 1_000;
                    let taken = out.feeding(*id).unwrap().offer(Meta::Raw, 0, |bytes, _| {
                        bytes.extend(std::iter::repeat_n(fill, len));
                    });
                    prop_assert_eq!(taken, fits);
                    if taken {
                        owed.extend(std::iter::repeat_n(fill, len));
                        *new = true;
                    }
                }
                (5, Some((id, owed, _))) => {
                    // Whole frames only: what is left of one that was begun goes to the other lane, and counts there.
                    prop_assert_eq!(all_of(&out, *id), owed.clone());
                    out.left(*id, owed.len());
                    owed.clear();
                }
                _ => {
                    let mut listed = Vec::new();
                    while let Some((id, waits)) = out.next_listed() {
                        prop_assert_eq!((waits.data, waits.empty), (out.data_bytes(id), out.is_empty(id)));
                        listed.push(id);
                    }
                    listed.sort_unstable();
                    let news: Vec<ConnId> =
                        open.values().filter(|(_, _, new)| *new).map(|(id, ..)| *id).collect();
                    let mut news = news;
                    news.sort_unstable();
                    prop_assert_eq!(listed, news);
                    prop_assert!(!out.has_listed());
                    for (_, _, new) in open.values_mut() {
                        *new = false;
                    }
                }
            }
        }
        for (id, owed, _) in open.into_values() {
            prop_assert_eq!(all_of(&out, id), owed);
            out.close(id);
        }
        prop_assert_eq!((out.references(), out.count()[..3].to_vec()), (0, vec![0; 3]));
    }
}

#[test]
fn what_is_said_to_many_is_written_once_for_each_encoding() {
    let mut out = Out::new(1_000, usize::MAX);
    let mut written = 0;
    for slot in 0..10 {
        out.open(ConnId::new(slot, 1));
    }
    let mut copies = out.copies(Meta::Entry { seq: 1, room: 1, encoding: 0 }, Part::Whole);
    for slot in 0..10 {
        let taken = copies.offer(slot, u8::try_from(slot % 2).unwrap(), |bytes, _| {
            written += 1;
            bytes.push(b'x');
        });
        assert!(taken);
    }
    drop(copies);
    assert_eq!(written, 2);
    // Who is fed the same later has the same frame, as long as it is there.
    let mut feeding = out.feeding(ConnId::new(0, 1)).unwrap();
    assert!(feeding.offer(Meta::Entry { seq: 1, room: 1, encoding: 0 }, 0, |_, _| written += 1));
    assert_eq!(written, 2);
}
