//! LZ4 in its frame format, 1.6.

use super::{Algorithm, Bad, read_all};
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use std::io::Write;

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// Bits of the descriptor's first byte.
const BLOCK_CHECKSUMS: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const CONTENT_CHECKSUM: u8 = 0x04;
const DICTIONARY: u8 = 0x01;
/// A block's size without the bit that says that it is not compressed.
const SIZE: u32 = 0x7fff_ffff;

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let info = FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    // Writing to a vector cannot fail.
    let written = encoder.write_all(input).is_ok() && encoder.try_finish().is_ok();
    debug_assert!(written, "lz4 refused its input");
}

pub(super) fn inflate(input: &[u8], max: usize) -> Result<Vec<u8>, Bad> {
    const BROKEN: Bad = Bad::Broken(Algorithm::Lz4);
    // The decoder takes a frame without its end for one that goes on later, and any number of them.
    if length(input) != Some(input.len()) {
        return Err(BROKEN);
    }
    read_all(&mut FrameDecoder::new(input), max, Algorithm::Lz4)
}

/// How many bytes the frame at the start of `input` has; none: there is none, or not all of it, or it wants a dictionary.
fn length(input: &[u8]) -> Option<usize> {
    let rest = input.strip_prefix(&MAGIC)?;
    let flags = *rest.first()?;
    if flags & DICTIONARY != 0 {
        return None;
    }
    let size = if flags & CONTENT_SIZE == 0 { 0 } else { 8 };
    let checksum = if flags & BLOCK_CHECKSUMS == 0 { 0 } else { 4 };
    // Flags, block size, the length of the content, one byte of checksum.
    let mut at = MAGIC.len().checked_add(3)?.checked_add(size)?;
    loop {
        let end = at.checked_add(4)?;
        let block = u32::from_le_bytes(input.get(at..end)?.try_into().ok()?);
        at = end;
        if block == 0 {
            break;
        }
        at = at.checked_add((block & SIZE) as usize)?.checked_add(checksum)?;
    }
    at.checked_add(if flags & CONTENT_CHECKSUM == 0 { 0 } else { 4 })
}
