//! What must hold for any frame: reading ends, in a message or in a fault, and what is taken can be said again
//! in both forms and means the same.

use rtcore_core::envelope::{Data, Said, digest, field, messages, read, same, transcode, type_of};
use rtcore_core::names::Names;
use rtcore_core::{Form, Limits};

pub fn json(frame: &[u8]) {
    must_hold(Form::Json, frame);
}

pub fn msgpack(frame: &[u8]) {
    must_hold(Form::Msgpack, frame);
}

fn must_hold(form: Form, frame: &[u8]) {
    for message in messages(form, frame).flatten() {
        let _ = type_of(form, message);
        let _ = field(message, form, "data");
        match read(form, message, Names::of(&Limits::default())) {
            Ok(Said::Emit(emit)) => sayable(&emit.data),
            Ok(Said::Publish(publish)) => sayable(&publish.data),
            Ok(Said::Reply { result: Ok(data), .. }) => sayable(&data),
            Ok(_) | Err(_) => {}
        }
    }
    if let Ok(data) = Data::check(form, frame) {
        sayable(&data);
    }
    let mut out = Vec::new();
    let other = if form == Form::Json { Form::Msgpack } else { Form::Json };
    assert_eq!(transcode(frame, form, other, &mut out).is_ok(), Data::check(form, frame).is_ok());
    let _ = digest(frame, form);
}

fn sayable(data: &Data<'_>) {
    assert_eq!(&Data::check(data.form, &data.bytes).expect("what was taken is valid"), data);
    assert!(data.form == Form::Msgpack || !data.bytes.iter().any(|b| matches!(b, b'\n' | b'\r')));
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let other = if data.form == Form::Json { Form::Msgpack } else { Form::Json };
    transcode(&data.bytes, data.form, other, &mut there).expect("what was taken can be said");
    let said = Data::check(other, &there).expect("what is said is valid");
    assert_eq!(said.has_bin, data.has_bin);
    // Numbers that `MessagePack` has not become the nearest that it has; from there nothing is lost any more.
    transcode(&there, other, data.form, &mut back).expect("and back");
    assert!(same((&there, other), (&back, data.form)));
}
