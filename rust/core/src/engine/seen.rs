//! Tables for operators: sessions and rooms, found by a part of their names, so many rows at most.
//!
//! Parts: Conns, Rooms, Sessions.

use super::Engine;
use crate::conn::Conn;
use crate::ids::SessionId;
use crate::metrics::json::Json;
use crate::metrics::stages::encoding_word;
use crate::room::table::Room;
use crate::session::Session;

/// Names of rooms in one row.
const ROOMS: usize = 20;

impl Engine {
    /// Sessions whose id, user or address has this in it, as JSON: who waits for the most comes first. And how many there are.
    #[must_use]
    pub fn seen_sessions(&self, find: &str, most: usize) -> String {
        let mut found: Vec<(usize, SessionId, &Session)> = self
            .sessions
            .iter()
            .filter(|(_, session)| {
                session.name().contains(find)
                    || session.user().is_some_and(|user| user.contains(find))
                    || (!find.is_empty() && session.address().to_string().contains(find))
            })
            .map(|(id, session)| (self.unsent(id), id, session))
            .collect();
        let all = found.len();
        found.sort_by_key(|(unsent, _, session)| std::cmp::Reverse((*unsent, session.since_ms())));
        let mut json = Json::default();
        json.object(|json| {
            json.name("found").number(all as u64);
            json.name("sessions").list(|json| {
                for (unsent, id, session) in found.into_iter().take(most) {
                    self.tell_session_row(json, unsent, id, session);
                }
            });
        });
        json.into_text()
    }

    fn tell_session_row(&self, json: &mut Json, unsent: usize, id: SessionId, session: &Session) {
        let conn = session.conn().and_then(|conn| self.conn(conn));
        json.object(|json| {
            json.name("session").text(session.name());
            json.name("user").text(session.user().map_or("", |user| user));
            json.name("address").text(&session.address().to_string());
            json.name("agent").text(session.agent().unwrap_or(""));
            json.name("since").number(session.since_ms());
            json.name("latency").ms(session.latency_us().map(|us| u64::from(us) * 1000));
            json.name("transport").text(conn.map_or("", |conn| conn.transport().word()));
            json.name("encoding")
                .text(conn.map_or("", |conn| encoding_word(usize::from(Conn::encoding(conn)))));
            json.name("here").number(u64::from(session.is_here()));
            json.name("behind").number(u64::from(session.is_here() && self.sessions.lags(id)));
            json.name("unsent").number(unsent as u64);
            json.name("waiting").number(u64::from(session.waiting()));
            let rooms = || {
                let all = session.rooms().iter().filter_map(|joined| self.room(joined.room()));
                all.filter(|room| !room.name().starts_with('$')) // those that it joined itself
            };
            json.name("rooms").number(rooms().count() as u64);
            json.name("names").list(|json| {
                for room in rooms().take(ROOMS) {
                    json.text(room.name());
                }
            });
        });
    }

    /// Rooms whose name has this in it, as JSON: the largest first. And how many there are.
    #[must_use]
    pub fn seen_rooms(&self, find: &str, most: usize) -> String {
        let mut found: Vec<&Room> =
            self.rooms.iter().map(|(_, room)| room).filter(|room| room.name().contains(find)).collect();
        let all = found.len();
        found.sort_by_key(|room| std::cmp::Reverse((room.members().len(), room.ring().len())));
        let mut json = Json::default();
        json.object(|json| {
            json.name("found").number(all as u64);
            json.name("rooms").list(|json| {
                for room in found.into_iter().take(most) {
                    json.object(|json| {
                        json.name("room").text(room.name());
                        json.name("settings").text(&room.settings().pattern);
                        json.name("members").number(room.members().len() as u64);
                        json.name("entries").number(room.ring().len() as u64);
                        json.name("bytes").number(room.ring().bytes() as u64);
                        json.name("durable").text(room.settings().durable.word());
                        json.name("policy").text(room.settings().policy.word());
                    });
                }
            });
        });
        json.into_text()
    }
}
