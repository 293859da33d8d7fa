//! `common.proto` and `resource.proto`.

use super::table::message;

message!(pub(super) ANY_VALUE = "AnyValue".any_value() {
    1 "stringValue" OneOf Str;
    2 "boolValue" OneOf Bool;
    3 "intValue" OneOf Int64;
    4 "doubleValue" OneOf Double;
    5 "arrayValue" OneOf Message(&ARRAY_VALUE);
    6 "kvlistValue" OneOf Message(&KEY_VALUE_LIST);
    7 "bytesValue" OneOf Bytes;
    8 "stringValueStrindex" OneOf Int32;
});

message!(ARRAY_VALUE = "ArrayValue" {
    1 "values" Many Message(&ANY_VALUE);
});

message!(KEY_VALUE_LIST = "KeyValueList" {
    1 "values" Attributes Message(&KEY_VALUE);
});

message!(pub(super) KEY_VALUE = "KeyValue" {
    1 "key" One Str;
    2 "value" One Message(&ANY_VALUE);
    3 "keyStrindex" One Int32;
});

message!(pub(super) SCOPE = "InstrumentationScope" {
    1 "name" One Str;
    2 "version" One Str;
    3 "attributes" Attributes Message(&KEY_VALUE);
    4 "droppedAttributesCount" One Uint32;
});

message!(ENTITY_REF = "EntityRef" {
    1 "schemaUrl" One Str;
    2 "type" One Str;
    3 "idKeys" Many Str;
    4 "descriptionKeys" Many Str;
});

message!(pub(super) RESOURCE = "Resource" {
    1 "attributes" Attributes Message(&KEY_VALUE);
    2 "droppedAttributesCount" One Uint32;
    3 "entityRefs" Many Message(&ENTITY_REF);
});
