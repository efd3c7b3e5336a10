//! The numbers and words of the wire, each with its paragraph of law.

/// Declares numbers and, beside them, the table of all, so that none can stand in one and not in the other.
macro_rules! numbers {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: u16 = $value;)+
        /// All of them: name and number, as `vectors/codes.json` has them.
        pub const TABLE: &[(&str, u16)] = &[$((stringify!($name), $value),)+];
    };
}

/// Close codes. 4000..=4499: the client comes back by itself. 4500..=4999: it must not.
pub mod close {
    numbers! {
        /// RFC 6455 §7.4.1: the purpose was fulfilled.
        NORMAL = 1000;
        /// RFC 6455 §7.4.1: the peer broke the framing.
        PROTOCOL_ERROR = 1002;
        /// RFC 6455 §7.4.1: a kind of data that this endpoint does not take.
        UNSUPPORTED = 1003;
        /// RFC 6455 §7.4.1: never on the wire; "no code was there".
        NO_STATUS = 1005;
        /// RFC 6455 §7.4.1: never on the wire; "the link broke without a close frame".
        ABNORMAL = 1006;
        /// RFC 6455 §7.4.1: text that is not UTF-8.
        BAD_DATA = 1007;
        /// RFC 6455 §7.4.1: a message too big to process.
        TOO_BIG = 1009;
        /// RFC 6455 §7.4.1: the server met a condition that it did not expect.
        INTERNAL = 1011;
        /// The server restarts, or the epoch changed.
        RESTART = 4000;
        /// Nothing was heard for `ping` and `silence`, or no `hello` came in time.
        SILENT = 4001;
        /// The peer does not read what it is owed.
        TOO_SLOW = 4002;
        /// A limit of the process, the address or the user is reached.
        OVERLOADED = 4003;
        /// More messages per second than a session may send.
        RATE = 4004;
        /// The token's time is over.
        EXPIRED = 4005;
        /// A newer connection took the session over.
        SUPERSEDED = 4500;
        /// The application did not accept the token.
        UNAUTHORIZED = 4501;
        /// The application does not allow this peer to be here.
        FORBIDDEN = 4502;
        /// The application ended the session.
        ENDED = 4503;
        /// The first message was no readable `hello`.
        HELLO_EXPECTED = 4504;
    }

    /// Whether a client comes back by itself after this code.
    #[must_use]
    pub const fn comes_back(code: u16) -> bool {
        !matches!(code, NORMAL | PROTOCOL_ERROR | UNSUPPORTED | BAD_DATA | TOO_BIG | 4500..=4999)
    }

    /// Whether a peer may put this code into a close frame, RFC 6455 §7.4.
    #[must_use]
    pub const fn may_be_sent(code: u16) -> bool {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $status:literal;)+) => {
        /// Error codes that travel in acks, errors and refusals. An application adds its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// All of them, as `vectors/codes.json` has them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable word on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// The HTTP status of a refusal with this code.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                }
            }
        }
    };
}

codes! {
    /// The message, or the data in it, is not as it should be.
    InvalidMessage = "INVALID_MESSAGE", 400;
    /// Nobody has said who this is.
    Unauthorized = "UNAUTHORIZED", 401;
    /// This peer may not.
    Forbidden = "FORBIDDEN", 403;
    /// The page that opened the connection comes from elsewhere.
    ForbiddenOrigin = "FORBIDDEN_ORIGIN", 403;
    /// No such event, room or path.
    NotFound = "NOT_FOUND", 404;
    /// The idempotency key was used with other content.
    KeyConflict = "KEY_CONFLICT", 409;
    /// A later hello of the session was answered: this one takes nothing over.
    Superseded = "SUPERSEDED", 409;
    /// The request was done, and its ack is no longer kept.
    AckExpired = "ACK_EXPIRED", 410;
    /// It may have been done or not, and doing it again would not tell.
    OutcomeUnknown = "OUTCOME_UNKNOWN", 410;
    /// The items of a stream that are wanted are no longer kept.
    StreamLost = "STREAM_LOST", 410;
    /// A head, body or message over its limit.
    TooLarge = "TOO_LARGE", 413;
    /// This path speaks WebSocket only.
    UpgradeRequired = "UPGRADE_REQUIRED", 426;
    /// What it needs cannot be written to now.
    Unavailable = "UNAVAILABLE", 503;
    /// A limit of the process, the address, the user or the session is reached.
    Overloaded = "OVERLOADED", 503;
    /// It took too long.
    Timeout = "TIMEOUT", 504;
    /// The server's fault; its log has the details.
    Internal = "INTERNAL", 500;
}
