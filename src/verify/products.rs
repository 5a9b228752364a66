//! Whole training steps with every matrix in sight: kernels that operations share, and the products of wide layers.

use super::comparison::{Comparison, scale};
use super::numbers::Numbers;
use super::probe::Effort;
use super::work::{contents, layers, mixed_networks, network};
use crate::cpu_reference;
use crate::error::Result;
use crate::gpu::{self, Device, Product};
use crate::network::{Loss, Network};
use crate::schedule::{self, Contents, Descent, Schedule, Storage};

/// What a dozen roundings change in numbers of order 1, with sums of a thousand terms among them.
const CLOSE: f64 = 2e-5;

/// A training step with numbers to start from, and NaN wherever something is to be written.
fn step(network: &Network, m: usize) -> (Schedule, Contents) {
    let schedule = schedule::training_step(network, m, &Descent::sgd(0.3));
    let before = contents(&schedule, network, &mut Numbers::new(41), f64::NAN);
    (schedule, before)
}

/// Holds everything that a step wrote against the reference, relative to the largest number of each matrix and `least`.
fn hold(schedule: &Schedule, got: &Contents, want: &Contents, what: &str, least: f64, to: &mut Comparison) {
    let mut close = |name: &str, got: &[f64], want: &[f64]| {
        let scale = scale(want, least);
        to.within(&format!("{what}: {name}"), got, want, |_| CLOSE * scale);
    };
    for (i, tensor) in schedule.tensors.iter().enumerate() {
        // What shared kernels leave out is empty.
        if tensor.storage == Storage::Value && !got.tensors[i].is_empty() {
            close(&tensor.name, &got.tensors[i], &want.tensors[i]);
        }
    }
    close("gradients", &got.gradients, &want.gradients);
    close("parameters", &got.parameters, &want.parameters);
    close("cost", &got.costs, &want.costs);
}

/// As few kernels as a training has.
pub(super) async fn together(device: &Device, effort: Effort, to: &mut Comparison) -> Result<()> {
    // Long enough for sums in chunks as well.
    let long = network(2, layers("4"), 1, Loss::BinaryCrossEntropy);
    let last = if effort == Effort::Quick { 1_025 } else { 5_000 };
    for (network, m) in mixed_networks().chain([(long.clone(), 1_025), (long, last)]) {
        let (schedule, before) = step(&network, m);
        let got = gpu::run_fused_once(device, &schedule, &before).await?;
        let want = cpu_reference::run_once(&schedule, &before)?;
        hold(&schedule, &got, &want, &format!("{network}, m = {m}"), 1.0, to);
    }
    Ok(())
}

/// The shapes of layers around the tiles of wide products: rows, columns (samples or units) and terms.
const WIDE: [(usize, usize, usize); 7] = [
    (64, 63, 127),
    (127, 64, 65),
    (40, 33, 5_000),
    (16, 16, 16),
    (65, 127, 1_000),
    (63, 1_000, 64),
    (1_000, 65, 63),
];

/// One way to multiply the matrices of wide layers, as operations alone and together; the products between the layers are
/// rows x columns x terms in every order.
pub(super) async fn wide(
    device: &Device,
    products: Product,
    effort: Effort,
    to: &mut Comparison,
) -> Result<()> {
    let shapes = if effort == Effort::Quick { &WIDE[..3] } else { &WIDE[..] };
    for &(n_1, n_2, m) in shapes {
        let hidden = layers(&format!("{n_1},{n_2}:leaky_relu(0.25)"));
        let (schedule, before) = step(&network(17, hidden, 16, Loss::SoftmaxCrossEntropy), m);
        let want = cpu_reference::run_once(&schedule, &before)?;
        for together in [false, true] {
            let got = gpu::run_products_once(device, products, together, &schedule, &before).await?;
            let how = if together { "together" } else { "alone" };
            hold(&schedule, &got, &want, &format!("{n_1}, {n_2} and {m} {how}"), 0.0, to);
        }
    }
    Ok(())
}
