//! What people do: changes of every kind, and decisions.

use super::World;
use crate::value;
use rtcore_data::client::Resolution;
use rtcore_data::{Map, Value};

impl World {
    pub fn change(&mut self, at: usize, key: u8, what: u8, off: bool) {
        self.now += 7_000;
        self.made += 1;
        let made = self.made;
        let client = &mut self.clients[at];
        let key = format!("k{key}");
        let when = if off { self.now.saturating_sub(50_000) } else { self.now };
        let amount = 1_i64 << (made % 40);
        let add = Value::from(Map::new().with("$crdt", "pn-counter").with("add", amount));
        let tags = |op: &str, value: Value| Value::from(Map::new().with("$crdt", "or-set").with(op, value));
        let seen = client.replica.get(&key);
        let was_new = seen.is_none();
        let n = match what {
            0 if seen.is_none() => client
                .replica
                .put(&key, Map::new().with("t", made).with("sum", add).into(), when)
                .expect("a put"),
            1 => Some(
                client
                    .replica
                    .patch(&key, Map::new().with("t", made).with("sum", add).into(), vec![], when)
                    .expect("a patch"),
            ),
            2 => {
                self.marks.insert(made.to_string());
                let tags = tags("add", value!([made.to_string()]));
                let value = Map::new().with("u", made).with("tags", tags).into();
                Some(client.replica.patch(&key, value, vec![], when).expect("a patch"))
            }
            3 => {
                let dots = seen
                    .as_ref()
                    .and_then(|it| it.get("tags")?.get("e").cloned())
                    .unwrap_or(Map::new().into());
                Some(
                    client
                        .replica
                        .patch(
                            &key,
                            Map::new().with("tags", tags("remove", dots)).into(),
                            vec!["u".into()],
                            when,
                        )
                        .expect("a patch"),
                )
            }
            4 => seen.map(|_| client.replica.delete(&key, when).expect("a delete")),
            _ => {
                let put =
                    client.replica.put(&key, Map::new().with("t", made % 3).into(), when).expect("a put");
                // Some are thought better of.
                if let Some(n) = put.filter(|_| made.is_multiple_of(5)) {
                    client.replica.discard(n);
                }
                put
            }
        };
        if let Some(n) = n.filter(|_| what == 1 || (what == 0 && was_new)) {
            self.amounts.insert((client.id.clone(), n), amount);
        }
        client.keep();
    }

    pub fn decide(&mut self, at: usize, how: u8) {
        let client = &mut self.clients[at];
        let Some(n) = client.replica.conflicts.first().map(|it| it.change.n) else { return };
        let how = match how {
            0 => Resolution::Mine,
            1 => Resolution::Theirs,
            _ => Resolution::Set(value!({"t": "decided"})),
        };
        // Its amount counts with the resolution, should that say it again.
        let amount = self.amounts.remove(&(client.id.clone(), n));
        if let Ok(Some(again)) = client.replica.resolve(n, how, self.now)
            && let Some(amount) = amount
            && client
                .replica
                .pending()
                .any(|it| it.n == again && it.said.get("value").is_some_and(|it| it.get("sum").is_some()))
        {
            self.amounts.insert((client.id.clone(), again), amount);
        }
        client.keep();
    }
}
