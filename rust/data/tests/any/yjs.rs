//! An update of Yjs, whatever a peer calls one: it is read to its last byte or refused, what is told of it is no larger than
//! itself, and its state vector comes back as it was.

use rtcore_data::yjs::{Brought, Known, read_vector};

/// The ranges of a client stand in order, with a gap between two of them, and are not empty.
fn in_order(known: &Known) {
    let all: Vec<_> = known.iter().collect();
    for (client, from, to) in &all {
        assert!(from < to, "client {client} has nothing from {from} to {to}");
    }
    for pair in all.windows(2) {
        let ((one, _, end), (other, begin, _)) = (pair[0], pair[1]);
        assert!(one < other || (one == other && end < begin), "{:?} stands before {:?}", pair[0], pair[1]);
    }
}

pub fn must_hold(bytes: &[u8]) {
    if let Ok(vector) = read_vector(bytes) {
        in_order(&vector);
        assert_eq!(read_vector(&vector.vector()).ok(), Some(vector));
    }
    let brought = match Brought::read(bytes) {
        Ok(brought) => brought,
        Err(why) => return assert_eq!(why.code, "INVALID_MESSAGE"),
    };
    for known in [&brought.structs, &brought.deleted] {
        in_order(known);
        assert!(known.iter().count() <= bytes.len(), "more ranges than bytes");
        assert!(known.covers(known));
    }
    assert!(read_vector(&brought.structs.vector()).is_ok());
    // Neither less of it nor more of it is an update too: else two readers could take it for different ones.
    assert!(Brought::read(&bytes[..bytes.len() - 1]).is_err(), "cut off, and still an update");
    assert!(Brought::read(&[bytes, &[0]].concat()).is_err(), "longer, and still an update");
}
