//! From a stream's buffer to an outbox, while there is room; and what a returning peer makes of its streams.
//!
//! Parts: Conns, Out, Sessions, Timers.
//!
//! Items share the data lane with entries, and entries come first: when an outbox has drained, they are fed
//! up to its bound, and items up to a quarter more. So neither keeps the other from ever being heard, and a
//! peer that does not read holds no more than that, whatever is made for it. The rest waits in the stream's
//! buffer, and the application is not asked for more.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::encoding::{self, Alone};
use super::streams::write_end;
use super::{AppEvent, Engine, size};
use crate::codes::Code;
use crate::conn::Conn;
use crate::envelope::write as envelope;
use crate::error::Fault;
use crate::ids::{Form, Now, SessionId};
use crate::outbox::{Lane, Meta};
use crate::session::Rare;
use crate::stream::{Stream, Streams};
use crate::timers::Due;

impl Engine {
    /// Bytes of the session that have not left yet, as far as they hold up streams.
    pub(super) fn unsent_items(&self, session_id: SessionId) -> usize {
        let Some(session) = self.session(session_id) else { return 0 };
        let Some(streams) = session.streams() else { return 0 };
        let waiting = session.conn().map_or(0, |conn| self.out.data_bytes(conn));
        let own = if self.sessions.lags(session_id) { self.unsent(session_id) } else { 0 };
        streams.unsent().saturating_add(waiting).saturating_add(own)
    }

    /// Hand over what streams have for the peer, in turns, as far as its outbox takes it; then let those go on
    /// that waited for room. Harmless at any time: without a connection everything waits.
    pub(super) fn feed_streams(&mut self, session_id: SessionId) {
        let alone = self.alone(session_id);
        let Some(session) = self.session_mut(session_id) else { return };
        let conn = session.conn();
        if conn.is_none()
            && let Some(opening) = session.link().and_then(|link| link.items()?.opening)
        {
            self.out.enlist(opening); // its answer begins with this, or is this
            return;
        }
        if let Some(conn) = conn
            && let Some(mut streams) = session.rare_mut().and_then(Rare::take_streams)
        {
            if let Some(encoding) = self.conn(conn).map(Conn::encoding) {
                while self.feed_round(conn, encoding, &mut streams, alone.as_ref()) {}
            }
            if let Some(session) = self.session_mut(session_id) {
                session.make_rare().put_streams(streams);
            }
        }
        self.wake_streams(session_id);
    }

    /// One item of each stream; whether to go on.
    fn feed_round(
        &mut self,
        conn: crate::ids::ConnId,
        encoding: u8,
        streams: &mut Streams,
        alone: Option<&Alone>,
    ) -> bool {
        let outbox = size(self.config.limits.outbox);
        let (bound, keep) = (outbox.saturating_add(outbox / 4), size(self.config.limits.stream_bytes));
        let mut some = false;
        for row in streams.rows_mut() {
            if self.out.data_bytes(conn) >= bound {
                return false;
            }
            if !row.is_due() {
                continue;
            }
            some = true;
            let (id, meta) = (row.id, Meta::Item { id: row.id });
            if let Stream::Down(down) = &mut row.stream
                && let Some((n, bytes)) = down.due()
            {
                match alone {
                    Some(alone) => self.out.say(conn, Lane::Data, meta, |out| {
                        encoding::item_alone(out, encoding, alone, (id, n, bytes));
                    }),
                    None => self.post(conn, Lane::Data, meta, encoding, |out, form| {
                        envelope::item(out, form, id, n, (bytes, Form::Json));
                    }),
                }
                self.stats.items += 1;
                down.pass(keep);
            } else if let Some(end) = &row.end {
                let n = row.count();
                match alone {
                    Some(alone) => self.out.say(conn, Lane::Data, meta, |out| {
                        encoding::end_alone(out, encoding, alone, n, |out, form| {
                            write_end(out, form, id, n, end);
                        });
                    }),
                    None => {
                        self.post(conn, Lane::Data, meta, encoding, |out, form| {
                            write_end(out, form, id, n, end);
                        });
                    }
                }
                row.told = true;
            }
        }
        some
    }

