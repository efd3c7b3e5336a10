//! What is told when the disk has it: acks of pushes, and the application's own changes.

use super::Held;
use crate::ids::SessionId;
use crate::store::Trouble;
use rtcore_data::Value;

/// Who is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Whose {
    /// A session: the ack of the push with this id.
    Session(SessionId, Option<u64>, Value),
    /// The application, under this ticket.
    Application(u64),
    /// The request with this ticket, whose handler made the change: its ack waits.
    Request(u64),
}

/// Something that is told when what has this serial number is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// The serial number.
    pub after: u64,
    /// Who is told.
    pub whose: Whose,
}

impl Owed {
    /// Whether it is this session's.
    #[must_use]
    pub fn is_of(&self, session: SessionId) -> bool {
        matches!(self.whose, Whose::Session(of, ..) if of == session)
    }
}

impl Held {
    /// Something is to be told.
    pub fn owe(&mut self, owed: Owed) {
        self.owed.push(owed);
    }

    /// Everything up to this serial number is kept. What may be told now, in order.
    pub fn kept(&mut self, serial: u64) -> Vec<Owed> {
        self.collection.kept(serial);
        self.owed.extract_if(.., |owed| owed.after <= serial).collect()
    }

    /// What was decided under this serial number and above is lost, and why. Who is told that: also those whose pushes are under
    /// way.
    pub fn lost_from(&mut self, serial: u64, trouble: &Trouble) -> Vec<Owed> {
        let own = self.collection.lost_from(serial);
        let mut gone: Vec<Owed> = self.owed.extract_if(.., |owed| owed.after >= serial).collect();
        if own && !gone.iter().any(|owed| matches!(owed.whose, Whose::Application(_))) {
            self.lost = Some(trouble.clone()); // it asks later
        }
        for lane in self.lanes.values_mut() {
            let is_lost = |push: &super::Pushing| push.push.after().is_some_and(|after| after >= serial);
            if lane.front().is_some_and(is_lost)
                && let Some(lost) = lane.pop_front()
            {
                gone.push(Owed { after: serial, whose: Whose::Session(lost.session, lost.id, Value::Null) });
            }
        }
        self.lanes.retain(|_, lane| !lane.is_empty());
        gone
    }

    /// What of the application waits for something up to this serial number: nobody knows what becomes of it.
    pub fn doubted(&mut self, serial: u64) -> Vec<Whose> {
        let is_doubted = |owed: &mut Owed| owed.after <= serial && !matches!(owed.whose, Whose::Session(..));
        self.owed.extract_if(.., is_doubted).map(|owed| owed.whose).collect()
    }
}
