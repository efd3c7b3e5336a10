//! Whose something is: what it is charged to.

use crate::ids::SessionId;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// The smallest holder of a share.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum User {
    /// A user, whichever session it comes from.
    Named(Arc<str>),
    /// An anonymous session: each is its own user.
    Session(SessionId),
    /// A backend, by the name of its API key.
    Backend(Arc<str>),
}

/// Who holds something. Without an address it is the application's side: itself, or a backend of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    user: Option<User>,
    address: Option<IpAddr>,
}

/// One of the books in which something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account<'a> {
    /// A user's, an anonymous session's or a backend's.
    User(&'a User),
    /// An address's.
    Address(IpAddr),
    /// That of all peers together.
    Peers,
    /// The application's, its backends included.
    Application,
}

impl Holder {
    /// The application itself.
    pub const APPLICATION: Self = Self { user: None, address: None };

    /// A backend of the application's, by the name of its API key.
    #[must_use]
    pub fn backend(name: &str) -> Self {
        Self { user: Some(User::Backend(name.into())), address: None }
    }

    /// A peer. `user` is none where it is not known yet, or need not be counted.
    #[must_use]
    pub fn peer(address: IpAddr, user: Option<User>) -> Self {
        Self { user, address: Some(block(address)) }
    }

    /// Whether it is a peer.
    #[must_use]
    pub const fn is_peer(&self) -> bool {
        self.address.is_some()
    }

    /// The books, the smallest first: each holds what the one before it holds, and more.
    pub fn accounts(&self) -> impl DoubleEndedIterator<Item = Account<'_>> + Clone {
        let pot = if self.is_peer() { Account::Peers } else { Account::Application };
        let user = self.user.as_ref().map(Account::User);
        let address = self.address.map(Account::Address);
        [user, address, Some(pot)].into_iter().flatten()
    }
}

/// One subscriber of IPv6 has a network of 64 bits: it counts as one address.
#[must_use]
pub fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
    }
}
