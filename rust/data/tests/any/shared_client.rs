//! A client that is told anything at all: what it keeps comes back as what was seen.

use super::dice::Dice;
use super::{DEEP, STEPS};
use rtcore_data::client::{Keep, Replica, Resolution};
use rtcore_data::{Map, Value, Why};
use std::collections::BTreeMap;

/// A client that is told anything at all.
pub fn client(dice: &mut Dice<'_>) -> Option<()> {
    let mut replica = Replica::new();
    let mut kept: BTreeMap<String, Keep> = BTreeMap::new();
    let mut tokens = vec![0];
    let mut now = 1_000_000;
    for _ in 0..STEPS {
        now += 500;
        match dice.of(16)? {
            0 => replica.joined(dice.text()?, &dice.value(3)?),
            1 => {
                replica.joined("e", &Map::new().with("horizon", "e.0").with("writer", dice.value(3)?).into());
            }
            2 => replica.hear(100 + dice.of(20)? as u64, &dice.change(1)?),
            3 => replica.hear(u64::from(dice.byte()?), &dice.value(DEEP)?),
            4 => replica.gap(u64::from(dice.byte()?)),
            5 => {
                replica.next_pull();
                let docs = Value::List(vec![dice.value(3)?, page_doc(dice)?, page_doc(dice)?]);
                let page =
                    Map::new().with("docs", docs).with("next", "e.120").with("complete", dice.of(2)? == 1);
                replica.page(&page.into(), now);
            }
            6 => {
                replica.next_pull();
                replica.page(&dice.value(DEEP)?, now);
            }
            7 => drop(replica.put(dice.text()?, dice.document()?, now)),
            8 => drop(replica.patch(dice.text()?, dice.document()?, vec!["title".into()], now)),
            9 => drop(replica.delete(dice.text()?, now)),
            10 => tokens.extend(replica.next_push(now).map(|out| out.token)),
            11 => {
                let results = Value::List(vec![dice.value(3)?, result(dice)?]);
                let ack = Map::new().with("results", results).with("held", dice.value(2)?);
                replica.pushed(*tokens.last()?, &ack.into(), now);
            }
            12 => replica.push_failed(
                *tokens.last()?,
                &Why::new(dice.text()?, "no"),
                dice.of(2)? == 1,
                100,
                now,
            ),
            13 => {
                let n = dice.of(8)? as u64;
                drop(replica.resolve(n, [Resolution::Mine, Resolution::Theirs][dice.of(2)?].clone(), now));
                drop(replica.retry(n, now));
                replica.discard(n);
            }
            14 if replica.is_fenced() => replica.renew(),
            14 => replica.away(),
            _ => replica.left(),
        }
        for row in replica.keep(true).rows {
            match &row {
                Keep::NoKeys => kept.retain(|name, _| !name.starts_with('k')),
                Keep::Key(key, Some(_)) => drop(kept.insert(format!("k{key}"), row)),
                Keep::Key(key, None) => drop(kept.remove(&format!("k{key}"))),
                Keep::Change(n, Some(_)) => drop(kept.insert(format!("n{n:020}"), row)),
                Keep::Change(n, None) => drop(kept.remove(&format!("n{n:020}"))),
                Keep::State(_) => drop(kept.insert("state".into(), row)),
            }
        }
        let again = Replica::restore(kept.values().cloned()).expect("what a client kept is read again");
        let keys = |it: &Replica| it.keys().map(|key| (key.to_string(), it.get(key))).collect::<Vec<_>>();
        assert_eq!(keys(&again), keys(&replica), "what comes back is what was seen");
        assert_eq!(again.confirmed(), replica.confirmed());
    }
    Some(())
}

fn page_doc(dice: &mut Dice<'_>) -> Option<Value> {
    let doc = Map::new().with("key", dice.text()?).with("seq", 100 + dice.of(20)? as u64);
    Some(
        if dice.of(4)? == 0 { doc.with("deleted", true) } else { doc.with("value", dice.document()?) }.into(),
    )
}

fn result(dice: &mut Dice<'_>) -> Option<Value> {
    let map = Map::new().with("n", dice.of(8)? as u64);
    Some(
        match dice.of(4)? {
            0 => map.with("seq", 100 + dice.of(20)? as u64),
            1 => map.with("conflict", dice.value(2)?),
            2 => map.with("rejected", Map::new().with("code", dice.text()?).with("message", "no")),
            _ => map.with("seq", Value::Null),
        }
        .into(),
    )
}
