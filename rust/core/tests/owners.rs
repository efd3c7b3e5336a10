//! What is somebody's goes with them: the place of a connection that is gone is as new, what waits for an answer waits
//! no more, and in the end every table is as it was in the beginning.

mod support;

#[path = "laws/law.rs"]
mod law;

#[path = "owners/newest.rs"]
mod newest;
#[path = "owners/places.rs"]
mod places;
#[path = "owners/standing.rs"]
mod standing;
#[path = "owners/tables.rs"]
mod tables;
#[path = "owners/tickets.rs"]
mod tickets;
