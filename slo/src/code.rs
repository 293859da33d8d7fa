//! What each code of a finding means, for people.

use crate::finding::Code;

impl Code {
    /// Every code, in the order of the reference page.
    pub const ALL: &'static [Self] = &[
        Self::Syntax,
        Self::UnknownDocument,
        Self::UnknownKey,
        Self::MissingKey,
        Self::BadValue,
        Self::Unsupported,
        Self::Duplicate,
        Self::Unresolved,
        Self::BadPromql,
        Self::NoWindows,
        Self::UnreachableBurn,
        Self::SingleFailure,
        Self::ShortWindow,
        Self::GoodAboveTotal,
        Self::RulesOnly,
        Self::RatioOnly,
        Self::InvertedOperator,
        Self::Default,
    ];

    /// The code as it stands in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownDocument => "unknown-document",
            Self::UnknownKey => "unknown-key",
            Self::MissingKey => "missing-key",
            Self::BadValue => "bad-value",
            Self::Unsupported => "unsupported",
            Self::Duplicate => "duplicate",
            Self::Unresolved => "unresolved",
            Self::BadPromql => "bad-promql",
            Self::NoWindows => "no-windows",
            Self::UnreachableBurn => "unreachable-burn",
            Self::SingleFailure => "single-failure",
            Self::ShortWindow => "short-window",
            Self::GoodAboveTotal => "good-above-total",
            Self::RulesOnly => "rules-only",
            Self::RatioOnly => "ratio-only",
            Self::InvertedOperator => "inverted-operator",
            Self::Default => "default",
        }
    }

    /// Why it matters and what helps, in a sentence or two.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Syntax => "The file is not YAML, or one of its documents repeats a key.",
            Self::UnknownDocument => {
                "Read are Sloth's `prometheus/v1` and `sloth.slok.dev/v1`, OpenSLO's `openslo/v1` and `openslo/v1alpha`, Pyrra's `pyrra.dev/v1alpha1` and windows (`alertWindows/v1`)."
            }
            Self::UnknownKey => {
                "The format has no such key at this place. Nothing is left out silently: a key that would have no effect is refused."
            }
            Self::MissingKey => "The format asks for this key.",
            Self::BadValue => "The value has the wrong type, or lies outside what it may be.",
            Self::Unsupported => {
                "The document is valid, but this compiler has no meaning for the part named. It is refused, since leaving it out would give other alerts than those asked for."
            }
            Self::Duplicate => {
                "Two objectives of one service and name, or two documents of one kind and name, would overwrite each other."
            }
            Self::Unresolved => {
                "A name refers to a document that stands in none of the files given. Give the file that has it along with this one."
            }
            Self::BadPromql => {
                "The expression is not PromQL once `{{.window}}` is a duration, or never mentions `{{.window}}`."
            }
            Self::NoWindows => {
                "No table of windows is known for the period: add an `alertWindows/v1` document with that `sloPeriod`."
            }
            Self::UnreachableBurn => {
                "The tier fires when the error ratio passes factor × (1 − target). Where that is 1 or more it can never fire: 14.4 needs a target above 93.06 %, 6 above 83.34 %, 3 above 66.67 %. Choose a higher target or smaller factors. The `exact` profile leaves such a tier out."
            }
            Self::SingleFailure => {
                "At the stated traffic the long window holds so few events that one failure alone passes the threshold. The `exact` profile asks for a number of failures and for confidence first; the `sloth` profile will alert."
            }
            Self::ShortWindow => {
                "A rate needs at least two samples in its window, and four to survive one failed scrape. Use longer windows or scrape more often."
            }
            Self::GoodAboveTotal => {
                "The events called good or bad are not chosen from those called total by the labels alone, so their number may exceed it and the error ratio leave 0 to 1. Make both select the same metric, the total with fewer matchers."
            }
            Self::RulesOnly => {
                "The tracker evaluates sums and differences of `sum by (…) (rate|increase(NAME{…}[{{.window}}]))`. Anything else is evaluated by Prometheus alone, through the rules."
            }
            Self::RatioOnly => {
                "Without separate counts of bad and of all events there is no weighting by events, no least number of failures and no confidence: the period's figure is a plain mean. State the indicator as events where possible."
            }
            Self::InvertedOperator => {
                "A burn-rate condition fires when the burn rate exceeds its threshold. `lte` and `lt` say the opposite, although the specification's own example writes `lte`; they are read as `gte` and `gt`."
            }
            Self::Default => "The specification leaves it open; this is what was chosen.",
        }
    }
}
