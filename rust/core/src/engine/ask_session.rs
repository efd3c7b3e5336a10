//! Requests of the server's own: asked of a session, asked again when it returns without having answered.
//!
//! Parts: Sessions.

use super::{AppEvent, Engine};
use crate::codes::Code;
use crate::envelope::{Data, PeerFailure, write as envelope};
use crate::error::Fault;
use crate::ids::{Form, SessionId};
use crate::limits::fixed::ASKS;

impl Engine {
    /// Ask a session; its answer comes as `AppEvent::Reply` with the id that this gives.
    pub fn ask(&mut self, session_id: SessionId, event: &str, data: &[u8]) -> Result<u64, Fault> {
        self.config.names().check(format_args!("the name of an event"), event)?;
        let from = self.asks_from;
        let Some(session) = self.session_mut(session_id) else { return Err(ended()) };
        session.know();
        let rare = session.make_rare();
        if rare.asks().len() >= ASKS {
            let told = format!("{ASKS} requests to this session are open, the limit");
            return Err(Fault::new(Code::Overloaded, told).retry());
        }
        // Never again within the session, over a restart neither: an answer that is kept for an id would answer another question.
        let id = rare.ask(from, event, data);
        self.note_asked(session_id, id);
        self.tell_session(session_id, |out, form| {
            envelope::request(out, form, id, event, (data, Form::Json));
        });
        Ok(id)
    }

    /// Nobody waits for this answer any more.
    pub fn forget_ask(&mut self, session_id: SessionId, id: u64) {
        if let Some(rare) = self.session_mut(session_id).and_then(|session| session.rare_mut()) {
            rare.answered(id);
        }
    }

    /// A session is back: what it has not answered comes again, with its id.
    pub(super) fn ask_again(&mut self, session_id: SessionId) {
        let Some(session) = self.session(session_id) else { return };
        let open: Vec<(u64, Box<str>, Box<[u8]>)> =
            session.asks().iter().map(|ask| (ask.id, ask.event.clone(), ask.data.clone())).collect();
        for (id, event, data) in open {
            self.tell_session(session_id, |out, form| {
                envelope::request(out, form, id, &event, (&data, Form::Json));
            });
        }
    }

    pub(super) fn said_reply(
        &mut self,
        session_id: SessionId,
        id: u64,
        result: Result<Data<'_>, PeerFailure<'_>>,
    ) {
        let Some(rare) = self.session_mut(session_id).and_then(|session| session.rare_mut()) else {
            return;
        };
        if !rare.answered(id) {
            return; // there was an answer already
        }
        let (form, data, error) = match result {
            Ok(data) => {
                let (form, kept) = self.events.keep_data(&mut self.scratch, &data);
                (form, Some(kept), None)
            }
            Err(failure) => (Form::Json, None, Some((failure.code.to_string(), failure.message.to_string()))),
        };
        self.events.list.push(AppEvent::Reply { session: session_id, request: id, form, data, error });
    }
}

/// The session of a decision is gone.
pub(super) fn ended() -> Fault {
    Fault::new(Code::NotFound, "this session has ended")
}
