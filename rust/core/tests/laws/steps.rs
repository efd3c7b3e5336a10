//! Random steps of a world.

use crate::support::link::Reads;
use crate::support::rooms::ROOMS;
use crate::support::world::World;
use proptest::prelude::*;
use serde_json::json;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Connect(usize),
    /// With a position of another life of the log.
    ConnectLost(usize),
    Join(usize, usize),
    JoinLast(usize, usize),
    Leave(usize, usize),
    Publish {
        client: usize,
        room: usize,
        size: usize,
        echo: bool,
        volatile: bool,
    },
    Emit {
        client: usize,
        event: usize,
        keyed: bool,
    },
    History(usize, usize),
    Again(usize),
    AppPublish {
        room: usize,
        size: usize,
        exclude: Option<usize>,
    },
    Send(usize, usize),
    PutOut(usize, usize),
    Reads(usize, Reads),
    Cut {
        client: usize,
        after: usize,
        politely: bool,
    },
    Bye(usize),
    Pass(u64),
    /// The application makes up its mind about what it put off.
    Decide,
    Thinks(bool),
}

/// Where the application can speak: in the rooms, to a user, to all.
pub const PLACES: [&str; 9] =
    ["skip", "latest", "disconnect", "block", "asked", "hall", "$all", "$user/ada", "$user/bob"];
const EVENTS: [&str; 3] = ["work", "late", "fail"];

pub fn steps(clients: usize, count: usize) -> impl Strategy<Value = Vec<Step>> {
    let some = 0..clients;
    let room = 0..ROOMS.len();
    let size = prop_oneof![4 => 0..40_usize, 2 => 100..300_usize, 1 => 2_000..3_000_usize];
    let reads = prop_oneof![
        3 => Just(Reads::All),
        2 => (1..400_usize).prop_map(Reads::Upto),
        2 => Just(Reads::Nothing),
    ];
    let pass = prop_oneof![4 => 1..200_u64, 2 => 200..6_000_u64, 1 => 6_000..130_000_u64];
    let step = prop_oneof![
        8 => some.clone().prop_map(Step::Connect),
        1 => some.clone().prop_map(Step::ConnectLost),
        8 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::Join(c, r)),
        2 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::JoinLast(c, r)),
        3 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::Leave(c, r)),
        12 => (some.clone(), room.clone(), size.clone(), any::<bool>(), 0..6_u8).prop_map(
            |(client, room, size, echo, volatile)| Step::Publish { client, room, size, echo, volatile: volatile == 0 }
        ),
        4 => (some.clone(), 0..3_usize, any::<bool>())
            .prop_map(|(client, event, keyed)| Step::Emit { client, event, keyed }),
        2 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::History(c, r)),
        3 => some.clone().prop_map(Step::Again),
        10 => (0..PLACES.len(), size.clone(), prop::option::of(some.clone()))
            .prop_map(|(room, size, exclude)| Step::AppPublish { room, size, exclude }),
        3 => (some.clone(), size).prop_map(|(c, s)| Step::Send(c, s)),
        1 => (some.clone(), room).prop_map(|(c, r)| Step::PutOut(c, r)),
        6 => (some.clone(), reads).prop_map(|(c, reads)| Step::Reads(c, reads)),
        4 => (some.clone(), 0..60_usize, any::<bool>())
            .prop_map(|(client, after, politely)| Step::Cut { client, after, politely }),
        1 => some.prop_map(Step::Bye),
        6 => pass.prop_map(Step::Pass),
        2 => Just(Step::Decide),
        1 => any::<bool>().prop_map(Step::Thinks),
    ];
    prop::collection::vec(step, 1..count)
}

impl World {
    /// Do it, and let the world come to rest.
    pub fn step(&mut self, step: &Step) {
        match *step {
            Step::Connect(client) => self.connect(client, None),
            Step::ConnectLost(client) => self.connect(client, Some("0ther.7")),
            Step::Join(client, room) => {
                self.ask(client, json!({"type": "join", "room": ROOMS[room]}));
            }
            Step::JoinLast(client, room) => {
                self.ask(client, json!({"type": "join", "room": ROOMS[room], "last": 3}));
            }
            Step::Leave(client, room) => {
                self.ask(client, json!({"type": "leave", "room": ROOMS[room]}));
            }
            Step::Publish { client, room, size, echo, volatile } => {
                let data = self.data(size);
                let publish = json!({"type": "publish", "room": ROOMS[room], "event": "say", "data": data,
                    "echo": echo, "volatile": volatile});
                self.ask(client, publish);
            }
            Step::Emit { client, event, keyed } => {
                let data = self.data(3);
                let mut emit = json!({"type": "emit", "event": EVENTS[event], "data": data});
                if keyed {
                    emit["key"] = json!(data["n"].to_string());
                }
                self.ask(client, emit);
            }
            Step::History(client, room) => {
                self.ask(client, json!({"type": "history", "room": ROOMS[room], "limit": 2}));
            }
            Step::Again(client) => {
                let mut chance = self.chance.clone();
                self.chance.next();
                self.clients[client].ask_again(&mut chance);
            }
            Step::AppPublish { room, size, exclude } => self.publish(PLACES[room], exclude, size),
            Step::Send(client, size) => self.send(client, size),
            Step::PutOut(client, room) => self.put_out(client, ROOMS[room]),
            Step::Reads(client, reads) => {
                if let Some(link) = &mut self.clients[client].link {
                    link.reads = reads;
                }
            }
            Step::Cut { client, after, politely } => {
                let last = json!({"type": "ping", "time": 1});
                self.clients[client].say(&last);
                self.cut(client, after, politely);
            }
            Step::Bye(client) => self.clients[client].say(&json!({"type": "bye"})),
            Step::Pass(ms) => self.pass(ms),
            Step::Decide => {
                let thinks = self.app.thinks;
                self.decide_all();
                self.app.thinks = thinks;
            }
            Step::Thinks(thinks) => self.app.thinks = thinks,
        }
        self.settle();
    }

    fn ask(&mut self, client: usize, request: serde_json::Value) {
        let head = self.head();
        self.clients[client].request(request, head);
    }
}
