//! The buffer that inflated bytes go to: paid for before it grows, judged before it is used.

use super::InflateError;
use crate::Limits;
use crate::admission::NoRoom;

/// A buffer under the limits of one request.
pub(super) struct Room<'a, P> {
    out: Vec<u8>,
    n_wire: usize,
    limits: &'a Limits,
    pay: P,
}

impl<'a, P: FnMut(usize) -> Result<(), NoRoom>> Room<'a, P> {
    pub(super) fn new(n_wire: usize, limits: &'a Limits, pay: P) -> Self {
        Self { out: Vec::new(), n_wire, limits, pay }
    }

    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Makes room for `n` more bytes, or for as many as telemetry of this size on the wire may well
    /// have if that is less.
    pub(super) fn expect(&mut self, n: usize) -> Result<(), InflateError> {
        const USUAL_RATIO: usize = 20;
        let likely = self.out.len().saturating_add(n).min(self.n_wire.saturating_mul(USUAL_RATIO));
        let capacity = likely.min(self.limits.max_decoded_bytes);
        if capacity > self.out.capacity() {
            self.grow_to(capacity)?;
        }
        Ok(())
    }

    /// The buffer, to be filled up to its capacity and no further.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// The bytes from `from` on.
    pub(super) fn since(&self, from: usize) -> &[u8] {
        &self.out[from..]
    }

    pub(super) fn is_full(&self) -> bool {
        self.out.len() == self.out.capacity()
    }

    /// Takes bytes that came although the buffer was full, and doubles it.
    pub(super) fn overflow(&mut self, ahead: &[u8]) -> Result<(), InflateError> {
        let double = (self.out.len() * 2).min(self.limits.max_decoded_bytes);
        self.grow_to(double.max(self.out.len() + ahead.len()))?;
        self.out.extend_from_slice(ahead);
        Ok(())
    }

    /// Refuses what is larger, or larger for its size on the wire, than allowed.
    pub(super) fn judge(&self) -> Result<(), InflateError> {
        let (n, limits) = (self.out.len(), self.limits);
        if n > limits.max_decoded_bytes {
            return Err(InflateError::TooLarge { limit: limits.max_decoded_bytes });
        }
        let fair = limits.ratio_floor_bytes.max(self.n_wire.saturating_mul(limits.max_ratio));
        if n > fair {
            return Err(InflateError::Ratio { limit: limits.max_ratio });
        }
        Ok(())
    }

    /// The bytes. They may be queued for long; room that was not needed must not be.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.out.shrink_to_fit();
        self.out
    }

    fn grow_to(&mut self, capacity: usize) -> Result<(), InflateError> {
        (self.pay)(capacity)?;
        self.out.reserve_exact(capacity - self.out.len());
        Ok(())
    }
}
