//! A server that stands still: what came is read first, and the time is nobody's silence.

#[allow(dead_code, reason = "each test program uses its part of it")]
mod common;

use common::Server;
use rtcore_core::ids::Tick;
use std::time::Duration;

/// Longer than a deadline may be late by chance.
const LONG: Duration = Duration::from_millis(600);

#[test]
fn the_time_in_which_no_turn_came_has_not_passed() {
    let mut server = Server::new();
    let deadline = server.shard.now().tick.plus_ms(1);
    server.engine.deadline = Some(deadline);
    std::thread::sleep(LONG); // the server stands still
    let now = server.shard.look(&mut server.engine).tick;
    assert_eq!(now, deadline.plus_ms(250));
    assert!(server.shard.look(&mut server.engine).tick >= now, "time never goes back");
}

#[test]
fn an_idle_server_does_not_stand_still() {
    let mut server = Server::new();
    let before = server.shard.now().tick;
    server.engine.deadline = Some(before.plus_ms(3_600_000));
    std::thread::sleep(LONG);
    assert!(server.shard.look(&mut server.engine).tick >= before.plus_ms(600));
}

#[test]
fn after_it_stood_still_deadlines_wait_until_what_came_is_read() {
    let mut server = Server::new();
    server.engine.deadline = Some(server.shard.now().tick.plus_ms(1));
    std::thread::sleep(LONG);
    server.shard.turn(&mut server.engine, Duration::ZERO).unwrap();
    assert_eq!(server.engine.advanced, Vec::<Tick>::new());
    while server.engine.advanced.is_empty() {
        server.shard.turn(&mut server.engine, Duration::from_millis(10)).unwrap();
    }
}
