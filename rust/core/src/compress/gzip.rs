//! gzip, RFC 1952.

use super::{Algorithm, Bad, read_all};
use flate2::bufread::GzDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Magic, DEFLATE, no flags, no time, nothing about the level, of no file system (RFC 1952 §2.3): the same bytes for the same
/// message, whenever and wherever.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// The fastest: what others save is not worth their time (bench/README.md).
const LEVEL: u32 = 1;

#[derive(Debug, Default)]
pub(super) struct Gzip {
    /// Made when it is first needed: it takes some 300 KiB.
    stream: Option<Compress>,
}

impl Gzip {
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let stream = self.stream.get_or_insert_with(|| Compress::new(Compression::new(LEVEL), false));
        stream.reset();
        out.extend_from_slice(&HEAD);
        let mut rest = input;
        loop {
            out.reserve((rest.len() / 2).saturating_add(64));
            let read = stream.total_in();
            // It can fail only on a stream that was ended, and this one ends with the loop.
            let status = stream.compress_vec(rest, out, FlushCompress::Finish);
            let read = usize::try_from(stream.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
            rest = rest.get(read..).unwrap_or_default();
            if !matches!(status, Ok(Status::Ok | Status::BufError)) {
                break;
            }
        }
        let mut crc = Crc::new();
        crc.update(input);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&crc.amount().to_le_bytes());
    }
}

pub(super) fn inflate(input: &[u8], max: usize) -> Result<Vec<u8>, Bad> {
    let mut member = GzDecoder::new(input);
    let out = read_all(&mut member, max, Algorithm::Gzip)?;
    // One member: what stands behind it would be another, or nobody's.
    if member.into_inner().is_empty() { Ok(out) } else { Err(Bad::Broken(Algorithm::Gzip)) }
}
