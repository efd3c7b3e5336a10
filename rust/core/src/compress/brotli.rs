//! Brotli, RFC 7932.

use super::{Algorithm, Bad};
use crate::limits::fixed::BROTLI_WINDOW;
use brotli::enc::BrotliEncoderParams;
use brotli::enc::reader::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

/// Between the fastest and the smallest: what a message of some kilobytes is worth (bench/README.md).
const QUALITY: i32 = 4;
/// 256 KiB: no history that we send is longer.
const WINDOW: i32 = 18;

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let params = BrotliEncoderParams {
        quality: QUALITY,
        lgwin: WINDOW,
        size_hint: input.len(),
        ..BrotliEncoderParams::default()
    };
    let mut rest = input;
    // Reading from a slice and writing to a vector, it cannot fail; if it did, the frame would be broken, and its reader says so.
    let written = brotli::BrotliCompress(&mut rest, out, &params);
    debug_assert!(written.is_ok(), "brotli refused its input");
}

pub(super) fn inflate(input: &[u8], max: usize) -> Result<Vec<u8>, Bad> {
    const BROKEN: Bad = Bad::Broken(Algorithm::Brotli);
    if input.first().is_none_or(|first| is_too_wide(*first)) {
        return Err(BROKEN);
    }
    let mut state = Box::new(BrotliState::new(
        StandardAlloc::default(),
        StandardAlloc::default(),
        StandardAlloc::default(),
    ));
    // One byte more than is allowed, so that too much can be seen.
    let limit = max.saturating_add(1);
    let mut out = vec![0; input.len().saturating_mul(4).clamp(1024, 64 * 1024).min(limit)];
    let (mut left, mut read, mut written, mut total) = (input.len(), 0, 0, 0);
    loop {
        let mut room = out.len().saturating_sub(written);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            &mut out,
            &mut total,
            &mut state,
        );
        if written > max {
            return Err(Bad::TooLarge(max));
        }
        match result {
            BrotliResult::ResultSuccess if left == 0 => {
                out.truncate(written);
                return Ok(out);
            }
            BrotliResult::NeedsMoreOutput => {
                let more = out.len().saturating_mul(2).min(limit);
                if more <= written {
                    return Err(Bad::TooLarge(max));
                }
                out.resize(more, 0);
            }
            // Something behind the stream; cut off; or no stream at all.
            _ => return Err(BROKEN),
        }
    }
}

/// Whether a stream that begins with this byte has a wider window than it may, RFC 7932 §9.1: of three bits 17 and their number,
/// where that is not 0; or one of the large ones, which are no part of it.
fn is_too_wide(first: u8) -> bool {
    const LARGE: u8 = 0b001_0001;
    (first & 1 == 1 && u32::from((first >> 1) & 7).saturating_add(17) > BROTLI_WINDOW)
        || first & 0x7f == LARGE
}
