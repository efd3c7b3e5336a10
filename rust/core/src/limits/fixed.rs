//! Limits that nobody sets: bounds of the formats, and of what is done for the sake of one peer.
//!
//! A number is here (or in `shell`) if it bounds what somebody outside can make grow, or how long something may take for him.
//! What only tunes (from how many members on there is an index, how
//! large a chunk of memory is) stands where it is used, and changes nothing that anybody could see.

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

rtcore_data::fixed! {
    /// Header fields in a head, a request's or an answer's: browsers send some 20.
    HEADERS: usize = 100;
    /// Longest head of an answer that is read as a client (bytes).
    ANSWER_HEAD: usize = 16 * KIB;
    /// What may stand in a PROXY header of version 2 behind its first 16 bytes (bytes): addresses have 36, and what a proxy adds of a
    /// TLS certificate some hundreds.
    PROXY_HEADER: usize = 4 * KIB;
    /// Parameters of a query that are looked at: as many rooms as a session may be in, and some more.
    QUERY_PARAMETERS: usize = 1_100;
    /// Subprotocols in one handshake; each is compared with the others.
    SUBPROTOCOLS: usize = 64;
    /// Longest line between the chunks of a body (bytes): a size with its extensions, or a trailer.
    BODY_LINE: usize = 4 * KIB;
    /// All trailers of a body together (bytes).
    BODY_TRAILERS: usize = 16 * KIB;
    /// Framing that may come with a body beside its bytes (bytes): else a body of one-byte chunks with long extensions would cost
    /// many times its bound.
    BODY_FRAMING: usize = MIB;
    /// Empty fragments of one message. The others are bounded by the message's size; these bring it no nearer to its end and would
    /// keep it open for ever.
    EMPTY_FRAGMENTS: u32 = 1024;
    /// Final blocks of deflate in one message. RFC 7692 §7.2.3.4 and 5 allow them, an honest sender has one a message or a fragment;
    /// each makes us begin a new stream, which costs more than the two bytes that it takes.
    FINAL_BLOCKS: u32 = 64;
    /// Largest window of a zstd frame, as a power of two (8 MiB): what each decoder must have, RFC 8878 §3.1.1.1.2.
    ZSTD_WINDOW: u32 = 23;
    /// The same of Brotli (4 MiB less 16 bytes): it may be 24, which is four times the memory for messages of a mebibyte.
    BROTLI_WINDOW: u32 = 22;
    /// Messages of a room in a row that did not shrink by a tenth, until its next are not compressed.
    SHRINK_TRIES: u8 = 3;
    /// So many of them are not; then one is tried again.
    SHRINK_PAUSE: u8 = 64;
    /// How deep `data` may be nested: each level is a frame on the stack of whoever reads it with recursion.
    DEPTH: u32 = 128;
    /// Streams that a `hello` may name: far more than a session may have.
    NAMED_STREAMS: usize = 1024;
    /// Programs that a `hello` may name: the one that says it, and those before it that had its outbox and were not welcome. Those
    /// that follow are not looked at.
    PROGRAMS: usize = 16;
    /// Longest name that is registered or given by the server itself (bytes): a pattern, an event, a stream, `$user/ID`.
    OWN_NAME: usize = 255;
    /// Longest user id (bytes): `$user/ID` is a name of the server's own.
    USER: usize = OWN_NAME - "$user/".len();
    /// Longest epoch in a position (bytes).
    EPOCH: usize = rtcore_data::limits::EPOCH;
    /// Entries that a room's ring keeps, unless its settings say otherwise.
    RING_ENTRIES: usize = 1024;
    /// Bytes of them.
    RING_BYTES: usize = MIB;
    /// How long they are kept (ms): a laptop that was closed over lunch hears what it missed.
    RING_AGE_MS: u64 = 3_600_000;
    /// Entries of what is said to one session alone; their bytes are bounded by `session_high`.
    SESSION_RING_ENTRIES: usize = 4096;
    /// Requests of the server's that one session may have open.
    ASKS: usize = 256;
    /// Small items that may be under way or wait in a stream that goes up.
    STREAM_WINDOW: u64 = 64;
    /// The same before the first has shown how large they are.
    STREAM_FIRST: u64 = 4;
    /// Changes of presence that are kept for listeners that lag. Somebody who missed more is better served by a snapshot.
    PRESENCE_CHANGES: usize = 1024;
    /// Members for which `presence_ms` is as long as it is for none, again.
    PRESENCE_STRETCH: u64 = 500;
    /// The longest time over which presence differences are gathered (ms): what is older feels wrong to people.
    PRESENCE_LONGEST_MS: u64 = 2_000;
    /// Connections beyond the limit that are still answered with a refusal; more are closed without a word.
    REFUSED_AT_ONCE: usize = 256;
    /// Refusals of a kind that the application is told of in one turn, for its log: what is behind one is in them, and
    /// a flood of them costs no more. All are counted.
    REFUSALS_TOLD: u32 = 4;
    /// When a client is told to come back that a limit refused (s): long enough for a place to be free, short enough for people.
    COME_BACK_S: u32 = 5;
    /// Bytes of a result for which there is always place once its key is taken: a handler that has run must be able to say so.
    RESULT: usize = 4096;
    /// Padding that an event stream may ask for (bytes): what proxies gather is 4 to 8 KiB.
    PADDING: u64 = 16 * 1024;
    /// Event streams that ended after less silence than this (ms) were not cut for being idle: their client let go of them.
    IDLE_LINK_MS: u64 = 3_000;
    /// Entries that may wait for the disk: what a disk that does 20,000 a second writes in a fifth of a second. Beyond it publishers
    /// are held.
    STORE_ENTRIES: usize = 4096;
    /// Bytes of them: a message of the longest kind has place beside others.
    STORE_BYTES: usize = 16 * MIB;
    /// How long an entry may wait for the disk (ms); then its listeners are told that they miss it. As long as a publisher waits
    /// in a room with the policy `block`: nobody is held for longer by a disk than by a slow member.
    STORE_MS: u64 = 5_000;
    /// Wait before a collection that is being read from disk is asked for again (ms): a page takes a few.
    DATA_LOADING_MS: u64 = 100;
    /// Crashes of the machine of which it is remembered apart what rooms with `durable="normal"` may have lost; the oldest two become
    /// one gap beyond that. More than a machine has in the time that anybody is away.
    LOSSES: usize = 64;
    /// How long what nobody waits for may be behind on disk (ms): who is in live rooms, a token's end.
    BEHIND_MS: u64 = 1_000;
    /// How often it is written down how long the server ran (ms), by which keys on disk grow old: a crash makes them live
    /// longer by at most so much.
    RUNNING_MS: u64 = 60_000;
    /// Ids of requests, of a session and of ours to it, that are set aside on disk at a time, and at each start; renewed at half. While
    /// the disk takes nothing a session may take the rest of them, of live requests too; beyond that it is told `UNAVAILABLE`.
    IDS_AHEAD: u64 = 65_536;
    /// Numbers that are reserved on disk at a time; renewed at half. So a disk that is full stops no live room for two thousand
    /// million entries, and 2^53 lasts two million starts.
    RESERVED: u64 = 1 << 32;
    /// Pages of the log that are read at a time: as many as the store has readers.
    READS: usize = 16;
    /// How often a page is asked for that cannot be read: a failure that is over at once costs nobody anything, another one is told.
    READ_TRIES: u32 = 3;
    /// Bytes of the pages that are read at once for one listener beyond the rings: a hundred times what a busy reader takes in a turn.
    PAGE_BYTES: usize = 256 * KIB;
    /// Bytes of one of them where it has many rooms.
    PAGE_LEAST: usize = 4 * KIB;
    /// Entries of a page.
    PAGE_ENTRIES: usize = 4096;
    /// Bytes of pages that are held for listeners that could go on and do not read: beyond it they are let go of, and read again.
    PAGES_BYTES: usize = 16 * MIB;
    /// How often old entries and keys are let go of where nothing happens (ms).
    SWEEP_MS: u64 = 10_000;
    /// Keys that are looked at in one sweep: a fraction of a millisecond.
    SWEEP_KEYS: usize = 4096;
    /// Connections accepted from one listener in one turn: who is connected is not kept waiting by a crowd at the door.
    ACCEPTS: usize = 64;
    /// How long accepting rests when descriptors or memory have run out (ms).
    ACCEPT_REST_MS: u64 = 100;
    /// Bytes after which a turn reads nobody else: the others are read in the next turns, in the order in which they were reported.
    /// A few of the largest reads: what is read together then still lies in a processor's cache when it is dealt with.
    TURN_READ: usize = 256 * KIB;
    /// Writes to one connection in one flush. A session that was behind is fed while the kernel takes everything; after that it is
    /// the others' turn.
    FLUSH_WRITES: usize = 4;
    /// Rounds of one flush: what is written or closed may make more due, for others. The rest is left to the next flush.
    FLUSH_ROUNDS: usize = 4;
    /// What one flush may write (bytes), a call counting as 512 of them: some 5 to 10 ms. A message to a thousand members fits.
    FLUSH_BYTES: usize = MIB;
    /// Steps of work in one flush (`turn_steps` says what a step is): answers put together for those who wait for one over plain
    /// HTTP, and the past read for those who lag. As much as a turn: the two take some 20 ms at most, whoever listens.
    FLUSH_STEPS: u64 = 16_000;
    /// Events of the application whose durations are told apart; those of all others are one. A hundred kilobytes for ten.
    MEASURED_EVENTS: usize = 32;
    /// Settings of rooms that are told apart likewise.
    MEASURED_CLASSES: usize = 32;
    /// Publications of a class in one turn whose way to the listeners is measured each for itself: of more, the first.
    MEASURED_TOGETHER: usize = 256;
    /// Characters of what a client says that it is which are told: a name and a version.
    CLIENT_NAME: usize = 64;
    /// How far a client's clock may be from the server's (ms) before tokens and times of events suffer.
    CLOCK_APART_MS: u64 = 30_000;
    /// What a `ping` says is a date from here on (ms since 1970: in 2001), and else a name of its own.
    CLOCK_SINCE_MS: u64 = 1_000_000_000_000;
    /// The slowest handlers, rooms and sessions that are told: as many as anybody reads.
    SLOWEST: usize = 20;
    /// Messages that are followed through their stages at once, and that were and nobody has asked for: a kilobyte or two each.
    TRAILS: usize = 128;
    /// Stages of one of them: a request whose handler says something in five rooms has some twenty.
    TRAIL_LEGS: usize = 24;
    /// Events whose next messages somebody waits for at once: more operators than look at one server.
    FOLLOWED: usize = 32;
    /// How often at most a session's clock counts (ms): a client pings each 25 s, and one that pings more counts no more.
    CLOCK_EVERY_MS: u64 = 10_000;
}
