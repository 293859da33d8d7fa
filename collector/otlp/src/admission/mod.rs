//! Admission by bytes: what requests hold of memory between their headers and their reply is counted, and
//! bounded, before it is allocated.
//!
//! *Invariants*
//! 1. Tickets alive never sum to more than the hard mark, whatever senders declare, send or compress.
//! 2. Once they pass the soft mark no request begins until they have sunk to the resume mark; those that had
//!    begun may still grow. So a sender is refused by its headers, and not after its body has cost us.
//! 3. A ticket gives back what it holds when it is dropped, whatever became of its request.
//!
//! *Not here*: bytes in queues and logs, which are bounded where they lie; what hyper and the kernel read ahead,
//! at most a mebibyte per connection.

mod budget;
mod machine;
#[cfg(test)]
mod tests;

pub use budget::{Budget, Marks, NoRoom, Ticket};
pub use machine::memory;
