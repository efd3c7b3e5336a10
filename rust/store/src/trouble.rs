//! What goes wrong with files, in words for people.

use rtcore_core::store::Trouble;
use rusqlite::{Error, ErrorCode};
use std::io;
use std::path::Path;

/// What to do about a damaged file.
pub const SALVAGE: &str = "; the server's next start sets it aside, and `rtcore log FOLDER salvage FILE` saves what can be \
                           read, with the server stopped";

/// There is no log at `path`.
pub fn missing(path: &Path) -> Trouble {
    let text = format!(
        "there is no log at {}; name the folder that the server was given as --data, or a backup",
        path.display()
    );
    trouble("io", text)
}

/// A trouble of this kind.
pub fn trouble(kind: &'static str, text: impl Into<String>) -> Trouble {
    Trouble { kind, text: text.into() }
}

/// What `SQLite` said, while `doing` something with the file at `path`.
pub fn of_sqlite(error: &Error, doing: &str, path: &Path) -> Trouble {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "full",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "corrupt",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => "read_only",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            "busy"
        }
        _ => "io",
    };
    let advice = match kind {
        "full" => "; make room on this disk",
        "corrupt" => SALVAGE,
        "read_only" => "; let this process write to the folder and to the files in it",
        "busy" => "; end the other process that has this file open",
        _ => "; look at the system's log for errors of this disk",
    };
    trouble(kind, format!("{doing} {}: {error}{advice}", path.display()))
}

/// What the system said, while `doing` something with the file or folder at `path`.
pub fn of_system(error: &io::Error, doing: &str, path: &Path) -> Trouble {
    use io::ErrorKind as Kind;
    let (kind, advice) = match error.kind() {
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => ("read_only", "let this process write there"),
        Kind::StorageFull | Kind::QuotaExceeded => ("full", "make room on this disk"),
        Kind::NotADirectory | Kind::AlreadyExists => {
            ("io", "name a folder: the log keeps several files in it")
        }
        _ => ("io", "look at the system's log for errors of this disk"),
    };
    trouble(kind, format!("{doing} {}: {error}; {advice}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::of_system;
    use std::io::{Error, ErrorKind};
    use std::path::Path;

    #[test]
    fn a_folder_that_may_not_be_written_is_read_only_and_a_full_one_full() {
        let kind = |kind: ErrorKind| of_system(&Error::from(kind), "cannot write", Path::new("/data")).kind;
        assert_eq!(kind(ErrorKind::PermissionDenied), "read_only");
        assert_eq!(kind(ErrorKind::ReadOnlyFilesystem), "read_only");
        assert_eq!(kind(ErrorKind::StorageFull), "full");
        assert_eq!(kind(ErrorKind::QuotaExceeded), "full");
        assert_eq!(kind(ErrorKind::Other), "io");
    }
}
