//! Predictions on the host, block by block.

use std::sync::atomic::{AtomicBool, Ordering};

use super::aligned::Buffer;
use super::blocks::Blocks;
use super::convert::{beyond_single, round, widen};
use super::pass::{self, Pass};
use super::plan::Plan;
use super::shape::Shape;
use super::team::{Member, Team};
use crate::error::Result;
use crate::network::{Network, Parameters};
use crate::schedule::{self, Batches};

/// The network's output; x (n_0, m) -> A_L (n_L, m).
///
/// # Errors
/// [`crate::Error::Shape`] when x is not (n_0, m) or the parameters are of another network; [`crate::Error::Data`] for a
/// value beyond f32.
pub fn predict_samples(network: &Network, parameters: &Parameters, x: &[f64], m: usize) -> Result<Vec<f64>> {
    schedule::check_features(network, x.len(), m)?;
    parameters.check_for(network)?;
    predict(network, &single(parameters)?, x, m)
}

/// Parameters rounded to f32.
///
/// # Errors
/// [`crate::Error::Data`] for a value beyond f32.
pub(super) fn single(parameters: &Parameters) -> Result<Buffer> {
    let mut rounded = Buffer::new(parameters.values().len());
    match round(parameters.values(), &mut rounded) {
        true => Ok(rounded),
        false => Err(beyond_single("parameters", parameters.values())),
    }
}

/// The same with parameters that are f32 already, and of this network.
pub(super) fn predict(network: &Network, parameters: &[f32], x: &[f64], m: usize) -> Result<Vec<f64>> {
    schedule::check_features(network, x.len(), m)?;
    let plan = Plan::new(&schedule::prediction(network, m));
    let shape = Shape::new(&plan, parameters.len(), network.n_features());
    let blocks = Blocks::new(Batches::in_order(m, m), shape.widest);
    let threads = shape.is_worth_threads(m);
    let mut team = Team::new(blocks.width);
    let pass = Pass { arch: team.arch, plan: &plan, shared: threads && shape.wide, t: 0 };
    // Not cleared first: that takes one thread as long as all threads take for a small network.
    let size = network.n_outputs() * m;
    let mut output = Vec::with_capacity(size);
    let mut parts = parts(&mut output.spare_capacity_mut()[..size], m, blocks.width);
    let refused = AtomicBool::new(false);
    team.each(&plan, &mut parts, threads && !shape.wide, |index, part, member| {
        let Member { scratch, input } = member;
        let Some(block) = input.features(x, m, blocks.samples(index)) else {
            return refused.store(true, Ordering::Relaxed);
        };
        pass.run(&block, scratch, pass::Parameters::Read(parameters));
        let mut outputs = scratch.outputs(&plan, block.width).chunks_exact(block.width);
        for to in part {
            let from = outputs.next().expect("a block has a row of each output");
            widen(&from[..to.len()], to);
        }
    });
    if refused.into_inner() {
        return Err(beyond_single("features", x));
    }
    // SAFETY: the parts are all of the first `size` elements, no block was refused, and of one that was not, every element of
    // its part was written: `widen` fills it from as many numbers, and a row too few is a panic.
    unsafe { output.set_len(size) };
    Ok(output)
}

/// A matrix (rows, m) as its rows' pieces of `width` columns, by blocks.
fn parts<T>(matrix: &mut [T], m: usize, width: usize) -> Vec<Vec<&mut [T]>> {
    let mut parts: Vec<Vec<&mut [T]>> = (0..m.div_ceil(width)).map(|_| Vec::new()).collect();
    for row in matrix.chunks_exact_mut(m) {
        for (part, piece) in parts.iter_mut().zip(row.chunks_mut(width)) {
            part.push(piece);
        }
    }
    parts
}
