//! Streams of items, as peers speak of them. What is kept of each stands in `crate::stream`; what the
//! application says of them in `stream_app`, and how items reach an outbox in `stream_feed`.
//!
//! Parts: Sessions.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::{AppEvent, Engine, errors, size};
use crate::codes::Code;
use crate::envelope::write as envelope;
use crate::envelope::{Data, OfStream, Open};
use crate::error::Fault;
use crate::ids::{Form, SessionId};
use crate::log::acks::Kept;
use crate::outbox::Meta;
use crate::stream::{Arrived, Down, Row, Stream, Streams, Up};

/// Of each stream that goes up, the next item wanted: what `welcome` says.
pub(super) fn wanted(streams: &Streams) -> Vec<(u64, u64)> {
    let up = |row: &Row| match &row.stream {
        Stream::Up(up) if !row.gone => Some((row.id, up.next())),
        _ => None,
    };
    streams.rows().iter().filter_map(up).collect()
}

/// Write the end of a stream.
pub(super) fn write_end(out: &mut Vec<u8>, form: Form, id: u64, n: u64, end: &Kept) {
    match end {
        Kept::Error(error) => {
            envelope::end(out, form, id, n, Err(&errors::told(error)));
        }
        Kept::Data { bytes, form: of } => envelope::end(out, form, id, n, Ok((bytes, *of))),
        Kept::Seq(_) => envelope::end(out, form, id, n, Ok((b"null", Form::Json))),
    }
}

impl Engine {
    pub(super) fn row_mut(&mut self, session: SessionId, id: u64) -> Option<&mut Row> {
        self.session_mut(session)?.streams_mut()?.get_mut(id)
    }

    pub(super) fn said_open(&mut self, session_id: SessionId, open: &Open<'_>) {
        let Some(session) = self.session_mut(session_id) else { return };
        let id = open.id;
        if id <= session.acks().taken() {
            self.open_again(session_id, id, open.credit);
            return;
        }
        session.acks_mut().note(id);
        let way = |up: bool| if up { "up" } else { "down" };
        let index = self.config.streams.iter().position(|stream| stream.name == *open.stream);
        let most = self.config.limits.streams;
        let open_now =
            self.session(session_id).and_then(|session| session.streams()).map_or(0, Streams::open);
        let fault = match index {
            None => Fault::new(Code::NotFound, format!("there is no stream {:?}", open.stream)),
            Some(at) if self.config.streams[at].up != open.up => {
                let goes = way(self.config.streams[at].up);
                let told =
                    format!("the stream {:?} goes {goes}, and was opened {}", open.stream, way(open.up));
                Fault::new(Code::InvalidMessage, told)
            }
            Some(_) if open_now as u64 >= most => Fault::new(
                Code::Overloaded,
                format!("{open_now} streams of this session are open, the limit"),
            )
            .retry(),
            Some(index) => {
                self.begin_stream(session_id, id, index, &open.data, open.credit);
                return;
            }
        };
        self.refuse_stream(session_id, id, &fault);
    }

    /// Begin a stream: of this index, for whoever reads or writes its items under this id, which must be
    /// higher than all before. `credit`: items up to, not including, this one may come down at once.
    pub(super) fn begin_stream(
        &mut self,
        session_id: SessionId,
        id: u64,
        index: usize,
        data: &Data<'_>,
        credit: u64,
    ) {
        let up = self.config.streams[index].up;
        let stream = if up { Stream::Up(Up::default()) } else { Stream::Down(Down::new(credit)) };
        let Some(session) = self.session_mut(session_id) else { return };
        session.know();
        session.make_rare().make_streams().add(Row::new(id, stream, true));
        self.stats.streams += 1;
        let (form, data) = self.events.keep_data(&mut self.scratch, data);
        let stream = u32::try_from(index).expect("few streams are registered");
        self.events.list.push(AppEvent::StreamOpened { session: session_id, id, stream, form, data });
        if up {
            self.grant(session_id, id);
        }
    }

    /// The same `open` came again: the stream goes on, and is not opened twice.
    fn open_again(&mut self, session: SessionId, id: u64, credit: u64) {
        let Some(row) = self.row_mut(session, id).filter(|row| !row.gone) else {
            let told = format!("stream {id} was opened before, and what came of it is no longer kept");
            self.tell_end(session, id, 0, &errors::kept(&Fault::new(Code::AckExpired, told)));
            return;
        };
        if let Stream::Down(down) = &mut row.stream {
            down.raise(credit); // perhaps a `credit` of before was lost
        }
        if std::mem::take(&mut row.held) {
            self.want(session, id, 0);
            return;
        }
        if row.end.is_some() && row.told {
            let (n, end) = (row.count(), row.end.clone());
            if let Some(end) = end {
                self.tell_end(session, id, n, &end);
            }
        }
    }

    /// It is not opened. Its end is kept, for the case that it is asked again.
    fn refuse_stream(&mut self, session_id: SessionId, id: u64, fault: &Fault) {
        self.stats.fault(fault.code);
        let end = errors::kept(fault);
        self.tell_end(session_id, id, 0, &end);
        let (count, bytes) = (size(self.config.limits.streams), size(self.config.limits.stream_bytes));
        let Some(session) = self.session_mut(session_id) else { return };
        let streams = session.make_rare().make_streams();
        let row = Row::new(id, Stream::Down(Down::new(0)), false);
        streams.add(Row { end: Some(end), told: true, ..row });
        streams.retire(count, bytes);
    }

