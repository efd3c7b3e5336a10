//! New connections, in batches.
//!
//! At most `ACCEPTS` of them a turn and listener: who is connected is not kept waiting by a crowd at
//! the door. When descriptors or memory have run out, a listening socket stays readable and accepting
//! fails again and again; so then it rests, and the crowd waits in the kernel's backlog. So it does between so many
//! where the hands were told a pace.

use crate::driven::Driven;
use crate::poller::{Interest, LISTENERS, Poller};
use crate::shard::Shard;
use crate::socket::{Socket, prepare};
use rtcore_core::engine::Peer;
use rtcore_core::ids::{ConnId, Tick};
use rtcore_core::limits::fixed::{ACCEPT_REST_MS, ACCEPTS};
use rustix::io::Errno;
use rustix::net::SocketAddrAny;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

/// The listening sockets of a shard.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    list: Vec<OwnedFd>,
    rests_until: Option<Tick>,
    /// So many are accepted between two rests, if not as many as come; and how many were.
    pace: Option<u32>,
    paced: u32,
}

impl Listeners {
    /// Accept so many between two rests from now on; none: as many as come.
    pub fn set_pace(&mut self, pace: Option<u32>) {
        (self.pace, self.paced) = (pace, 0);
    }

    /// One more was accepted. Whether it is time to rest.
    fn is_enough(&mut self) -> bool {
        let Some(pace) = self.pace else { return false };
        self.paced += 1;
        let enough = self.paced >= pace;
        if enough {
            self.paced = 0;
        }
        enough
    }

    pub fn rests_until(&self) -> Option<Tick> {
        self.rests_until
    }

    /// Close them all.
    pub fn clear(&mut self) {
        self.list.clear();
        self.rests_until = None;
    }
}

impl Shard {
    /// Accept connections from this socket from now on.
    pub(crate) fn listen(&mut self, fd: OwnedFd) -> io::Result<()> {
        let token = LISTENERS + self.listeners.list.len() as u64;
        let interest = self.accept_interest();
        self.poller.add(fd.as_fd(), token, interest)?;
        self.listeners.list.push(fd);
        Ok(())
    }

    /// Accept what waits at the listener with this token.
    pub(crate) fn accept(&mut self, engine: &mut impl Driven, token: u64) -> io::Result<()> {
        let Ok(index) = usize::try_from(token - LISTENERS) else { return Ok(()) };
        for _ in 0..ACCEPTS {
            // A listener that was closed in this very turn is not there any more.
            let Some(listener) = self.listeners.list.get(index) else { return Ok(()) };
            match accept_one(listener) {
                Ok((fd, address)) => {
                    self.welcome(engine, fd, address);
                    if self.listeners.is_enough() {
                        return self.rest();
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) if concerns_one_connection(error) => {}
                Err(_) => return self.rest(),
            }
        }
        Ok(())
    }

    /// Go on accepting, if the rest is over.
    pub(crate) fn end_rest(&mut self) -> io::Result<()> {
        if self.listeners.rests_until.is_some_and(|until| until <= self.now.tick) {
            self.listeners.rests_until = None;
            self.watch_listeners(Interest::NONE)?;
        }
        Ok(())
    }

    fn rest(&mut self) -> io::Result<()> {
        if self.listeners.rests_until.is_none() {
            self.listeners.rests_until = Some(self.now.tick.plus_ms(ACCEPT_REST_MS));
            self.counters.rests += 1;
            self.watch_listeners(Interest::READ)?;
        }
        Ok(())
    }

    fn accept_interest(&self) -> Interest {
        if self.listeners.rests_until.is_some() { Interest::NONE } else { Interest::READ }
    }

    fn watch_listeners(&mut self, old: Interest) -> io::Result<()> {
        let new = self.accept_interest();
        for (token, listener) in (LISTENERS..).zip(&self.listeners.list) {
            self.poller.change(listener.as_fd(), token, old, new)?;
        }
        Ok(())
    }

    fn welcome(&mut self, engine: &mut impl Driven, fd: OwnedFd, address: (IpAddr, u16)) {
        self.counters.accepted += 1;
        prepare(&fd, self.patience_ms, self.unsent);
        let (address, port) = address;
        self.clear_slots(engine);
        let Some(conn) = engine.connect(Peer { address, port, secure: false, stream: false }, self.now)
        else {
            self.counters.refused += 1;
            return;
        };
        self.keep(engine, fd, conn);
    }

    /// The engine may have given a slot up in this very turn, and use it again for the connection that comes now. What is
    /// to be done with the socket that still stands in it (it may have been handed over) is done before it is lost.
    pub(crate) fn clear_slots(&mut self, engine: &mut impl Driven) {
        self.do_ops(engine);
    }

    /// Watch a connection's socket from now on. False: it cannot be watched, and is gone.
    pub(crate) fn keep(&mut self, engine: &mut impl Driven, fd: OwnedFd, conn: ConnId) -> bool {
        if self.poller.add(fd.as_fd(), conn.0, Interest::READ).is_err() {
            engine.lost(conn, self.now);
            return false;
        }
        if self.sockets.len() <= conn.index() {
            self.sockets.resize_with(conn.index() + 1, || None);
        }
        self.open += 1;
        self.sockets[conn.index()] = Some(Socket::new(fd, conn));
        true
    }
}

#[cfg(target_os = "linux")]
fn accept_one(listener: &OwnedFd) -> Result<(OwnedFd, (IpAddr, u16)), Errno> {
    use rustix::net::{SocketFlags, acceptfrom_with};
    let (fd, address) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
    Ok((fd, peer_of(address)))
}

#[cfg(not(target_os = "linux"))]
fn accept_one(listener: &OwnedFd) -> Result<(OwnedFd, (IpAddr, u16)), Errno> {
    let (fd, address) = rustix::net::acceptfrom(listener)?;
    rustix::io::ioctl_fioclex(&fd)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    Ok((fd, peer_of(address)))
}

/// Who connected. Whoever comes by another way than IP is on this machine.
pub(crate) fn peer_of(address: Option<SocketAddrAny>) -> (IpAddr, u16) {
    match address.map(SocketAddr::try_from) {
        Some(Ok(address)) => (address.ip().to_canonical(), address.port()),
        _ => (IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    }
}

/// Errors of `accept` that are about the connection at the head of the queue, which is gone with
/// them: `accept(2)` lists those that TCP passes on.
fn concerns_one_connection(error: Errno) -> bool {
    let common = [
        Errno::INTR,
        Errno::CONNABORTED,
        Errno::CONNRESET,
        Errno::PERM,
        Errno::NETDOWN,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::NETUNREACH,
        Errno::TIMEDOUT,
    ];
    common.contains(&error)
}
