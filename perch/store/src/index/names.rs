//! Services and their operations, numbered within one segment.

use std::collections::{BTreeMap, HashMap};

use collector_otlp::view::ResourceView;
use serde::{Deserialize, Serialize};

/// The number of services beyond the first [`MAX_SERVICES`]: they are found, but not listed.
pub(crate) const OTHER: u32 = u32::MAX;
/// Senders choose these names, so both lists are bounded, in number and in bytes.
const MAX_SERVICES: usize = 4_096;
const MAX_OPERATIONS: usize = 4_096;
/// Bytes of a name that is listed: what a person would read in a list at most.
const MAX_NAME: usize = 1_024;
/// Bytes of all operations of a segment.
const MAX_OPERATION_BYTES: usize = 2 << 20;
/// What Jaeger calls a resource that does not name its service.
const NAMELESS: &str = "OTLPResourceNoServiceName";

/// Services by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    services: Vec<Service>,
    numbers: HashMap<String, u32>,
    /// Of all operations.
    n_operation_bytes: usize,
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
        let n_operation_bytes =
            services.iter().flat_map(|s| s.operations.keys()).map(String::len).sum();
        Self { services, numbers, n_operation_bytes }
    }

    /// All services by number.
    pub(crate) fn services(&self) -> &[Service] {
        &self.services
    }

    /// The number to look for; [`OTHER`] stands for any that may have been left out of the list, nothing
    /// means that the segment has nothing of the service.
    pub(crate) fn number(&self, service: &str) -> Option<u32> {
        let left_out = self.services.len() >= MAX_SERVICES || service.len() > MAX_NAME;
        self.numbers.get(service).copied().or_else(|| left_out.then_some(OTHER))
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
        let fits = self.services.len() < MAX_SERVICES && name.len() <= MAX_NAME;
        let Some(number) = u32::try_from(self.services.len()).ok().filter(|_| fits) else {
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
        let fits = service.operations.len() < MAX_OPERATIONS
            && operation.len() <= MAX_NAME
            && self.n_operation_bytes + operation.len() <= MAX_OPERATION_BYTES;
        match service.operations.get_mut(operation) {
            Some(kinds) if kinds.iter().any(|known| known == kind) => {}
            Some(kinds) => kinds.push(kind.to_owned()),
            None if !fits => {}
            None => {
                self.n_operation_bytes += operation.len();
                service.operations.insert(operation.to_owned(), vec![kind.to_owned()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_senders_choose_are_bounded_in_bytes() {
        let mut names = Names::default();
        let long = "x".repeat(MAX_NAME + 1);
        assert_eq!(names.add_service(&long), OTHER);
        assert_eq!(names.number(&long), Some(OTHER), "it is found all the same");
        assert_eq!(names.number("unheard of"), None);
        let service = names.add_service("nestr");
        names.add_operation(service, &long, "server");
        let n_fit = MAX_OPERATION_BYTES / MAX_NAME;
        for n in 0..n_fit + 10 {
            names.add_operation(service, &format!("{n:0>MAX_NAME$}"), "server");
        }
        assert_eq!(names.services()[0].operations.len(), n_fit);
        assert_eq!(Names::from_services(names.services().to_vec()), names);
    }
}
