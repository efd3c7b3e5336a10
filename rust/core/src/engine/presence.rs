//! Presence: state, not history. Differences gathered over a window, told to the members who may hear them.
//!
//! Parts: Conns, Log, Out, Rooms, Sessions, Steps, Timers.

use super::{Engine, encoding};
use crate::conn::Conn;
use crate::envelope::write::{self as envelope, MemberOut};
use crate::ids::{ConnId, Form, Now, RoomId, SessionId};
use crate::outbox::{Lane, Meta, Part};
use crate::room::grants::Grants;
use crate::room::presence::{Diff, Who};
use crate::session::Listener;
use crate::timers::Due;

/// What others are to be told of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Came,
    Otherwise,
    Went,
}

fn shown(who: &Who) -> MemberOut<'_> {
    MemberOut {
        session: &who.wire,
        user: who.user.as_deref(),
        info: who.info.as_deref().map(|info| (info, Form::Json)),
    }
}

/// Who came and went, by name as long as no more than `names` are there.
fn write_diff(out: &mut Vec<u8>, form: Form, room: &str, diff: &Diff, count: u64, names: u64) {
    let few = count <= names;
    let joined: Vec<_> = diff.joined.iter().filter(|_| few).map(shown).collect();
    let left: Vec<_> = diff.left.iter().filter(|_| few).map(shown).collect();
    envelope::presence(out, form, room, &joined, &left, count);
}

impl Engine {
    /// A member came, went, or is shown otherwise than before.
    pub(super) fn tell_presence(&mut self, room_id: RoomId, session: SessionId, shown: Shown, now: Now) {
        let Some(who) = self.who(room_id, session) else { return };
        let base = self.config.limits.presence_ms;
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        match shown {
            Shown::Came => room.presence_mut().joined(now.tick, who),
            Shown::Otherwise => room.presence_mut().renewed(now.tick, who),
            Shown::Went => room.presence_mut().left(now.tick, who),
        }
        if !self.timers.is_set(Due::Presence(room_id))
            && let Some(due) = room.presence().due(base, room.members().visible())
        {
            self.timers.set(Due::Presence(room_id), due);
        }
    }

    /// The window is over.
    pub(super) fn flush_presence(&mut self, room_id: RoomId) {
        let names = self.config.limits.presence_names;
        let Some(room) = self.room_mut(room_id) else { return };
        let diff = room.presence_mut().take();
        let count = room.members().visible() as u64;
        let name = room.name().clone();
        let nothing = diff.as_ref().is_some_and(Diff::is_empty);
        let mut lowest = None;
        let mut live: Vec<(ConnId, SessionId, Listener)> = Vec::new();
        let members: Vec<SessionId> = self.room(room_id).map_or_else(Vec::new, |room| {
            let hears = |grants: Grants| grants.contains(Grants::PRESENCE);
            room.members().iter().filter(|member| hears(member.grants)).map(|member| member.session).collect()
        });
        self.steps.spend(1 + members.len());
        for session_id in members {
            let Some(session) = self.session(session_id) else { continue };
            let Some(conn) = session.conn() else { continue };
            if let Some(listener) = self.sessions.listeners().live(session_id) {
                live.push((conn, session_id, listener));
            } else if let Some(joined) = session.joined(room_id) {
                lowest = Some(lowest.map_or(joined.mark(), |low: u64| low.min(joined.mark())));
            }
        }
        match diff {
            Some(_) if nothing => {}
            Some(diff) => {
                let slot = u32::try_from(room_id.index()).expect("a slot's index");
                let excludes = self.excludes;
                let mut copies = self.out.copies(Meta::Presence { room: slot }, Part::Whole);
                live.retain(|(_, _, listener)| {
                    let encoding =
                        if excludes { encoding::uncompressed(listener.encoding) } else { listener.encoding };
                    !copies.offer(listener.conn as usize, encoding, |out, packing| {
                        encoding::message(out, encoding, packing, |out, form| {
                            write_diff(out, form, &name, &diff, count, names);
                        });
                    })
                });
                drop(copies);
                // These were told up to the window before: `told` moved with `take`, so their marks are set by hand.
                let before = self.log.head();
                for (_, session_id, _) in live {
                    self.fall_behind(session_id, before);
                    self.show_when_back(session_id, room_id);
                }
            }
            // More changed than is kept: everybody is shown the room as it is.
            None => {
                for (conn, session_id, _) in live {
                    self.show_members(conn, session_id, room_id);
                }
            }
        }
        if let Some(room) = self.room_mut(room_id) {
            let needed = lowest.unwrap_or_else(|| room.presence().mark());
            room.presence_mut().trim(needed);
        }
    }

