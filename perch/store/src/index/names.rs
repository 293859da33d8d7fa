//! Services and their operations, numbered within one segment.

use std::collections::{BTreeMap, HashMap};

use collector_otlp::view::ResourceView;
use serde::{Deserialize, Serialize};

/// The number of services beyond the first [`MAX_SERVICES`]: they are found, but not listed.
pub(crate) const OTHER: u32 = u32::MAX;
/// Senders choose these names, so both lists are bounded.
const MAX_SERVICES: usize = 4_096;
const MAX_OPERATIONS: usize = 4_096;
/// What Jaeger calls a resource that does not name its service.
const NAMELESS: &str = "OTLPResourceNoServiceName";

/// Services by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    services: Vec<Service>,
    numbers: HashMap<String, u32>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Service {
    /// Its name.
    pub(crate) name: String,
    /// Span names with their kinds.
    pub(crate) operations: BTreeMap<String, Vec<String>>,
}

/// The service's name as Jaeger shows it.
pub(crate) fn service_of<'a>(resource: &ResourceView<'a>) -> &'a str {
    resource.service_name().filter(|name| !name.is_empty()).unwrap_or(NAMELESS)
}

impl Names {
    /// The names as they stand in an index file.
    pub(crate) fn from_services(services: Vec<Service>) -> Self {
        let numbers = (0..).zip(&services).map(|(n, s)| (s.name.clone(), n)).collect();
        Self { services, numbers }
    }

    /// All services by number.
    pub(crate) fn services(&self) -> &[Service] {
        &self.services
    }

    /// The number to look for; [`OTHER`] stands for any once the list is full, nothing means that the
    /// segment has nothing of the service.
    pub(crate) fn number(&self, service: &str) -> Option<u32> {
        let known = self.numbers.get(service).copied();
        known.or_else(|| (self.services.len() >= MAX_SERVICES).then_some(OTHER))
    }

    /// The service called `name`.
    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        let number = *self.numbers.get(name)?;
        self.services.get(usize::try_from(number).ok()?)
    }

    /// Numbers the service, giving it the next number when it is new.
    pub(crate) fn add_service(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let Some(number) =
            u32::try_from(self.services.len()).ok().filter(|_| self.services.len() < MAX_SERVICES)
        else {
            return OTHER;
        };
        self.services.push(Service { name: name.to_owned(), operations: BTreeMap::new() });
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Notes an operation of the service.
    pub(crate) fn add_operation(&mut self, service: u32, operation: &str, kind: &str) {
        let at = usize::try_from(service).unwrap_or(usize::MAX);
        let Some(service) = self.services.get_mut(at) else { return };
        let full = service.operations.len() >= MAX_OPERATIONS;
        match service.operations.get_mut(operation) {
            Some(kinds) if kinds.iter().any(|known| known == kind) => {}
            Some(kinds) => kinds.push(kind.to_owned()),
            None if full => {}
            None => {
                service.operations.insert(operation.to_owned(), vec![kind.to_owned()]);
            }
        }
    }
}