    /// It is not even looked at now: too much waits. Its id was not used.
    pub(super) fn put_off_stream(&mut self, session: SessionId, id: u64, fault: &Fault) {
        self.stats.fault(fault.code);
        self.tell_end(session, id, 0, &errors::kept(fault));
    }

    /// Say the end of a stream ahead of what waits.
    pub(super) fn tell_end(&mut self, session: SessionId, id: u64, n: u64, end: &Kept) {
        self.tell_session(session, |out, form| write_end(out, form, id, n, end));
    }

    pub(super) fn said_of_stream(&mut self, session: SessionId, said: OfStream<'_>) {
        match said {
            OfStream::Credit { id, n } => {
                if let Some(Row { stream: Stream::Down(down), .. }) = self.row_mut(session, id) {
                    down.raise(n);
                    self.feed_streams(session);
                }
            }
            OfStream::Cancel { id } => self.cancel_stream(session, id),
            OfStream::Item { id, n, data } => self.heard_item(session, id, n, &data),
            OfStream::End { id, n, error } => {
                let error = error.map(|failure| (failure.code.to_string(), failure.message.to_string()));
                self.heard_end(session, id, n, error);
            }
        }
    }

    /// Nobody wants it any more: nothing of it is said from now on. It counts until the application is done.
    pub(super) fn cancel_stream(&mut self, session_id: SessionId, id: u64) {
        let Some(row) = self.row_mut(session_id, id).filter(|row| !row.gone) else { return };
        row.gone = true;
        row.clear();
        let runs = row.runs;
        self.take_back(session_id, |meta| meta == Meta::Item { id });
        if runs {
            self.events.list.push(AppEvent::StreamCancelled { session: session_id, id });
        } else if let Some(streams) = self.session_mut(session_id).and_then(|session| session.streams_mut()) {
            streams.remove(id);
        }
        self.wake_streams(session_id);
    }

    /// It is over because of a fault, whatever the application makes of it.
    pub(super) fn break_stream(&mut self, session: SessionId, id: u64, fault: &Fault) {
        self.stats.fault(fault.code);
        let Some(row) = self.row_mut(session, id) else { return };
        let runs = row.runs;
        row.clear();
        row.end = Some(errors::kept(fault));
        row.told = false;
        row.held = false;
        if runs {
            self.events.list.push(AppEvent::StreamCancelled { session, id });
        }
        self.feed_streams(session);
    }

    /// The stream up of this id, if it goes on; one that nobody knows gets an end.
    fn up_mut(&mut self, session_id: SessionId, id: u64) -> Option<&mut Up> {
        let known = self
            .session(session_id)
            .and_then(|session| session.streams())
            .is_some_and(|streams| streams.rows().iter().any(|row| row.id == id));
        if !known {
            self.stats.fault(Code::NotFound);
            let told = format!("no stream {id} is open");
            self.tell_end(session_id, id, 0, &errors::kept(&Fault::new(Code::NotFound, told)));
            return None;
        }
        match self.row_mut(session_id, id) {
            Some(Row { stream: Stream::Up(up), end: None, gone: false, .. }) => Some(up),
            _ => None, // what was under way when it ended
        }
    }

    fn heard_item(&mut self, session_id: SessionId, id: u64, n: u64, data: &Data<'_>) {
        // Nothing is read beyond `session_high` unless a handler takes nothing for long; then there is an end to it.
        let most = size(self.config.limits.session_high.saturating_mul(2));
        let waiting =
            self.session(session_id).and_then(|session| session.streams()).map_or(0, Streams::waiting);
        let Some(up) = self.up_mut(session_id, id) else { return };
        if waiting.saturating_add(data.bytes.len()) > most && waiting > 0 && n >= up.next() {
            let told =
                format!("{waiting} bytes of items wait for handlers that do not take them, and {most} may");
            self.break_stream(session_id, id, &Fault::new(Code::Overloaded, told).retry());
            return;
        }
        let (next, credit) = (up.next(), up.credit());
        let fault = match up.arrive(n, data.bytes.len()) {
            Arrived::Again => return,
            Arrived::Next => {
                let (form, data) = self.events.keep_data(&mut self.scratch, data);
                self.events.list.push(AppEvent::StreamItem { session: session_id, id, form, data });
                return;
            }
            Arrived::Early => {
                Fault::new(Code::InvalidMessage, format!("item {n} came, and item {next} is the next one"))
            }
            Arrived::Beyond => {
                let told = format!("item {n} came, and only items before {credit} may be sent");
                Fault::new(Code::Overloaded, told)
            }
        };
        self.break_stream(session_id, id, &fault);
    }

    fn heard_end(&mut self, session: SessionId, id: u64, n: Option<u64>, error: Option<(String, String)>) {
        let Some(up) = self.up_mut(session, id) else { return };
        if up.closed {
            return;
        }
        let next = up.next();
        if let Some(n) = n.filter(|n| *n != next) {
            let told = format!("an end after {n} items came, and item {next} is the next one");
            self.break_stream(session, id, &Fault::new(Code::InvalidMessage, told));
            return;
        }
        up.closed = true;
        self.events.list.push(AppEvent::StreamEnd { session, id, error });
    }
}
