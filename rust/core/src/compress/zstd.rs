//! Zstandard, RFC 8878.

use super::{Algorithm, Bad};
use crate::limits::fixed::ZSTD_WINDOW;
use std::fmt;
use zstd::bulk::Compressor;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// How a frame begins. One to be skipped begins otherwise, and is none.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The fastest of the usual ones (bench/README.md).
const LEVEL: i32 = 1;
const BROKEN: Bad = Bad::Broken(Algorithm::Zstd);

#[derive(Default)]
pub(super) struct Zstd {
    /// Made when they are first needed; used again, for they are dear to make.
    compressor: Option<Compressor<'static>>,
    decoder: Option<Decoder<'static>>,
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").finish_non_exhaustive()
    }
}

impl Zstd {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.compressor.is_none() {
            self.compressor = Compressor::new(LEVEL).ok();
        }
        let packed = self.compressor.as_mut().and_then(|compressor| compressor.compress(input).ok());
        debug_assert!(packed.is_some(), "zstd refused its input");
        // Without memory for it the frame would be empty, which its reader refuses.
        out.extend_from_slice(&packed.unwrap_or_default());
    }

    pub(super) fn inflate(&mut self, input: &[u8], max: usize) -> Result<Vec<u8>, Bad> {
        if !input.starts_with(&MAGIC) {
            return Err(BROKEN);
        }
        let decoder = match &mut self.decoder {
            Some(decoder) => {
                decoder.reinit().map_err(|_| BROKEN)?;
                decoder
            }
            none => {
                let mut decoder = Decoder::new().map_err(|_| BROKEN)?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW)).map_err(|_| BROKEN)?;
                none.insert(decoder)
            }
        };
        // One byte more than is allowed, so that too much can be seen.
        let limit = max.saturating_add(1);
        let mut out: Vec<u8> =
            Vec::with_capacity(input.len().saturating_mul(4).clamp(1024, 64 * 1024).min(limit));
        let mut source = InBuffer::around(input);
        loop {
            let at = out.len();
            let left =
                decoder.run(&mut source, &mut OutBuffer::around_pos(&mut out, at)).map_err(|_| BROKEN)?;
            if out.len() > max {
                return Err(Bad::TooLarge(max));
            }
            if left == 0 {
                // One frame: what stands behind it would be another, or nobody's.
                return if source.pos() == input.len() { Ok(out) } else { Err(BROKEN) };
            }
            if out.len() == out.capacity() {
                let more = out.capacity().saturating_mul(2).min(limit);
                out.reserve_exact(more.saturating_sub(out.len()));
            } else if source.pos() == input.len() {
                return Err(BROKEN); // cut off
            }
        }
    }
}
