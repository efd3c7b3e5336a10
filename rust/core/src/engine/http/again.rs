//! The reader of `POST /rt/stream/NAME` comes back: to the same stream, with the item behind the last one that it has.
//!
//! Parts: Conns, Sessions.
//!
//! Each item has an id that leads back: the ticket of the stream and the number of the item that is wanted next. While
//! nobody reads, the generator rests at its `yield`; what was sent is kept as for a session's streams, its end too.

use super::Came;
use super::items::ID;
use crate::codes::Code;
use crate::conn::carrier::Wrap;
use crate::conn::{Carrier, Conn, PendingHello};
use crate::engine::Engine;
use crate::engine::standing::{Standing, over};
use crate::frame::http::Refusal;
use crate::ids::{ConnId, Now, SessionId};
use crate::session::Link;
use crate::stream::Stream;

impl Engine {
    /// The request with such an id is here.
    pub(super) fn stream_again(&mut self, id: ConnId, index: usize, last: &str, now: Now) {
        let kept = self.kept_items(index, last);
        let standing = kept.map(|(session, _)| self.standing(session, None, now));
        let full = kept.and_then(|(session, _)| self.user_is_full(session));
        let shape = self.conn(id).and_then(Conn::request).and_then(|request| request.shape);
        let ((session_id, next), shape) = match (kept, standing, full, shape) {
            (_, Some(Standing::Expired), ..) => {
                return self.refuse_request(id, &over(), Came::Whole, now);
            }
            (Some(_), _, Some(full), _) => return self.refuse_request(id, &full, Came::Whole, now),
            (Some(kept), Some(Standing::Good | Standing::Moved | Standing::Unheard), None, Some(shape)) => {
                (kept, shape)
            }
            _ => return self.refuse_request(id, &lost(), Came::Whole, now),
        };
        if let Some(old) = self.sessions.conn_of(session_id) {
            self.supersede(old, session_id, now);
        }
        self.wake_session(session_id);
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.be_here();
        }
        self.stats.resumed += 1;
        let Some(conn) = self.conn_mut(id) else { return };
        conn.greet(PendingHello::default());
        self.begin_events(id, session_id, shape);
        self.hear_items(id, session_id, next, now);
        self.want(session_id, ID, next);
    }

    /// The stream to which an id leads, and the item that is wanted next; none: there is no such stream any more, or it has
    /// not kept that item, or the id leads to another one. Nobody learns which.
    fn kept_items(&self, index: usize, last: &str) -> Option<(SessionId, u64)> {
        let (ticket, next) = last.rsplit_once('.')?;
        let (name, secret) = ticket.split_once('.')?;
        let next = Some(next).filter(|next| next.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
        let session_id = self.sessions.named(name)?;
        let session = self.session(session_id)?;
        let link = session.link()?;
        let items = link.items().filter(|items| items.index == index && items.opening.is_none())?;
        let opens = items.away_ms > 0 && link.opens_with(secret);
        let row = session.streams()?.rows().iter().find(|row| row.id == ID && !row.gone)?;
        let has = matches!(&row.stream, Stream::Down(down) if down.has(next));
        (opens && has).then_some((session_id, next))
    }

    /// Nobody reads any more. For how long (ms) its reader may come back; its generator rests meanwhile.
    pub(in crate::engine) fn hold_items(&mut self, session_id: SessionId) -> u64 {
        let Some(session) = self.session_mut(session_id) else { return 0 };
        let away_ms = session.link().and_then(Link::items).map_or(0, |items| items.away_ms);
        if away_ms > 0
            && let Some(streams) = session.streams_mut()
        {
            streams.rows_mut().iter_mut().for_each(|row| row.held = true);
        }
        away_ms
    }

    /// How an event stream is wrapped; none: it is no event stream.
    pub(super) fn wrap_of(&self, id: ConnId) -> Option<Wrap> {
        match self.conn(id)?.carrier() {
            Carrier::Events { wrap, .. } => Some(wrap),
            _ => None,
        }
    }
}

fn lost() -> Refusal {
    let message = "no stream is kept under this Last-Event-ID: its reader was away for too long, or the item is no longer \
                   there; ask without it for a new stream";
    Refusal::new(410, Code::StreamLost, message)
}
