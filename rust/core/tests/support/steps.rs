//! The steps of a world: everything that peers, the application and time can do in it.

use super::link::Reads;
use super::rights::grants;
use super::rooms::ROOMS;
use super::wire::Dialect;
use super::world::{USERS, World};
use serde_json::json;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Connect(usize),
    /// In another dialect than before.
    ConnectIn(usize, Dialect),
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
    /// The application changes what a client may in a room: `rights::grants` of the number.
    Grant {
        client: usize,
        room: usize,
        bits: u8,
    },
    /// What members of an asked room may from now on; none: the room's default.
    Gives(Option<u8>),
    /// Whether a user may be in asked rooms.
    Bans(usize, bool),
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
pub const EVENTS: [&str; 3] = ["work", "late", "fail"];

impl World {
    /// What waits for its turn, as in the turns of a shell; whether anything did.
    pub fn serve_waiting(&mut self) -> bool {
        let due = self.engine.deadline().is_some_and(|due| due <= self.now.tick);
        if due {
            self.engine.advance(self.now);
        }
        due
    }

    /// Do it, and let the world come to rest.
    pub fn step(&mut self, step: &Step) {
        match *step {
            Step::Connect(client) => self.connect(client, None),
            Step::ConnectIn(client, dialect) => {
                self.clients[client].dialect = dialect;
                self.connect(client, None);
            }
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
            Step::Grant { client, room, bits } => self.grant(client, ROOMS[room], bits),
            Step::Gives(bits) => self.app.grants = bits.map(grants),
            Step::Bans(user, banned) => {
                let user = USERS[user].to_owned();
                if banned {
                    self.app.banned.insert(user);
                } else {
                    self.app.banned.remove(&user);
                }
            }
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
        if let Step::Connect(client) | Step::ConnectIn(client, _) | Step::ConnectLost(client) = *step {
            self.check_let_in(client);
        }
    }

    fn ask(&mut self, client: usize, request: serde_json::Value) {
        self.may_be_let_in(client, Some(&request));
        let head = self.head();
        self.clients[client].request(request, head);
    }
}
