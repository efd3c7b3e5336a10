//! tokio-tungstenite: the usual library in Rust. It knows no compression.
//!
//! The fan-out feeds all that waits for a connection and flushes once, which the library's sink is made for.
#![forbid(unsafe_code)]

use futures_util::{SinkExt, StreamExt};
use rtcore_peers::{AT_ONCE, Hub, Work, serve};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

/// What the documentation recommends for many connections; the default is 128 KiB for each.
const READ_BUFFER: usize = 4 << 10;

async fn echo(mut socket: WebSocketStream<TcpStream>) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

async fn fanout(socket: WebSocketStream<TcpStream>, hub: Arc<Hub<Message>>) -> Result<(), Error> {
    let (mut sink, mut stream) = socket.split();
    let (id, mut heard) = hub.join();
    let writing = tokio::spawn(async move {
        let mut batch = Vec::with_capacity(AT_ONCE);
        while heard.recv_many(&mut batch, AT_ONCE).await > 0 {
            for message in batch.drain(..) {
                sink.feed(message).await?;
            }
            sink.flush().await?;
        }
        sink.close().await
    });
    let result = loop {
        match stream.next().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(message)) if message.is_text() || message.is_binary() => hub.say(message).await,
            Some(Ok(_)) => {}
        }
    };
    hub.leave(id);
    result.and(writing.await.unwrap_or(Ok(())))
}

fn main() -> io::Result<()> {
    let hub: Arc<Hub<Message>> = Arc::default();
    serve(move |stream, work| {
        let hub = hub.clone();
        async move {
            let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
            let Ok(socket) = accept_async_with_config(stream, Some(config)).await else { return };
            // A connection that breaks is no news: the load closes them all.
            let _ = match work {
                Work::Echo => echo(socket).await,
                Work::Fanout => fanout(socket, hub).await,
            };
        }
    })
}
