//! Streams of items, as the application speaks of them.
//!
//! Parts: Sessions.

use super::{Engine, errors, size};
use crate::envelope::write::{self as envelope, ErrorOut};
use crate::ids::{Form, Now, SessionId};
use crate::log::acks::Kept;
use crate::stream::{Row, Stream};

/// Whether a stream may make its next item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It may.
    Yes,
    /// `AppEvent::StreamWants` will say when.
    Wait,
    /// Nobody wants it.
    Gone,
}

impl Engine {
    /// Whether a stream may make its next item.
    pub fn stream_room(&mut self, session: SessionId, id: u64) -> Room {
        let crowded = self.unsent_items(session) >= size(self.config.limits.session_high);
        let Some(row) = self.row_mut(session, id) else { return Room::Gone };
        row.begun = true;
        let (held, wanted) = (row.held, !row.gone && row.end.is_none());
        let Stream::Down(down) = &mut row.stream else { return Room::Gone };
        if !wanted {
            return Room::Gone;
        }
        if down.may_make() && !crowded && !held {
            return Room::Yes;
        }
        down.waits = true;
        Room::Wait
    }

    /// An item of a stream down, as JSON.
    pub fn stream_item(&mut self, session: SessionId, id: u64, item: &[u8]) -> Room {
        match self.row_mut(session, id) {
            Some(Row { stream: Stream::Down(down), gone: false, end: None, .. }) => down.push(item),
            _ => return Room::Gone,
        }
        self.feed_streams(session);
        self.stream_room(session, id)
    }

    /// The application is done with a stream, and this came of it, as JSON.
    pub fn end_stream(&mut self, session: SessionId, id: u64, data: &[u8], now: Now) {
        let end = Kept::Data { bytes: data.into(), form: Form::Json };
        self.entry(now, |engine| engine.stream_done(session, id, end, now));
    }

    /// The application is done with a stream, because of an error.
    pub fn fail_stream(&mut self, session: SessionId, id: u64, error: &ErrorOut<'_>, now: Now) {
        self.entry(now, |engine| engine.stream_done(session, id, errors::keep(error), now));
    }

    fn stream_done(&mut self, session_id: SessionId, id: u64, end: Kept, now: Now) {
        let (count, bytes) = (size(self.config.limits.streams), size(self.config.limits.stream_bytes));
        let Some(streams) = self.session_mut(session_id).and_then(|session| session.streams_mut()) else {
            return;
        };
        let Some(row) = streams.get_mut(id) else { return };
        row.runs = false;
        if let Stream::Up(up) = &mut row.stream {
            up.clear();
        }
        if row.gone {
            streams.remove(id);
        } else if row.end.is_none() {
            row.end = Some(end);
        }
        self.feed_streams(session_id);
        if let Some(streams) = self.session_mut(session_id).and_then(|session| session.streams_mut()) {
            streams.retire(count, bytes);
        }
        self.go_on(session_id, now); // what waited for it is no longer held back
    }

    /// The application has taken so many items of a stream up.
    pub fn stream_taken(&mut self, session: SessionId, id: u64, count: u64, now: Now) {
        self.entry(now, |engine| engine.items_taken(session, id, count, now));
    }

    fn items_taken(&mut self, session: SessionId, id: u64, count: u64, now: Now) {
        if let Some(Row { stream: Stream::Up(up), .. }) = self.row_mut(session, id) {
            up.take(count);
            self.grant(session, id);
            self.go_on(session, now);
        }
    }

    /// Give credit, if it is time to.
    pub(super) fn grant(&mut self, session: SessionId, id: u64) {
        let bytes = size(self.config.limits.stream_bytes);
        if let Some(Row { stream: Stream::Up(up), .. }) = self.row_mut(session, id)
            && let Some(n) = up.grant(bytes)
        {
            self.tell_session(session, |out, form| envelope::credit(out, form, id, n));
        }
    }
}
