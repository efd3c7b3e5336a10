//! Methods of `Core` that come before `start`.
#![expect(clippy::needless_pass_by_value, reason = "what Python gives arrives by value")]

use crate::away::away;
use crate::convert::grants_of;
use crate::core::Core;
use crate::failure::Failure;
use pyo3::prelude::*;
use rtcore_core::engine::{RawPath, StreamPath};
use rtcore_core::envelope::tree;
use rtcore_core::frame::http::{self, Parsed};
use rtcore_core::frame::origin::{is_host, origin_ok};
use rtcore_core::frame::{Believed, Cidr};
use rtcore_core::ids::Form;
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::sayable::Sayable;
use rtcore_core::room::settings::{Durability, Patterns, Policy, Settings};
use std::path::PathBuf;
use std::sync::Arc;

#[pymethods]
impl Core {
    fn set_limit(&self, name: &str, value: u64) -> Result<(), Failure> {
        if self.lock().config()?.limits.set(name, value) {
            return Ok(());
        }
        Err(Failure::NoSuchLimit(name.to_owned()))
    }

    fn set_authenticates(&self, yes: bool) -> Result<(), Failure> {
        self.lock().config()?.authenticates = yes;
        Ok(())
    }

    fn set_lifecycle(&self, yes: bool) -> Result<(), Failure> {
        self.lock().config()?.lifecycle = yes;
        Ok(())
    }

    fn set_backend(&self, yes: bool) -> Result<(), Failure> {
        self.lock().config()?.backend = yes;
        Ok(())
    }

    fn set_loopback_only(&self, yes: bool) -> Result<(), Failure> {
        self.lock().config()?.loopback_only = yes;
        Ok(())
    }

    fn set_tells_faults(&self, yes: bool) -> Result<(), Failure> {
        self.lock().config()?.tells_faults = yes;
        Ok(())
    }

    fn set_compress_events(&self, yes: bool) -> Result<(), Failure> {
        self.lock().config()?.compress_events = yes;
        Ok(())
    }

    fn set_token_in_url(&self, yes: bool) -> Result<(), Failure> {
        self.lock().config()?.token_in_url = yes;
        Ok(())
    }

    #[pyo3(signature = (pattern, *, relay, count, bytes, age_ms, policy, key, authorize, state, presence, grants, durable = "off", compress = true, hooked = false, sayable = None))]
    #[expect(clippy::too_many_arguments, clippy::fn_params_excessive_bools, reason = "keywords, in Python")]
    fn add_room(
        &self,
        pattern: &str,
        relay: bool,
        count: usize,
        bytes: usize,
        age_ms: u64,
        policy: &str,
        key: Option<String>,
        authorize: bool,
        state: bool,
        presence: bool,
        grants: Vec<String>,
        durable: &str,
        compress: bool,
        hooked: bool,
        sayable: Option<&[u8]>,
    ) -> Result<(), Failure> {
        let policy = Policy::parse(policy).ok_or_else(|| {
            Failure::Value(format!("{policy:?} is no policy: skip, latest, disconnect or block"))
        })?;
        let durable = durability_of(durable)?;
        let sayable = match sayable {
            None => None,
            Some(plan) => Some(Arc::new(Sayable::read(tree(plan, Form::Json)?).ok_or_else(|| {
                Failure::Value("what members may publish is a JSON object of shapes".into())
            })?)),
        };
        let settings = Settings {
            pattern: pattern.into(),
            relay,
            bounds: Bounds { count, bytes, age_ms },
            policy,
            key,
            authorize,
            state,
            presence,
            hooked,
            sayable,
            grants: grants_of(&grants)?,
            compress,
            durable,
            collection: None,
            class: 0,
        };
        let mut inner = self.lock();
        let rooms = &mut inner.config()?.rooms;
        // The engine would find a bad pattern too, but only at the start, where nobody sees which line
        // of the application it came from.
        let mut patterns = Patterns::new(settings.bounds);
        for settings in rooms.iter().chain([&settings]) {
            patterns.add(settings.clone()).map_err(|bad| Failure::Value(bad.to_string()))?;
        }
        rooms.push(settings);
        Ok(())
    }

