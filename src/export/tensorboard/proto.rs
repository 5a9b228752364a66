//! The few messages of TensorFlow's event.proto and summary.proto that scalars take, as prost structs.

/// One record of an event file.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    /// The iteration.
    #[prost(int64, tag = "2")]
    pub step: i64,
    /// In the first record alone.
    #[prost(string, optional, tag = "3")]
    pub file_version: ::core::option::Option<::prost::alloc::string::String>,
    #[prost(message, optional, tag = "5")]
    pub summary: ::core::option::Option<Summary>,
}
/// Values of one step.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub value: ::prost::alloc::vec::Vec<Value>,
}
/// A named number.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Value {
    #[prost(string, tag = "1")]
    pub tag: ::prost::alloc::string::String,
    /// A oneof with other kinds: written even when it is 0.
    #[prost(float, optional, tag = "2")]
    pub simple_value: ::core::option::Option<f32>,
}
