//! Nobody is refused because of others before its own share is used up, and the books balance.

use super::{Account, Holder, Resting, Shares, User, What};
use crate::ids::SessionId;
use crate::limits::Limits;
use foldhash::quality::FixedState;
use proptest::prelude::*;
use std::net::IpAddr;

fn shares(rooms: u64) -> Shares {
    Shares::new(&Limits { rooms, ..Limits::default() }, &FixedState::with_seed(7))
}

fn peer(address: u8, user: u64) -> Holder {
    Holder::peer(IpAddr::from([10, 0, 0, address]), Some(User::Session(SessionId(user))))
}

/// Take as many rooms as there is place for, at most `most`; each rests at once if `rest`. What must go goes.
fn fill(shares: &mut Shares, owner: &Holder, most: u64, rest: bool, gone: &mut Vec<u64>) -> u64 {
    let mut taken = 0;
    while taken < most {
        match shares.place_for(owner, What::Room, Resting::Room) {
            Ok(None) => {
                shares.take(owner, What::Room, 1);
                if rest {
                    shares.rest(owner, Resting::Room, taken);
                }
                taken += 1;
            }
            Ok(Some(id)) => {
                gone.push(id);
                return taken;
            }
            Err(_) => return taken,
        }
    }
    taken
}

#[test]
fn one_user_uses_up_its_share_and_no_other_is_refused() {
    let mut shares = shares(100);
    let gone = &mut Vec::new();
    assert_eq!(fill(&mut shares, &peer(1, 1), 1_000, false, gone), 10);
    let full = shares.place_for(&peer(1, 1), What::Room, Resting::Room).expect_err("full");
    assert_eq!(full.to_string(), "the share of one user in the limit rooms (10) is used up");
    assert_eq!(fill(&mut shares, &peer(1, 2), 5, false, gone), 5, "another session of the same address");
}

#[test]
fn one_address_uses_up_its_share_and_no_other_is_refused() {
    let mut shares = shares(100);
    let gone = &mut Vec::new();
    let taken: u64 = (0..50).map(|user| fill(&mut shares, &peer(1, user), 1_000, false, gone)).sum();
    assert_eq!(taken, 50);
    let full = shares.place_for(&peer(1, 99), What::Room, Resting::Room).expect_err("full");
    assert_eq!(full.whose, Some("one address"));
    assert_eq!(fill(&mut shares, &peer(2, 100), 5, false, gone), 5);
}

#[test]
fn the_application_is_not_refused_because_peers_used_everything_up() {
    let mut shares = shares(100);
    let gone = &mut Vec::new();
    for user in 0..100 {
        fill(&mut shares, &peer(u8::try_from(user).expect("small"), user), 1_000, false, gone);
    }
    assert_eq!(shares.held(Account::Peers, What::Room), 100);
    assert_eq!(fill(&mut shares, &Holder::backend("news"), 1_000, false, gone), 50, "half is one API key's");
    assert_eq!(fill(&mut shares, &Holder::backend("shop"), 30, false, gone), 30);
    assert_eq!(fill(&mut shares, &Holder::APPLICATION, 1_000, false, gone), 20);
}

#[test]
fn who_makes_too_much_loses_its_own_that_rests() {
    let mut shares = shares(100);
    let theirs = peer(2, 2);
    shares.take(&theirs, What::Room, 1);
    shares.rest(&theirs, Resting::Room, 777); // the longest at rest of all
    let gone = &mut Vec::new();
    assert_eq!(fill(&mut shares, &peer(1, 1), 1_000, true, gone), 10);
    assert_eq!(gone, &[0], "its own first, although another rests for longer");
}

#[test]
fn what_rests_of_others_goes_only_when_all_peers_are_at_the_limit() {
    let mut shares = shares(20);
    let gone = &mut Vec::new();
    for user in 0..10 {
        let address = u8::try_from(user).expect("small");
        assert_eq!(fill(&mut shares, &peer(address, user), 2, true, gone), 2);
    }
    assert!(gone.is_empty());
    assert_eq!(shares.place_for(&peer(77, 77), What::Room, Resting::Room), Ok(Some(0)));
}

proptest! {
    #[test]
    fn the_books_balance(steps in proptest::collection::vec((0..3_u8, 0..4_u64, 0..3_u8, 1..50_u64), 0..200)) {
        let mut shares = shares(1_000);
        let mut held: Vec<(Holder, u64)> = Vec::new();
        let mut resting: Vec<(Holder, u64)> = Vec::new();
        for (address, user, step, n) in steps {
            let owner = peer(address, user);
            match step {
                0 => {
                    shares.take(&owner, What::Key, n);
                    held.push((owner, n));
                }
                1 => {
                    let stamp = shares.rest(&owner, Resting::Session, n);
                    resting.push((owner, stamp));
                    shares.wake(&resting[resting.len() - 1].0, Resting::Session, stamp, n);
                }
                _ => {
                    if let Some((owner, n)) = held.pop() {
                        shares.give_back(&owner, What::Key, n);
                    }
                }
            }
            let sum: u64 = held.iter().map(|(_, n)| n).sum();
            prop_assert_eq!(shares.held(Account::Peers, What::Key), sum);
        }
        for (owner, n) in held {
            shares.give_back(&owner, What::Key, n);
        }
        prop_assert_eq!(shares.len(), (0, 0), "no book is left that holds nothing");
    }
}
