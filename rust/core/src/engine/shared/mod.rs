//! Shared data, as messages have it: who joins a collection, what is pushed and pulled, and what the application changes.
//!
//! Parts: none.

mod app;
mod join;
mod load;
mod pull;
mod push;
mod stored;
mod texts;
mod under_way;

pub use app::Changed;
pub(super) use app::check_room_to_say;
pub(super) use join::read_sync;

use crate::codes::Code;
use crate::error::Fault;
use rtcore_data::Why;

/// Why a whole push, or a change of the application's, was not looked at.
fn fault(why: Why) -> Fault {
    let code = Code::ALL.iter().copied().find(|code| code.word() == why.code);
    Fault::new(code.unwrap_or(Code::InvalidMessage), why.message)
}
