//! What people do with collections on disk: `rtcore data`. Not in a server's own process.
#![expect(clippy::needless_pass_by_value, reason = "what Python gives arrives by value")]

use crate::failure::Failure;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rtcore_core::envelope::{Data, tree, tree_bytes};
use rtcore_core::ids::Form;
use rtcore_core::room::settings::SYNC;
use rtcore_core::store::{Row, Trouble};
use rtcore_data::collection::Setup;
use rtcore_data::{Collection, Limits, Moment, Schema, Strategy, Value, Why};
use rtcore_store::tools;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A collection as it is on disk: version of its schema, horizon, bytes, and its documents: key, number, JSON.
type Read<'py> = (u64, u64, usize, Vec<(String, u64, Bound<'py, PyBytes>)>);

/// Documents that could be read, and how much could not.
type Saved<'py> = (Vec<(String, Bound<'py, PyBytes>)>, u64);

fn log_at(path: &Path) -> Result<tools::Log, Trouble> {
    if path.is_file() { tools::Log::file(path) } else { tools::Log::open(path) }
}

/// A collection that is looked at: nothing is decided in it.
fn collection(name: &str, rows: Vec<Row>, began: u64) -> Result<(Collection, u64), Trouble> {
    let (schema, limits) = (Schema { version: 1, ..Schema::default() }, Limits::default());
    let strategy = Strategy::Merge;
    let setup = Setup { strategy, schema, upgrades: Vec::new(), limits, durable: true, asks: false };
    Collection::restore(setup, began, rows).map_err(|why| bad(name, &why))
}

fn bad(name: &str, why: &Why) -> Trouble {
    Trouble { kind: "corrupt", text: format!("what is kept of {name:?} is no collection: {}", why.message) }
}

/// The names of the collections of which something is kept, in a folder or a file.
#[pyfunction]
pub(crate) fn data_names(py: Python<'_>, path: PathBuf) -> Result<Vec<String>, Failure> {
    let rooms = py.detach(|| log_at(&path)?.collections())?;
    Ok(rooms.iter().map(|room| room.strip_prefix(SYNC).unwrap_or(room).to_owned()).collect())
}

/// What is in one of them.
#[pyfunction]
pub(crate) fn data_read<'py>(py: Python<'py>, path: PathBuf, name: &str) -> Result<Read<'py>, Failure> {
    let read = || {
        let rows = log_at(&path)?.rows(&format!("{SYNC}{name}"))?;
        collection(name, rows, 0)
    };
    let (found, version) = py.detach(read)?;
    let documents = found.iter().map(|(key, document)| {
        let json = tree_bytes(&document.said(), Form::Json);
        (key.to_owned(), document.seq(), PyBytes::new(py, &json))
    });
    Ok((version, found.horizon(), found.bytes(), documents.collect()))
}

/// Of a damaged file: the documents of a collection that can be read (key, JSON), in the order of their last changes, and how
/// many rows, or parts of the file, cannot.
#[pyfunction]
pub(crate) fn data_salvage<'py>(py: Python<'py>, path: PathBuf, name: &str) -> Result<Saved<'py>, Failure> {
    let read = || {
        let (rows, mut damaged) = log_at(&path)?.readable_rows(&format!("{SYNC}{name}"));
        let mut found = Vec::new();
        for row in rows.into_iter().filter(|row| matches!(row, Row::Key(..))) {
            match collection(name, vec![row], 0) {
                Ok((one, _)) => found.extend(
                    one.iter()
                        .map(|(key, it)| (it.seq(), key.to_owned(), tree_bytes(&it.said(), Form::Json))),
                ),
                Err(_) => damaged += 1,
            }
        }
        found.sort_unstable();
        Ok::<_, Trouble>((found, damaged))
    };
    let (found, damaged) = py.detach(read)?;
    Ok((found.into_iter().map(|(_, key, json)| (key, PyBytes::new(py, &json))).collect(), damaged))
}

/// Put documents (key, JSON) into a collection of a folder that no server has open, each in the place of what is at its key:
/// (how many, the number of the first, of the last).
#[pyfunction]
pub(crate) fn data_import(
    py: Python<'_>,
    folder: PathBuf,
    name: &str,
    documents: Vec<(String, Vec<u8>)>,
    now_ms: u64,
) -> Result<(usize, u64, u64), Failure> {
    let mut values: Vec<(String, Value)> = Vec::with_capacity(documents.len());
    for (key, json) in documents {
        Data::check(Form::Json, &json)?;
        values.push((key, tree(&json, Form::Json)?));
    }
    let room: Arc<str> = format!("{SYNC}{name}").into();
    let count = values.len();
    let mut numbers = (0, 0);
    py.detach(|| {
        let there = if folder.join("log.db").exists() { log_at(&folder)?.rows(&room)? } else { Vec::new() };
        let stated = there.iter().any(|row| matches!(row, Row::State(_)));
        tools::import_rows(&folder, &room, |head| {
            let (mut made, _) = collection(name, there, head)?;
            let mut rows = if stated { Vec::new() } else { vec![made.state()] };
            let mut next = head;
            for (key, value) in &values {
                next += 1;
                let moment = Moment { epoch: "", head: next - 1, next, now_ms };
                rows.push(made.import(key, value, &moment).map_err(|why| bad(key, &why))?);
            }
            numbers = (head + 1, next);
            Ok((rows, next))
        })
    })?;
    Ok((count, numbers.0, numbers.1))
}
