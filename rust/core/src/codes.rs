//! The numbers and words of the wire, each with its paragraph of law.

/// Close codes. 4000..=4499: the client comes back by itself. 4500..=4999: it must not.
pub mod close {
    /// RFC 6455 §7.4.1: the purpose was fulfilled.
    pub const NORMAL: u16 = 1000;
    /// RFC 6455 §7.4.1: the peer broke the framing.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// RFC 6455 §7.4.1: a kind of data that this endpoint does not take.
    pub const UNSUPPORTED: u16 = 1003;
    /// RFC 6455 §7.4.1: never on the wire; "no code was there".
    pub const NO_STATUS: u16 = 1005;
    /// RFC 6455 §7.4.1: never on the wire; "the link broke without a close frame".
    pub const ABNORMAL: u16 = 1006;
    /// RFC 6455 §7.4.1: text that is not UTF-8.
    pub const BAD_DATA: u16 = 1007;
    /// RFC 6455 §7.4.1: a message too big to process.
    pub const TOO_BIG: u16 = 1009;
    /// RFC 6455 §7.4.1: the server met a condition that it did not expect.
    pub const INTERNAL: u16 = 1011;
    /// The server restarts, or the epoch changed.
    pub const RESTART: u16 = 4000;
    /// Nothing was heard for `ping` and `silence`, or no `hello` came in time.
    pub const SILENT: u16 = 4001;
    /// The peer does not read what it is owed.
    pub const TOO_SLOW: u16 = 4002;
    /// A limit of the process, the address or the user is reached.
    pub const OVERLOADED: u16 = 4003;
    /// More messages per second than a session may send.
    pub const RATE: u16 = 4004;
    /// The token's time is over.
    pub const EXPIRED: u16 = 4005;
    /// A newer connection took the session over.
    pub const SUPERSEDED: u16 = 4500;
    /// The application did not accept the token.
    pub const UNAUTHORIZED: u16 = 4501;
    /// The application does not allow this peer to be here.
    pub const FORBIDDEN: u16 = 4502;
    /// The application ended the session.
    pub const ENDED: u16 = 4503;
    /// The first message was no readable `hello`.
    pub const HELLO_EXPECTED: u16 = 4504;

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

/// Error codes that travel in acks, errors and refusals. An application adds its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The message, or the data in it, is not as it should be.
    InvalidMessage,
    /// Nobody has said who this is.
    Unauthorized,
    /// This peer may not.
    Forbidden,
    /// The page that opened the connection comes from elsewhere.
    ForbiddenOrigin,
    /// No such event, room or path.
    NotFound,
    /// The idempotency key was used with other content.
    KeyConflict,
    /// The request was done, and its ack is no longer kept.
    AckExpired,
    /// The items of a stream that are wanted are no longer kept.
    StreamLost,
    /// A head, body or message over its limit.
    TooLarge,
    /// This path speaks WebSocket only.
    UpgradeRequired,
    /// A limit of the process, the address, the user or the session is reached.
    Overloaded,
    /// It took too long.
    Timeout,
    /// The server's fault; its log has the details.
    Internal,
}

impl Code {
    /// The stable word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidMessage => "INVALID_MESSAGE",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::ForbiddenOrigin => "FORBIDDEN_ORIGIN",
            Self::NotFound => "NOT_FOUND",
            Self::KeyConflict => "KEY_CONFLICT",
            Self::AckExpired => "ACK_EXPIRED",
            Self::StreamLost => "STREAM_LOST",
            Self::TooLarge => "TOO_LARGE",
            Self::UpgradeRequired => "UPGRADE_REQUIRED",
            Self::Overloaded => "OVERLOADED",
            Self::Timeout => "TIMEOUT",
            Self::Internal => "INTERNAL",
        }
    }
    /// The HTTP status of a refusal with this code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidMessage => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::ForbiddenOrigin => 403,
            Self::NotFound => 404,
            Self::KeyConflict => 409,
            Self::AckExpired | Self::StreamLost => 410,
            Self::TooLarge => 413,
            Self::UpgradeRequired => 426,
            Self::Overloaded => 503,
            Self::Timeout => 504,
            Self::Internal => 500,
        }
    }
}
