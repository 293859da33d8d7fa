//! W3C trace context of whoever calls.

use http::HeaderMap;

use crate::{SpanId, TraceId};

/// The span a request belongs to, as its `traceparent` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its trace.
    pub trace: TraceId,
    /// The span that made the call.
    pub parent: SpanId,
    /// Whether the caller records it.
    pub sampled: bool,
}

impl Caller {
    /// Reads `traceparent` of any version; what is not sound reads as none, as the recommendation asks.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = parts.next().filter(|v| is_hex(v, 2) && *v != "ff")?;
        let trace = parts.next().filter(|id| is_hex(id, 32))?.parse().ok()?;
        let parent = parts.next().filter(|id| is_hex(id, 16))?.parse().ok()?;
        let flags = parts.next().filter(|flags| is_hex(flags, 2))?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        if version == "00" && parts.next().is_some() {
            return None;
        }
        let caller = Self { trace, parent, sampled: flags & 1 == 1 };
        (!caller.trace.is_zero() && !caller.parent.is_zero()).then_some(caller)
    }

    /// The caller that `headers` name.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let only = values.next()?.to_str().ok();
        if values.next().is_some() {
            return None;
        }
        Self::parse(only?)
    }
}

/// Lower case only, as the recommendation asks.
fn is_hex(text: &str, n: usize) -> bool {
    text.len() == n && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn callers_are_read_as_the_recommendation_has_them() {
        let sampled = |text: &str| Caller::parse(text).map(|c| c.sampled);
        assert_eq!(sampled(&format!("00-{TRACE}-{SPAN}-01")), Some(true));
        assert_eq!(sampled(&format!("00-{TRACE}-{SPAN}-00")), Some(false));
        assert_eq!(sampled(&format!("01-{TRACE}-{SPAN}-03-later")), Some(true), "a later version");
        let caller = Caller::parse(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert_eq!(
            (caller.trace.to_string(), caller.parent.to_string()),
            (TRACE.into(), SPAN.into())
        );
        for wrong in [
            String::new(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-{SPAN}-0g"),
        ] {
            assert_eq!(Caller::parse(&wrong), None, "{wrong}");
        }
    }
}
