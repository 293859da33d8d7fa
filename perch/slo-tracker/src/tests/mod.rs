//! The tracker as a whole: whatever happens, its windows show what a walk over all events shows.

mod build;
mod counters;
mod counting;
mod oracle;
mod windows;
