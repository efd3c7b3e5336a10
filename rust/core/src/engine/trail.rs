//! Messages that are followed: where their trails begin, and how they are told.
//!
//! Parts: Asked, Conns, Rooms, Sessions.

use super::{Engine, Publication};
use crate::asked::Waiting;
use crate::ids::{RoomId, SessionId};
use crate::metrics::Trail;
use crate::metrics::json::Json;
use crate::metrics::trails::About;

impl Engine {
    /// Follow the next `times` messages of this event through their stages, whether they have a trace or not. 0: no more.
    pub fn follow_event(&mut self, event: &str, times: u32) {
        self.trails.follow(event, times);
    }

    /// What a session says from now on is followed: an event, in a room or as a request.
    pub(super) fn follow_said(
        &mut self,
        session: SessionId,
        event: &str,
        room: Option<&str>,
        trace: Option<&str>,
    ) {
        let Some(session) = self.session(session) else { return };
        let conn = session.conn().or_else(|| session.sending()).and_then(|conn| self.conn(conn));
        let transport = conn.map(|conn| conn.transport().word());
        let about = About {
            trace: trace.map(Into::into),
            event: event.into(),
            room: room.map(Into::into),
            session: session.name().as_ref().into(),
            from: self.meter.moment(),
        };
        self.trails.begin(about, transport.or(Some("http")));
    }

    /// What a session said was taken, or refused: nothing that comes now belongs to it.
    pub(super) fn begun(&mut self, well: bool) {
        if !well {
            self.trails.refused();
        }
        self.trails.leave();
    }

    /// What the application says now: it goes on with the trail of the request that it says it in, whose trace it gets, or
    /// begins one.
    pub(super) fn follow_publication(&mut self, publication: &Publication<'_>) -> Option<Box<str>> {
        if let Some(request) = publication.request
            && !self.trails.is_empty()
            && self.trails.holds(request)
        {
            return self.trails.enter(request).map(Into::into);
        }
        if self.trails.wants(publication.event, publication.trace) {
            let about = About {
                trace: publication.trace.map(Into::into),
                event: publication.event.into(),
                room: Some(publication.room.into()),
                from: self.meter.moment(),
                ..About::default()
            };
            self.trails.begin(about, None);
        }
        None
    }

    /// What is said now reaches so many listeners of a room, and so many not now.
    pub(super) fn mark_said(&mut self, room: RoomId, said: u64, behind: u64) {
        let moment = self.meter.moment();
        if let Some(room) = self.rooms.get(room) {
            self.trails.said(room.name(), [said, behind], moment);
        }
    }

    /// The trace of a request that is followed.
    #[must_use]
    pub fn trace_of(&self, request: u64) -> Option<&str> {
        self.trails.trace_of(request)
    }

    /// From now on a request is followed under this traceparent: what its handler says is part of it.
    pub fn trace_request(&mut self, request: u64, trace: &str) {
        if self.trails.retrace(request, trace) {
            return;
        }
        let Some(Waiting::Emit { session, handler, asked, .. }) = self.asked.get_mut(request) else { return };
        let (session, handler, asked) = (*session, *handler as usize, *asked);
        let Some(name) = self.session(session).map(|session| session.name().as_ref().into()) else { return };
        let about = About {
            trace: Some(trace.into()),
            event: self.config.events.get(handler).map_or("", String::as_str).into(),
            session: name,
            from: asked,
            ..About::default()
        };
        self.trails.begin(about, None);
        self.trails.asked(request);
        self.trails.leave();
    }

    /// The trails that are over and were not told before, as JSON: the oldest first. Times are nanoseconds of the hands' clock.
    pub fn tell_trails(&mut self) -> String {
        let mut json = Json::default();
        json.object(|json| {
            json.name("lost").number(self.trails.lost);
            json.name("trails").list(|json| {
                for trail in self.trails.take() {
                    tell(json, &trail);
                }
            });
        });
        json.into_text()
    }
}

fn tell(json: &mut Json, trail: &Trail) {
    let about = &trail.about;
    json.object(|json| {
        json.name("number").number(trail.number);
        json.name("trace").text(about.trace.as_deref().unwrap_or(""));
        json.name("event").text(&about.event);
        json.name("room").text(about.room.as_deref().unwrap_or(""));
        json.name("session").text(&about.session);
        json.name("failed").number(u64::from(trail.failed));
        json.name("from").number(about.from);
        json.name("legs").list(|json| {
            for leg in &trail.legs {
                json.object(|json| {
                    json.name("stage").text(leg.stage.word());
                    json.name("of").text(&leg.of);
                    json.name("from").number(leg.from);
                    json.name("to").number(leg.to);
                    json.name("heard").number(leg.heard[0]);
                    json.name("behind").number(leg.heard[1]);
                });
            }
        });
    });
}
