//! All rings together hold too much: whose entries go?
//!
//! Parts: Log, Rooms, Sessions.
//!
//! The oldest, a tenth of the budget at once, so that a full budget costs one walk over the rings for many publications.
//! But those first that are in rooms of somebody whose rooms hold more than a share of the budget; then those in rooms of
//! peers, as long as these have more than half of it; then any. So who fills the memory forgets its own past, and what the
//! application says stays.

use super::{Engine, size};
use crate::ids::SessionId;
use crate::log::memory;
use crate::log::ring::Ring;
use crate::room::table::Room;
use crate::shares::{Account, Holder, User};
use hashbrown::HashMap;
use std::net::IpAddr;

/// What the owners hold, and how much that is too much.
struct Weighed {
    users: HashMap<User, usize>,
    addresses: HashMap<IpAddr, usize>,
    peers: usize,
    user_share: usize,
    address_share: usize,
}

impl Weighed {
    fn add(&mut self, owner: &Holder, bytes: usize) {
        for account in owner.accounts() {
            match account {
                Account::User(user) => *self.users.entry_ref(user).or_default() += bytes,
                Account::Address(address) => *self.addresses.entry(address).or_default() += bytes,
                Account::Peers => self.peers += bytes,
                Account::Application => {}
            }
        }
    }

    fn is_over(&self, owner: &Holder) -> bool {
        owner.is_peer()
            && owner.accounts().any(|account| match account {
                Account::User(user) => self.users.get(user).is_some_and(|held| *held > self.user_share),
                Account::Address(address) => {
                    self.addresses.get(&address).is_some_and(|held| *held > self.address_share)
                }
                Account::Peers | Account::Application => false,
            })
    }

    /// How much the peers that are over their shares hold beyond them.
    fn excess(&self) -> usize {
        let beyond = |held: &usize, share: usize| held.saturating_sub(share);
        let users: usize = self.users.iter().map(|(_, held)| beyond(held, self.user_share)).sum();
        let addresses: usize = self.addresses.iter().map(|(_, held)| beyond(held, self.address_share)).sum();
        users.max(addresses)
    }
}

impl Engine {
    pub(super) fn shed(&mut self) {
        let budget = self.log.budget();
        let over = self.log.bytes() - budget + budget / 10;
        let aim = self.log.bytes() - over;
        let weighed = self.weigh(budget);
        let (excess, of_peers) = (weighed.excess(), weighed.peers.saturating_sub(budget / 2));
        if excess > 0 {
            self.forget(excess.min(over), |owner| owner.is_some_and(|owner| weighed.is_over(owner)));
        }
        let left = self.log.bytes().saturating_sub(aim);
        self.forget(left.min(of_peers), |owner| owner.is_some_and(Holder::is_peer));
        self.forget(self.log.bytes().saturating_sub(aim), |_| true);
    }

    fn weigh(&self, budget: usize) -> Weighed {
        let limits = &self.config.limits;
        let part = |percent: u64| budget / 100 * size(percent.min(100));
        let mut weighed = Weighed {
            users: HashMap::new(),
            addresses: HashMap::new(),
            peers: 0,
            user_share: part(limits.share_of_user),
            address_share: part(limits.share_of_address),
        };
        for (_, room) in self.rooms.iter() {
            if let Some(owner) = room.owner() {
                weighed.add(owner, room.ring().bytes());
            }
        }
        for (session, ring) in self.own_rings() {
            weighed.add(&self.holder_of(session), ring.bytes());
        }
        weighed
    }

    /// What was said to sessions alone.
    fn own_rings(&self) -> impl Iterator<Item = (SessionId, &Ring)> {
        self.sessions.iter().filter_map(|(id, session)| Some((id, session.own_ring()?)))
    }

    /// Let go of the oldest entries of the rings of these owners, so many bytes of them. (A room that nobody is in and that
    /// holds nothing then is freed by the sweep.)
    fn forget(&mut self, bytes: usize, whose: impl Fn(Option<&Holder>) -> bool) {
        if bytes == 0 {
            return;
        }
        // A session's ring is named by its index behind the last room's.
        let behind = self.rooms.slots();
        let of_rooms = self
            .rooms
            .iter()
            .filter(|(_, room)| whose(room.owner()))
            .map(|(id, room)| (id.index(), room.ring()));
        let of_sessions = self
            .own_rings()
            .filter(|(session_id, _)| whose(Some(&self.holder_of(*session_id))))
            .map(|(session_id, ring)| (behind + session_id.index(), ring));
        for (index, count) in memory::plan(of_rooms.chain(of_sessions), bytes) {
            let ring = if index < behind {
                self.rooms.at_mut(index).map(Room::ring_mut)
            } else {
                let rare = self.sessions.at_mut(index - behind).and_then(|session| session.rare_mut());
                rare.and_then(|rare| rare.own.ring_mut())
            };
            let Some(ring) = ring else { continue };
            for _ in 0..count {
                self.stats.shed += self.log.shed_oldest(ring);
            }
        }
    }
}
