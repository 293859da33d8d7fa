//! RFC 8878, one frame or several.

use std::io::Read;

use zstd::stream::read::Decoder;

use super::room::Room;
use super::{AHEAD, InflateError, broken};
use crate::Encoding;
use crate::admission::NoRoom;

/// Inflates all frames of `bytes`.
pub(super) fn frames<P>(bytes: &[u8], room: &mut Room<'_, P>) -> Result<(), InflateError>
where
    P: FnMut(usize) -> Result<(), NoRoom>,
{
    const STEP: usize = 256 * 1024;
    let broken = |source| broken(Encoding::Zstd, source);
    let mut decoder = Decoder::with_buffer(bytes).map_err(broken)?;
    decoder.window_log_max(room.limits().max_zstd_window_log).map_err(broken)?;
    // Telemetry shrinks to about a fifth; a first guess that is wrong costs one move.
    room.expect(bytes.len().saturating_mul(5))?;
    loop {
        if room.is_full() {
            // A full buffer may hold all there is: look before doubling it.
            let mut ahead = [0; AHEAD];
            let n = decoder.read(&mut ahead).map_err(broken)?;
            if n == 0 {
                return Ok(());
            }
            room.overflow(&ahead[..n])?;
        } else {
            let out = room.buffer();
            let n = (out.capacity() - out.len()).min(STEP);
            if (&mut decoder).take(n as u64).read_to_end(out).map_err(broken)? == 0 {
                return Ok(());
            }
        }
        room.judge()?;
    }
}
