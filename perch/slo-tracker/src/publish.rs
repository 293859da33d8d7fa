//! The tracker's metrics, read when they are asked for.

use collector_telemetry::names::metric;
use collector_telemetry::{MetricError, Metrics};

use crate::policy::PolicyState;
use crate::view::View;

/// Shows what these trackers know among a process's metrics; what was shown before is replaced.
pub fn publish(metrics: &Metrics, views: &[View]) -> Result<(), MetricError> {
    type Row = (Vec<String>, f64);
    let read = |rows: fn(&View) -> Vec<Row>| {
        let views = views.to_vec();
        move || views.iter().flat_map(rows).collect()
    };
    metrics.observe(&metric::SLO_EVENTS, read(events))?;
    metrics.observe(&metric::SLO_BUDGET_REMAINING, read(budgets))?;
    metrics.observe(&metric::SLO_BURN_RATE, read(burn_rates))?;
    metrics.observe(&metric::SLO_POLICY, read(states))?;
    metrics.observe(&metric::SLO_OVERFLOW_EVENTS, read(overflow))?;
    let views = views.to_vec();
    let refused = views.clone();
    metrics.observe(&metric::SLO_STATE, move || {
        vec![(Vec::new(), number(views.iter().map(|v| v.weight().0 as u64).sum()))]
    })?;
    metrics.observe(&metric::SLO_REFUSED_POINTS, move || {
        vec![(Vec::new(), number(refused.iter().map(|v| v.weight().1).sum()))]
    })
}

fn events(view: &View) -> Vec<(Vec<String>, f64)> {
    let both = |t: crate::view::Totals| {
        [("good", t.good), ("bad", t.bad)]
            .map(|(verdict, n)| (vec![t.id.clone(), verdict.to_owned()], number(n)))
    };
    view.totals().into_iter().flat_map(both).collect()
}

fn overflow(view: &View) -> Vec<(Vec<String>, f64)> {
    view.totals().into_iter().map(|t| (vec![t.id], number(t.n_overflow))).collect()
}

fn budgets(view: &View) -> Vec<(Vec<String>, f64)> {
    view.all().into_iter().map(|s| (vec![s.id], s.budget_remaining)).collect()
}

fn burn_rates(view: &View) -> Vec<(Vec<String>, f64)> {
    let of = |s: crate::Status| {
        let id = s.id;
        s.windows.into_iter().map(move |w| (vec![id.clone(), w.window], w.burn_rate))
    };
    view.all().into_iter().flat_map(of).collect()
}

fn states(view: &View) -> Vec<(Vec<String>, f64)> {
    let of = |s: crate::Status| {
        PolicyState::ALL.map(|state| {
            let is_it = f64::from(u8::from(s.state == state));
            (vec![s.id.clone(), state.as_str().to_owned()], is_it)
        })
    };
    view.all().into_iter().flat_map(of).collect()
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are doubles")]
fn number(n: u64) -> f64 {
    n as f64
}
