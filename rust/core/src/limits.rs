//! Every number of the server, in one place, each with its unit and its reason.
//!
//! These are settings; `fixed` and `shell` have what nobody sets. Their tables are what the configuration,
//! `--help`, the reference and Python are made from, so that a number cannot be documented in one way and work in another.
//! `tests/limits.rs` has a scenario for each setting in which another value changes what happens.

pub mod fixed;
pub mod shell;

use std::ops::RangeInclusive;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:expr;)+) => {
        /// The settings of an engine. Times are milliseconds, sizes are bytes; 0 where the text says "0: none".
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }
        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $value,)+ }
            }
        }
        impl Limits {
            /// Name, default and description of each.
            pub const TABLE: &'static [(&'static str, u64, &'static str)] =
                &[$((stringify!($name), $value, concat!($($doc, "\n"),+)),)+];
            /// Set one by name; false if there is none of that name.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => self.$name = value,)+
                    _ => return false,
                }
                true
            }
            /// Read one by name.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name),)+
                    _ => None,
                }
            }
        }
    };
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * 1024;

/// The longest time that may be set (ms): ten years, which no server runs for.
const LONGEST_MS: u64 = 10 * 365 * 86_400_000;
/// The largest size that may be set (bytes), 1 TiB, and the largest number of anything else, 2^32 - 1.
const LARGEST: u64 = MIB * MIB;
const MOST: u64 = u32::MAX as u64;
/// The longest message that may be allowed (bytes). The messages of a turn lie beside each other until the
/// application has seen them, and are addressed there with 32 bits.
const LONGEST_MESSAGE: u64 = 100_000_000;
/// The least that heads and messages may be limited to (bytes): below it no client can say hello.
const SHORTEST: u64 = 256;

impl Limits {
    /// What a limit may be set to. 0 where the text says "0: none", and where a server without it is of use.
    #[must_use]
    pub fn range(name: &str) -> RangeInclusive<u64> {
        match name {
            "silence_ms" | "hello_ms" | "welcome_ms" | "body_ms" | "keep_alive_ms" => 1..=LONGEST_MS,
            _ if name.ends_with("_ms") => 0..=LONGEST_MS,
            "max_message" => 1..=LONGEST_MESSAGE,
            "max_first_message" => SHORTEST..=LONGEST_MESSAGE,
            "max_head" => SHORTEST..=16 * MIB,
            "max_name" | "max_key" => 1..=64 * KIB,
            "waiting_bytes" | "unsent_replies" | "ack_bytes" | "outbox" | "session_high" | "turn_bytes" => {
                1..=LARGEST
            }
            "session_low" | "ring_memory" | "data_memory" | "key_memory" | "compress_from"
            | "history_bytes" | "stream_bytes" | "ack_memory" | "acks_at_least" => 0..=LARGEST,
            "share_of_address" | "share_of_user" | "share_of_api_key" | "share_of_absent" => 0..=100,
            "waiting_requests" | "acks" => 1..=MOST,
            _ => 0..=MOST,
        }
    }
}

