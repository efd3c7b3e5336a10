//! What the peers of the target `engine` say and ask.

use rtcore_core::Form;
use rtcore_core::engine::Publication;

/// What the application says in a room.
pub fn news(room: &str) -> Publication<'_> {
    Publication {
        room,
        event: "news",
        data: b"[1,2,3]",
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

/// What peers say; `#` becomes a small number, so that ids are repeated and rooms are shared.
pub const SAID: &[&str] = &[
    r#"{"type":"hello"}"#,
    r#"{"type":"hello","token":"t#"}"#,
    r#"{"type":"hello","position":"e.#","session":"s#","key":"k"}"#,
    r#"{"type":"join","id":#,"room":"relay#"}"#,
    r#"{"type":"join","room":"asked#","last":3}"#,
    r#"{"type":"join","id":#,"room":"block"}"#,
    r#"{"type":"leave","id":#,"room":"relay#"}"#,
    r#"{"type":"publish","id":#,"room":"relay#","event":"say","data":[#]}"#,
    r#"{"type":"publish","room":"block","event":"say","data":"0123456789012345678901234567890123456789","key":"k#"}"#,
    r#"{"type":"publish","id":#,"room":"relay#","event":"say","volatile":true,"echo":false}"#,
    r#"{"type":"history","id":#,"room":"relay#","limit":2}"#,
    r#"{"type":"emit","id":#,"event":"work","data":{"n":#}}"#,
    r#"{"type":"emit","id":#,"event":"work","key":"k#"}"#,
    r#"[{"type":"ping","time":#},{"type":"emit","event":"work"},7]"#,
    r#"{"type":"auth","id":#,"token":"x"}"#,
    r#"{"type":"reply","id":#,"data":null}"#,
    r#"{"type":"bye"}"#,
    r#"{"type":"unknown","id":#}"#,
    r#"{"type":"#,
    r#"{"type":"open","id":#,"stream":"down","credit":#}"#,
    r#"{"type":"open","id":#,"stream":"up","up":true}"#,
    r#"[{"type":"credit","id":#,"n":9},{"type":"item","id":#,"n":#,"data":"0123456789"},{"type":"end","id":#}]"#,
    r#"{"type":"cancel","id":#}"#,
    r##"{"type":"hello","streams":{"#":1}}"##,
];
/// What peers ask over plain HTTP; `@` becomes the session that was made last, `#` a small number.
pub const ASKED: &[(&str, &str)] = &[
    ("POST /rt/session", r#"{"type":"hello"}"#),
    ("POST /rt/session", r#"{"type":"hello","cookie":true,"ticket":true,"token":"t#"}"#),
    ("POST /rt/session", r#"{"type":"hello","position":"e.#",@}"#),
    ("POST /rt/send", r#"{"type":"join","id":#,"room":"relay#"}"#),
    (
        "POST /rt/send",
        r#"[{"type":"publish","id":#,"room":"relay#","event":"say","data":[#]},{"type":"ping"},7]"#,
    ),
    ("POST /rt/send", r#"[{"type":"emit","id":#,"event":"work"},{"type":"join","id":#,"room":"asked#"}]"#),
    ("POST /rt/send", r#"{"type":"open","id":#,"stream":"down","credit":#}"#),
    ("POST /rt/send", r#"{"type":"bye"}"#),
    ("POST /rt/stream/down?away=2", "#"),
    ("GET /rt/poll?after=#&wait=#", ""),
    ("GET /rt/sse?format=plain", ""),
    ("GET /rt/sse", ""),
    ("GET /rt/sse?room=relay#&last=#", ""),
    ("GET /rt/sse?room=asked#&since=e.#", ""),
];
/// The rest of a head that upgrades.
pub const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nHost: a\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The session and its key in a welcome.
pub fn welcomed(bytes: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once(r#""type":"welcome","v":1,"session":""#)?;
    let (name, rest) = rest.split_once('"')?;
    let (_, rest) = rest.split_once(r#""key":""#)?;
    let (key, _) = rest.split_once('"')?;
    Some((name.to_owned(), key.to_owned()))
}
