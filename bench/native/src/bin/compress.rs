//! What each algorithm makes of five kinds of payload: bytes, and microseconds to compress and to inflate.
//!
//! `cargo run --release -p rtcore-bench --bin compress` prints the table of `bench/README.md`.
#![forbid(unsafe_code)]

use rtcore_core::Form;
use rtcore_core::compress::{Algorithm, Tools};
use rtcore_core::envelope::transcode;
use rtcore_core::frame::Inflater;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long each figure is measured.
const FOR: Duration = Duration::from_millis(60);

fn main() {
    println!(
        "| payload | plain | MessagePack | deflate | gzip | br | lz4 | zstd |\n|---|---|---|---|---|---|---|---|"
    );
    for (name, payload) in payloads() {
        let mut packed = Vec::new();
        let shorter = transcode(&payload, Form::Json, Form::Msgpack, &mut packed).is_ok();
        let packed = if shorter { packed.len().to_string() } else { "-".to_owned() };
        let mut row = format!("| {name} | {} | {packed} |", payload.len());
        let mut tools = Tools::default();
        let mut inflater = Inflater::new(false);
        let deflate = |tools: &mut Tools| {
            let mut out = Vec::new();
            tools.deflater.deflate(&payload, &mut out);
            out
        };
        let small = deflate(&mut tools);
        let there = timed(|| drop(deflate(&mut tools)));
        let back = timed(|| drop(inflater.inflate(&small, payload.len())));
        cell(&mut row, small.len(), there, back);
        for algorithm in Algorithm::ALL {
            let mut small = Vec::new();
            tools.compress(algorithm, &payload, &mut small);
            let there = timed(|| tools.compress(algorithm, &payload, &mut Vec::new()));
            let back = timed(|| drop(tools.inflate(algorithm, &small, payload.len())));
            cell(&mut row, small.len(), there, back);
        }
        println!("{row}");
    }
}

fn cell(row: &mut String, bytes: usize, there: f64, back: f64) {
    let _ = write!(row, " {bytes}, {there:.0} + {back:.0} us |");
}

/// Microseconds of one call: the least of many, which is what it takes when nothing is in its way.
fn timed(mut call: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut least = f64::MAX;
    while begun.elapsed() < FOR {
        let one = Instant::now();
        call();
        least = least.min(one.elapsed().as_secs_f64() * 1e6);
    }
    least
}

/// Numbers that are the same each time, and look like none.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn word(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "ta", "re", "mi", "so", "lu", "ne", "ka", "vor", "den", "ist", "und", "pre", "com", "er", "ing",
            "al",
        ];
        let parts = 1 + self.next() % 3;
        (0..parts).map(|_| PARTS[usize::try_from(self.next() % 16).unwrap_or(0)]).collect()
    }

    fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

fn payloads() -> Vec<(&'static str, Vec<u8>)> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let chat = format!(
        r#"{{"type":"event","room":"tea:42","event":"chat:message","data":{{"text":"{}","likes":{}}},"seq":{},"from":{{"session":"s_{:x}","user":"ann"}},"time":1795000000000}}"#,
        dice.words(16),
        dice.next() % 100,
        dice.next() % 100_000,
        dice.next()
    );
    let records: Vec<_> = (0..50)
        .map(|n| {
            format!(
                r#"{{"id":{n},"name":"{}","price":{}.{:02},"stock":{},"tags":["{}","{}"],"updated":17950{:08}}}"#,
                dice.words(2),
                dice.next() % 500,
                dice.next() % 100,
                dice.next() % 1000,
                dice.word(),
                dice.word(),
                dice.next() % 100_000_000
            )
        })
        .collect();
    let tokens: Vec<_> =
        (0..64).map(|n| format!(r#"{{"type":"item","id":5,"n":{n},"data":"{} "}}"#, dice.word())).collect();
    let mut map = String::from("{");
    while map.len() < 10_000 {
        let _ = write!(
            map,
            r#""{}:{}":{{"x":{},"y":{}}},"#,
            dice.word(),
            dice.next() % 10_000,
            dice.next() % 1920,
            dice.next() % 1080
        );
    }
    map.pop();
    map.push('}');
    let mut image = Vec::new();
    while image.len() < 100_000 {
        image.extend_from_slice(&dice.next().to_le_bytes());
    }
    vec![
        ("chat, JSON", chat.into_bytes()),
        ("50 records", format!("[{}]", records.join(",")).into_bytes()),
        ("64 tokens in an array", format!("[{}]", tokens.join(",")).into_bytes()),
        ("map", map.into_bytes()),
        ("image", image),
    ]
}
