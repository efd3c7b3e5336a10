//! Blocks of addresses.

use std::net::IpAddr;

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    bits: u128,
    prefix: u32,
    v4: bool,
}

impl Cidr {
    /// Read a block. Bits after the prefix are of no matter. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let ip: IpAddr = address
            .parse()
            .map_err(|_| format!("{text:?} is no block of addresses, like 10.0.0.0/8 or fd00::/8"))?;
        let (bits, width, v4) = match ip {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32, true),
            IpAddr::V6(ip) => (ip.to_bits(), 128, false),
        };
        let prefix = match prefix {
            None => width,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= width)
                .ok_or_else(|| format!("{text:?}: the prefix is a number from 0 to {width}"))?,
        };
        Ok(Self { bits: bits & Self::mask(prefix), prefix, v4 })
    }

    /// Whether the address is in the block. An IPv4 address in IPv6's clothes is an IPv4 address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (bits, v4) = match ip.to_canonical() {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, true),
            IpAddr::V6(ip) => (ip.to_bits(), false),
        };
        v4 == self.v4 && bits & Self::mask(self.prefix) == self.bits
    }

    const fn mask(prefix: u32) -> u128 {
        // A shift by the whole width is none that the machine knows: the prefix of 0.
        match u128::MAX.checked_shl(128_u32.saturating_sub(prefix)) {
            Some(mask) => mask,
            None => 0,
        }
    }
}
