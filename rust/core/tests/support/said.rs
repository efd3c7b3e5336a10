//! What the application says.

use rtcore_core::Form;
use rtcore_core::engine::Publication;

/// Something that it says to a whole room, for once: without a key, and kept.
pub fn publication<'a>(room: &'a str, event: &'a str, data: &'a [u8]) -> Publication<'a> {
    Publication {
        room,
        event,
        data,
        form: Form::Json,
        exclude: None,
        sender: None,
        rights: true,
        backend: None,
        key: None,
        volatile: false,
        trace: None,
        request: None,
        waits: true,
    }
}
