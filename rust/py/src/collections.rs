//! Methods of `Core` for collections: how they are set up, what the application says of a change, and its own changes.
#![expect(clippy::needless_pass_by_value, reason = "what Python gives arrives by value")]

use crate::configure::durability_of;
use crate::core::Core;
use crate::failure::Failure;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rtcore_core::envelope::{Data, tree};
use rtcore_core::ids::Form;
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::{Patterns, Settings};
use rtcore_data::collection::{Answer, Setup};
use rtcore_data::crdt::Kind;
use rtcore_data::{Limits, Schema, Strategy, Value, Why};
use std::collections::HashMap;

fn kind_of(word: &str) -> Result<Kind, Failure> {
    let found = Kind::ALL.iter().copied().find(|kind| kind.word() == word);
    found.ok_or_else(|| Failure::Value(format!("{word:?} is no kind of CRDT")))
}

fn value_of(json: &[u8]) -> Result<Value, Failure> {
    Data::check(Form::Json, json)?;
    Ok(tree(json, Form::Json)?)
}

#[pymethods]
impl Core {
    #[pyo3(signature = (pattern, strategy, schema = 1, whole = None, fields = HashMap::new(), upgrades = Vec::new(), limits = HashMap::new(), asks = false, authorize = false, durable = "off"))]
    #[expect(clippy::too_many_arguments, reason = "keywords, in Python")]
    fn add_collection(
        &self,
        pattern: &str,
        strategy: &str,
        schema: u64,
        whole: Option<&str>,
        fields: HashMap<String, String>,
        upgrades: Vec<u64>,
        limits: HashMap<String, u64>,
        asks: bool,
        authorize: bool,
        durable: &str,
    ) -> Result<(), Failure> {
        let durable = durability_of(durable)?;
        let strategy = match strategy {
            "merge" => Strategy::Merge,
            "latest" => Strategy::Latest,
            "custom" => Strategy::Custom,
            "author" => Strategy::Author,
            "crdt" => Strategy::Crdt,
            _ => {
                return Err(Failure::Value(format!(
                    "{strategy:?} is no strategy: merge, latest, custom or crdt"
                )));
            }
        };
        let mut crdts = std::collections::BTreeMap::new();
        for (name, word) in &fields {
            crdts.insert(name.as_str().into(), kind_of(word)?);
        }
        let mut bounds = Limits::default();
        for (name, value) in limits {
            let value_as = usize::try_from(value).unwrap_or(usize::MAX);
            match name.as_str() {
                "value" => bounds.value = value_as,
                "fields" => bounds.fields = value_as,
                "keys" => bounds.keys = value_as,
                "elements" => bounds.elements = value_as,
                "writers" => bounds.writers = value_as,
                "tombstones" => bounds.tombstones = value_as,
                "tombstone_ms" => bounds.tombstone_ms = bounds.tombstone_ms.min(value),
                _ => return Err(Failure::Value(format!("{name:?} is no limit of a collection"))),
            }
        }
        let whole = whole.map(kind_of).transpose()?;
        let schema = Schema { version: schema, whole, fields: crdts };
        let setup = Setup { strategy, schema, upgrades, limits: bounds, durable: durable.is_on(), asks };
        let settings = Settings { authorize, durable, ..Settings::of_collections(pattern, setup) };
        let mut inner = self.lock();
        let rooms = &mut inner.config()?.rooms;
        let mut patterns = Patterns::new(Bounds::default());
        for settings in rooms.iter().chain([&settings]) {
            patterns.add(settings.clone()).map_err(|bad| Failure::Value(bad.to_string()))?;
        }
        rooms.push(settings);
        Ok(())
    }

    /// `word`: `yes`, `value` (an upgraded change), `document` (none: it is to go), `author`, or a code with its message.
    #[pyo3(signature = (ticket, word, data = None, message = ""))]
    fn answer_change(
        &self,
        ticket: u64,
        word: &str,
        data: Option<&[u8]>,
        message: &str,
    ) -> Result<(), Failure> {
        let value = data.map(value_of).transpose()?;
        let answer = match (word, value) {
            ("yes", _) => Answer::Yes,
            ("author", _) => Answer::Author,
            ("value", value) => Answer::Value(value.unwrap_or_default()),
            ("document", value) => Answer::Document(value),
            (code, _) => Answer::Reject(Why::new(code.to_owned(), message)),
        };
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        engine.answer_change(ticket, answer, now);
        Ok(())
    }

    /// Change a document; its number, 0: it has none. `request`: that whose handler does it; 0: none.
    #[pyo3(signature = (collection, key, change, request = 0))]
    fn change(&self, collection: &str, key: &str, change: &[u8], request: u64) -> Result<u64, Failure> {
        let change = value_of(change)?;
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.change(collection, key, &change, (request > 0).then_some(request), now)?.seq.unwrap_or(0))
    }

    /// A page of a collection, as the ack of a `pull` has it (JSON).
    #[pyo3(signature = (collection, after = None, begun = None))]
    fn read_collection<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        after: Option<&str>,
        begun: Option<&str>,
    ) -> Result<Bound<'py, PyBytes>, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        let page = engine.read_collection(collection, after, begun, now)?;
        Ok(PyBytes::new(py, &page))
    }

    /// A document (JSON); None: there is none at this key.
    fn document<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        key: &str,
    ) -> Result<Option<Bound<'py, PyBytes>>, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        let document = engine.document(collection, key, now)?;
        Ok(document.map(|document| PyBytes::new(py, &document)))
    }

    /// Have a collection in memory: the ticket under which it is told when it is; None: it is.
    fn load_collection(&self, collection: &str) -> Result<Option<u64>, Failure> {
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        Ok(engine.load_collection(collection, now)?)
    }

    /// The ticket under which it is told when the application's changes are on disk, or lost; None: they are there.
    fn changes_stored(&self, collection: &str) -> Result<Option<u64>, Failure> {
        Ok(self.lock().engine()?.when_changes_stored(collection)?)
    }
}
