//! Methods of `Core` that only look.

use crate::core::Core;
use crate::failure::Failure;
use crate::keeping::Keeping;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rtcore_core::engine::{Advice, HistoryEntry, MemberView};
use rtcore_core::envelope::{Data, transcode};
use rtcore_core::ids::{Form, SessionId};
use rtcore_core::metrics::tell::Format;
use rtcore_core::room::grants::Grants;
use std::sync::Arc;

/// A member: session, its id, user, info, what it may.
type Member<'py> = (u64, String, Option<String>, Option<Bound<'py, PyBytes>>, Words);

/// Rights, as the wire names them.
type Words = Vec<&'static str>;

/// An entry: number, event, data as JSON, time, the session's id, user, trace.
type Past<'py> = (u64, String, Bound<'py, PyBytes>, u64, Option<String>, Option<String>, Option<String>);

/// Entries, whether they are all, whether there are more.
type Told<'py> = (Vec<Past<'py>>, bool, bool);

/// A session: id, user, address, user agent, since, latency, connected, expiry.
type Info = (String, Option<String>, String, Option<String>, u64, Option<f64>, bool, Option<u64>);

#[pymethods]
impl Core {
    fn members<'py>(&self, py: Python<'py>, room: &str) -> Result<Option<Vec<Member<'py>>>, Failure> {
        let members = self.lock().engine()?.members(room);
        Ok(members.map(|members| rows(py, members)))
    }

    fn presence<'py>(&self, py: Python<'py>, room: &str) -> Result<(Vec<Member<'py>>, usize), Failure> {
        let (members, count) = self.lock().engine()?.presence(room)?;
        Ok((rows(py, members), count))
    }

    fn tables(&self) -> Result<Vec<(&'static str, usize)>, Failure> {
        Ok(self.lock().engine()?.tables())
    }

    fn session_named(&self, name: &str) -> Result<Option<u64>, Failure> {
        Ok(self.lock().engine()?.session_named(name).map(|session| session.0))
    }

    /// JSON from outside as the log keeps it, or what is wrong with it: the rules of a message's `data`.
    #[expect(clippy::unused_self, reason = "a method as all are: one object stands for the core")]
    fn payload<'py>(&self, py: Python<'py>, json: &[u8]) -> Result<Bound<'py, PyBytes>, Failure> {
        Ok(PyBytes::new(py, &Data::check(Form::Json, json)?.bytes))
    }

    fn history<'py>(
        &self,
        py: Python<'py>,
        room: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Told<'py>, Failure> {
        let held = self.lock().engine()?.history(room, after, limit)?;
        told(py, held)
    }

    fn read_history(&self, room: &str, after: Option<&str>, limit: u64) -> Result<u64, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.read_history(room, after, limit, now)?.unwrap_or(0))
    }

    fn take_history<'py>(&self, py: Python<'py>, ticket: u64) -> Result<Option<Told<'py>>, Failure> {
        let read = self.lock().engine()?.take_history(ticket);
        read.map(|read| told(py, read)).transpose()
    }

    fn session_info(&self, session: u64) -> Result<Option<Info>, Failure> {
        let info = {
            let mut inner = self.lock();
            let engine = inner.engine()?;
            engine.know(SessionId(session)); // who looks keeps what is seen: its end is told
            engine.session_info(SessionId(session))
        };
        let Some(info) = info else { return Ok(None) };
        Ok(Some((
            owned(&info.name),
            info.user.as_deref().map(owned),
            info.address.to_string(),
            info.agent,
            info.since_ms,
            info.latency,
            info.connected,
            info.expires,
        )))
    }

    /// The rooms that a session is in, and what it may there; None: there is no such session.
    fn rooms_of(&self, session: u64) -> Result<Option<Vec<(String, Words)>>, Failure> {
        let mut inner = self.lock();
        let rooms = inner.engine()?.rooms_of(SessionId(session));
        let row = |(room, grants): (Arc<str>, Grants)| (owned(&room), grants.words().collect());
        Ok(rooms.map(|rooms| rooms.into_iter().map(row).collect()))
    }

    fn rooms_now(&self, pattern: &str) -> Result<Vec<String>, Failure> {
        Ok(self.lock().engine()?.rooms_now(pattern).iter().map(|room| owned(room)).collect())
    }

    fn present(&self, room: &str) -> Result<bool, Failure> {
        Ok(self.lock().engine()?.is_present(room))
    }

    fn readable(&self, room: &str) -> Result<u64, Failure> {
        Ok(self.lock().engine()?.readable(room)?)
    }

    fn want_said(&self, room: &str) -> Result<(), Failure> {
        self.lock().engine()?.want_said(room);
        Ok(())
    }

    fn position(&self, seq: u64) -> Result<String, Failure> {
        Ok(self.lock().engine()?.position(seq))
    }

    fn head(&self) -> Result<u64, Failure> {
        Ok(self.lock().engine()?.head())
    }

    fn idle(&self) -> Result<bool, Failure> {
        Ok(self.lock().engine()?.is_idle())
    }

    /// How the store does; None: there is none.
    fn store_health<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let (health, found, trouble) = {
            let mut inner = self.lock();
            let Some(store) = inner.keeping.as_ref().map(Keeping::store) else { return Ok(None) };
            let (health, found) = (store.health(), store.found().to_vec());
            (health, found, inner.engine()?.store_trouble())
        };
        let told = PyDict::new(py);
        told.set_item("sqlite", rtcore_store::sqlite_version())?;
        for (name, number) in [
            ("groups", health.groups),
            ("records", health.records),
            ("refused", health.refused),
            ("unknown", health.unknown),
            ("slowest_us", health.slowest_us),
            ("log_bytes", health.log_bytes),
            ("journal_bytes", health.journal_bytes),
        ] {
            told.set_item(name, number)?;
        }
        told.set_item("free_bytes", health.free_bytes)?;
        let troubled = health.down.or(health.ailing).map(|trouble| trouble.text);
        told.set_item("trouble", trouble.or(troubled))?;
        told.set_item(
            "found",
            found.into_iter().map(|trouble| (trouble.kind, trouble.text)).collect::<Vec<_>>(),
        )?;
        Ok(Some(told))
    }

    #[pyo3(signature = (format = "text", tasks = None))]
    #[expect(clippy::needless_pass_by_value, reason = "as Python gives it")]
    fn metrics<'py>(
        &self,
        py: Python<'py>,
        format: &str,
        tasks: Option<Vec<(String, u64)>>,
    ) -> Result<Bound<'py, PyBytes>, Failure> {
        let format = match format {
            "text" => Format::Prometheus,
            "openmetrics" => Format::Open,
            "protobuf" => Format::Proto,
            _ => return Err(Failure::Usage("the formats of metrics are text, openmetrics and protobuf")),
        };
        Ok(PyBytes::new(py, &self.lock().engine()?.metrics_as(format, tasks.as_deref().unwrap_or_default())))
    }

    fn histograms(&self) -> Result<String, Failure> {
        Ok(self.lock().engine()?.histograms())
    }

    #[pyo3(signature = (why, transport, hold, skip, most))]
    fn advise(
        &self,
        why: &str,
        transport: Option<&str>,
        hold: Option<f64>,
        skip: usize,
        most: usize,
    ) -> Result<usize, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.advise(&Advice { transport, why, hold }, skip, most, now))
    }

    fn set_presence_window(&self, ms: u64) -> Result<(), Failure> {
        self.lock().engine()?.set_presence_window(ms);
        Ok(())
    }

    fn set_ring_memory(&self, bytes: u64) -> Result<(), Failure> {
        self.lock().engine()?.set_ring_memory(bytes);
        Ok(())
    }

    fn set_accept_pace(&self, pace: Option<u32>) -> Result<(), Failure> {
        if let (_, Some(shard)) = self.lock().driven()? {
            shard.set_pace(pace);
        }
        Ok(())
    }

    fn follow_event(&self, event: &str, times: u32) -> Result<(), Failure> {
        self.lock().engine()?.follow_event(event, times);
        Ok(())
    }

    fn trails(&self) -> Result<String, Failure> {
        Ok(self.lock().engine()?.tell_trails())
    }

    fn trace_of(&self, request: u64) -> Result<Option<String>, Failure> {
        Ok(self.lock().engine()?.trace_of(request).map(owned))
    }

    fn trace_request(&self, request: u64, trace: &str) -> Result<(), Failure> {
        self.lock().engine()?.trace_request(request, trace);
        Ok(())
    }

    /// What was measured, as JSON.
    fn measured(&self) -> Result<String, Failure> {
        let mut inner = self.lock();
        let (engine, _) = inner.engine_now()?; // it is told as of now
        Ok(engine.measured())
    }

    /// Sessions in which this is found, as JSON.
    fn seen_sessions(&self, find: &str, most: usize) -> Result<String, Failure> {
        Ok(self.lock().engine()?.seen_sessions(find, most))
    }

    /// Rooms likewise.
    fn seen_rooms(&self, find: &str, most: usize) -> Result<String, Failure> {
        Ok(self.lock().engine()?.seen_rooms(find, most))
    }

    /// What grows, by name; with what the reactor counted, where there is one.
    fn sizes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (gauges, reactor) = {
            let mut inner = self.lock();
            let (engine, shard) = inner.driven()?;
            (engine.sizes(), shard.map(|shard| (shard.open(), shard.counters())))
        };
        let sizes = PyDict::new(py);
        for (name, _, size) in gauges.named() {
            sizes.set_item(name, size)?;
        }
        if let Some((open, counters)) = reactor {
            sizes.set_item("sockets", open)?;
            sizes.set_item("accepted", counters.accepted)?;
            sizes.set_item("accept_refused", counters.refused)?;
            sizes.set_item("accept_rests", counters.rests)?;
        }
        Ok(sizes)
    }
}

fn owned(text: &str) -> String {
    text.to_owned()
}

fn rows(py: Python<'_>, members: Vec<MemberView>) -> Vec<Member<'_>> {
    let row = |member: MemberView| {
        let info = member.info.map(|info| PyBytes::new(py, &info));
        (
            member.session.0,
            owned(&member.name),
            member.user.as_deref().map(owned),
            info,
            member.grants.words().collect(),
        )
    };
    members.into_iter().map(row).collect()
}

/// The past of a room, in Python's values.
fn told(py: Python<'_>, (entries, complete, more): HistoryEntry) -> Result<Told<'_>, Failure> {
    let mut json = Vec::new();
    let mut past = Vec::with_capacity(entries.len());
    for entry in entries {
        json.clear();
        transcode(&entry.data, entry.form, Form::Json, &mut json)?;
        let author = entry.from.as_deref();
        past.push((
            entry.seq,
            owned(&entry.event),
            PyBytes::new(py, &json),
            entry.time,
            author.map(|author| owned(&author.wire)),
            author.and_then(|author| author.user.as_deref()).map(owned),
            entry.trace.as_deref().map(owned),
        ));
    }
    Ok((past, complete, more))
}
