//! What goes over the links: joins, pushes and their acks.

use super::World;
use rtcore_data::collection::Step as Decision;
use rtcore_data::{Map, Moment};

impl World {
    pub fn join(&mut self, at: usize, resumes: bool) {
        let epoch = self.epoch();
        let disk = self.disk();
        let client = &mut self.clients[at];
        if client.online {
            client.replica.away();
        }
        let (horizon, seen) = (self.collection.horizon(), client.replica.seen());
        let joined = self.collection.join(&client.who().id, seen);
        client.number = joined.number;
        let sync = Map::new()
            .with("schema", 3_u64)
            .with("horizon", format!("{epoch}.{horizon}"))
            .with("writer", joined.writer);
        client.replica.joined(&epoch, &sync.into());
        if !resumes || client.cursor > self.log.len() {
            client.cursor = self.log.iter().filter(|(seq, ..)| *seq <= disk).count();
            if resumes {
                client.replica.gap(disk);
            }
        }
        client.online = true;
        client.keep();
    }

    pub fn push(&mut self, at: usize, fate: u8) {
        if !self.clients[at].online {
            return;
        }
        let Some(out) = self.clients[at].replica.next_push(self.now) else { return };
        self.clients[at].keep();
        if fate == 1 {
            self.drop_link(at);
            return;
        }
        let who = self.clients[at].who();
        let mut push = match self.collection.begin(who, &out.data, self.now) {
            Ok(push) => push,
            Err(why) => panic!("{why:?}"),
        };
        let ack = loop {
            let epoch = self.epoch();
            let moment = Moment { epoch: &epoch, head: self.head, next: self.head + 1, now_ms: self.now };
            match self.collection.step(&mut push, &moment) {
                Decision::Ask(question) => panic!("{question:?}"),
                Decision::Decided(decided) => {
                    self.serial = decided.serial;
                    if let Some(entry) = decided.entry {
                        self.head = entry.seq;
                        self.log.push((entry.seq, decided.serial, entry.data));
                    }
                    self.waiting_rows.push((decided.serial, decided.rows));
                }
                Decision::Ended(ack) => break ack,
            }
        };
        if fate == 2 {
            self.drop_link(at);
        } else {
            self.acks.push((at, out.token, ack.after.unwrap_or(0), ack.data));
            self.tell_acks();
        }
    }

    pub fn tell_acks(&mut self) {
        let kept = self.kept;
        let (told, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.acks).into_iter().partition(|(_, _, after, _)| *after <= kept);
        self.acks = waiting;
        for (at, token, _, data) in told {
            self.clients[at].replica.pushed(token, &data, self.now);
            self.clients[at].keep();
        }
    }
}
