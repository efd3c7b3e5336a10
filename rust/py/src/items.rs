//! Methods of `Core` by which the application's streams of items speak.

use crate::core::Core;
use crate::failure::Failure;
use pyo3::prelude::*;
use rtcore_core::engine::StreamRoom;
use rtcore_core::envelope::ErrorOut;
use rtcore_core::ids::{Form, SessionId};

/// As Python has it: 1, 0, and -1 where nobody wants the stream.
fn number(room: StreamRoom) -> i8 {
    match room {
        StreamRoom::Yes => 1,
        StreamRoom::Wait => 0,
        StreamRoom::Gone => -1,
    }
}

#[pymethods]
impl Core {
    fn stream_room(&self, session: u64, stream: u64) -> Result<i8, Failure> {
        Ok(number(self.lock().engine()?.stream_room(SessionId(session), stream)))
    }

    fn stream_item(&self, session: u64, stream: u64, data: &[u8]) -> Result<i8, Failure> {
        Ok(number(self.lock().engine()?.stream_item(SessionId(session), stream, data)))
    }

    fn stream_taken(&self, session: u64, stream: u64, count: u64) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.stream_taken(SessionId(session), stream, count, now);
        Ok(())
    }

    fn end_stream(&self, session: u64, stream: u64, data: &[u8]) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.end_stream(SessionId(session), stream, data, now);
        Ok(())
    }

    #[pyo3(signature = (session, stream, code, message, details, retry, after_ms = None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of an error, and whose it is")]
    fn fail_stream(
        &self,
        session: u64,
        stream: u64,
        code: &str,
        message: &str,
        details: Option<&[u8]>,
        retry: bool,
        after_ms: Option<u64>,
    ) -> Result<(), Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        let details = details.map(|details| (details, Form::Json));
        let error = ErrorOut { code, message, details, retry, after_ms };
        engine.fail_stream(SessionId(session), stream, &error, now);
        Ok(())
    }
}
