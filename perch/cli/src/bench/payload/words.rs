//! Text and numbers decided by a seed.

const NOUNS: [&str; 16] = [
    "order",
    "basket",
    "invoice",
    "customer",
    "pellet",
    "session",
    "address",
    "payment",
    "stock",
    "parcel",
    "coupon",
    "account",
    "catalogue",
    "price",
    "review",
    "warehouse",
];
const FILL: [&str; 24] = [
    "select",
    "from",
    "where",
    "and",
    "join",
    "left",
    "on",
    "order_id",
    "customer_id",
    "status",
    "created_at",
    "limit",
    "offset",
    "update",
    "set",
    "values",
    "insert",
    "into",
    "returning",
    "total",
    "currency",
    "group",
    "by",
    "having",
];

/// A stream of numbers; equal seeds give equal streams (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Words(u64);

/// Spreads the bits of a number over all of the result.
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Words {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// One of the choices.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let n = choices.len() as u64;
        choices[usize::try_from(self.below(n)).unwrap_or(0)]
    }

    /// A noun.
    pub(super) fn noun(&mut self) -> &'static str {
        self.pick(&NOUNS)
    }

    /// A sentence of exactly `n` bytes, with a number here and there.
    pub(super) fn sentence(&mut self, n: usize) -> String {
        let mut text = String::with_capacity(n + 16);
        while text.len() < n {
            if !text.is_empty() {
                text.push(' ');
            }
            match self.below(6) {
                0 => text.push_str(&self.below(100_000).to_string()),
                1 => text.push_str(self.noun()),
                _ => text.push_str(self.pick(&FILL)),
            }
        }
        text.truncate(n);
        text
    }
}
