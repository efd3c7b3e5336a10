//! What must be on disk before it is told: publishes into durable rooms, and who listens to them.
//!
//! Each italic case of the design's section on the durable log has its test here, by name (`docs/design.md`).

mod support;

#[path = "durable/beyond.rs"]
mod beyond;
#[path = "durable/hangs.rs"]
mod hangs;
#[path = "durable/keys.rs"]
mod keys;
#[path = "durable/restart.rs"]
mod restart;
#[path = "durable/rulings.rs"]
mod rulings;
#[path = "durable/shared.rs"]
mod shared;
#[path = "durable/stays.rs"]
mod stays;
#[path = "durable/told.rs"]
mod told;
#[path = "durable/wall.rs"]
mod wall;
#[path = "durable/yard.rs"]
mod yard;
