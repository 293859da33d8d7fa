//! Which objectives a span belongs to, and whether it is good.

use std::collections::HashMap;

use collector_otlp::view::{ResourceView, SpanKind, SpanView, StatusCode, TracesView};
use foldhash::fast::RandomState;
use slo::model::{Match, Spans};

use super::attributes::{Keys, Slots};
use super::condition::{Test, text_of};
use crate::groups::put_value;

/// All objectives that count spans.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpanMatcher {
    keys: Keys,
    /// Where `error.type` is.
    error_slot: usize,
    /// What rules ask of attributes; those that ask the same share one.
    conditions: Vec<Condition>,
    /// Slots of what objectives are kept apart by; those that are so alike share one. The first is by nothing.
    groupings: Vec<Vec<usize>>,
    rules: Vec<Rule>,
    by_service: Names<ByName>,
    any_service: ByName,
}

/// What objectives name: looked up by what comes from outside, but never filled with it.
type Names<T> = HashMap<Box<str>, T, RandomState>;

/// Rules by the name of the span.
#[derive(Debug, Clone, Default)]
struct ByName {
    named: Names<Vec<u32>>,
    any: Vec<u32>,
}

/// One objective.
#[derive(Debug, Clone)]
struct Rule {
    objective: usize,
    kind: Option<SpanKind>,
    /// Places of the conditions that choose spans.
    when: Vec<usize>,
    /// Places of the conditions that good ones meet.
    good: Vec<usize>,
    threshold_nanos: Option<u64>,
    /// Place of what it is kept apart by.
    grouping: usize,
}

#[derive(Debug, Clone)]
struct Condition {
    slot: usize,
    /// As it was written.
    written: Match,
    test: Test,
}

/// A span that counts for an objective.
#[derive(Debug)]
pub(crate) struct Event<'e> {
    /// The objective's place.
    pub(crate) objective: usize,
    /// What it is kept apart by: values with their lengths; empty where it is not.
    pub(crate) group: &'e [u8],
    /// Why it is bad; none for a good one.
    pub(crate) bad: Option<Fault<'e>>,
    /// The span.
    pub(crate) span: &'e SpanView<'e>,
    /// The resource's `service.name`.
    pub(crate) service: &'e str,
}

