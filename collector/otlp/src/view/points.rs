//! Data points of every kind, and exemplars.

use super::messages::{Doubles, Fixed64s, Messages, Scalars, Varints, View, low32, zigzag32};
use super::value::KeyValueView;
use crate::wire::{Fields, Value};
use crate::{SpanId, TraceId};

/// A number as sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
}

impl Number {
    /// As a floating-point number, rounded where an integer is beyond 2^53.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

/// Bit of a point's flags that says "this series ended here"; such a point has no value.
const NO_RECORDED_VALUE: u32 = 1;

/// The view of one kind of point: what all of them have, and its own fields with the arms that read them.
macro_rules! point {
    (
        $(#[$doc:meta])*
        $name:ident { attributes: $attributes:literal, flags: $flags:literal }
        { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
        |$view:ident| { $($arms:tt)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $name<'a> {
            /// Start of what it sums, in nanoseconds since the epoch; 0 where absent.
            pub start_time_unix_nano: u64,
            /// When it was taken, in nanoseconds since the epoch; 0 where absent.
            pub time_unix_nano: u64,
            $($(#[$field_doc])* pub $field: $type,)*
            /// OTLP flags.
            pub flags: u32,
            body: &'a [u8],
        }

        impl<'a> View<'a> for $name<'a> {
            fn over(body: &'a [u8]) -> Self {
                let mut $view = Self { body, ..Self::default() };
                for field in Fields::over(body) {
                    match field {
                        (2, Value::Fixed64(nanos)) => $view.start_time_unix_nano = nanos,
                        (3, Value::Fixed64(nanos)) => $view.time_unix_nano = nanos,
                        ($flags, Value::Varint(bits)) => $view.flags = low32(bits),
                        $($arms)*
                        _ => {}
                    }
                }
                $view
            }
        }

        impl<'a> $name<'a> {
            /// Its attributes.
            pub fn attributes(&self) -> Messages<'a, KeyValueView<'a>> {
                Messages::of(self.body, $attributes)
            }

            /// Whether it says that the series ended.
            pub fn no_recorded_value(&self) -> bool {
                self.flags & NO_RECORDED_VALUE != 0
            }
        }
    };
}

point! {
    /// A point of a gauge or a sum.
    NumberPointView { attributes: 7, flags: 8 }
    {
        /// Its value.
        value: Option<Number>,
    }
    |view| {
        (4, Value::Fixed64(bits)) => view.value = Some(Number::Double(f64::from_bits(bits))),
        (6, Value::Fixed64(bits)) => view.value = Some(Number::Int(bits.cast_signed())),
    }
}

impl<'a> NumberPointView<'a> {
    /// Its exemplars.
    pub fn exemplars(&self) -> Messages<'a, ExemplarView<'a>> {
        Messages::of(self.body, 5)
    }
}

point! {
    /// A point of a histogram with explicit bounds.
    HistogramPointView { attributes: 9, flags: 10 }
    {
        /// Values seen.
        count: u64,
        /// Their sum.
        sum: Option<f64>,
        /// The smallest.
        min: Option<f64>,
        /// The largest.
        max: Option<f64>,
    }
    |view| {
        (4, Value::Fixed64(bits)) => view.count = bits,
        (5, Value::Fixed64(bits)) => view.sum = Some(f64::from_bits(bits)),
        (11, Value::Fixed64(bits)) => view.min = Some(f64::from_bits(bits)),
        (12, Value::Fixed64(bits)) => view.max = Some(f64::from_bits(bits)),
    }
}

impl<'a> HistogramPointView<'a> {
    /// Its exemplars.
    pub fn exemplars(&self) -> Messages<'a, ExemplarView<'a>> {
        Messages::of(self.body, 8)
    }

    /// Values seen per bucket, not cumulated; one more than there are bounds.
    pub fn bucket_counts(&self) -> Fixed64s<'a> {
        Scalars::of(self.body, 6)
    }

    /// Upper bounds of the buckets, the last bucket's infinity left out.
    pub fn explicit_bounds(&self) -> Doubles<'a> {
        Scalars::of(self.body, 7)
    }
}

point! {
    /// A point of a histogram with exponential bounds.
    ExponentialHistogramPointView { attributes: 1, flags: 10 }
    {
        /// Values seen.
        count: u64,
        /// Their sum.
        sum: Option<f64>,
        /// The smallest.
        min: Option<f64>,
        /// The largest.
        max: Option<f64>,
        /// Bounds are powers of 2^(2^-scale).
        scale: i32,
        /// Values counted as zero.
        zero_count: u64,
        /// Half the width of what counts as zero.
        zero_threshold: f64,
        /// Buckets above zero.
        positive: BucketsView<'a>,
        /// Buckets below zero.
        negative: BucketsView<'a>,
    }
    |view| {
        (4, Value::Fixed64(bits)) => view.count = bits,
        (5, Value::Fixed64(bits)) => view.sum = Some(f64::from_bits(bits)),
        (6, Value::Varint(bits)) => view.scale = zigzag32(bits),
        (7, Value::Fixed64(bits)) => view.zero_count = bits,
        (8, Value::Len(bytes)) => view.positive = BucketsView::over(bytes),
        (9, Value::Len(bytes)) => view.negative = BucketsView::over(bytes),
        (12, Value::Fixed64(bits)) => view.min = Some(f64::from_bits(bits)),
        (13, Value::Fixed64(bits)) => view.max = Some(f64::from_bits(bits)),
        (14, Value::Fixed64(bits)) => view.zero_threshold = f64::from_bits(bits),
    }
}

impl<'a> ExponentialHistogramPointView<'a> {
    /// Its exemplars.
    pub fn exemplars(&self) -> Messages<'a, ExemplarView<'a>> {
        Messages::of(self.body, 11)
    }
}

/// Buckets of an exponential histogram.
#[derive(Debug, Clone, Copy, Default)]
pub struct BucketsView<'a> {
    /// Index of the first bucket.
    pub offset: i32,
    body: &'a [u8],
}

impl<'a> View<'a> for BucketsView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { offset: 0, body };
        for field in Fields::over(body) {
            if let (1, Value::Varint(bits)) = field {
                view.offset = zigzag32(bits);
            }
        }
        view
    }
}

