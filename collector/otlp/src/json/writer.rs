//! Protobuf under construction: nested messages get their length once they are whole.

use crate::Limits;
use crate::schema::Message;
use crate::wire::{varint_len, write_varint};

/// The output and how deep it stands.
pub(super) struct Writer<'l> {
    pub(super) out: Vec<u8>,
    limits: &'l Limits,
    n_messages: usize,
    n_any_values: usize,
}

/// Where the length of an open message will stand.
#[must_use]
pub(super) struct Open(usize);

impl<'l> Writer<'l> {
    pub(super) fn new(limits: &'l Limits, n_json: usize) -> Self {
        Self { out: Vec::with_capacity(n_json / 2), limits, n_messages: 0, n_any_values: 0 }
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.out.shrink_to_fit();
        self.out
    }

    /// Goes one message deeper.
    pub(super) fn enter(&mut self, message: &Message) -> Result<(), &'static str> {
        self.n_messages += 1;
        self.n_any_values += usize::from(message.is_any_value);
        if self.n_messages > self.limits.max_nesting {
            return Err("messages nested too deeply");
        }
        if self.n_any_values > self.limits.max_any_value_depth {
            return Err("attribute values nested too deeply");
        }
        Ok(())
    }

    /// Comes back from `enter`.
    pub(super) fn leave(&mut self, message: &Message) {
        self.n_messages -= 1;
        self.n_any_values -= usize::from(message.is_any_value);
    }

    /// Keeps the output within the limit.
    pub(super) fn check_size(&self) -> Result<(), &'static str> {
        if self.out.len() > self.limits.max_decoded_bytes {
            return Err("request too large once transcoded");
        }
        Ok(())
    }

    /// Begins something whose length is not known yet; most are shorter than 128 bytes.
    pub(super) fn open(&mut self) -> Open {
        self.out.push(0);
        Open(self.out.len())
    }

    /// Ends it: sets its length, and moves it when the length takes more than the one byte.
    pub(super) fn close(&mut self, Open(start): Open) {
        let end = self.out.len();
        let n = (end - start) as u64;
        let extra = varint_len(n) - 1;
        if extra > 0 {
            self.out.resize(end + extra, 0);
            self.out.copy_within(start..end, start + extra);
        }
        let mut length = Vec::with_capacity(10);
        write_varint(&mut length, n);
        self.out[start - 1..start + extra].copy_from_slice(&length);
    }
}
