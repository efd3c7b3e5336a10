//! The request head, and all that is decided by looking at it.

use rtcore_core::frame::forwarded::Client;
use rtcore_core::frame::http::{Parsed, parse};
use rtcore_core::frame::{Believed, Cidr, client_of, handshake, host_ok, origin_ok};
use std::net::{IpAddr, Ipv4Addr};

pub fn must_hold(bytes: &[u8]) {
    let (head, length) = match parse(bytes, 16 * 1024) {
        Ok(Parsed::Head(head, length)) => (head, length),
        Ok(Parsed::Incomplete) => return,
        Err(refusal) => return refusal.write(&mut Vec::new()),
    };
    assert!(length <= bytes.len());
    // What was taken in one read is incomplete without its last byte, or was refused before.
    assert!(!matches!(parse(&bytes[..length - 1], 16 * 1024), Ok(Parsed::Head(..))));

    let configured = ["https://example.org".to_owned()];
    let _ = origin_ok(&head, &configured, true);
    let _ = host_ok(&head, true, &configured);
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let peer = Client { address: peer, port: 1, secure: false, host: None };
    let trusted = [Cidr::parse("127.0.0.0/8").unwrap(), Cidr::parse("10.0.0.0/8").unwrap()];
    let _ = client_of(&head, peer.clone(), &trusted, Believed::of(["forwarded"]).unwrap());
    let older = Believed::NAMES.into_iter().skip(1);
    if let Some(host) = client_of(&head, peer, &trusted, Believed::of(older).unwrap()).host {
        let again = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert!(parse(again.as_bytes(), usize::MAX).is_ok(), "{host:?} may stand in Host");
    }
    if let Ok(wanted) = handshake::check(&head) {
        let mut out = Vec::new();
        handshake::write_switch(wanted.key, wanted.protocols.first().copied(), wanted.deflate, &mut out);
        let answer = handshake::check_response(&out, wanted.key, &wanted.protocols, wanted.deflate);
        assert!(matches!(answer, Ok(handshake::Answer::Switched(..))));
    }

    // The backend sees the request that was judged here.
    let mut out = Vec::new();
    head.rewrite_for_backend(&mut out);
    match parse(&out, usize::MAX) {
        Ok(Parsed::Head(again, all)) => {
            assert_eq!(all, out.len());
            assert_eq!((again.method, again.path(), again.query()), (head.method, head.path(), head.query()));
        }
        // `Connection: close` was added to a head with as many fields as ours may have; the backend's has no such limit.
        Err(refusal) if refusal.status == 431 && head.iter().count() == 100 => {}
        other => panic!("the rewritten head is not taken: {other:?}"),
    }
}