    /// Ask for items where there is room for them again: where credit alone was missing at once, else when
    /// most of what waited has left.
    pub(super) fn wake_streams(&mut self, session_id: SessionId) {
        let waits = |streams: &Streams| {
            streams.rows().iter().any(|row| matches!(&row.stream, Stream::Down(down) if down.waits))
        };
        if !self.session(session_id).and_then(|session| session.streams()).is_some_and(waits) {
            return;
        }
        if self.unsent_items(session_id) > size(self.config.limits.session_low) {
            return;
        }
        let Self { sessions, events, .. } = self;
        let streams = sessions.get_mut(session_id).and_then(|session| session.streams_mut());
        for row in streams.into_iter().flat_map(Streams::rows_mut) {
            if let Stream::Down(down) = &mut row.stream
                && down.waits
                && down.may_make()
                && !row.held
                && !row.gone
            {
                down.waits = false;
                events.list.push(AppEvent::StreamWants { session: session_id, id: row.id });
            }
        }
    }

    /// The peer is back. Streams that it names go on with the item that it wants; those down that it does not name
    /// are held: either their `open` comes again, or nobody wants them. Of those that go up, what it may have missed
    /// is said again.
    pub(super) fn resume_streams(&mut self, session_id: SessionId, named: &[(u64, u64)], now: Now) {
        let taken = self.session(session_id).map_or(0, |session| session.acks().taken());
        let mut up = Vec::new();
        let mut held_some = false;
        if let Some(streams) = self.session_mut(session_id).and_then(|session| session.streams_mut()) {
            for row in streams.rows_mut().iter_mut().filter(|row| !row.gone) {
                if let Stream::Up(one) = &row.stream {
                    row.told = false;
                    if row.end.is_none() {
                        up.push((row.id, one.credit()));
                    }
                } else {
                    row.held = true;
                    held_some |= !named.iter().any(|(id, _)| *id == row.id);
                }
            }
        }
        for (id, n) in up {
            self.tell_session(session_id, |out, form| envelope::credit(out, form, id, n));
        }
        for &(id, next) in named.iter().filter(|(id, _)| *id <= taken) {
            self.want(session_id, id, next);
        }
        if held_some {
            let until = now.tick.plus_ms(self.config.limits.hello_ms);
            if let Some(streams) = self.session_mut(session_id).and_then(|session| session.streams_mut()) {
                streams.held_until = Some(until);
            }
            self.timers.set(Due::Streams(session_id), until);
        }
        self.feed_streams(session_id);
    }

    /// The peer wants this item of a stream next.
    pub(super) fn want(&mut self, session: SessionId, id: u64, next: u64) {
        let found = self.row_mut(session, id).filter(|row| !row.gone);
        let Some(row) = found else {
            let end = super::errors::kept(&lost(id, next));
            self.tell_end(session, id, next, &end);
            return;
        };
        row.held = false;
        row.told = false;
        let kept = match &mut row.stream {
            Stream::Down(down) => down.want(next),
            Stream::Up(_) => true,
        };
        if kept {
            self.feed_streams(session);
        } else {
            self.break_stream(session, id, &lost(id, next));
        }
    }

    /// Streams that a returning peer has not named in time are wanted by nobody. What it says is not held against it
    /// while it is not read; and when it went away again, its next return decides.
    pub(super) fn drop_held_streams(&mut self, session_id: SessionId, now: Now) {
        let Some(session) = self.session(session_id) else { return };
        // We do not read what it says, or it has not yet heard that it is back.
        let unread = session
            .conn()
            .is_some_and(|id| self.conn(id).is_some_and(Conn::is_paused) || !self.out.is_empty(id));
        let away = !session.is_here();
        let again = now.tick.plus_ms(self.config.limits.hello_ms);
        let Some(streams) = self.session_mut(session_id).and_then(|session| session.streams_mut()) else {
            return;
        };
        if streams.held_until.is_none_or(|until| until > now.tick) {
            return;
        }
        streams.held_until = (unread && !away).then_some(again);
        if away {
            return;
        }
        if unread {
            self.timers.set(Due::Streams(session_id), again);
            return;
        }
        let held: Vec<u64> = streams.rows().iter().filter(|row| row.held).map(|row| row.id).collect();
        for id in held {
            self.cancel_stream(session_id, id);
        }
    }
}

fn lost(id: u64, next: u64) -> Fault {
    Fault::new(Code::StreamLost, format!("item {next} of stream {id} is no longer kept: open another one"))
}
