//! Limits of what one may take of what all have together (percent).

use crate::Case;
use crate::sizes::said;
use crate::support::said::publication;
use crate::support::yard::Yard;
use crate::times::error_codes;
use rtcore_core::engine::Publication;

pub const CASES: &[Case] = &[
    Case {
        name: "share_of_address",
        other: 5,
        also: &[("rooms", 20), ("share_of_user", 100)],
        play: three_rooms,
    },
    Case {
        name: "share_of_user",
        other: 5,
        also: &[("rooms", 20), ("share_of_address", 100)],
        play: three_rooms,
    },
    Case {
        name: "share_of_api_key",
        other: 5,
        also: &[("key_memory", 8_000)],
        play: |yard| ["k1", "k2", "k3"].map(|key| backend(yard, key)).join(" "),
    },
    Case {
        name: "share_of_absent",
        other: 10,
        also: &[("sessions", 10)],
        play: |yard| {
            for _ in 0..3 {
                let (conn, _) = yard.socket();
                yard.lose(conn);
            }
            format!("{} sessions are kept", yard.current("sessions"))
        },
    },
];

fn three_rooms(yard: &mut Yard) -> String {
    let joins = [1, 2, 3].map(|n| format!(r#"{{"type":"join","id":{n},"room":"tea{n}"}}"#));
    // (Rooms that nobody is in go first: all three are joined.)
    error_codes(&said(yard, &format!("[{}]", joins.join(","))))
}

/// A backend says something with a key; whether it could.
fn backend(yard: &mut Yard, key: &str) -> String {
    let publication =
        Publication { backend: Some("news"), key: Some(key), ..publication("tea", "said", b"1") };
    let done = yard.engine.publish(&publication, yard.now);
    yard.turn();
    format!("{done:?}")
}
