//! fastwebsockets, as its examples do it: hyper for the upgrade, then frames. It knows no compression.
//!
//! The fan-out writes through a buffer that is flushed once for all that waits, which the library documents.
#![forbid(unsafe_code)]

use fastwebsockets::upgrade::{self, UpgradeFut};
use fastwebsockets::{FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocketError};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rtcore_peers::{AT_ONCE, Hub, Work, serve};
use std::io;
use std::sync::Arc;
use tokio::io::BufWriter;
use tokio::sync::mpsc;

/// A message on its way: text or binary, and its bytes.
type Said = (OpCode, Bytes);

async fn echo(upgraded: UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn fanout(upgraded: UpgradeFut, hub: Arc<Hub<Said>>) -> Result<(), WebSocketError> {
    let (reader, mut writer) = upgraded.await?.split(|stream| {
        let (reader, writer) = tokio::io::split(stream);
        (reader, BufWriter::new(writer))
    });
    let (id, mut heard) = hub.join();
    // What the reader owes: pongs, and the answer to a close.
    let (owe, mut owed) = mpsc::unbounded_channel::<Said>();
    let writing = tokio::spawn(async move {
        let mut batch: Vec<Said> = Vec::with_capacity(AT_ONCE);
        loop {
            tokio::select! {
                got = heard.recv_many(&mut batch, AT_ONCE) => if got == 0 { return Ok(()) },
                got = owed.recv() => match got {
                    Some(frame) => batch.push(frame),
                    None => return Ok(()),
                },
            }
            for (kind, bytes) in batch.drain(..) {
                writer.write_frame(Frame::new(true, kind, None, Payload::Borrowed(&bytes))).await?;
            }
            writer.flush().await?;
        }
    });
    let mut reader = FragmentCollectorRead::new(reader);
    let read = async {
        loop {
            let frame = reader
                .read_frame::<_, WebSocketError>(&mut |frame| {
                    let _ = owe.send((frame.opcode, Bytes::copy_from_slice(&frame.payload)));
                    std::future::ready(Ok(()))
                })
                .await?;
            match frame.opcode {
                OpCode::Close => return Ok(()),
                OpCode::Text | OpCode::Binary => {
                    hub.say((frame.opcode, Bytes::copy_from_slice(&frame.payload))).await;
                }
                _ => {}
            }
        }
    };
    let result: Result<(), WebSocketError> = read.await;
    hub.leave(id);
    drop(owe);
    let written: Result<(), WebSocketError> = writing.await.unwrap_or(Ok(()));
    result.and(written)
}

fn main() -> io::Result<()> {
    let hub: Arc<Hub<Said>> = Arc::default();
    serve(move |stream, work| {
        let hub = hub.clone();
        async move {
            let upgrade = service_fn(move |mut request: Request<Incoming>| {
                let hub = hub.clone();
                async move {
                    let (response, upgraded): (Response<Empty<Bytes>>, _) = upgrade::upgrade(&mut request)?;
                    // A connection that breaks is no news: the load closes them all.
                    tokio::spawn(tokio::task::unconstrained(async move {
                        let _ = match work {
                            Work::Echo => echo(upgraded).await,
                            Work::Fanout => fanout(upgraded, hub).await,
                        };
                    }));
                    Ok::<_, WebSocketError>(response)
                }
            });
            let _ =
                http1::Builder::new().serve_connection(TokioIo::new(stream), upgrade).with_upgrades().await;
        }
    })
}
