//! A life that goes on where another ended: the epoch, the numbers, and what only memory held.
//!
//! Parts: Durable, Log, Rooms, Sessions, Shared, Shares.

use crate::durable::promise::Promise;
use crate::durable::shelves::Shelf;
use crate::engine::Engine;
use crate::ids::{Ends, Now, SessionId};
use crate::limits::fixed::{IDS_AHEAD, RESERVED};
use crate::room::members::Member;
use crate::room::settings::Durability;
use crate::session::{Begin, Row};
use crate::shares::What;
use crate::store::{Kept, KeptMember, KeptSession, Origin, Progress, Record, Sync};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Of a session with a user no address is kept: it is counted to its user.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Engine {
    /// What the store had kept, before the first connection comes. Numbers are given when more of them are reserved on disk
    /// (`may_begin`).
    pub fn restore(&mut self, kept: &Kept, now: Now) {
        self.entry(now, |engine| engine.begin_life(kept, now));
    }

    /// Whether there are numbers to be given: until then nothing can be said.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        self.log.has_number()
    }

    fn begin_life(&mut self, kept: &Kept, now: Now) {
        let goes_on = kept.origin != Origin::Replaced;
        let epoch = kept.epoch.as_deref().filter(|_| goes_on);
        self.log.resume(epoch, kept.head, kept.reserved);
        self.durable.running.resume(kept.running, now.tick);
        if epoch.is_none() {
            let facts = vec![Record::Epoch(self.log.epoch().into())];
            self.durable.keep(facts, Sync::Full, None);
        }
        let ring = self.log.ring_of_old();
        let all = self.all;
        if let Some(room) = self.room_mut(all) {
            room.restore_ring(ring); // nothing was said in it
        }
        self.restore_losses(kept);
        for room in &kept.rooms {
            let last = if room.count > 0 { room.last } else { 0 };
            self.restore_shelf(&room.name, Shelf { last, freed: room.freed, soft: false });
        }
        for room in &kept.collections {
            if self.rooms.settings_for(room).is_some_and(|settings| settings.durable.is_on()) {
                self.shared.shelve(room);
            }
        }
        if goes_on {
            for session in &kept.sessions {
                self.restore_session(session, now);
            }
        }
        for (key, claimed) in &kept.keys {
            self.know_key(key, *claimed);
        }
        self.reserve_more();
        self.load_next();
    }

    /// What may have been lost with the machine, now and before: others may have heard what came after the last entry on disk.
    fn restore_losses(&mut self, kept: &Kept) {
        for (after, upto) in &kept.lost {
            self.durable.losses.add(*after, *upto);
        }
        let after = kept.rooms.iter().map(|room| room.last).max().unwrap_or(0);
        let upto = self.log.before();
        if kept.origin == Origin::Machine && after < upto {
            self.durable.losses.add(after, upto);
            self.durable.keep(vec![Record::Lost { after, upto }], Sync::Full, None);
        }
    }

    /// What is on disk of a room. One that is there before all others is filled at once.
    fn restore_shelf(&mut self, name: &Arc<str>, shelf: Shelf) {
        let Some(room_id) = self.rooms.named(name) else {
            return self.durable.shelves.put(Arc::clone(name), shelf);
        };
        let ring = self.log.ring_behind(shelf.last.max(shelf.freed));
        if let Some(room) = self.room_mut(room_id).filter(|room| room.is_durable()) {
            let shelf = Shelf { soft: room.settings().durable == Durability::Commit, ..shelf };
            room.restore_ring(ring); // nothing was said in it
            self.durable.shelves.open(room_id, shelf);
            self.fill_room(room_id, shelf);
        }
    }

    /// A session comes back as an absent member of its rooms; its window begins now.
    fn restore_session(&mut self, kept: &KeptSession, now: Now) {
        let row = &kept.row;
        if self.sessions.named(&row.name).is_some() {
            return;
        }
        let began = kept.rooms.iter().map(|member| member.began).min().unwrap_or(self.log.before());
        let rate = self.config.limits.messages_per_second;
        let session_id = self.sessions.add(Begin {
            name: Arc::clone(&row.name),
            key: row.key,
            hashed: true,
            user: row.user.clone(),
            address: row.address.unwrap_or(NOWHERE),
            agent: None,
            head: began,
            now,
            expires: row.ends.map(|date| Ends::on(date, now)),
            budget: u32::try_from(rate.saturating_mul(2000)).unwrap_or(u32::MAX),
        });
        if let Some(place) = self.place_of(session_id) {
            self.shares.take(&place, What::Session, 1);
        }
        let alone = self.log.ring_of_old();
        for member in &kept.rooms {
            self.restore_member(session_id, member, now);
        }
        let Some(session) = self.session_mut(session_id) else { return };
        let acks = kept.requests.iter().filter_map(|(id, progress)| match progress {
            Progress::Done(ack) => Some((*id, ack.clone())),
            Progress::Taken => None,
        });
        session.acks_mut().restore(row.upto, acks);
        let cut_off = kept.requests.iter().filter(|(_, progress)| *progress == Progress::Taken);
        let cut_off = cut_off.map(|(id, _)| *id).collect();
        let rare = session.make_rare();
        rare.own.restore(alone);
        rare.moves.forget(row.upto);
        let (upto, asks, old, let_go) = (row.upto, row.asks, row.upto, kept.let_go);
        // (On disk both are as much higher as are set aside at a time.)
        let sure = upto.saturating_add(IDS_AHEAD);
        rare.restore(Row { upto, sure, asks, old, let_go, cut_off, acks: 0 });
        let user = row.user.clone();
        self.enter_own_rooms(session_id, user.as_ref(), 0, now);
        self.weigh_acks(session_id);
        if row.ends.is_some() {
            self.time_expiry(session_id, now);
        }
        self.go_away(session_id, now);
    }

    fn restore_member(&mut self, session: SessionId, kept: &KeptMember, now: Now) {
        let owner = self.holder_of(session);
        let Ok(room) = self.make_room(&kept.room, &owner) else { return };
        let (began, grants, visible) = (kept.began, kept.grants, kept.visible);
        let member = Member { session, began, floor: 0, info: None, grants, visible };
        self.enter(session, room, member, kept.moved, now);
        self.restore_writer(session, room, kept.writer.as_deref(), now);
    }

    /// The server ends in good order: no number is given any more, and what waits to be written leaves now, the head with it. So the
    /// next life goes on right behind this one.
    pub fn end_life(&mut self) {
        self.durable.groups.hurry_all();
        if self.config.store && !self.durable.ended && self.log.has_number() {
            (self.durable.ended, self.durable.reserving) = (true, true);
            let head = self.log.head();
            self.log.reserve(head);
            self.durable.keep(vec![Record::Head(head)], Sync::Full, None);
        }
    }

    /// Reserve numbers on disk if half of them are given.
    pub(in crate::engine) fn reserve_more(&mut self) {
        let left = self.log.reserved().saturating_sub(self.log.head());
        if left < RESERVED / 2 && self.config.store && !self.durable.reserving {
            self.durable.reserving = true;
            let upto = self.log.head().saturating_add(RESERVED);
            self.durable.keep(vec![Record::Reserved(upto)], Sync::Full, Some(Promise::Reserve(upto)));
        }
    }
}
