//! Writes the series of a point, each kind in its own way.

use collector_otlp::view::{
    ExemplarView, ExponentialHistogramPointView, HistogramPointView, KeyValueView, NumberPointView,
    SummaryPointView, Temporality,
};

use super::classic::Classic;
use super::delta::{Span, Total};
use super::labels::{merge, named};
use super::native::Native;
use super::refusal::Refusal;
use super::series::millis;
use super::walk::{Family, OfResource};
use super::{STALE_NAN, exemplar, summary};
use crate::remote_write::{Exemplar, Label};

impl OfResource<'_, '_> {
    /// Gauges, and sums that may fall: no exemplars, and no time at which they began.
    pub(super) fn number(
        &mut self,
        family: &Family,
        point: &NumberPointView<'_>,
    ) -> Result<(), Refusal> {
        let mut point = *point;
        point.start_time_unix_nano = 0;
        self.put_number(family, &point, Vec::new())
    }

    pub(super) fn counter(
        &mut self,
        family: &Family,
        point: &NumberPointView<'_>,
    ) -> Result<(), Refusal> {
        let exemplars = exemplars(point.exemplars(), point.time_unix_nano);
        self.put_number(family, point, exemplars)
    }

    fn put_number(
        &mut self,
        family: &Family,
        point: &NumberPointView<'_>,
        exemplars: Vec<Exemplar>,
    ) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        let labels = named(&labels, &family.name, "");
        let is_delta = family.temporality == Temporality::Delta;
        let mut start = point.start_time_unix_nano;
        let value = match point.value.map(|v| v.as_f64()) {
            _ if point.no_recorded_value() => {
                self.walk.totals.end(&labels);
                f64::from_bits(STALE_NAN)
            }
            Some(delta) if is_delta && delta.is_finite() => {
                let (total, since) = self.add(
                    &labels,
                    Span::between(point.start_time_unix_nano, point.time_unix_nano),
                    Total::Number(delta),
                )?;
                start = since;
                match total {
                    Total::Number(total) => *total,
                    Total::Classic(_) | Total::Native(_) => return Err(Refusal::NoValue),
                }
            }
            Some(value) if !is_delta => value,
            _ => return Err(Refusal::NoValue),
        };
        self.walk.table.since(millis(start));
        self.walk.table.row(labels).sample(value, timestamp, 1).exemplars(exemplars);
        Ok(())
    }

    pub(super) fn classic(
        &mut self,
        family: &Family,
        point: &HistogramPointView<'_>,
    ) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        let stale = point.no_recorded_value();
        let exemplars = exemplars(point.exemplars(), point.time_unix_nano);
        let read = Classic::read(point)?;
        let table = &mut self.walk.table;
        if family.temporality != Temporality::Delta || stale {
            self.walk.totals.end(&named(&labels, &family.name, ""));
            table.since(millis(point.start_time_unix_nano));
            read.write(table, &family.name, &labels, timestamp, stale, exemplars);
            return Ok(());
        }
        let key = named(&labels, &family.name, "");
        let total = Total::Classic(read);
        let (total, since) = self.walk.totals.add(
            &key,
            Span::between(point.start_time_unix_nano, point.time_unix_nano),
            self.walk.now,
            total,
        )?;
        table.since(millis(since));
        match total {
            Total::Classic(total) => {
                total.write(table, &family.name, &labels, timestamp, false, exemplars);
                Ok(())
            }
            Total::Number(_) | Total::Native(_) => Err(Refusal::Buckets),
        }
    }

    pub(super) fn native(
        &mut self,
        family: &Family,
        point: &ExponentialHistogramPointView<'_>,
    ) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        let labels = named(&labels, &family.name, "");
        let stale = point.no_recorded_value();
        let read = Native::read(point)?;
        let (histogram, start) = if family.temporality != Temporality::Delta || stale {
            self.walk.totals.end(&labels);
            (read.pack(timestamp, stale), point.start_time_unix_nano)
        } else {
            match self.add(
                &labels,
                Span::between(point.start_time_unix_nano, point.time_unix_nano),
                Total::Native(read),
            )? {
                (Total::Native(total), since) => (total.pack(timestamp, false), since),
                (Total::Number(_) | Total::Classic(_), _) => return Err(Refusal::Buckets),
            }
        };
        let exemplars = exemplars(point.exemplars(), point.time_unix_nano);
        self.walk.table.since(millis(start));
        self.walk.table.row(labels).histogram(histogram).exemplars(exemplars);
        Ok(())
    }

    pub(super) fn summary(
        &mut self,
        family: &Family,
        point: &SummaryPointView<'_>,
    ) -> Result<(), Refusal> {
        let timestamp = self.time(point.time_unix_nano)?;
        let labels = self.labels(point.attributes());
        self.walk.table.since(millis(point.start_time_unix_nano));
        summary::write(&mut self.walk.table, &family.name, &labels, timestamp, point);
        Ok(())
    }

    fn add(
        &mut self,
        labels: &[Label],
        span: Span,
        delta: Total,
    ) -> Result<(&Total, u64), Refusal> {
        self.walk.totals.add(labels, span, self.walk.now, delta)
    }

    fn labels<'a>(&self, attributes: impl Iterator<Item = KeyValueView<'a>>) -> Vec<Label> {
        merge(self.identity, attributes, &self.walk.options.external_labels)
    }

    fn time(&mut self, nanos: u64) -> Result<i64, Refusal> {
        if nanos == 0 {
            return Err(Refusal::NoTime);
        }
        self.latest = self.latest.max(nanos);
        Ok(millis(nanos))
    }
}

fn exemplars<'a>(views: impl Iterator<Item = ExemplarView<'a>>, point_time: u64) -> Vec<Exemplar> {
    views.filter_map(|view| exemplar::read(&view, millis(point_time))).collect()
}
