//! What a join says of a writer, and is told of its collection.

use crate::codes::Code;
use crate::error::Fault;
use crate::ids::Seq;
use crate::log::position::Position;
use rtcore_data::collection::{Setup, Who, WriterId};
use rtcore_data::{Map, Value};

/// Longest client id and nonce (bytes): 128 random bits, however they are written.
const SECRET: usize = 64;

/// What a join says of its writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    client: Box<str>,
    incarnation: u64,
    nonce: Box<str>,
    /// It has kept every outcome up to this.
    pub seen: u64,
}

fn invalid(what: &str) -> Fault {
    Fault::new(Code::InvalidMessage, format!("\"sync\": {what}"))
}

impl Sync {
    /// Read what a join says.
    pub fn read(said: &Value) -> Result<Self, Fault> {
        let secret = |name: &str, least: usize| {
            let text = said.get(name).and_then(Value::as_text).unwrap_or_default();
            let fits = (least..=SECRET).contains(&text.len()) && !text.chars().any(char::is_control);
            let told =
                || invalid(&format!("\"{name}\" is {} bytes long; it has {least} to {SECRET}", text.len()));
            fits.then(|| Box::from(text)).ok_or_else(told)
        };
        let count = |name: &str| match said.some(name) {
            None => Ok(0),
            Some(n) => n.as_count().ok_or_else(|| invalid(&format!("\"{name}\" is no whole number"))),
        };
        let incarnation = count("incarnation")?;
        if incarnation == 0 {
            return Err(invalid("\"incarnation\" counts from 1, how often the outbox was opened"));
        }
        Ok(Self {
            client: secret("client", 16)?,
            incarnation,
            nonce: secret("nonce", 1)?,
            seen: count("seen")?,
        })
    }

    /// Whose it is: all anonymous sessions are one user here, whose client ids are secrets.
    #[must_use]
    pub fn id(&self, user: Option<&str>) -> WriterId {
        (user.unwrap_or_default().into(), self.client.clone())
    }

    /// The writer.
    #[must_use]
    pub fn who(&self, user: Option<&str>, number: u64) -> Who {
        Who { id: self.id(user), incarnation: self.incarnation, nonce: self.nonce.clone(), number }
    }
}

/// What a member is told of its collection: `sync` of a join's ack, and of `room`.
#[must_use]
pub fn sync_of(setup: &Setup, horizon: Seq, epoch: &str, writer: Option<Value>) -> Value {
    let size = |n: usize| n as u64;
    let limits = Map::new()
        .with("value", size(setup.limits.value))
        .with("fields", size(setup.limits.fields))
        .with("keys", size(setup.limits.keys))
        .with("elements", size(setup.limits.elements))
        .with("writers", size(setup.limits.writers));
    Map::new()
        .with("schema", setup.schema.version)
        .with("strategy", setup.strategy.word())
        .with("horizon", Position { epoch, seq: horizon }.to_string())
        .with_some("writer", writer)
        .with("limits", limits)
        .into()
}
