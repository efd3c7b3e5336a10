//! A world without sockets: an engine, a clock that only moves when told, peers that read when and as much
//! as they like, and an application that answers by script.
//!
//! Everything that happens follows from the list of steps and one seed, so that a failure can be had again
//! from what the test prints.
#![allow(dead_code, reason = "each test program uses a part of this")]

pub mod app;
pub mod client;
pub mod disk;
pub mod faults;
pub mod late;
pub mod link;
pub mod peer;
pub mod record;
pub mod rest;
pub mod rights;
pub mod rng;
pub mod rooms;
pub mod said;
pub mod steps;
pub mod stored;
pub mod streams;
pub mod truth;
pub mod wire;
pub mod world;
pub mod yard;