    #[pyo3(signature = (name, durable = false))]
    fn add_event(&self, name: String, durable: bool) -> Result<usize, Failure> {
        let mut inner = self.lock();
        let config = inner.config()?;
        if durable {
            config.durable_events.push(name.clone());
        }
        add(&mut config.events, name)
    }

    fn add_raw(&self, path: String, max_message: usize) -> Result<usize, Failure> {
        add(&mut self.lock().config()?.raws, RawPath { path, max_message })
    }

    #[pyo3(signature = (name, up, away_ms = None))]
    fn add_stream(&self, name: String, up: bool, away_ms: Option<u64>) -> Result<usize, Failure> {
        add(&mut self.lock().config()?.streams, StreamPath { name, up, away_ms })
    }

    fn add_origin(&self, origin: String) -> Result<(), Failure> {
        if !is_origin(&origin) {
            let text =
                format!("{origin:?} is no origin, like https://example.org or http://localhost:3000, or *");
            return Err(Failure::Value(text));
        }
        self.lock().config()?.origins.push(origin);
        Ok(())
    }

    fn add_host(&self, host: String) -> Result<(), Failure> {
        if host != "*" && !is_host(&host) {
            let text = format!("{host:?} is no host, like example.org or example.org:8000, or *");
            return Err(Failure::Value(text));
        }
        self.lock().config()?.hosts.push(host);
        Ok(())
    }

    fn set_proxy_protocol(&self, on: bool) -> Result<(), Failure> {
        self.lock().config()?.proxy_protocol = on;
        Ok(())
    }

    fn add_proxy(&self, network: &str) -> Result<(), Failure> {
        let network = Cidr::parse(network).map_err(Failure::Value)?;
        self.lock().config()?.proxies.push(network);
        Ok(())
    }

    fn believe(&self, fields: Vec<String>) -> Result<(), Failure> {
        let believed = Believed::of(fields.iter().map(String::as_str)).map_err(Failure::Value)?;
        self.lock().config()?.believed = believed;
        Ok(())
    }

    /// Where what is durable is kept. It is opened by `start`.
    fn set_store(&self, folder: PathBuf) -> Result<(), Failure> {
        let mut inner = self.lock();
        inner.config()?;
        inner.folder = Some(folder);
        Ok(())
    }

    /// How much of the rooms of a pattern stays on disk; 0: as much as there is.
    fn keep(&self, pattern: &str, age_ms: u64, count: u64, bytes: u64) -> Result<(), Failure> {
        let mut inner = self.lock();
        inner.config()?;
        inner.keep.insert(pattern.into(), rtcore_store::Bounds { count, bytes, age_ms });
        Ok(())
    }

    fn start(&self, py: Python<'_>) -> Result<(), Failure> {
        // A store that was not ended in good order may have to be read.
        away(py, true, || self.lock().start())
    }
}

/// How durable something is, by its word.
pub(crate) fn durability_of(word: &str) -> Result<Durability, Failure> {
    Durability::parse(word)
        .ok_or_else(|| Failure::Value(format!("{word:?} is not how durable a room is: off, normal or full")))
}

/// Add something; the index by which events will name it.
#[expect(clippy::unnecessary_wraps, reason = "the callers' type")]
fn add<T>(list: &mut Vec<T>, item: T) -> Result<usize, Failure> {
    list.push(item);
    Ok(list.len() - 1)
}

/// An origin is one if a page of it would be let in by this very setting. (Asked of the core, whose
/// rule it is: a setting that lets nobody in is a slip of the pen.)
fn is_origin(entry: &str) -> bool {
    let page = entry.trim_end_matches('/');
    let head = format!("GET / HTTP/1.1\r\nHost: rtcore.invalid\r\nOrigin: {page}\r\n\r\n");
    let Ok(Parsed::Head(parsed, length)) = http::parse(head.as_bytes(), head.len()) else { return false };
    entry == "*" || (length == head.len() && origin_ok(&parsed, &[entry.to_owned()], false).is_ok())
}