limits! {
    /// Silence after which the server sends a ping (ms). Shorter than the 30 s at which common proxies cut idle links.
    ping_ms = 25_000;
    /// Further silence after the ping at which the connection is closed (ms). Any byte counts as life.
    silence_ms = 60_000;
    /// Time for the request head, the handshake and `hello` together (ms).
    hello_ms = 10_000;
    /// How long the application may take to say who a `hello` is and in which rooms it may be (ms); then its connection is given up.
    /// As long as a client waits for its `welcome`.
    welcome_ms = 15_000;
    /// How long a session outlives its connection (ms). Never shorter than the time to notice a death, `ping_ms + silence_ms`.
    resume_ms = 120_000;
    /// How long a closed connection may take to finish (ms): RFC 6455 §7.1.1 wants the peer's close frame first.
    close_ms = 2_000;
    /// How long the rest of a request that was refused is read and thrown away (ms), while it keeps coming: closed with bytes unread, a socket is reset, and the refusal lost. As long as a body may take.
    parting_ms = 30_000;
    /// Bytes of that. A client that does not look for an answer while it sends has it after so many.
    parting_bytes = 64 * MIB;
    /// Time for the body of a request over plain HTTP (ms).
    body_ms = 30_000;
    /// Bytes of a body beside rtcore's own requests for which there is a second more than `body_ms` (bytes): one that drips has no
    /// more than that, and a large one that comes has what it takes.
    body_rate = 16 * KIB;
    /// How long a connection over plain HTTP may be idle between two requests (ms), the next head included. Above the 60 s after which common proxies drop theirs.
    keep_alive_ms = 75_000;
    /// How long the answer to a `send` waits for acks (ms); later ones come with the poll or the stream.
    send_wait_ms = 100;
    /// Longest wait of a poll (ms). Shorter than the 30 s at which common proxies cut idle links.
    poll_wait_ms = 25_000;
    /// How long shutdown may take (ms); clients are told to come back spread over it.
    grace_ms = 10_000;
    /// Longest request head (bytes).
    max_head = 16 * KIB;
    /// Longest message from a peer (bytes), after inflating.
    max_message = MIB;
    /// Longest message before `welcome` (bytes).
    max_first_message = 64 * KIB;
    /// Longest name of a room or event (bytes).
    max_name = 255;
    /// Longest idempotency key (characters).
    max_key = 128;
    /// Requests of one session that wait for its handlers; then the server stops reading that connection.
    waiting_requests = 64;
    /// Bytes of them.
    waiting_bytes = 256 * KIB;
    /// Replies not yet sent to a peer (bytes); then no further request of it is taken.
    unsent_replies = 256 * KIB;
    /// Acks kept for requests that are sent again; also how many requests a client may have open.
    acks = 256;
    /// Bytes of them. Of a client that says `acked` no further request is taken from half of it on, and what then comes of those that run is kept beside.
    ack_bytes = 256 * KIB;
    /// Bytes of acks kept for all peers together; when it is used up the oldest of that session are forgotten.
    ack_memory = 512 * MIB;
    /// Bytes of acks that each session keeps whatever others keep.
    acks_at_least = 4 * KIB;
    /// Bytes of one connection that may wait unsent in the kernel: what is newer, a ping or an ack cannot overtake them. Enough to keep a fast link busy for a turn; a quarter of a second at 60 KB/s.
    kernel_unsent = 16 * KIB;
    /// References to entries that a connection holds (bytes) before its session lags and keeps a cursor instead.
    outbox = 64 * KIB;
    /// Unsent bytes said to one session alone, at which `await session.send()` waits.
    session_high = MIB;
    /// Unsent bytes at which it goes on.
    session_low = 256 * KIB;
    /// Memory of all rings together (bytes); the oldest entries go first.
    ring_memory = 256 * MIB;
    /// Memory of all collections together (bytes): their documents, tombstones and writers. Beyond it pushes are put off.
    data_memory = 256 * MIB;
    /// Connections of the process. 0: none.
    connections = 100_000;
    /// Connections from one address. 0: none. Generous: a proxy that is not configured looks like one address.
    connections_per_address = 20_000;
    /// Connections of one user. 0: none. Anonymous sessions are each their own user.
    connections_per_user = 1_000;
    /// Sessions of the process, absent ones included. 0: none.
    sessions = 100_000;
    /// Sessions from one address, absent ones included. 0: none.
    sessions_per_address = 20_000;
    /// Sessions of one user, absent ones included. 0: none.
    sessions_per_user = 1_000;
    /// Rooms that one session may be in.
    rooms_per_session = 1_000;
    /// Rooms that peers made, in all; and as many again that the application and its backends made. Rooms that nobody is in
    /// go first when there is need.
    rooms = 100_000;
    /// What one address may take of each limit that peers have together (percent of it): `rooms`, `key_memory`,
    /// `ack_memory`, `questions`, `http_connections`, and `ring_memory` when it is used up. Generous: a proxy that is not configured looks like one address.
    share_of_address = 50;
    /// What one user may take of them (percent). An anonymous session is its own user.
    share_of_user = 10;
    /// What one API key may take of what is the application's (percent).
    share_of_api_key = 50;
    /// What absent sessions may take of `sessions` (percent). Beyond it the one that is away the longest ends: of the address from
    /// which there is one more, or else of all.
    share_of_absent = 50;
    /// Places for HTTP requests beside `http_connections`: so many kept for probes (`/healthz`, `/metrics`), and so many for backends
    /// with an API key.
    http_kept = 64;
    /// Questions that the application has not answered (who is this, may it join), of all peers. Each may be a task.
    questions = 10_000;
    /// Of them, those that one hello or one event stream asks at once; further rooms of it wait.
    questions_at_once = 16;
    /// Rooms that a session has left and whose leave it remembers, so that an older join or leave that comes late is not done; of
    /// others, any such join or leave counts as too late. 16 bytes each.
    left_rooms = 64;
    /// Messages per second that one session may send, averaged over two seconds. 0: none.
    messages_per_second = 0;
    /// How long an idempotency key is kept (ms).
    key_ms = 3_600_000;
    /// Idempotency keys of one user; a full quota refuses new keys and forgets no old ones.
    keys_per_user = 4_096;
    /// Memory of all idempotency keys of peers and their results (bytes); and as much again for those of the application and its
    /// backends.
    key_memory = 64 * MIB;
    /// How long a publisher waits in a room with the policy `block` (ms); then the slow member is closed.
    block_ms = 5_000;
    /// How long before a token's end the peer is told (ms).
    expiring_ms = 30_000;
    /// Smallest message that is compressed (bytes). Below this deflate costs more than it saves (measured).
    compress_from = KIB;
    /// Seconds between two reports of what a client measured (ms; 0: none is asked for). Of ten thousand clients some 30 a second.
    report_ms = 300_000;
    /// Time over which presence differences are gathered (ms); it grows with the room.
    presence_ms = 100;
    /// Members above which presence tells the count alone.
    presence_names = 1_000;
    /// Entries in one answer of `history`, and in the history of a `join`.
    history_entries = 1_000;
    /// Bytes of them.
    history_bytes = 256 * KIB;
    /// Streams of items that one session may have open. Each is a task of the application.
    streams = 32;
    /// Bytes of items that a stream keeps after they were sent, for a peer that drops and returns; and bytes that wait for the
    /// handler of a stream that goes up.
    stream_bytes = 256 * KIB;
    /// Bytes taken from one connection in one turn; the next in line comes first. A message of 64 KiB and its header fit.
    turn_bytes = 128 * KIB;
    /// Steps of work in one turn, of which one connection has an eighth at a time; what is left waits for its turn. A step is
    /// some half a microsecond: a message, 512 bytes of it, an entry read, 16 members told. So a turn takes some 10 ms.
    turn_steps = 16_000;
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn each_default_is_within_its_range() {
        for (name, default, _) in Limits::TABLE {
            assert!(Limits::range(name).contains(default), "{name}: {default} in {:?}", Limits::range(name));
        }
    }
}
