//! The border: `rtcore._core`, as `python/rtcore/_core.pyi` describes it.
//!
//! It converts, locks and detaches. No rules, no system calls: what is decided is decided in
//! `rtcore-core`, what is done to sockets is done in `rtcore-reactor`.
//!
//! A call holds the lock only while it is in Rust. Arguments are read before, answers made into
//! Python objects after: making an object may run the collector, and that may run anything, calls
//! of ours included.
#![forbid(unsafe_code)]

mod away;
mod collections;
mod compress;
mod configure;
mod convert;
mod core;
mod crdt;
mod data;
mod decide;
mod drive;
mod failure;
mod inner;
mod items;
mod keeping;
mod link;
mod logs;
mod look;
mod objects;
mod peer;
mod proxy;
mod replica;
mod streams;
mod texts;
mod values;

use pyo3::prelude::*;

/// The native core: the border as Python sees it.
#[pymodule(gil_used = false)]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};
    use rtcore_core::engine::{API, CONSOLE, HEALTH, PREFIX, PROBES, SCRIPT};
    use rtcore_core::limits::{fixed, shell};

    #[pymodule_export]
    use crate::compress::{Inflated, accepted_coding, body_coding, compress, inflate};
    #[pymodule_export]
    use crate::core::Core;
    #[pymodule_export]
    use crate::crdt::Crdt;
    #[pymodule_export]
    use crate::data::{data_import, data_names, data_read, data_salvage};
    #[pymodule_export]
    use crate::failure::{Blocked, Refused, Storing, Unusable};
    #[pymodule_export]
    use crate::link::{Done, RawLink};
    #[pymodule_export]
    use crate::logs::{Log, log_backup, log_compact, log_import, log_restore, log_salvage};
    #[pymodule_export]
    use crate::peer::{Peer, Ready};
    #[pymodule_export]
    use crate::proxy::proxy_header;
    #[pymodule_export]
    use crate::replica::Replica;
    #[pymodule_export]
    use crate::values::{check_own, packed};

    #[pymodule_init]
    fn constants(module: &Bound<'_, PyModule>) -> PyResult<()> {
        for (name, number) in crate::convert::kind::ALL {
            module.add(*name, *number)?;
        }
        module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
        module.add("SQLITE", rtcore_store::sqlite_version())?;
        let close: Vec<(&str, u16)> = rtcore_core::codes::close::TABLE.to_vec();
        module.add("CLOSE_CODES", close)?;
        let errors = rtcore_core::codes::Code::ALL.iter().map(|code| (code.word(), code.status()));
        module.add("ERROR_CODES", errors.collect::<Vec<_>>())?;
        // Descriptions are doc comments: a space before each line, a break after it.
        let tidy = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let limits = rtcore_core::Limits::TABLE.iter().map(|(name, value, text)| (*name, *value, tidy(text)));
        module.add("LIMITS", limits.collect::<Vec<_>>())?;
        let ranges = rtcore_core::Limits::TABLE.iter().map(|(name, ..)| {
            let range = rtcore_core::Limits::range(name);
            (*name, *range.start(), *range.end())
        });
        module.add("LIMIT_RANGES", ranges.collect::<Vec<_>>())?;
        let fixed = fixed::TABLE.iter().chain(shell::TABLE);
        module
            .add("FIXED", fixed.map(|(name, value, text)| (*name, *value, tidy(text))).collect::<Vec<_>>())?;
        module.add("PROBES", PROBES)?;
        let paths =
            [("PREFIX", PREFIX), ("API", API), ("SCRIPT", SCRIPT), ("CONSOLE", CONSOLE), ("HEALTH", HEALTH)];
        for (name, path) in paths {
            module.add(name, path)?;
        }
        for (name, kind) in crate::peer::HEARD {
            module.add(name, kind)?;
        }
        for (name, bit) in crate::streams::STATES {
            module.add(name, bit)?;
        }
        Ok(())
    }
}
