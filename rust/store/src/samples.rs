//! Facts as tests draw them.

use proptest::option::of;
use proptest::prelude::*;
use rtcore_core::Form;
use rtcore_core::log::acks::{Kept, KeptError};
use rtcore_core::store::{Author, Entry};
use std::sync::Arc;

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Json), Just(Form::Msgpack)]
}

fn text() -> impl Strategy<Value = Arc<str>> {
    ".{0,12}".prop_map(Arc::from)
}

fn bytes() -> impl Strategy<Value = Arc<[u8]>> {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(Arc::from)
}

/// An entry, of any room and number.
pub fn entry() -> impl Strategy<Value = Entry> {
    let from = (text(), of(text())).prop_map(|(session, user)| Author { session, user });
    let rest = (of(text()), of(".{0,8}".prop_map(Box::from)), of(bytes().prop_map(|slot| Box::from(&*slot))));
    (1u64..1 << 53, text(), text(), bytes(), form(), 0u64..1 << 50, of(from), rest).prop_map(
        |(seq, room, event, data, form, time, from, (exclude, trace, slot))| Entry {
            seq,
            room,
            event,
            data,
            form,
            time,
            from,
            exclude,
            trace,
            slot,
        },
    )
}

/// An ack.
pub fn kept() -> impl Strategy<Value = Kept> {
    let error = (text(), text(), of((bytes(), form())), any::<bool>(), of(any::<u64>()));
    prop_oneof![
        any::<u64>().prop_map(Kept::Seq),
        (bytes(), form()).prop_map(|(bytes, form)| Kept::Data { bytes, form }),
        error.prop_map(|(code, message, details, retry, after_ms)| {
            let (code, message) = (code.to_string().into(), message.to_string().into());
            Kept::Error(Arc::new(KeptError { code, message, details, retry, after_ms }))
        }),
    ]
}
