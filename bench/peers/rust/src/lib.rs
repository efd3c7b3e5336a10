//! What the servers in Rust have in common: one thread, a port that is said, and a hub for the fan-out.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Messages that one listener may have waiting; then whoever speaks waits, and TCP holds back its client.
const WAITING: usize = 1024;
/// Messages that a listener's writer takes at a time, to leave in one write.
pub const AT_ONCE: usize = 64;

/// What the command line asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Echo,
    Fanout,
}

/// Serve on one thread, at a free port of 127.0.0.1 that is printed, until the process is ended.
///
/// # Errors
/// When the port cannot be had.
pub fn serve<F, C>(mut client: F) -> io::Result<()>
where
    F: FnMut(TcpStream, Work) -> C,
    C: Future<Output = ()> + Send + 'static,
{
    let work = match std::env::args().nth(1).as_deref() {
        Some("echo") => Work::Echo,
        Some("fanout") => Work::Fanout,
        _ => return Err(io::Error::other("which work? echo or fanout")),
    };
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(client(stream, work));
        }
    })
}

/// The connections that hear everything: a bounded queue for each.
pub struct Hub<M> {
    members: Mutex<(u64, HashMap<u64, mpsc::Sender<M>>)>,
}

impl<M> Default for Hub<M> {
    fn default() -> Self {
        Self { members: Mutex::new((0, HashMap::new())) }
    }
}

impl<M: Clone> Hub<M> {
    /// A new member, and what it hears. It is one until `leave`.
    ///
    /// # Panics
    /// Never: nothing panics while it holds the lock.
    pub fn join(&self) -> (u64, mpsc::Receiver<M>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut members = self.members.lock().expect("no holder panics");
        members.0 += 1;
        let id = members.0;
        members.1.insert(id, sender);
        (id, receiver)
    }

    /// # Panics
    /// Never, as above.
    pub fn leave(&self, id: u64) {
        self.members.lock().expect("no holder panics").1.remove(&id);
    }

    /// Say it to every member, in the order of the one who speaks. Waits for those whose queue is full.
    ///
    /// # Panics
    /// Never, as above.
    pub async fn say(&self, message: M) {
        let mut full = Vec::new();
        for sender in self.members.lock().expect("no holder panics").1.values() {
            if let Err(TrySendError::Full(message)) = sender.try_send(message.clone()) {
                full.push((sender.clone(), message));
            }
        }
        for (sender, message) in full {
            // It has gone meanwhile: nobody is owed anything.
            let _ = sender.send(message).await;
        }
    }
}
