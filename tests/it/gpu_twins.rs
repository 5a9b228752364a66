//! Every operation on the device against its f64 twin, alone, at awkward sizes and with awkward numbers: the probes of
//! `verify`, in full.

use crate::gpu_support::{assert_probes_pass, device};

/// The probes of one operation: `activate` has one for each function.
#[track_caller]
fn passes(operation: &str) {
    let Some(device) = device() else { return };
    assert_probes_pass(device, |name| name == operation || name.starts_with(&format!("{operation} ")));
}

#[test]
fn matmul_bias() {
    passes("matmul_bias");
}

#[test]
fn input_gradient() {
    passes("input_gradient");
}

#[test]
fn weight_gradient() {
    passes("weight_gradient");
}

#[test]
fn row_sum() {
    passes("row_sum");
}

#[test]
fn activations() {
    passes("activate");
}

#[test]
fn activation_derivatives() {
    passes("activation_derivative");
}

#[test]
fn costs() {
    passes("cost");
}

#[test]
fn outputs() {
    passes("predict");
}

#[test]
fn output_deltas() {
    passes("output_delta");
}

#[test]
fn gradient_descent() {
    passes("gradient_descent");
}

#[test]
fn steps_of_optimisers() {
    passes("optimize");
}

#[test]
fn clip_norm() {
    passes("clip_norm");
}

#[test]
fn dropout() {
    passes("dropout");
}
