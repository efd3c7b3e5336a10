//! Texts of collections, for the application: what is in one, and which of its updates somebody lacks. Whoever knows Yjs is
//! told when there are many, and says what they are, merged.
//!
//! Parts: Rooms, Shared.

use super::app::{room_of, unknown};
use super::fault;
use crate::codes::Code;
use crate::engine::{AppEvent, Engine};
use crate::error::Fault;
use crate::ids::{Now, RoomId};
use crate::room::settings::SYNC;
use rtcore_data::crdt::Text;
use rtcore_data::yjs::read_vector;
use std::sync::Arc;

/// Where a text is: collection, key, and field; of a document that is one, the field has no name.
pub type Place<'a> = (&'a str, &'a str, &'a str);

impl Engine {
    /// The updates of a text, or those that somebody may lack who says this state vector. None is there: nothing.
    pub fn text_updates(
        &mut self,
        place: Place<'_>,
        vector: Option<&[u8]>,
        now: Now,
    ) -> Result<Vec<Arc<[u8]>>, Fault> {
        let found = self.entry(now, |engine| {
            engine.text(place).map(|text| match (text, vector) {
                (None, None) => Ok(Vec::new()),
                (None, Some(vector)) => read_vector(vector).map(|_| Vec::new()),
                (Some(text), None) => Ok(text.updates().to_vec()),
                (Some(text), Some(vector)) => text.missing(vector),
            })
        })?;
        found.map_err(fault)
    }

    /// The state vector of a text.
    pub fn text_vector(&mut self, place: Place<'_>, now: Now) -> Result<Vec<u8>, Fault> {
        let nothing = vec![0];
        self.entry(now, |engine| Ok(engine.text(place)?.map_or(nothing, Text::vector)))
    }

    fn text(&mut self, (collection, key, field): Place<'_>) -> Result<Option<&Text>, Fault> {
        let name = room_of(collection);
        let settings = self.rooms.settings_for(&name).and_then(|settings| settings.collection.as_ref());
        let Some(setup) = settings else { return Err(unknown(collection)) };
        let kind =
            if field.is_empty() { setup.schema.whole } else { setup.schema.fields.get(field).copied() };
        if kind != Some(rtcore_data::crdt::Kind::Text) {
            let told = format!("{field:?} of a document of {collection:?} is no text by its type");
            return Err(Fault::new(Code::InvalidMessage, told));
        }
        self.is_loading(&name)?;
        let held = self.shared.get(&name);
        // A document that is a text begins with its first update; one with fields is there, or is not.
        if !field.is_empty() && held.and_then(|held| held.collection.get(key)).is_none() {
            return Err(Fault::new(
                Code::NotFound,
                format!("there is no document {key:?} in {collection:?}"),
            ));
        }
        Ok(held.and_then(|held| held.collection.text(key, field)))
    }

    /// Put an update in the place of the first so many of a text, which have so many bytes: what they are, merged. False: they
    /// are others now, or this does not have what they have.
    pub fn merge_text(
        &mut self,
        (collection, key, field): Place<'_>,
        (count, bytes): (usize, usize),
        update: &[u8],
    ) -> bool {
        let name = room_of(collection);
        let done = self
            .shared
            .get_mut(&name)
            .is_some_and(|held| held.collection.merge_text(key, field, count, bytes, update));
        self.shared.count(&name);
        done
    }

    /// Tell of texts whose updates lie apart.
    pub(super) fn tell_apart(&mut self, room: RoomId) {
        let Some(name) = self.rooms.get(room).map(crate::room::table::Room::name) else { return };
        let Some(held) = self.shared.get_mut(name) else { return };
        for (key, field) in held.collection.take_apart() {
            let collection = name.strip_prefix(SYNC).unwrap_or(name).to_owned();
            self.events.list.push(AppEvent::Apart { collection, key, field });
        }
    }
}
