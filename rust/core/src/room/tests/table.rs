//! The table of rooms: names, shares and rest stay together, whoever comes and goes.

use crate::ids::{RoomId, SessionId};
use crate::limits::Limits;
use crate::log::book::Log;
use crate::log::ring::Bounds;
use crate::room::grants::Grants;
use crate::room::members::Member;
use crate::room::settings::{Patterns, Settings};
use crate::room::table::Rooms;
use crate::shares::{Holder, Resting, Shares, User, What};
use foldhash::quality::FixedState;
use proptest::prelude::*;
use std::net::IpAddr;
use std::sync::Arc;

const BOUNDS: Bounds = Bounds { count: 4, bytes: 4_000, age_ms: 1_000 };

fn rooms() -> Rooms {
    let mut patterns = Patterns::new(BOUNDS);
    patterns.add(Settings::new("tea/*", BOUNDS)).unwrap();
    patterns.add(Settings::new("hall", BOUNDS)).unwrap();
    Rooms::new(patterns, &FixedState::with_seed(7))
}

fn peer(n: u64) -> Holder {
    Holder::peer(IpAddr::from([10, 0, 0, 1]), Some(User::Session(SessionId(n))))
}

fn member(session: u64) -> Member {
    let session = SessionId(session);
    Member { session, began: 0, floor: 0, info: None, grants: Grants::NONE, visible: true }
}

proptest! {
    /// Made, entered, left, stirred and removed in any order: a name finds its room and no other, each room is in its
    /// owner's share as long as it is there, and those rest, and only those, that nobody is in.
    #[test]
    fn names_shares_and_rest_stay_together(
        steps in prop::collection::vec((0u8..5, 0usize..4, 0u64..3), 1..200)
    ) {
        let names = ["tea/1", "tea/2", "hall", "$all"];
        let (mut rooms, log) = (rooms(), Log::new("e", 1_000));
        let mut shares = Shares::new(&Limits::default(), &FixedState::with_seed(7));
        for (what, which, who) in steps {
            let name = names[which];
            let settings = Arc::clone(rooms.settings_for(name).unwrap());
            let counted = Rooms::is_counted(name, &settings);
            match (what, rooms.named(name)) {
                (0..2, None) => {
                    let owner = counted.then(|| peer(who));
                    rooms.make(name, settings, owner, log.new_ring(), &mut shares);
                }
                (0..2, Some(id)) => {
                    let was = rooms.get(id).unwrap().member(SessionId(who)).is_some();
                    prop_assert_eq!(rooms.enter(id, member(who), &mut shares).is_some(), was);
                }
                (2, Some(id)) => {
                    let was = rooms.get(id).unwrap().member(SessionId(who)).is_some();
                    prop_assert_eq!(rooms.leave(id, SessionId(who)), was);
                    rooms.stir(id, &mut shares);
                }
                (3, Some(id)) => rooms.stir(id, &mut shares),
                (4, Some(id)) if rooms.get(id).unwrap().members().is_empty() => {
                    prop_assert!(rooms.get(id).unwrap().is_idle());
                    let gone = rooms.remove(id, &mut shares).unwrap();
                    prop_assert_eq!(&**gone.name(), name);
                    prop_assert!(rooms.get(id).is_none() && rooms.named(name).is_none());
                }
                _ => {}
            }
            prop_assert_eq!(rooms.len(), rooms.names());
            let mut resting = 0;
            for (id, room) in rooms.iter() {
                prop_assert_eq!(rooms.named(room.name()), Some(id));
                resting += usize::from(room.owner().is_some() && room.members().is_empty());
            }
            prop_assert_eq!(shares.resting(), resting);
            for n in 0..3 {
                let owned = rooms.iter().filter(|(_, room)| room.owner() == Some(&peer(n))).count();
                let account = peer(n).accounts().find(|account| matches!(account, crate::shares::Account::User(_))).map(
                    |account| shares.held(account, What::Room),
                );
                prop_assert_eq!(account, Some(owned as u64));
            }
        }
    }
}

#[test]
fn who_was_empty_the_longest_goes_first_and_nobody_that_somebody_is_in() {
    let mut rooms = rooms();
    let limits = Limits { rooms: 20, ..Limits::default() }; // two for one user
    let mut shares = Shares::new(&limits, &FixedState::with_seed(7));
    let log = Log::new("e", 1_000);
    let settings = Arc::clone(rooms.settings_for("tea/1").unwrap());
    let make = |rooms: &mut Rooms, shares: &mut Shares, name: &str| -> RoomId {
        rooms.make(name, Arc::clone(&settings), Some(peer(1)), log.new_ring(), shares)
    };
    let first = make(&mut rooms, &mut shares, "tea/1");
    let second = make(&mut rooms, &mut shares, "tea/2");
    let goes = |shares: &Shares| shares.place_for(&peer(1), What::Room, Resting::Room);
    assert_eq!(goes(&shares).unwrap(), Some(first.0));
    rooms.stir(first, &mut shares);
    assert_eq!(goes(&shares).unwrap(), Some(second.0), "something was done with the first since");
    rooms.enter(second, member(1), &mut shares);
    assert_eq!(goes(&shares).unwrap(), Some(first.0), "somebody is in the second");
    rooms.enter(first, member(1), &mut shares);
    assert!(goes(&shares).is_err());
}
