//! The resume storm: every session is cut without a word, misses the same entries, and all come back at once.

use crate::clients::Clients;
use crate::scenes;
use std::io;
use std::time::{Duration, Instant};

/// A field of a `welcome`, as text.
pub fn field(welcome: &str, name: &str) -> String {
    let after = welcome.split_once(&format!("\"{name}\":")).map_or("", |(_, after)| after);
    after.split([',', '}']).next().unwrap_or("").trim_matches('"').to_owned()
}

/// The `hello` of one that comes back, from the `welcome` that it once got.
pub fn hello(welcome: &[u8]) -> String {
    let text = String::from_utf8_lossy(welcome);
    let field = |name: &str| field(&text, name);
    format!(
        r#"{{"type":"hello","session":"{}","key":"{}","position":"{}.{}"}}"#,
        field("session"),
        field("key"),
        field("epoch"),
        field("seq")
    )
}

/// Cut all members, publish what they miss, and let them come back, all on their way at once. Calls `begins` when the
/// storm begins. Returns how long it took until everybody had heard everything.
pub fn storm(
    clients: &mut Clients,
    owed: usize,
    window: usize,
    begins: impl FnOnce(),
) -> io::Result<Duration> {
    let members = clients.publishers..clients.len();
    for at in members.clone() {
        clients.cut(at)?;
    }
    scenes::acknowledged(clients, owed, window)?;
    scenes::settle(clients, Duration::from_millis(500))?;
    begins();
    let begin = Instant::now();
    clients.opening.reset();
    clients.times.reset();
    for at in members {
        clients.connect_again(at)?;
        if at % 64 == 0 {
            clients.pump(0)?;
        }
    }
    scenes::all_heard(clients)?;
    Ok(begin.elapsed())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_hello_is_made_of_a_welcome() {
        let welcome = br#"{"type":"welcome","v":1,"session":"s1","key":"k2","user":null,"epoch":"a1","seq":12,"head":12}"#;
        assert_eq!(super::hello(welcome), r#"{"type":"hello","session":"s1","key":"k2","position":"a1.12"}"#);
    }
}
