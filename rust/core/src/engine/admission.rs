//! How many are here: connections and sessions, in all, by address and by user.
//!
//! Invariant: each count is the number of live things that were counted; a count of 0 is not kept.

use super::{Seeded, size};
use crate::codes::Code;
use crate::frame::http::Refusal;
use crate::limits::Limits;
use hashbrown::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    conns: u32,
    sessions: u32,
}

/// The counts.
#[derive(Debug)]
pub(super) struct Admission {
    addresses: HashMap<IpAddr, Count, Seeded>,
    users: HashMap<Arc<str>, Count, Seeded>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Connection,
    Session,
}

/// A limit that is reached: its name, and its value.
pub(super) type Full = (&'static str, u64);

/// When a refused peer may try again, seconds.
const COME_BACK: &str = "5";

/// What a request is told that is one too many.
pub(super) fn full_refusal(what: &str, limit: u64) -> Refusal {
    let message = format!("the limit {what} ({limit}) is reached: come back in {COME_BACK} s");
    Refusal::new(503, Code::Overloaded, message).with_header("Retry-After", COME_BACK.to_owned())
}

/// One subscriber of IPv6 has a network of 64 bits: it counts as one address.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
    }
}

impl Count {
    fn of(&mut self, what: What) -> &mut u32 {
        match what {
            What::Connection => &mut self.conns,
            What::Session => &mut self.sessions,
        }
    }
}

fn full(held: u32, name: &'static str, limit: u64) -> Option<Full> {
    (limit > 0 && u64::from(held) >= limit).then_some((name, limit))
}

impl Admission {
    pub fn new(hash: &Seeded) -> Self {
        Self { addresses: HashMap::with_hasher(hash.clone()), users: HashMap::with_hasher(hash.clone()) }
    }

    /// Whether one more from this address is over a limit.
    pub fn address_full(&self, address: IpAddr, what: What, limits: &Limits) -> Option<Full> {
        let mut count = self.addresses.get(&block(address)).copied().unwrap_or_default();
        match what {
            What::Connection => {
                full(*count.of(what), "connections_per_address", limits.connections_per_address)
            }
            What::Session => full(*count.of(what), "sessions_per_address", limits.sessions_per_address),
        }
    }

    /// Whether one more of this user is over a limit.
    pub fn user_full(&self, user: &str, what: What, limits: &Limits) -> Option<Full> {
        let mut count = self.users.get(user).copied().unwrap_or_default();
        match what {
            What::Connection => full(*count.of(what), "connections_per_user", limits.connections_per_user),
            What::Session => full(*count.of(what), "sessions_per_user", limits.sessions_per_user),
        }
    }

    pub fn add_address(&mut self, address: IpAddr, what: What) {
        *self.addresses.entry(block(address)).or_default().of(what) += 1;
    }

    pub fn remove_address(&mut self, address: IpAddr, what: What) {
        let address = block(address);
        if let Some(count) = self.addresses.get_mut(&address) {
            *count.of(what) = count.of(what).saturating_sub(1);
            if count.conns == 0 && count.sessions == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    pub fn add_user(&mut self, user: &Arc<str>, what: What) {
        *self.users.entry(Arc::clone(user)).or_default().of(what) += 1;
    }

    pub fn remove_user(&mut self, user: &str, what: What) {
        if let Some(count) = self.users.get_mut(user) {
            *count.of(what) = count.of(what).saturating_sub(1);
            if count.conns == 0 && count.sessions == 0 {
                self.users.remove(user);
            }
        }
    }

    /// Addresses and users that are counted.
    pub fn len(&self) -> (usize, usize) {
        (self.addresses.len(), self.users.len())
    }
}

/// Whether a table with `held` things is at its limit (0: none).
pub(super) fn table_full(held: usize, limit: u64) -> bool {
    limit > 0 && held >= size(limit)
}
