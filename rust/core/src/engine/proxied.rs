//! Whose request it is, behind a proxy: asked of each request anew.
//!
//! Parts: Conns, Shares.

use super::Engine;
use super::admission::full_refusal;
use super::config::Peer;
use crate::frame::forwarded::{Client, client_of};
use crate::frame::http::{Head, Refusal};
use crate::ids::ConnId;
use crate::shares::{Account, What, block};

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
        let Some(conn) = self.conn_mut(id) else { return Ok(None) };
        let before = conn.address();
        let Peer { address, port, secure, .. } = *conn.peer();
        let peer = Client { address, port, secure, host: None };
        let client = client_of(head, peer, &self.config.proxies, self.config.believed);
        if let Some(conn) = self.conn_mut(id) {
            conn.sent_through(client.port, client.secure);
        }
        let after = client.address;
        if before == after {
            return Ok(client.host);
        }
        let account = |address| Account::Address(block(address));
        if let Some(full) = self.shares.full(account(after), What::Connection, 1) {
            return Err(full_refusal(&full));
        }
        self.shares.give_back_in(account(before), What::Connection, 1);
        self.shares.take_in(account(after), What::Connection, 1);
        if let Some(conn) = self.conn_mut(id) {
            conn.sent_by(after);
        }
        Ok(client.host)
    }
}
