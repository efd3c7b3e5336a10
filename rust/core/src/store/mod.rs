//! What the core and the store say to each other. The core says *write this group*, the store says *it is on disk*.
//!
//! Theory. The engine never waits: what must be kept goes into the group that is being gathered, as `Record`s, in the
//! order in which it was decided. When the store is idle the group leaves as an effect (`Op::Store`), else it grows until
//! the store has answered: so a group is whatever came while the last one was being written, and no timer makes one. A
//! group is on disk whole or not at all. Groups are written in the order of their numbers, one at a time.
//!
//! The store knows files, and no rule of the protocol: it does not know what a session is owed. It speaks of sessions,
//! rooms and users by their names on the wire, since handles mean nothing after a restart.
//!
//! Nothing here does I/O. `rust/store` carries it out.

mod group;
mod kept;
mod reading;
mod record;

pub use group::{Ask, Group, GroupId, Report, Sync, Trouble};
pub use kept::{Kept, KeptKey, KeptMember, KeptRoom, KeptSession, Origin, Progress};
pub use reading::{Page, Read, ReadId, Wanted};
pub use record::{Author, Entry, Key, KeyName, KeyOwner, KeyState, Member, Place, Record, Row, Session, Who};
