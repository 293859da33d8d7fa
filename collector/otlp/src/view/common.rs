//! Resources and scopes: what all signals share.

use super::messages::{Messages, View, low32, text};
use super::value::KeyValueView;
use crate::wire::{Fields, Value};

/// The entity that sent the telemetry.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceView<'a> {
    /// Attributes the sender dropped.
    pub n_dropped_attributes: u32,
    body: &'a [u8],
}

impl<'a> View<'a> for ResourceView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { n_dropped_attributes: 0, body };
        for field in Fields::over(body) {
            if let (2, Value::Varint(bits)) = field {
                view.n_dropped_attributes = low32(bits);
            }
        }
        view
    }
}

impl<'a> ResourceView<'a> {
    /// Its attributes.
    pub fn attributes(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.body, 1)
    }

    /// `service.name`, where it is text.
    pub fn service_name(&self) -> Option<&'a str> {
        self.attributes().get("service.name")?.as_str()
    }

    /// The message's bytes, equal for equal resources of one sender.
    pub fn bytes(&self) -> &'a [u8] {
        self.body
    }
}

/// The library that made the telemetry.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScopeView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Attributes the sender dropped.
    pub n_dropped_attributes: u32,
    body: &'a [u8],
}

impl<'a> View<'a> for ScopeView<'a> {
    fn over(body: &'a [u8]) -> Self {
        let mut view = Self { body, ..Self::default() };
        for field in Fields::over(body) {
            match field {
                (1, Value::Len(bytes)) => view.name = text(bytes),
                (2, Value::Len(bytes)) => view.version = text(bytes),
                (4, Value::Varint(bits)) => view.n_dropped_attributes = low32(bits),
                _ => {}
            }
        }
        view
    }
}

impl<'a> ScopeView<'a> {
    /// Its attributes.
    pub fn attributes(&self) -> Messages<'a, KeyValueView<'a>> {
        Messages::of(self.body, 3)
    }
}

/// The outer two levels have the same form in all signals: declares a request view, a view per resource
/// and a view per scope.
macro_rules! envelopes {
    ($request:ident { $resources:ident: $resource_view:ident { $scopes:ident: $scope_view:ident { $items:ident: $item_view:ident } } }) => {
        /// A whole export request.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $request<'a> {
            body: &'a [u8],
        }

        impl<'a> $request<'a> {
            /// Reads the payload of a request.
            pub fn over(body: &'a [u8]) -> Self {
                Self { body }
            }

            /// What it carries, by resource.
            pub fn $resources(&self) -> $crate::view::Messages<'a, $resource_view<'a>> {
                $crate::view::Messages::of(self.body, 1)
            }
        }

        /// What one resource sent.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $resource_view<'a> {
            /// The resource.
            pub resource: $crate::view::ResourceView<'a>,
            /// Schema of the resource.
            pub schema_url: &'a str,
            body: &'a [u8],
        }

        impl<'a> $crate::view::View<'a> for $resource_view<'a> {
            fn over(body: &'a [u8]) -> Self {
                let mut view = Self { body, ..Self::default() };
                for field in $crate::wire::Fields::over(body) {
                    match field {
                        (1, $crate::wire::Value::Len(bytes)) => {
                            view.resource = $crate::view::View::over(bytes)
                        }
                        (3, $crate::wire::Value::Len(bytes)) => {
                            view.schema_url = super::messages::text(bytes)
                        }
                        _ => {}
                    }
                }
                view
            }
        }

        impl<'a> $resource_view<'a> {
            /// What it sent, by scope.
            pub fn $scopes(&self) -> $crate::view::Messages<'a, $scope_view<'a>> {
                $crate::view::Messages::of(self.body, 2)
            }
        }

        /// What one scope made.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $scope_view<'a> {
            /// The scope.
            pub scope: $crate::view::ScopeView<'a>,
            /// Schema of the items.
            pub schema_url: &'a str,
            body: &'a [u8],
        }

        impl<'a> $crate::view::View<'a> for $scope_view<'a> {
            fn over(body: &'a [u8]) -> Self {
                let mut view = Self { body, ..Self::default() };
                for field in $crate::wire::Fields::over(body) {
                    match field {
                        (1, $crate::wire::Value::Len(bytes)) => {
                            view.scope = $crate::view::View::over(bytes)
                        }
                        (3, $crate::wire::Value::Len(bytes)) => {
                            view.schema_url = super::messages::text(bytes)
                        }
                        _ => {}
                    }
                }
                view
            }
        }

        impl<'a> $scope_view<'a> {
            /// What it made.
            pub fn $items(&self) -> $crate::view::Messages<'a, $item_view<'a>> {
                $crate::view::Messages::of(self.body, 2)
            }
        }
    };
}
pub(super) use envelopes;
