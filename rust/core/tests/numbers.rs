//! Every number that a peer chooses, as far as it goes: it is refused, or it is taken for the most there is. No sum with it
//! wraps: the tests are built with checks of overflow, so one that does is a panic here.

mod support;

#[path = "numbers/bodies.rs"]
mod bodies;
#[path = "numbers/frames.rs"]
mod frames;
#[path = "numbers/messages.rs"]
mod messages;
#[path = "numbers/queries.rs"]
mod queries;

/// Numbers as a peer may write them: the ends of 31, 32, 53, 63 and 64 bits, what is beyond, below, and no whole number.
const EXTREMES: [&str; 22] = [
    "0",
    "1",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551610",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "-1",
    "-9223372036854775808",
    "-9223372036854775809",
    "0.5",
    "1e15",
    "1e308",
    "-1e308",
    "1e400",
];

/// Whether it is a whole number of 64 bits, as it is written.
fn is_whole(text: &str) -> bool {
    text.parse::<u64>().is_ok()
}