/// Why a span is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault<'e> {
    /// Its status; the text is the best that is known.
    Error(&'e str),
    /// It took longer than its threshold.
    Slow,
    /// An attribute is not what a good span's is.
    Attribute(&'e str),
}

impl SpanMatcher {
    /// Takes an objective in; the fault where one of its conditions cannot be compiled.
    pub(crate) fn add(&mut self, objective: usize, spans: &Spans) -> Result<(), String> {
        let rule = Rule {
            objective,
            kind: spans.kind.as_deref().and_then(kind),
            when: self.conditions(&spans.attributes)?,
            good: self.conditions(&spans.good_when)?,
            threshold_nanos: spans.threshold_ms.map(|ms| ms.saturating_mul(1_000_000)),
            grouping: self.grouping(&spans.group_by),
        };
        // Errors are told apart by this attribute, whoever asks.
        self.error_slot = self.keys.slot(ERROR_TYPE);
        let n = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        self.rules.push(rule);
        let by_name = match &spans.service {
            Some(service) => self.by_service.entry(service.as_str().into()).or_default(),
            None => &mut self.any_service,
        };
        match &spans.name {
            Some(name) => by_name.named.entry(name.as_str().into()).or_default().push(n),
            None => by_name.any.push(n),
        }
        Ok(())
    }

    fn grouping(&mut self, labels: &[String]) -> usize {
        if self.groupings.is_empty() {
            self.groupings.push(Vec::new());
        }
        let slots: Vec<usize> = labels.iter().map(|key| self.keys.slot(key)).collect();
        self.groupings.iter().position(|known| *known == slots).unwrap_or_else(|| {
            self.groupings.push(slots);
            self.groupings.len() - 1
        })
    }

    fn conditions(&mut self, all: &[Match]) -> Result<Vec<usize>, String> {
        all.iter().map(|m| self.condition(m)).collect()
    }

    fn condition(&mut self, m: &Match) -> Result<usize, String> {
        if let Some(at) = self.conditions.iter().position(|c| c.written == *m) {
            return Ok(at);
        }
        let slot = self.keys.slot(&m.name);
        self.conditions.push(Condition { slot, written: m.clone(), test: Test::of(m)? });
        Ok(self.conditions.len() - 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Calls `each` with everything that counts in a request.
    pub(crate) fn walk(&self, payload: &[u8], mut each: impl FnMut(&Event<'_>)) {
        let mut scratch = Scratch::default();
        let mut groups = vec![GroupKey::default(); self.groupings.len()];
        let mut answers = Answers::new(&self.conditions);
        let mut of_resource = vec![None; self.keys.len()];
        let mut of_span = of_resource.clone();
        for resource in TracesView::over(payload).resource_spans() {
            let service = resource.resource.service_name().unwrap_or_default();
            let by_service = self.by_service.get(service);
            if by_service.is_none() && self.any_service.is_empty() {
                continue;
            }
            self.read_resource(&resource.resource, &mut of_resource);
            for span in resource.scope_spans().flat_map(|scope| scope.spans()) {
                let mut filled = false;
                answers.forget();
                groups.iter_mut().for_each(|group| group.is_known = false);
                for by_name in by_service.into_iter().chain([&self.any_service]) {
                    for &n in by_name.named.get(span.name).into_iter().flatten().chain(&by_name.any)
                    {
                        let Some(rule) = self.rules.get(n as usize) else { continue };
                        if rule.kind.is_some_and(|kind| kind != span.kind) {
                            continue;
                        }
                        if !filled && rule.asks(&span) {
                            of_span.copy_from_slice(&of_resource);
                            self.keys.fill(span.attributes(), &mut of_span);
                            filled = true;
                        }
                        let slots = if filled { &of_span } else { &of_resource };
                        if !rule.when.iter().all(|c| answers.holds(*c, slots, &mut scratch.text)) {
                            continue;
                        }
                        let error = match span.status {
                            StatusCode::Error => {
                                text_of(slots[self.error_slot], &mut scratch.error)
                            }
                            _ => "",
                        };
                        let wrong = |c: &&usize| !answers.holds(**c, slots, &mut scratch.text);
                        let wrong = rule.good.iter().find(wrong);
                        let wrong = wrong.and_then(|c| self.conditions.get(*c));
                        let bad = rule.fault(&span, wrong, error);
                        let grouping = &self.groupings[rule.grouping];
                        let group = groups[rule.grouping].of(grouping, slots, &mut scratch.text);
                        let objective = rule.objective;
                        each(&Event { objective, group, bad, span: &span, service });
                    }
                }
            }
        }
    }

    fn read_resource<'a>(&self, resource: &ResourceView<'a>, into: &mut Slots<'a>) {
        into.fill(None);
        self.keys.fill(resource.attributes(), into);
    }
}

/// The attribute that says what kind of error it was.
const ERROR_TYPE: &str = "error.type";

/// Buffers that are used again for every span.
#[derive(Default)]
struct Scratch {
    text: String,
    error: String,
}

/// What objectives with the same grouping keep a span apart by, made once for all of them.
#[derive(Clone, Default)]
struct GroupKey {
    is_known: bool,
    key: Vec<u8>,
}

impl GroupKey {
    fn of(&mut self, grouping: &[usize], slots: &Slots<'_>, scratch: &mut String) -> &[u8] {
        if !std::mem::replace(&mut self.is_known, true) {
            self.key.clear();
            for &slot in grouping {
                put_value(&mut self.key, text_of(slots[slot], scratch));
            }
        }
        &self.key
    }
}

impl ByName {
    fn is_empty(&self) -> bool {
        self.named.is_empty() && self.any.is_empty()
    }
}

impl Rule {
    /// Whether attributes of this span have to be read.
    fn asks(&self, span: &SpanView<'_>) -> bool {
        let by_attributes = !self.when.is_empty() || !self.good.is_empty();
        by_attributes || self.grouping > 0 || span.status == StatusCode::Error
    }

    /// Why a span is bad, of which a good one's condition `wrong` does not hold.
    fn fault<'e>(
        &self,
        span: &SpanView<'e>,
        wrong: Option<&'e Condition>,
        error: &'e str,
    ) -> Option<Fault<'e>> {
        if span.status == StatusCode::Error {
            return Some(Fault::Error(if error.is_empty() { span.status_message } else { error }));
        }
        if let Some(wrong) = wrong {
            return Some(Fault::Attribute(&wrong.written.name));
        }
        let slow = self.threshold_nanos.is_some_and(|most| span.duration_nanos() > most);
        slow.then_some(Fault::Slow)
    }
}

/// What the conditions answer for one span, each asked once however many rules want to know.
struct Answers<'c> {
    conditions: &'c [Condition],
    known: Vec<Option<bool>>,
}

impl<'c> Answers<'c> {
    fn new(conditions: &'c [Condition]) -> Self {
        Self { conditions, known: vec![None; conditions.len()] }
    }

    /// The next span comes.
    fn forget(&mut self) {
        self.known.fill(None);
    }

    fn holds(&mut self, at: usize, slots: &Slots<'_>, scratch: &mut String) -> bool {
        let (Some(condition), Some(known)) = (self.conditions.get(at), self.known.get_mut(at))
        else {
            return false;
        };
        *known.get_or_insert_with(|| {
            let value = slots.get(condition.slot).copied().flatten();
            condition.test.holds(text_of(value, scratch))
        })
    }
}

fn kind(name: &str) -> Option<SpanKind> {
    use SpanKind::{Client, Consumer, Internal, Producer, Server};
    [Internal, Server, Client, Producer, Consumer].into_iter().find(|k| k.name() == name)
}
