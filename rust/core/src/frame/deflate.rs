//! permessage-deflate, RFC 7692 §7.2: one DEFLATE stream a message, less its last four bytes.
//!
//! A sender flushes at the message's end, so that its stream ends with an empty stored block, whose bytes
//! `00 00 ff ff` it leaves out (§7.2.1); a receiver puts them back (§7.2.2). Without context takeover
//! every message begins with an empty window, so one [`Inflater`] and one [`Deflater`] serve all
//! connections of the server; with it (a client's choice) each connection needs its own.

use crate::codes::close;
use crate::error::Broken;
use crate::limits::fixed::FINAL_BLOCKS;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The empty stored block at the end of each message, without its three bits of header.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// An empty final block with fixed codes, RFC 1951 §3.2.6: after a whole message it, and nothing else,
/// ends the stream at once.
const END: [u8; 2] = [0x03, 0x00];

/// Turns compressed messages into what they were.
#[derive(Debug)]
pub struct Inflater {
    takeover: bool,
    /// Made when the first compressed message comes: its window is 32 KiB.
    stream: Option<Decompress>,
}

impl Inflater {
    /// `takeover`: a message may refer to the ones before it.
    #[must_use]
    pub const fn new(takeover: bool) -> Self {
        Self { takeover, stream: None }
    }

    /// Inflate the payload of one message, to at most `max` bytes; never more than that is held.
    pub fn inflate(&mut self, input: &[u8], max: usize) -> Result<Vec<u8>, Broken> {
        if input.is_empty() {
            // It should be one byte (§7.2.3.6), but there is only one thing that it can mean.
            return Ok(Vec::new());
        }
        let stream = self.stream.get_or_insert_with(|| Decompress::new(false));
        if !self.takeover {
            stream.reset(false);
        }
        let first = input.len().saturating_mul(2).clamp(256, 64 * 1024);
        let out = Vec::with_capacity(first.min(max.saturating_add(1)));
        let mut run = Run { stream, out, max, finals: 0, bare: false };
        run.feed(input)?;
        // A sender that ended with a final block and nothing after it left no tail out.
        if !run.bare {
            run.feed(&TAIL)?;
            if !self.takeover {
                // The window is not needed any more, so the stream may be ended, to see that it can be:
                // else it was cut off within a block.
                let held = (run.out.len(), run.finals);
                run.feed(&END)?;
                if (run.out.len(), run.finals) != (held.0, held.1.saturating_add(1)) || !run.bare {
                    return Err(bad("a compressed message is cut off within a block"));
                }
            }
        }
        Ok(run.out)
    }
}

/// The inflating of one message.
struct Run<'a> {
    stream: &'a mut Decompress,
    out: Vec<u8>,
    max: usize,
    /// Final blocks so far.
    finals: u32,
    /// Whether the last final block ended with the last byte of what was fed.
    bare: bool,
}

impl Run<'_> {
    fn feed(&mut self, mut input: &[u8]) -> Result<(), Broken> {
        while !input.is_empty() || self.out.len() == self.out.capacity() {
            if self.out.len() == self.out.capacity() {
                // One byte more than is allowed, so that too much can be seen. Not doubled beyond that.
                let limit = self.max.saturating_add(1);
                let target = self.out.capacity().max(128).saturating_mul(2).min(limit);
                self.out.reserve_exact(target.saturating_sub(self.out.len()));
            }
            let (read, written) = (self.stream.total_in(), self.out.len());
            let status = self
                .stream
                .decompress_vec(input, &mut self.out, FlushDecompress::Sync)
                .map_err(|_| bad("a compressed message is no valid DEFLATE stream"))?;
            let read = usize::try_from(self.stream.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
            input = input.get(read..).unwrap_or_default();
            if self.out.len() > self.max {
                let max = self.max;
                let reason =
                    format!("a message of more than {max} bytes came, the limit: send less at a time");
                return Err(Broken::new(close::TOO_BIG, reason));
            }
            self.bare = false;
            if status == Status::StreamEnd {
                self.finals = self.finals.saturating_add(1);
                if self.finals > FINAL_BLOCKS {
                    return Err(Broken::new(
                        close::BAD_DATA,
                        format!("a compressed message has more than {FINAL_BLOCKS} final blocks"),
                    ));
                }
                self.stream.reset(false);
                self.bare = input.is_empty();
                if self.bare {
                    return Ok(());
                }
            } else if read == 0 && self.out.len() == written && self.out.len() < self.out.capacity() {
                // No progress with room and bytes: there is nothing more to come of these.
                if input.is_empty() {
                    return Ok(());
                }
                return Err(bad("a compressed message is no valid DEFLATE stream"));
            }
        }
        Ok(())
    }
}

fn bad(reason: &'static str) -> Broken {
    Broken::new(close::BAD_DATA, reason)
}

/// Compresses messages.
#[derive(Debug)]
pub struct Deflater {
    takeover: bool,
    level: u32,
    /// Made when the first message is to be compressed: it takes some 300 KiB.
    stream: Option<Compress>,
}

impl Deflater {
    /// `level` is 0 (stored) to 9 (smallest). `takeover`: a message may refer to the ones before it.
    #[must_use]
    pub const fn new(level: u32, takeover: bool) -> Self {
        Self { takeover, level, stream: None }
    }

    /// Append the payload of one message, compressed.
    pub fn deflate(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            // The header of an empty stored block, RFC 7692 §7.2.3.6; zlib would flush nothing twice.
            out.push(0);
            return;
        }
        let level = self.level.min(9);
        let stream = self.stream.get_or_insert_with(|| Compress::new(Compression::new(level), false));
        if !self.takeover {
            stream.reset();
        }
        let mut rest = input;
        out.reserve((input.len() / 2).saturating_add(64));
        loop {
            let read = stream.total_in();
            // It can fail only on a stream that was ended, and this one never is.
            let status = stream.compress_vec(rest, out, FlushCompress::Sync);
            debug_assert!(status.is_ok(), "deflate refused its input");
            let read = usize::try_from(stream.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
            rest = rest.get(read..).unwrap_or_default();
            // Room left over means that the flush is done; without any there may be more to come.
            if out.len() < out.capacity() {
                break;
            }
            out.reserve((rest.len() / 2).saturating_add(64));
        }
        if out.ends_with(&TAIL) {
            out.truncate(out.len().saturating_sub(TAIL.len()));
        }
    }
}
