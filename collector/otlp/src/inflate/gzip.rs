//! RFC 1952, one member or several.
//!
//! A member is inflated in one call straight into its buffer, which is as large as its trailer says
//! where that is likely: decoders that stream copy everything once more, into a window of their own.
//!
//! *Failure*: checksum and length of every member are compared; a mismatch is broken.

use std::cell::RefCell;
use std::io;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::room::Room;
use super::{AHEAD, InflateError, broken};
use crate::Encoding;
use crate::admission::NoRoom;

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xe0;

thread_local! {
    /// Its window and tables are larger than most requests.
    static DECODER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Inflates all members of `bytes`.
pub(super) fn members<P>(bytes: &[u8], room: &mut Room<'_, P>) -> Result<(), InflateError>
where
    P: FnMut(usize) -> Result<(), NoRoom>,
{
    let claimed = bytes.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size));
    room.expect(usize::try_from(claimed).unwrap_or(usize::MAX))?;
    let mut rest = bytes;
    DECODER.with_borrow_mut(|decoder| {
        while !rest.is_empty() {
            rest = member(decoder, rest, room)?;
        }
        Ok(())
    })
}

/// Inflates one member and gives what stands behind it.
fn member<'b, P>(
    decoder: &mut Decompress,
    bytes: &'b [u8],
    room: &mut Room<'_, P>,
) -> Result<&'b [u8], InflateError>
where
    P: FnMut(usize) -> Result<(), NoRoom>,
{
    let from = room.len();
    let header = behind_header(bytes).ok_or_else(|| invalid("no gzip header"))?;
    let rest = deflated(decoder, header, room)?;
    let (trailer, rest) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
    let [a, b, c, d, size @ ..] = *trailer;
    let mut crc = Crc::new();
    crc.update(room.since(from));
    if crc.sum() != u32::from_le_bytes([a, b, c, d]) || crc.amount() != u32::from_le_bytes(size) {
        return Err(invalid("checksum or length do not fit"));
    }
    Ok(rest)
}

/// Inflates one deflate stream and gives what stands behind it.
fn deflated<'b, P>(
    decoder: &mut Decompress,
    bytes: &'b [u8],
    room: &mut Room<'_, P>,
) -> Result<&'b [u8], InflateError>
where
    P: FnMut(usize) -> Result<(), NoRoom>,
{
    decoder.reset(false);
    let mut rest = bytes;
    loop {
        let (n_in, n_out) = (decoder.total_in(), decoder.total_out());
        let status = if room.is_full() {
            // A full buffer may hold all there is: look before doubling it.
            let mut ahead = [0; AHEAD];
            let status = decoder.decompress(rest, &mut ahead, FlushDecompress::None);
            let n = usize::try_from(decoder.total_out() - n_out).unwrap_or(AHEAD);
            if n > 0 {
                room.overflow(&ahead[..n])?;
            }
            status
        } else {
            decoder.decompress_vec(rest, room.buffer(), FlushDecompress::Finish)
        };
        let status = status.map_err(|_| invalid("no deflate stream"))?;
        room.judge()?;
        let n = usize::try_from(decoder.total_in() - n_in).unwrap_or(usize::MAX);
        rest = rest.get(n..).ok_or_else(cut)?;
        if status == Status::StreamEnd {
            return Ok(rest);
        }
        if n == 0 && decoder.total_out() == n_out {
            return Err(cut());
        }
    }
}

/// What stands behind a member's header.
fn behind_header(bytes: &[u8]) -> Option<&[u8]> {
    let (fixed, mut rest) = bytes.split_first_chunk::<10>()?;
    let flags = fixed[3];
    if fixed[..3] != MAGIC || flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (n, tail) = rest.split_first_chunk::<2>()?;
        rest = tail.get(usize::from(u16::from_le_bytes(*n))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CRC != 0 {
        let header = &bytes[..bytes.len() - rest.len()];
        let (said, tail) = rest.split_first_chunk::<2>()?;
        let mut crc = Crc::new();
        crc.update(header);
        let low = crc.sum().to_le_bytes();
        if *said != [low[0], low[1]] {
            return None;
        }
        rest = tail;
    }
    Some(rest)
}

fn cut() -> InflateError {
    broken(Encoding::Gzip, io::ErrorKind::UnexpectedEof.into())
}

fn invalid(what: &'static str) -> InflateError {
    broken(Encoding::Gzip, io::Error::new(io::ErrorKind::InvalidData, what))
}
