//! Methods of `Core` by which the application answers, and says something of its own accord.
#![expect(clippy::needless_pass_by_value, reason = "what Python gives arrives by value")]

use crate::convert::{grants_of, optional_grants_of};
use crate::core::Core;
use crate::failure::Failure;
use pyo3::prelude::*;
use rtcore_core::engine::{Engine, Publication};
use rtcore_core::envelope::{Data, ErrorOut};
use rtcore_core::ids::{ConnId, Form, Now, SessionId};

/// Answers.
#[pymethods]
impl Core {
    fn stay(&self, conn: u64, window_ms: u64) -> Result<(), Failure> {
        self.lock().engine()?.stay(ConnId(conn), window_ms);
        Ok(())
    }

    fn authenticated(&self, conn: u64, user: Option<&str>, expires_ms: Option<u64>) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.authenticated(ConnId(conn), user, expires_ms, now);
        Ok(())
    }

    fn refuse_hello(&self, conn: u64, code: u16, reason: &str) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.refuse_hello(ConnId(conn), code, reason, now);
        Ok(())
    }

    fn admit(
        &self,
        ticket: u64,
        grants: Option<Vec<String>>,
        info: Option<&[u8]>,
        state: Option<&[u8]>,
    ) -> Result<(), Failure> {
        let grants = optional_grants_of(grants.as_deref())?;
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.admit(ticket, grants, info, state, now);
        Ok(())
    }

    fn deny(&self, ticket: u64, code: &str, message: &str) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.deny(ticket, code, message, now);
        Ok(())
    }

    fn reauthenticated(
        &self,
        ticket: u64,
        user: Option<&str>,
        expires_ms: Option<u64>,
    ) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.reauthenticated(ticket, user, expires_ms, now);
        Ok(())
    }

    /// The handler of the request that is answered next began then.
    fn began(&self, moment: u64) -> Result<(), Failure> {
        self.lock().engine()?.handler_began(moment);
        Ok(())
    }

    fn answered(&self) -> Result<u64, Failure> {
        Ok(self.lock().engine()?.last_answered())
    }

    #[pyo3(signature = (request, data, began = 0))]
    fn ack(&self, request: u64, data: &[u8], began: u64) -> Result<(), Failure> {
        Data::check_own(data)?;
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        if began > 0 {
            engine.handler_began(began);
        }
        engine.ack(request, data, Form::Json, now);
        Ok(())
    }

    #[pyo3(signature = (request, code, message, details, retry, after_ms = None, began = 0))]
    #[expect(clippy::too_many_arguments, reason = "what an error has, by name")]
    fn fail(
        &self,
        request: u64,
        code: &str,
        message: &str,
        details: Option<&[u8]>,
        retry: bool,
        after_ms: Option<u64>,
        began: u64,
    ) -> Result<(), Failure> {
        let details = details.map(|details| (details, Form::Json));
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        if began > 0 {
            engine.handler_began(began);
        }
        engine.fail(request, &ErrorOut { code, message, details, retry, after_ms }, now);
        Ok(())
    }

    fn begin(&self, request: u64) -> Result<bool, Failure> {
        Ok(self.lock().engine()?.begin(request))
    }

    fn abandon(&self, request: u64) -> Result<(), Failure> {
        self.lock().engine()?.abandon(request);
        Ok(())
    }
}

