//! Whose request it is, behind a proxy: asked of each request anew; or whose connection, where a PROXY header says so.
//!
//! Parts: Conns, Shares.

use super::Engine;
use super::admission::full_refusal;
use super::config::Peer;
use super::head::Taken;
use crate::codes::Code;
use crate::conn::Conn;
use crate::frame::forwarded::{Client, client_of};
use crate::frame::http::{Head, Refusal};
use crate::frame::proxy::{self, Told};
use crate::ids::{ConnId, Now};
use crate::shares::{Account, What, block};
use std::net::IpAddr;

impl Engine {
    /// Who sent this request, where a configured proxy tells it; the limit of an address is looked at again. The answer is
    /// by which name we were called, if that is not the one in `Host`.
    pub(super) fn place_behind_proxy(
        &mut self,
        id: ConnId,
        head: &Head<'_>,
    ) -> Result<Option<String>, Refusal> {
        if self.config.proxies.is_empty() {
            return Ok(None);
        }
        let Some(conn) = self.conn_mut(id).filter(|conn| !conn.is_of_nobody()) else { return Ok(None) };
        let Peer { address, port, secure, .. } = *conn.peer();
        let peer = Client { address, port, secure, host: None };
        let client = client_of(head, peer, &self.config.proxies, self.config.believed);
        if let Some(conn) = self.conn_mut(id) {
            conn.sent_through(client.port, client.secure);
        }
        self.move_to(id, client.address)?;
        Ok(client.host)
    }

    /// The connection is of this address from now on, and counts there.
    fn move_to(&mut self, id: ConnId, after: IpAddr) -> Result<(), Refusal> {
        let Some(before) = self.conn(id).map(Conn::address).filter(|before| *before != after) else {
            return Ok(());
        };
        let account = |address| Account::Address(block(address));
        if let Some(full) = self.shares.full(account(after), What::Connection, 1) {
            return Err(full_refusal(&full));
        }
        self.shares.give_back_in(account(before), What::Connection, 1);
        self.shares.take_in(account(after), What::Connection, 1);
        if let Some(conn) = self.conn_mut(id) {
            conn.sent_by(after);
        }
        Ok(())
    }

    /// Whether a connection of this peer begins with a PROXY header.
    pub(super) fn begins_with_header(&self, peer: &Peer) -> bool {
        let of_proxy = || self.config.proxies.iter().any(|block| block.contains(peer.address));
        self.config.proxy_protocol && of_proxy()
    }

    /// A PROXY header was read elsewhere: before TLS, or before the connection's first request. `told`: it said who this peer is.
    /// A proxy of which it said nothing speaks for nobody: what stands in its requests is not what the proxy wrote.
    pub(super) fn past_header(&mut self, id: ConnId, peer: Peer, told: bool) {
        let of_nobody = !told && self.begins_with_header(&peer);
        let Some(conn) = self.conn_mut(id) else { return };
        match (told, of_nobody) {
            (true, _) => conn.introduce(peer),
            (_, true) => conn.introduced(None),
            _ => conn.expect_no_header(),
        }
    }

    /// The PROXY header that comes first: how many bytes were its own, or that it has not ended, or is none.
    pub(super) fn take_header(&mut self, id: ConnId, bytes: &[u8], now: Now) -> Taken {
        let told = match proxy::parse(bytes) {
            Ok(None) => return Taken::Incomplete,
            Ok(Some(told)) => Ok(told),
            Err(why) => {
                let message = format!(
                    "{why}; with proxy_protocol each connection of a proxy begins with such a header"
                );
                Err(Refusal::new(400, Code::InvalidMessage, message))
            }
        };
        let moved = told.and_then(|(told, length)| {
            let client = match told {
                Told::Nothing => None,
                Told::Client { address, port, secure } => Some((address, port, secure)),
            };
            if let Some(conn) = self.conn_mut(id) {
                conn.introduced(client);
            }
            client.map_or(Ok(()), |(address, ..)| self.move_to(id, address))?;
            Ok(length)
        });
        match moved {
            Ok(length) => Taken::Bytes(length),
            Err(refusal) => {
                self.refuse(id, &refusal, now);
                Taken::Over
            }
        }
    }

    /// What could not be read as a head may be a PROXY header that nobody expects here: then this is why it is refused.
    pub(super) fn refusal_of_header(&self, id: ConnId, bytes: &[u8], refusal: Refusal) -> Refusal {
        let whole = proxy::parse(bytes).is_ok_and(|told| told.is_some());
        let Some(conn) = self.conn(id).filter(|_| whole) else { return refusal };
        let address = conn.address();
        let message = if self.config.proxy_protocol {
            format!(
                "a PROXY header came from {address}, which is none of the configured proxies: name its network with --proxy"
            )
        } else {
            format!(
                "a PROXY header came from {address}, and none is taken here: --proxy-protocol, with --proxy for its network"
            )
        };
        Refusal::new(400, Code::InvalidMessage, message)
    }
}
