//! Which windows an alert looks at for which period: data, in Sloth's form of a document.

use crate::finding::Code;
use crate::length::Length;
use crate::model::Severity;
use crate::yaml::{Cx, Fields, Tree};

/// The tables that are built in.
const BUILT_IN: [(&str, &str); 2] =
    [("30d.yaml", include_str!("30d.yaml")), ("28d.yaml", include_str!("28d.yaml"))];

/// The table of one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The period it is made for.
    pub period: Length,
    /// Its tiers, from fast to slow.
    pub rows: Vec<Row>,
}

/// One tier of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Its name, as in the label `slo_tier`.
    pub tier: &'static str,
    /// Whom it reaches.
    pub severity: Severity,
    /// The share of the budget in per cent that is spent when it fires.
    pub percent: f64,
    /// The window that makes it clear soon.
    pub short: Length,
    /// The window that makes it sure.
    pub long: Length,
}

/// All tables known; one given later goes before one of the same period.
#[derive(Debug, Clone)]
pub struct Tables(Vec<Table>);

impl Row {
    /// How many times faster than allowed the budget burns when the tier fires.
    #[must_use]
    pub fn factor(&self, period: Length) -> f64 {
        crate::number::tidy(self.percent / 100.0 * period.seconds() / self.long.seconds())
    }
}

impl Tables {
    /// The built-in tables.
    #[must_use]
    pub fn built_in() -> Self {
        let mut found = crate::finding::Findings::default();
        let mut tables = Vec::new();
        for (file, text) in BUILT_IN {
            let mut cx = Cx { file, found: &mut found };
            let documents = Tree::parse_all(text).unwrap_or_default();
            tables.extend(documents.iter().filter_map(|tree| Table::read(&mut cx, tree)));
        }
        Self(tables)
    }

    /// Adds a table.
    pub fn add(&mut self, table: Table) {
        self.0.insert(0, table);
    }

    /// The table for a period.
    #[must_use]
    pub fn exact(&self, period: Length) -> Option<&Table> {
        self.0.iter().find(|t| t.period == period)
    }

    /// The table for a period; where none is made for it, the month's with its windows scaled and
    /// rounded to minutes.
    #[must_use]
    pub fn scaled(&self, period: Length) -> Option<Table> {
        if let Some(table) = self.exact(period) {
            return Some(table.clone());
        }
        let month = self.exact(Length(30 * 86_400)).or_else(|| self.0.first())?;
        let scale = |l: Length| {
            let exact = u128::from(l.0) * u128::from(period.0) / u128::from(month.period.0.max(1));
            let minutes = (exact + 30) / 60;
            Length(u64::try_from(minutes.max(1) * 60).unwrap_or(u64::MAX))
        };
        let rows = month
            .rows
            .iter()
            .map(|row| Row { short: scale(row.short), long: scale(row.long), ..*row })
            .collect();
        Some(Table { period, rows })
    }
}

impl Table {
    /// Whether a document is a table.
    #[must_use]
    pub fn is_one(tree: &Tree) -> bool {
        let text = |key| tree.get(key).and_then(Tree::as_text);
        text("version").is_some_and(|v| v.starts_with("alertWindows/"))
            || text("kind").is_some_and(|k| k == "AlertWindows")
    }

    /// Reads a table, plain or in its Kubernetes form.
    pub fn read(cx: &mut Cx<'_>, tree: &Tree) -> Option<Self> {
        let mut top = Fields::of(cx, tree, "the document")?;
        if let Some(spec) = top.get(&["spec"]) {
            for key in ["apiVersion", "kind", "metadata"] {
                top.get(&[key]);
            }
            top.finish(cx);
            let body = Fields::of(cx, spec, "`spec`")?;
            return Self::read_body(cx, body);
        }
        let version = top.need_text(cx, &["version"])?;
        if version.value != "alertWindows/v1" {
            let message = format!("windows are `alertWindows/v1`, not `{}`", version.value);
            cx.error(Code::Unsupported, version.at, message);
            return None;
        }
        Self::read_body(cx, top)
    }

    fn read_body(cx: &mut Cx<'_>, mut body: Fields<'_>) -> Option<Self> {
        let at = body.at;
        let period = body.length(cx, &["sloPeriod"]);
        let mut rows = Vec::new();
        for (key, severity, tiers) in [
            ("page", Severity::Page, ["page-quick", "page-slow"]),
            ("ticket", Severity::Ticket, ["ticket-quick", "ticket-slow"]),
        ] {
            let Some(pair) = body.need(cx, &[key]) else { continue };
            let Some(mut pair) = Fields::of(cx, pair, "a severity's windows") else { continue };
            for (speed, tier) in ["quick", "slow"].into_iter().zip(tiers) {
                let row = pair.need(cx, &[speed]);
                rows.extend(row.and_then(|row| Row::read(cx, row, tier, severity)));
            }
            pair.finish(cx);
        }
        body.finish(cx);
        let Some(period) = period else {
            cx.error(Code::MissingKey, at, "the document needs `sloPeriod`");
            return None;
        };
        if let Some(row) = rows.iter().find(|r| r.long >= period.value) {
            let message = format!("the window {} is not shorter than the period", row.long);
            cx.error(Code::BadValue, period.at, message);
            return None;
        }
        (rows.len() == 4).then_some(Self { period: period.value, rows })
    }
}

impl Row {
    fn read(cx: &mut Cx<'_>, tree: &Tree, tier: &'static str, to: Severity) -> Option<Self> {
        let mut fields = Fields::of(cx, tree, "a pair of windows")?;
        let percent = fields.number(cx, &["errorBudgetPercent"]);
        let short = fields.length(cx, &["shortWindow"]);
        let long = fields.length(cx, &["longWindow"]);
        let at = fields.at;
        fields.finish(cx);
        let (Some(percent), Some(short), Some(long)) = (percent, short, long) else {
            let message = "a pair of windows needs errorBudgetPercent, shortWindow and longWindow";
            cx.error(Code::MissingKey, at, message);
            return None;
        };
        if !(percent.value > 0.0 && percent.value <= 100.0) {
            let message = format!("a share of {} % of the budget", percent.value);
            cx.error(Code::BadValue, percent.at, message);
            return None;
        }
        if short.value >= long.value {
            let message = format!("{} is not shorter than {}", short.value, long.value);
            cx.error(Code::BadValue, short.at, message);
            return None;
        }
        let (percent, short, long) = (percent.value, short.value, long.value);
        Some(Self { tier, severity: to, percent, short, long })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_of_the_built_in_tables_are_those_of_the_workbook() {
        let tables = Tables::built_in();
        for (days, factors) in
            [(30, [14.4, 6.0, 3.0, 1.0]), (28, [13.44, 5.6, 2.8, 0.933_333_333_333])]
        {
            let table = tables.exact(Length(days * 86_400)).unwrap();
            let got: Vec<f64> = table.rows.iter().map(|r| r.factor(table.period)).collect();
            assert_eq!(got, factors);
        }
    }

    #[test]
    fn a_period_without_a_table_gets_the_months_windows_scaled() {
        let table = Tables::built_in().scaled(Length(14 * 86_400)).unwrap();
        let shown: Vec<String> =
            table.rows.iter().map(|r| format!("{}/{}", r.long, r.short)).collect();
        assert_eq!(shown, ["28m/2m", "2h48m/14m", "11h12m/56m", "33h36m/2h48m"]);
        for (row, factor) in table.rows.iter().zip([14.4, 6.0, 3.0, 1.0]) {
            assert!((row.factor(table.period) - factor).abs() < 1e-6);
        }
    }
}