impl<'a> BucketsView<'a> {
    /// Values seen per bucket.
    pub fn counts(&self) -> Varints<'a> {
        Scalars::of(self.body, 2)
    }
}

point! {
    /// A point of a summary.
    SummaryPointView { attributes: 7, flags: 8 }
    {
        /// Values seen.
        count: u64,
        /// Their sum.
        sum: f64,
    }
    |view| {
        (4, Value::Fixed64(bits)) => view.count = bits,
        (5, Value::Fixed64(bits)) => view.sum = f64::from_bits(bits),
    }
}

impl<'a> SummaryPointView<'a> {
    /// Its quantiles.
    pub fn quantiles(&self) -> Messages<'a, QuantileView> {
        Messages::of(self.body, 6)
    }
}

/// One quantile of a summary.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QuantileView {
    /// 0 to 1.
    pub quantile: f64,
    /// The value there.
    pub value: f64,
}

impl View<'_> for QuantileView {
    fn over(message: &[u8]) -> Self {
        let mut view = Self::default();
        for field in Fields::over(message) {
            match field {
                (1, Value::Fixed64(bits)) => view.quantile = f64::from_bits(bits),
                (2, Value::Fixed64(bits)) => view.value = f64::from_bits(bits),
                _ => {}
            }
        }
        view
    }
}

/// One measured value that stands for others, with the trace it came from.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExemplarView<'a> {
    /// When, in nanoseconds since the epoch.
    pub time_unix_nano: u64,
    /// The value.
    pub value: Option<Number>,
    /// The trace it came from.
    pub trace_id: TraceId,
    /// The span it came from.
    pub span_id: SpanId,
    body: &'a [u8],
}

impl<'a> View<'a> for ExemplarView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { body, ..Self::default() };
        for field in Fields::over(body) {
            match field {
                (2, Value::Fixed64(nanos)) => view.time_unix_nano = nanos,
                (3, Value::Fixed64(bits)) => {
                    view.value = Some(Number::Double(f64::from_bits(bits)))
                }
                (4, Value::Len(bytes)) => view.span_id = SpanId::from_wire(bytes),
                (5, Value::Len(bytes)) => view.trace_id = TraceId::from_wire(bytes),
                (6, Value::Fixed64(bits)) => view.value = Some(Number::Int(bits.cast_signed())),
                _ => {}
            }
        }
        view
    }
}

impl<'a> ExemplarView<'a> {
    /// Attributes the metric's own set left out.
    pub fn filtered_attributes(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.body, 7)
    }
}
