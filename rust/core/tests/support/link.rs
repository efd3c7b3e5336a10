//! One connection as the network sees it: bytes that wait to go up, and a peer that reads in its own way.

use super::wire::{Dialect, Reader};
use rtcore_core::ConnId;

/// How a peer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    All,
    /// So many bytes in each step of the world.
    Upto(usize),
    Nothing,
}

#[derive(Debug)]
pub struct Link {
    pub conn: ConnId,
    /// Said, and not delivered yet.
    pub up: Vec<u8>,
    /// The engine does not want to read.
    pub paused: bool,
    pub reads: Reads,
    /// What it still reads in this step.
    pub left: usize,
    /// The engine said `Finish`.
    pub finishing: bool,
    /// The engine had output that this peer did not take: the poller will say when it does.
    pub owed: bool,
    pub reader: Reader,
    /// All that ever came down.
    pub down: Vec<u8>,
}

impl Link {
    pub fn new(conn: ConnId, dialect: Dialect) -> Self {
        Self {
            conn,
            up: dialect.handshake(),
            paused: false,
            reads: Reads::All,
            left: usize::MAX,
            finishing: false,
            owed: false,
            reader: Reader::new(dialect),
            down: Vec::new(),
        }
    }

    /// A new step begins.
    pub fn breathe(&mut self) {
        self.left = match self.reads {
            Reads::All => usize::MAX,
            Reads::Upto(count) => count,
            Reads::Nothing => 0,
        };
    }
}
