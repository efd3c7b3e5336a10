//! The numbers by which a body says how long it is.

use crate::EXTREMES;
use crate::support::yard::Yard;

/// What came back to a request with this head and body so far; nothing: the rest is waited for.
fn ask(fields: &str, body: &str) -> String {
    let mut yard = Yard::new();
    let conn = yard.dial();
    yard.say(conn, format!("POST /rt/session HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}").as_bytes());
    assert!(yard.engine.held_of(conn) < 16 * 1024, "{fields} {body}: memory follows what came");
    let heard = yard.hear(conn);
    assert!(!yard.plain().key.is_empty(), "{fields} {body}");
    heard
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("waits")
}

#[test]
fn a_length_that_cannot_be_is_refused_before_it_is_waited_for() {
    for number in EXTREMES {
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let wanted = match number.len() {
            20.. if digits => &["413", "400"][..],
            2.. if digits => &["413"],
            _ if number == "1" => &["waits"],
            _ => &["400"], // no number, or with nothing no hello
        };
        let answer = ask(&format!("Content-Length: {number}"), "");
        assert!(wanted.contains(&status(&answer)), "{number}: {answer}");
    }
}

/// The attack: with what was read before, a chunk of 2^64 - 5 wraps to less than any bound.
#[test]
fn a_chunk_is_refused_by_its_size_whatever_was_read_before() {
    for before in [0_u64, 1, 5, 1000] {
        let first = if before == 0 {
            String::new()
        } else {
            format!("{before:x}\r\n{}\r\n", " ".repeat(usize::try_from(before).unwrap()))
        };
        let near = [before, before + 1, before - before.min(1)]
            .map(|less| format!("{:x}", 0_u64.wrapping_sub(less)));
        let ends =
            ["7fffffff", "ffffffff", "100000000", "1fffffffffffff", "7fffffffffffffff", "8000000000000000"];
        let ends = ends.map(str::to_owned).into_iter().chain(near).filter(|size| size.len() > 7);
        for size in ends.chain(["ffffffffffffffff".to_owned()]) {
            let answer = ask("Transfer-Encoding: chunked", &format!("{first}{size}\r\n"));
            assert_eq!(status(&answer), "413", "{before} bytes, then {size}: {answer}");
        }
        for size in ["10000000000000000", "-1", "0x1", "1_0", ""] {
            let answer = ask("Transfer-Encoding: chunked", &format!("{first}{size}\r\n"));
            assert_eq!(status(&answer), "400", "{before} bytes, then {size}: {answer}");
        }
    }
}
