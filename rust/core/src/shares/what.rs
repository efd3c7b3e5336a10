//! What is counted, and how much of it each book may hold.

use super::holder::{Account, User};
use crate::limits::Limits;
use std::fmt;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A connection.
    Connection,
    /// A session, absent or not.
    Session,
    /// A session without a connection.
    Absent,
    /// A room.
    Room,
    /// A byte of idempotency keys and their results.
    Key,
    /// A byte of acks that are kept.
    Ack,
    /// A question that the application has not answered.
    Question,
}

/// How many kinds there are.
pub(super) const KINDS: usize = 7;

/// A limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// The limit's name.
    pub what: &'static str,
    /// Whose share of it; none: the limit has a name of its own.
    pub whose: Option<&'static str>,
    /// How much it is.
    pub limit: u64,
}

impl fmt::Display for Full {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, whose, limit } = self;
        match whose {
            None => write!(out, "the limit {what} ({limit}) is reached"),
            Some(whose) => write!(out, "the share of {whose} in the limit {what} ({limit}) is used up"),
        }
    }
}

impl What {
    /// How much of it this book may hold; none: as much as it likes.
    pub(super) fn allowed(self, account: Account<'_>, limits: &Limits) -> Option<Full> {
        let named = |what, limit| (limit > 0).then_some(Full { what, whose: None, limit });
        match (self, account) {
            (Self::Connection, Account::Peers) => named("connections", limits.connections),
            (Self::Connection, Account::Address(_)) => {
                named("connections_per_address", limits.connections_per_address)
            }
            (Self::Connection, Account::User(_)) => {
                named("connections_per_user", limits.connections_per_user)
            }
            (Self::Session, Account::Peers) => named("sessions", limits.sessions),
            (Self::Session, Account::Address(_)) => {
                named("sessions_per_address", limits.sessions_per_address)
            }
            (Self::Session, Account::User(_)) => named("sessions_per_user", limits.sessions_per_user),
            (Self::Absent, Account::Peers) => {
                let of = Self::Session.allowed(account, limits)?;
                let limit = part(of.limit, limits.share_of_absent);
                Some(Full { whose: Some("absent sessions"), limit, ..of })
            }
            // (An address and a user have their limits of sessions, absent ones included.)
            (Self::Absent, _) | (Self::Connection | Self::Session, Account::Application) => None,
            (Self::Room, account) => Some(share("rooms", limits.rooms, account, limits)),
            (Self::Key, account) => Some(share("key_memory", limits.key_memory, account, limits)),
            (Self::Ack, account) => Some(share("ack_memory", limits.ack_memory, account, limits)),
            (Self::Question, account) => Some(share("questions", limits.questions, account, limits)),
        }
    }
}

/// What of a limit of the process a book may hold. Nobody's share is nothing, unless the limit is.
fn share(what: &'static str, limit: u64, account: Account<'_>, limits: &Limits) -> Full {
    let (whose, percent) = match account {
        Account::Peers => (None, 100),
        Account::Application => (Some("the application"), 100),
        Account::Address(_) => (Some("one address"), limits.share_of_address),
        Account::User(User::Backend(_)) => (Some("one API key"), limits.share_of_api_key),
        Account::User(User::Named(_) | User::Session(_)) => (Some("one user"), limits.share_of_user),
    };
    Full { what, whose, limit: part(limit, percent) }
}

fn part(limit: u64, percent: u64) -> u64 {
    let percent = percent.min(100);
    let part = u128::from(limit) * u128::from(percent) / 100;
    u64::try_from(part).unwrap_or(limit).max(limit.min(1))
}