    /// This listener missed a window of which it was told nothing: no mark is this high, so it gets a
    /// snapshot when it is live again.
    fn show_when_back(&mut self, session: SessionId, room: RoomId) {
        self.remember_mark(session, room, u64::MAX);
    }

    fn remember_mark(&mut self, session_id: SessionId, room: RoomId, mark: u64) {
        let Some(session) = self.session_mut(session_id) else { return };
        if let Some(joined) = session.joined_mut(room) {
            joined.mark_at(mark);
        }
    }

    /// A listener is live again: what it missed in one message, or the room as it is.
    pub(super) fn catch_up_presence(&mut self, conn: ConnId, session: SessionId, room_id: RoomId, mark: u64) {
        let names = self.config.limits.presence_names;
        let Some(room) = self.room_mut(room_id) else { return };
        let count = room.members().visible() as u64;
        let name = room.name().clone();
        let diff = room.presence_mut().since(session, mark);
        let told = room.presence().mark();
        self.remember_mark(session, room_id, told);
        let Some(diff) = diff else {
            self.show_members(conn, session, room_id);
            return;
        };
        let Some(form) = self.conn(conn).map(Conn::form) else { return };
        let mut bytes = Vec::with_capacity(128);
        write_diff(&mut bytes, form, &name, &diff, count, names);
        self.post_presence(conn, room_id, &bytes);
    }

    /// A member may hear presence from now on: differences mean nothing without the whole.
    pub(super) fn show_room(&mut self, session_id: SessionId, room_id: RoomId) {
        let Some(conn) = self.sessions.conn_of(session_id) else { return };
        let live = self.sessions.is_live(session_id);
        let Some(room) = self.room_mut(room_id).filter(|room| room.settings().presence) else { return };
        if live {
            let mark = room.presence_mut().snapshot(session_id);
            self.remember_mark(session_id, room_id, mark);
            self.show_members(conn, session_id, room_id);
        } else {
            self.show_when_back(session_id, room_id);
        }
    }

    /// The room as it is now, as after a resume.
    fn show_members(&mut self, conn: ConnId, session: SessionId, room_id: RoomId) {
        let Some(name) = self.room(room_id).map(|room| room.name().clone()) else { return };
        let Some(form) = self.conn(conn).map(Conn::form) else { return };
        let grants = self.grants_in(room_id, session).unwrap_or(Grants::NONE);
        let mut bytes = Vec::with_capacity(256);
        let moved = self.stay_of(session, &name);
        self.with_view((room_id, session), grants, None, self.log.head(), |view| {
            envelope::room(&mut bytes, form, &name, &view, moved);
        });
        self.post_presence(conn, room_id, &bytes);
    }

    fn post_presence(&mut self, conn: ConnId, room: RoomId, bytes: &[u8]) {
        let Some(encoding) = self.conn(conn).map(Conn::encoding) else { return };
        let slot = u32::try_from(room.index()).expect("a slot's index");
        self.post(conn, Lane::Data, Meta::Presence { room: slot }, encoding, |out, _| {
            out.extend_from_slice(bytes);
        });
    }
}