/// What it says of its own accord.
#[pymethods]
impl Core {
    #[pyo3(signature = (room, event, data, exclude = 0, sender = 0, key = None, volatile = false, trace = None, backend = None, request = 0, rights = true, waits = true))]
    #[expect(clippy::too_many_arguments, reason = "keywords, in Python")]
    fn publish(
        &self,
        room: &str,
        event: &str,
        data: &[u8],
        exclude: u64,
        sender: u64,
        key: Option<&str>,
        volatile: bool,
        trace: Option<&str>,
        backend: Option<&str>,
        request: u64,
        rights: bool,
        waits: bool,
    ) -> Result<u64, Failure> {
        let publication = Publication {
            room,
            event,
            data,
            form: Form::Json,
            exclude: session(exclude),
            sender: session(sender),
            backend,
            key,
            volatile,
            trace,
            request: (request != 0).then_some(request),
            rights,
            waits,
        };
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.publish(&publication, now)?)
    }

    fn forget_blocked(&self, ticket: u64) -> Result<(), Failure> {
        self.lock().engine()?.forget_blocked(ticket);
        Ok(())
    }

    fn send(&self, session: u64, event: &str, data: &[u8]) -> Result<u64, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.send(SessionId(session), event, data, now)?)
    }

    fn unsent(&self, session: u64) -> Result<usize, Failure> {
        Ok(self.lock().engine()?.unsent(SessionId(session)))
    }

    fn want_drained(&self, session: u64) -> Result<bool, Failure> {
        Ok(self.lock().engine()?.want_drained(SessionId(session)))
    }

    fn ask(&self, session: u64, event: &str, data: &[u8]) -> Result<u64, Failure> {
        Ok(self.lock().engine()?.ask(SessionId(session), event, data)?)
    }

    fn forget_ask(&self, session: u64, request: u64) -> Result<(), Failure> {
        self.lock().engine()?.forget_ask(SessionId(session), request);
        Ok(())
    }

    #[pyo3(signature = (session, room, grants, request = 0))]
    fn set_grants(
        &self,
        session: u64,
        room: &str,
        grants: Vec<String>,
        request: u64,
    ) -> Result<bool, Failure> {
        let grants = grants_of(&grants)?;
        self.decide_in(request, |engine, now| engine.set_grants(SessionId(session), room, grants, now))
    }

    fn set_info(&self, session: u64, room: &str, info: Option<&[u8]>) -> Result<bool, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.set_info(SessionId(session), room, info, now))
    }

    #[pyo3(signature = (session, room, grants, info, request = 0))]
    fn put_in(
        &self,
        session: u64,
        room: &str,
        grants: Option<Vec<String>>,
        info: Option<&[u8]>,
        request: u64,
    ) -> Result<bool, Failure> {
        let grants = optional_grants_of(grants.as_deref())?;
        let put = |engine: &mut Engine, now| engine.put_in(SessionId(session), room, grants, info, now);
        Ok(self.decide_in(request, put)??)
    }

    #[pyo3(signature = (session, room, reason, request = 0))]
    fn put_out(&self, session: u64, room: &str, reason: &str, request: u64) -> Result<bool, Failure> {
        self.decide_in(request, |engine, now| engine.put_out(SessionId(session), room, reason, now))
    }

    #[pyo3(signature = (session, code, reason, request = 0))]
    fn close_session(&self, session: u64, code: u16, reason: &str, request: u64) -> Result<bool, Failure> {
        self.decide_in(request, |engine, now| engine.close_session(SessionId(session), code, reason, now))
    }

    fn when_stored(&self) -> Result<u64, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.when_stored(now).unwrap_or(0))
    }

    fn forget_stored(&self, ticket: u64) -> Result<(), Failure> {
        self.lock().engine()?.forget_stored(ticket);
        Ok(())
    }

    fn shut_down(&self, grace_ms: u64) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.shut_down(grace_ms, now);
        Ok(())
    }
}

/// Raw sockets.
#[pymethods]
impl Core {
    fn raw_close(&self, conn: u64, code: u16, reason: &str) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.raw_close(ConnId(conn), code, reason, now);
        Ok(())
    }

    fn raw_waiting(&self, conn: u64, messages: u64, size: u64) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        let [messages, size] = [messages, size].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        engine.raw_waiting(ConnId(conn), messages, size, now);
        Ok(())
    }

    fn want_raw_drained(&self, conn: u64) -> Result<bool, Failure> {
        Ok(self.lock().engine()?.want_raw_drained(ConnId(conn)))
    }
}

impl Core {
    /// Something that the application decides while it handles a request (0: none): the ack of that leaves when it is on disk.
    fn decide_in<R>(&self, request: u64, decide: impl FnOnce(&mut Engine, Now) -> R) -> Result<R, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        let before = engine.decisions();
        let done = decide(engine, now);
        if request != 0 {
            engine.decided_in(request, before, now);
        }
        Ok(done)
    }
}

/// 0 stands for none.
fn session(handle: u64) -> Option<SessionId> {
    (handle != 0).then_some(SessionId(handle))
}
