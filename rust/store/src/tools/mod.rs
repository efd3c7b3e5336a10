//! What people do with a log: look at it, check it, put it somewhere else, put it back.
//!
//! What only reads works beside a server that has the log open, from any process, and holds nothing for longer than a page.
//! What writes wants the log for itself.

mod backup;
mod compact;
mod first_page;
mod import;
mod log;
mod restore;
mod salvage;
mod verify;

pub use backup::backup;
pub use compact::compact;
pub use import::{Imported, import, import_rows};
pub use log::{Filter, Found, Log, LogStats, Salvaged};
pub use restore::restore;
pub use salvage::{Saved, salvage};
pub use verify::{Verified, verify};

/// How far something has come: so much of so much.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;
