//! What the server says of streams of items.

use super::write::{ErrorOut, Value, begin, data, error_map, number};
use crate::ids::Form;

/// An item that comes down.
pub fn item(out: &mut Vec<u8>, form: Form, id: u64, n: u64, value: Value<'_>) {
    let mut w = begin(out, form, "item", 3);
    number(&mut w, "id", id);
    number(&mut w, "n", n);
    data(&mut w, "data", value);
    w.end_map();
}

/// Items up to, not including, `n` may go up.
pub fn credit(out: &mut Vec<u8>, form: Form, id: u64, n: u64) {
    let mut w = begin(out, form, "credit", 2);
    number(&mut w, "id", id);
    number(&mut w, "n", n);
    w.end_map();
}

/// No item follows: there were `n`, and this is what came of it.
pub fn end(out: &mut Vec<u8>, form: Form, id: u64, n: u64, result: Result<Value<'_>, &ErrorOut<'_>>) {
    let mut w = begin(out, form, "end", 3);
    number(&mut w, "id", id);
    number(&mut w, "n", n);
    match result {
        Ok(value) => data(&mut w, "data", value),
        Err(error) => {
            w.key("error");
            error_map(&mut w, error);
        }
    }
    w.end_map();
}
