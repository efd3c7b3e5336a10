//! `welcome`: the first word to a session, and what must be said beside it where its past is unknown.
//!
//! Parts: Conns, Durable, Log, Rooms, Sessions.

use super::Engine;
use crate::compress::Algorithm;
use crate::conn::Conn;
use crate::envelope::write::{self as envelope, RoomOut, WelcomeOut};
use crate::ids::{ConnId, Now, Seq, SessionId};
use crate::log::ring::Reason;
use crate::room::grants::Grants;
use crate::room::settings::is_own;
use std::sync::Arc;

impl Engine {
    /// The first word to a session. `resumed`: it was there before; and whether its past is known.
    pub(super) fn welcome(
        &mut self,
        id: ConnId,
        session_id: SessionId,
        seq: Seq,
        resumed: Option<bool>,
        now: Now,
    ) {
        let Some(session) = self.sessions.get(session_id) else { return };
        let known = resumed != Some(false);
        let rooms: Vec<RoomOut<'_>> = session
            .rooms()
            .iter()
            .filter_map(|joined| {
                let room = self.rooms.get(joined.room())?;
                let member = room.member(session_id)?;
                let at = seq.max(member.began).max(member.floor);
                let whole = if room.is_durable() {
                    self.durable.is_whole_since(joined.room(), room.ring(), at)
                } else {
                    room.ring().complete_since(at)
                };
                let sees = member.grants.contains(Grants::PRESENCE) && room.settings().presence;
                (!is_own(room.name())).then(|| RoomOut {
                    room: room.name(),
                    seq: self.log.head(),
                    count: sees.then_some(room.members().visible() as u64),
                    complete: known && whole,
                })
            })
            .collect();
        let limits = &self.config.limits;
        let window = session.rare().and_then(|rare| rare.window_ms);
        let told = [
            ("max_message", limits.max_message),
            ("ping", limits.ping_ms.div_ceil(1000)),
            ("silence", limits.silence_ms.div_ceil(1000)),
            ("resume", window.unwrap_or(limits.resume_ms).div_ceil(1000)),
            ("acks", limits.acks),
            ("name", limits.max_name),
            ("rooms", limits.rooms_per_session),
            ("history", limits.history_entries),
            ("messages_per_second", limits.messages_per_second),
            ("streams", limits.streams),
            ("keys", limits.key_ms / 1000),
            ("report", limits.report_ms.div_ceil(1000)),
        ];
        let told = &told[..told.len() - usize::from(limits.report_ms == 0)];
        let link = session.link();
        let key = Some(session.key())
            .filter(|_| link.is_none_or(|link| !link.has_cookie() && !link.is_ephemeral()));
        let ticket = link.and_then(|link| link.ticket_of(session.name()));
        let welcome = WelcomeOut {
            session: session.name(),
            key,
            user: session.user().map(|user| &**user),
            epoch: self.log.epoch(),
            life: &self.life,
            seq,
            head: self.log.head(),
            taken: session.acks().taken(),
            resumed: resumed.is_some(),
            rooms,
            limits: told,
            transports: &["websocket", "sse", "polling"],
            time: now.wall_ms,
            expires: session.expires().map(|ends| ends.date),
            compress: self.conn(id).and_then(Conn::agreed).map(Algorithm::word),
            ticket: ticket.as_deref(),
            streams: &session.streams().map(super::streams::wanted).unwrap_or_default(),
        };
        // It holds a key: never compressed.
        let Some(form) = self.conn(id).map(Conn::form) else { return };
        let mut bytes = Vec::with_capacity(512);
        envelope::welcome(&mut bytes, form, &welcome);
        if self.conn(id).is_some_and(|conn| conn.request().is_some()) {
            self.answer_hello(id, session_id, &bytes, now);
            return;
        }
        self.tell_as(id, false, |out, _| out.extend_from_slice(&bytes));
    }

    /// The position was of another life of the log: what came before that which is held (`renew_floors`) cannot be told.
    pub(super) fn tell_unknown_past(&mut self, session_id: SessionId) {
        let Some(session) = self.session(session_id) else { return };
        let alone = session.rare().map_or(self.log.head(), |rare| rare.own.floor());
        let rooms: Vec<(Arc<str>, Seq)> = session
            .rooms()
            .iter()
            .filter_map(|joined| {
                let room = self.room(joined.room())?;
                Some((Arc::clone(room.name()), room.member(session_id)?.floor))
            })
            .collect();
        let why = Reason::Epoch.word();
        self.tell_session(session_id, |out, form| envelope::gap(out, form, None, 0, alone, why));
        for (name, to) in rooms {
            self.tell_session(session_id, |out, form| envelope::gap(out, form, Some(&name), 0, to, why));
        }
    }
}
