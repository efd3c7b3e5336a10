use super::*;
use crate::codes::close;
use proptest::prelude::*;

fn text(payload: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame(&mut out, opcode::TEXT, false, None, payload.as_bytes());
    out
}

fn socket() -> ClientSocket {
    ClientSocket::new(Form::Json, None, 1000, 1024)
}

#[test]
fn events_that_come_together_are_one_array_and_others_keep_their_place() {
    let wire = [
        text(r#"{"type":"event","seq":1}"#),
        text(r#"{"type":"event","seq":2}"#),
        text(r#"{"type":"ack","id":1}"#),
        text(r#"{"type":"event","data":{"$bin":"AA=="}}"#),
        text(r#"{"type":"event","seq":3}"#),
    ]
    .concat();
    let (heard, broken) = socket().take(&wire);
    assert_eq!(broken, None);
    assert_eq!(
        heard,
        [
            Heard::Events(br#"[{"type":"event","seq":1},{"type":"event","seq":2}]"#.to_vec(), 2),
            Heard::Text(br#"{"type":"ack","id":1}"#.to_vec()),
            Heard::Text(br#"{"type":"event","data":{"$bin":"AA=="}}"#.to_vec()),
            Heard::Events(br#"[{"type":"event","seq":3}]"#.to_vec(), 1),
        ]
    );
}

#[test]
fn packed_events_are_one_array_too() {
    let mut wire = Vec::new();
    for n in 0..3u8 {
        let event = [b"\x82\xa4type\xa5event\xa3seq".as_slice(), &[n]].concat();
        write_frame(&mut wire, opcode::BINARY, false, None, &event);
    }
    let (heard, _) = ClientSocket::new(Form::Msgpack, None, 1000, 1024).take(&wire);
    let [Heard::Events(all, 3)] = &heard[..] else { panic!("{heard:?}") };
    assert!(all.starts_with(&[ARRAY, 0, 0, 0, 3, 0x82]));
}

#[test]
fn what_no_server_sends_ends_it_after_what_came_before() {
    let mut wire = text(r#"{"type":"event","seq":1}"#);
    write_frame(&mut wire, opcode::TEXT, false, Some([1; 4]), b"masked");
    wire.extend_from_slice(&text("never heard"));
    let mut socket = socket();
    let (heard, broken) = socket.take(&wire);
    assert_eq!(heard, [Heard::Events(br#"[{"type":"event","seq":1}]"#.to_vec(), 1)]);
    assert_eq!(broken.expect("masked").code, close::PROTOCOL_ERROR);
    assert_eq!(socket.take(&text("nor this")), (vec![], None));
}

/// The attack: a server that compresses what nobody agreed on, by something else, into rubbish, into no text, or into a bomb.
#[test]
fn what_was_not_agreed_on_or_is_broken_ends_it() {
    let code = |agreed: Option<Algorithm>, payload: &[u8]| {
        let mut wire = Vec::new();
        write_frame(&mut wire, opcode::BINARY, false, None, payload);
        let mut socket = socket();
        socket.agree(agreed);
        socket.take(&wire).1.expect("refused").code
    };
    let packed = |bytes: &[u8]| {
        let mut out = vec![MARK, Algorithm::Zstd.number()];
        Tools::default().compress(Algorithm::Zstd, bytes, &mut out);
        out
    };
    assert_eq!(code(None, &packed(b"{}")), close::UNSUPPORTED);
    assert_eq!(code(Some(Algorithm::Gzip), &packed(b"{}")), close::UNSUPPORTED);
    assert_eq!(code(Some(Algorithm::Zstd), &[MARK, 4, 1, 2, 3]), close::BAD_DATA);
    assert_eq!(code(Some(Algorithm::Zstd), &packed(b"\xff\xfe")), close::BAD_DATA);
    assert_eq!(code(Some(Algorithm::Zstd), &packed(&[b' '; 1001])), close::TOO_BIG);
}

#[test]
fn nothing_is_heard_after_a_close() {
    let mut wire = Vec::new();
    write_frame(&mut wire, opcode::CLOSE, false, None, &close_payload(4000, "so"));
    wire.extend_from_slice(&text("late"));
    assert_eq!(socket().take(&wire).0, [Heard::Close(4000, "so".to_owned())]);
}

proptest! {
    /// Where TCP cuts the bytes changes nothing but how many events are in one array.
    #[test]
    fn cuts_change_no_message(
        messages in prop::collection::vec((any::<bool>(), 0u32..70_000), 1..20),
        cuts in prop::collection::vec(1usize..5000, 1..50),
    ) {
        let mut wire = Vec::new();
        let mut said = Vec::new();
        for (event, size) in messages {
            let filling = "x".repeat(size as usize);
            let kind = if event { "event" } else { "ack" };
            let message = format!(r#"{{"type":"{kind}","data":"{filling}"}}"#);
            wire.extend_from_slice(&text(&message));
            said.push(message);
        }
        let mut socket = ClientSocket::new(Form::Json, None, 1 << 20, 1024);
        let (mut heard, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter().cycle());
        while at < wire.len() {
            let end = (at + cuts.next().unwrap()).min(wire.len());
            let (more, broken) = socket.take(&wire[at..end]);
            prop_assert!(broken.is_none());
            for one in more {
                match one {
                    Heard::Events(all, count) => {
                        let inner = std::str::from_utf8(&all[1..all.len() - 1]).unwrap();
                        let parts: Vec<_> = inner.split("},{").collect();
                        prop_assert_eq!(parts.len(), count as usize);
                        heard.extend(parts.iter().map(|part| part.trim_matches(['{', '}']).to_owned()));
                    }
                    Heard::Text(text) => {
                        heard.push(String::from_utf8(text).unwrap().trim_matches(['{', '}']).to_owned());
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            at = end;
        }
        let said: Vec<_> = said.iter().map(|one| one.trim_matches(['{', '}']).to_owned()).collect();
        prop_assert_eq!(heard, said);
    }

    /// What is compressed as was agreed is heard, and said, as if it were not.
    #[test]
    fn what_was_agreed_on_changes_nothing(payload in "[ -~]{0,3000}", key in any::<[u8; 4]>(), events: bool) {
        let begins = if events { r#"{"type":"event","data":""# } else { r#"{"type":"ack","data":""# };
        let message = format!("{begins}{}\"}}", payload.replace(['"', '\\'], ""));
        for agreed in Algorithm::ALL {
            let mut tools = Tools::default();
            let mut packed = vec![MARK, agreed.number()];
            tools.compress(agreed, message.as_bytes(), &mut packed);
            let mut wire = Vec::new();
            write_frame(&mut wire, opcode::BINARY, false, None, &packed);
            let mut socket = ClientSocket::new(Form::Json, None, 1 << 20, 1024);
            socket.agree(Some(agreed));
            let expected = if events {
                Heard::Events(format!("[{message}]").into_bytes(), 1)
            } else {
                Heard::Text(message.clone().into_bytes())
            };
            prop_assert_eq!(socket.take(&wire), (vec![expected], None));
            let mut out = Vec::new();
            socket.write(message.as_bytes(), key, true, &mut out);
            let (_, event) = Decoder::new(Role::Server, false).next(&mut out, 1 << 20, &mut Inflater::new(false)).unwrap();
            let Some(Event::Message { payload, .. }) = event else { panic!("{event:?}") };
            let read = payload.bytes(&out);
            let plain = if read.first() == Some(&MARK) {
                tools.unpack(Some(agreed), read, 1 << 20).unwrap()
            } else {
                read.to_vec()
            };
            prop_assert_eq!(plain, message.as_bytes());
        }
    }

    /// What a client writes, a server reads.
    #[test]
    fn a_server_reads_what_is_written(payload in "[ -~]{0,3000}", key in any::<[u8; 4]>(), deflate: bool) {
        let agreed = Agreed { server_no_context_takeover: true, client_no_context_takeover: true };
        let mut out = Vec::new();
        ClientSocket::new(Form::Json, deflate.then_some(agreed), 1 << 20, 1024)
            .write(payload.as_bytes(), key, true, &mut out);
        let mut decoder = Decoder::new(Role::Server, deflate);
        let (_, event) = decoder.next(&mut out, 1 << 20, &mut Inflater::new(false)).unwrap();
        let Some(Event::Message { kind: Kind::Text, payload: read }) = event else { panic!("{event:?}") };
        prop_assert_eq!(read.bytes(&out), payload.as_bytes());
    }
}
