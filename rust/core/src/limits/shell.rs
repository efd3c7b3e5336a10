//! Limits that nobody sets, of what stands around the core: turns, tasks, logs, tokens and files. Python keeps them, and has
//! them from here.

rtcore_data::fixed! {
    /// Updates of a text that wait for a socket that is behind (bytes): beyond, it is told the whole text when it reads on.
    YJS_UNSENT: u64 = 256 * 1024;
    /// Editors of one text whose presence is kept: as many as anybody sees.
    YJS_EDITORS: u64 = 1_000;
    /// Longest presence of an editor (bytes): a name, a colour and a selection have some hundred.
    YJS_PRESENCE: u64 = 16 * 1024;
    /// Longest merge of a text's updates in the background (s): what takes longer is given up, and tried when there are more.
    YJS_MERGE_S: u64 = 30;
    /// How long a turn goes on with what comes of its own answers (ns). The rest comes after a pass of Trio.
    TURN_ROUNDS_NS: u64 = 4_000_000;
    /// How long turns follow each other without a pass of Trio (ns): what else the application waits for is looked at then.
    TURN_SHARE_NS: u64 = 1_000_000;
    /// Longest `linger` that may be set (us): ten times as long as turns may follow each other without a pass of Trio.
    LINGER_US: u64 = 10_000;
    /// Steps of tasks in one turn; what comes after them is rescheduled, so that Trio has its pass.
    TURN_TASKS: u64 = 512;
    /// Calls of one task without a schedule point: one that publishes ten thousand times does not hold the loop.
    TASK_CALLS: u64 = 64;
    /// What runs for longer than this without a wait (ns) is reported by name: people notice a server that stands still.
    HELD_NS: u64 = 50_000_000;
    /// How often that is said of one name (ns).
    HELD_EVERY_NS: u64 = 1_000_000_000;
    /// Names of handlers and kinds of failures that are told apart. The application gives them, so there are few; more are
    /// forgotten.
    KINDS: u64 = 1_000;
    /// Longest `shutdown_delay` (s): whoever wants to wait for longer forgot something.
    SHUTDOWN_DELAY_S: u64 = 600;
    /// Beginnings and ends of issues that the watch remembers, and reports of what held the turn: a time line that fits a page.
    WATCH_LINES: u64 = 200;
    /// How often a profile looks at what the server's thread does (us): two hundred times a second, some 20 us each.
    PROFILE_EVERY_US: u64 = 5_000;
    /// Functions of one look, the innermost.
    PROFILE_DEPTH: u64 = 40;
    /// Functions and stacks of a profile that are told: as many as anybody reads.
    PROFILE_ROWS: u64 = 40;
    /// Longest profile (s).
    PROFILE_S: u64 = 60;
    /// Entries of a room, and members, that an operator is shown at once.
    SEEN_OF_ROOM: u64 = 100;
    /// So many times as long differences of presence are gathered while the server has too much to do: a second, as a rule.
    CALM_WINDOWS: u64 = 10;
    /// Connections that are accepted between two rests of 100 ms while many come back at once: some 300 a second.
    CALM_ACCEPTS: u64 = 32;
    /// Sessions that are advised without a pass of Trio: less than a millisecond.
    ADVISED_AT_ONCE: u64 = 512;
    /// Messages that were followed through their stages, for who asks: the last minutes of a server that is looked at.
    TRAILS_TOLD: u64 = 256;
    /// How long a follower may wait for the next message (s): a proxy cuts what is silent for longer.
    TRAIL_WAIT_S: u64 = 50;
    /// For how many at once: as many as are read one by one.
    TRAILS_ASKED: u64 = 32;
    /// Sessions that are ended together: some 7 ms, with what their tasks do.
    ENDINGS: u64 = 32;
    /// Rooms that are kept as objects for who says much in few of them.
    ROOMS_KEPT: u64 = 1_024;
    /// Items that a handler takes between two words to the core about it; while items wait, the peer's credit may wait, too.
    ITEMS_REPORTED: u64 = 16;
    /// Tracebacks of one kind in a second: the rest are counted.
    TRACEBACKS: u64 = 4;
    /// One value in a line of a log (characters). More is left out, and said.
    LOG_VALUE: u64 = 2_048;
    /// A traceback in a log (characters): its beginning, and the end, where the error is named.
    LOG_TRACEBACK: u64 = 16_384;
    /// Faults that are told of one request's data: more help nobody.
    FAULTS: u64 = 64;
    /// Values that are looked at for them, a microsecond or two each: the share of a turn, not of a second.
    FAULT_LOOKS: u64 = 8_192;
    /// Members of one set or dictionary of numbers in a request's data: half a million comparisons, if all collide.
    CROWD_NUMBERS: u64 = 1_024;
    /// The same of what is no plain number, whose comparison may cost ten times as much.
    CROWD_OTHERS: u64 = 512;
    /// Data in which no crowd of them has place that would be felt (bytes).
    CROWD_SMALL: u64 = 4_096;
    /// A path and a message in faults (characters): both quote what the peer said.
    FAULT_TEXT: u64 = 256;
    /// Time in which what was cancelled at the end must be over (ms).
    SETTLE_MS: u64 = 1_000;
    /// The same, once somebody has said so a second time (ms).
    SETTLE_AT_ONCE_MS: u64 = 500;
    /// Between two looks whether another signal waits unheard (ms).
    NUDGE_MS: u64 = 250;
    /// Between two looks whether the files of the certificate have changed (s): they change every few weeks.
    CERTIFICATE_LOOK_S: u64 = 10;
    /// Time for the last words (ms); who reads them may have stopped.
    LAST_WORDS_MS: u64 = 300;
    /// Connections that the kernel holds until the next turn accepts them. Linux cuts it to net.core.somaxconn.
    BACKLOG: u64 = 4_096;
    /// How long an answer over HTTP/2 waits for more of a body that nobody reads (ms): a client that is refused stops soon.
    LINGERING_MS: u64 = 5_000;
    /// Characters of a token: what is longer is not looked at.
    TOKEN: u64 = 16 * 1024;
    /// By how much the clock of whoever issued a token may be ahead of ours, whatever leeway is given (s): a token that was made
    /// this very moment is good.
    TOKEN_AHEAD_S: u64 = 30;
    /// Longest answer with the keys of another service (bytes).
    JWKS_BYTES: u64 = 256 * 1024;
    /// Between two fetches for the sake of a key id that is not known (s): peers make ids up.
    JWKS_BETWEEN_S: u64 = 30;
    /// `Cache-Control` of such an answer is believed from here (s): a minute,
    JWKS_SOONEST_S: u64 = 60;
    /// to here (s): a day.
    JWKS_LATEST_S: u64 = 86_400;
    /// Longest wait between two attempts (s), however often it failed.
    JWKS_PATIENCE_S: u64 = 300;
    /// Before a task of the application that failed is started again (ms); doubled with each failure that follows.
    AGAIN_MS: u64 = 1_000;
    /// The longest of these waits (ms). A task that ran for so long has worked: its next failure is a first one.
    AGAIN_LONGEST_MS: u64 = 60_000;
    /// Longest file of settings (bytes): a thousand times what anybody writes. Beyond it, it is another file.
    CONFIG_FILE: u64 = 1024 * 1024;
    /// Longest origin, host or network in it (characters): a name of DNS has 253, and a scheme and a port beside it.
    CONFIG_PLACE: u64 = 300;
    /// Elements of one batch of the publish API.
    API_BATCH: u64 = 1_000;
    /// Entries that a backend or the application is given at once, unless `history_entries` is lower.
    API_HISTORY: u64 = 1_000;
}
