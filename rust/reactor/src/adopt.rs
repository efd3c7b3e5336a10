//! Connections that were handed over and come back.

use crate::accept::peer_of;
use crate::driven::Driven;
use crate::shard::Shard;
use rtcore_core::engine::Peer;
use std::os::fd::OwnedFd;

impl Shard {
    /// Go on with a socket at the boundary of a request; `bytes` were read of the next one. Who connected is asked of
    /// the kernel: the request before may have come through a proxy, and the next may be of another client. Unless a PROXY
    /// header said it (`told`), which is true of the whole connection.
    pub(crate) fn adopt(
        &mut self,
        engine: &mut impl Driven,
        fd: OwnedFd,
        mut bytes: Vec<u8>,
        told: Option<Peer>,
    ) {
        // A socket without a peer is one that broke meanwhile; reading it would say so.
        let Ok(address) = rustix::net::getpeername(&fd) else { return };
        let (address, port) = peer_of(address);
        let kernel = Peer { address, port, secure: false, stream: false };
        let peer = told.unwrap_or(kernel);
        self.clear_slots(engine);
        let Some(conn) = engine.adopt(peer, !bytes.is_empty(), told.is_some(), self.now) else { return };
        if self.keep(engine, fd, conn) && !bytes.is_empty() {
            engine.receive(conn, &mut bytes, self.now);
        }
    }
}
