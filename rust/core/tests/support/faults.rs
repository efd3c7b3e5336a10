//! What a peer can do wrong, each with what `docs/protocol.md` says that it is told.

use super::wire::Dialect;
use rtcore_core::Form;
use rtcore_core::frame::deflate::Deflater;
use rtcore_core::frame::websocket::{opcode, write_frame};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// The head of a masked frame whose mask changes nothing, and what follows.
fn masked(first: u8, len: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first, 0x80 | len[0]];
    out.extend_from_slice(&len[1..]);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
    out
}

/// Two mebibytes in two kilobytes; made once, because that takes time.
fn bomb() -> Vec<u8> {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    let made = BOMB.get_or_init(|| {
        let (mut payload, mut out) = (Vec::new(), Vec::new());
        Deflater::new(9, false).deflate(&vec![b' '; 2 << 20], &mut payload);
        write_frame(&mut out, opcode::TEXT, true, Some([5, 6, 7, 8]), &payload);
        out
    });
    made.clone()
}

/// Frames that close the connection, and the code: RFC 6455 §5 and §7.4.1, RFC 7692 §6 and §7.
pub fn broken(dialect: Dialect) -> Vec<(Vec<u8>, u16)> {
    let empty = |first: u8| masked(first, &[0], b"");
    let unfinished = |then: Vec<u8>| [masked(0x01, &[1], b"["), then].concat();
    let mut list = vec![
        (vec![0x81, 0x02, b'{', b'}'], 1002),                         // not masked
        (empty(0xA1), 1002),                                          // RSV2
        (empty(0x91), 1002),                                          // RSV3
        (empty(0xC9), 1002),                                          // a compressed ping
        (empty(0x83), 1002),                                          // opcodes that mean nothing
        (empty(0x8F), 1002),                                          //
        (empty(0x09), 1002),                                          // a fragmented ping
        (masked(0x89, &[126, 0, 126], &[0; 126]), 1002),              // a ping of 126 bytes
        (empty(0x80), 1002),                                          // a continuation of nothing
        (unfinished(empty(0x81)), 1002),                              // a message within a message
        (masked(0x82, &[126, 0, 5], b"12345"), 1002),                 // a length longer than needed
        (masked(0x82, &[127, 0x80, 0, 0, 0, 0, 0, 0, 1], b""), 1002), // the length's highest bit
        (masked(0x88, &[1], &[3]), 1002),                             // half a close code
        (masked(0x88, &[2], &[0x03, 0xED]), 1002),                    // 1005, which is never sent
        (masked(0x88, &[3], &[0x03, 0xE8, 0xFF]), 1007),              // a reason that is not UTF-8
        (masked(0x81, &[1], &[0xFF]), 1007),                          // nor this text
        (unfinished(masked(0x80, &[2], &[0xC3, 0x28])), 1007),        // nor this one, in pieces
        (masked(0x82, &[127, 0, 0, 0, 0, 0, 0x10, 0, 1], b""), 1009), // one byte over the limit
        ([masked(0x01, &[0], b""), empty(0x00).repeat(1_100)].concat(), 1009), // fragments without an end
        match dialect.form {
            Form::Json => (empty(0x82), 1003),
            Form::Msgpack => (empty(0x81), 1003),
        },
    ];
    if dialect.deflate {
        list.push((masked(0xC1, &[2], &[0xFF, 0xFF]), 1007)); // no deflate
        list.push((bomb(), 1009));
        list.push(([masked(0x41, &[0], b""), empty(0xC0)].concat(), 1002)); // compressed twice
    } else {
        list.push((empty(0xC1), 1002)); // compression that was not agreed
    }
    list
}

/// Messages that are answered with an error, and leave the connection as it is. None has a usable id: an error says so.
pub fn wrong() -> Vec<Value> {
    vec![
        json!({"type": "no such type"}),
        json!({"no": "type"}),
        json!(17),
        json!("text"),
        json!({"type": "join"}),
        json!({"type": "join", "room": 5}),
        json!({"type": "join", "room": "nowhere"}),
        json!({"type": "join", "room": "$all"}),
        json!({"type": "join", "room": ""}),
        json!({"type": "leave", "room": "$user/ada"}),
        json!({"type": "publish", "room": "nowhere", "event": "e"}),
        json!({"type": "publish", "room": "$all", "event": "e"}),
        json!({"type": "publish", "room": "skip", "event": "$own"}),
        json!({"type": "publish", "room": "skip", "event": "e", "id": -1}),
        json!({"type": "publish", "room": "skip", "event": "e", "id": "1"}),
        json!({"type": "publish", "room": "skip", "event": "x".repeat(256)}),
        json!({"type": "emit", "event": "nothing"}),
        json!({"type": "emit", "event": "$connected"}),
        json!({"type": "emit"}),
        json!({"type": "history", "room": "nowhere"}),
        json!({"type": "hello"}),
    ]
}

/// What is no value in this dialect.
pub fn unreadable(dialect: Dialect) -> Vec<u8> {
    let (kind, payload) = match dialect.form {
        Form::Json => (opcode::TEXT, &b"{\"type\":"[..]),
        // A map whose members are missing: `0xC1` in front would be a compressed frame.
        Form::Msgpack => (opcode::BINARY, &b"\x81"[..]),
    };
    let mut out = Vec::new();
    write_frame(&mut out, kind, false, Some([4, 3, 2, 1]), payload);
    out
}

/// Requests that no WebSocket comes of, with the status.
pub const HEADS: [(&[u8], u16); 8] = [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    (b"GET /rt/ws HTTP/1.1\r\n\r\n", 400),
    (b"GET /rt/ws HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n", 400),
    (b"GET /rt/ws HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"GET /rt/ws HTTP/1.1\r\nHost: here\r\n folded: x\r\n\r\n", 400),
    (b"CONNECT here:1 HTTP/1.1\r\nHost: here:1\r\n\r\n", 405),
    (b"GET /rt/ws HTTP/1.1\r\nHost: here\r\n\r\n", 426),
    (b"GET /nothing HTTP/1.1\r\nHost: here\r\n\r\n", 404),
];
