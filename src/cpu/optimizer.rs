//! The step of the parameters, many at a time; the twin of `shaders/optimizer.wgsl`.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::aligned::Buffer;
use super::convert::{beyond_single, round};
use super::gradient::GradientDescent;
use crate::error::Result;
use crate::schedule::{Clip, Descent, Optimizer, Problem, RateSchedule, Schedule, StepSize};

/// Parameters that a thread updates at a time.
const SHARE: usize = 1 << 15;

/// A descent with what it remembers of each parameter.
pub(super) struct Stepper {
    descent: Descent,
    first: Buffer,
    second: Buffer,
    /// 1 for what penalties apply to, 0 for the rest; empty without penalties.
    mask: Buffer,
}

impl Stepper {
    /// For the parameters of a training step, with the state that the problem begins with.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for a state beyond f32.
    pub(super) fn new(problem: &Problem<'_>, schedule: &Schedule) -> Result<Self> {
        let descent = problem.descent;
        let n_states = descent.optimizer.n_states();
        let of = |wanted: bool| Buffer::new(if wanted { schedule.n_parameters } else { 0 });
        let mut mask = of(descent.has_penalty());
        if descent.has_penalty() {
            mask.iter_mut().zip(schedule.weight_mask()).for_each(|(to, from)| *to = from as f32);
        }
        let mut stepper = Self { descent, first: of(n_states > 0), second: of(n_states > 1), mask };
        let states = problem.state.chunks_exact(schedule.n_parameters);
        for (to, from) in [&mut stepper.first, &mut stepper.second].into_iter().zip(states) {
            if !round(from, to) {
                return Err(beyond_single("state of the optimiser", from));
            }
        }
        Ok(stepper)
    }

    /// What it remembers, (states, parameters).
    pub(super) fn state(&self) -> Vec<f64> {
        self.first.iter().chain(self.second.iter()).map(|&value| f64::from(value)).collect()
    }

    /// Replaces what becomes of the learning rate over time.
    pub(super) fn set_rates(&mut self, rates: RateSchedule) {
        self.descent.rates = rates;
    }

    /// Whether a step needs nothing but its own sums and a constant rate.
    pub(super) fn is_plain(&self) -> bool {
        self.descent.is_plain()
    }

    /// The rate that sums over so many samples are subtracted with.
    pub(super) fn plain_rate(&self, samples: usize) -> f32 {
        (self.descent.learning_rate / samples as f64) as f32
    }

    /// The step of iteration `t` from the sums over so many samples, by all threads if wanted.
    pub(super) fn step(
        &mut self,
        arch: Arch,
        t: usize,
        parameters: &mut [f32],
        sums: &[f32],
        samples: usize,
        threads: bool,
    ) {
        if self.is_plain() {
            let rate = self.plain_rate(samples);
            let update = |(parameters, gradients): (&mut [f32], &[f32])| {
                arch.dispatch(GradientDescent { parameters, gradients, rate });
            };
            if threads {
                parameters.par_chunks_mut(SHARE).zip(sums.par_chunks(SHARE)).for_each(update);
            } else {
                update((parameters, sums));
            }
            return;
        }
        let mut step = Numbers::new(&self.descent, t, samples);
        if let Some(Clip::Norm(most)) = self.descent.clip {
            let norm = self.norm(step, parameters, sums, threads);
            // A NaN stays one.
            let factor = most / (norm + 1e-6);
            step.factor = if factor > 1.0 { 1.0 } else { factor as f32 };
        }
        let count = parameters.len().div_ceil(SHARE);
        let pieces: Vec<Piece<'_>> = (parameters.chunks_mut(SHARE).zip(sums.chunks(SHARE)))
            .zip(pieces(&mut self.first, count).into_iter().zip(pieces(&mut self.second, count)))
            .zip((0..count).map(|i| self.mask.chunks(SHARE).nth(i).unwrap_or(&[])))
            .map(|(((parameters, sums), (first, second)), mask)| Piece {
                parameters,
                sums,
                first,
                second,
                mask,
            })
            .collect();
        let update =
            |piece: Piece<'_>| arch.dispatch(Optimize { optimizer: self.descent.optimizer, step, piece });
        if threads {
            pieces.into_par_iter().for_each(update);
        } else {
            pieces.into_iter().for_each(update);
        }
    }
}

impl Stepper {
    /// The norm of the gradients with those of the penalties: shares by whichever thread, added in their order.
    fn norm(&self, step: Numbers, parameters: &[f32], sums: &[f32], threads: bool) -> f64 {
        let of_share = |index: usize| {
            let range = index * SHARE..parameters.len().min((index + 1) * SHARE);
            let mask = self.mask.get(range.clone()).unwrap_or(&[]);
            squares(step, &parameters[range.clone()], &sums[range], mask)
        };
        let count = parameters.len().div_ceil(SHARE);
        let parts: Vec<f64> = match threads {
            true => (0..count).into_par_iter().map(of_share).collect(),
            false => (0..count).map(of_share).collect(),
        };
        parts.into_iter().sum::<f64>().sqrt()
    }
}

/// The sum of the squared gradients, in as many strands as a register of the processor may have lanes.
fn squares(step: Numbers, parameters: &[f32], sums: &[f32], mask: &[f32]) -> f64 {
    let mut strands = [0.0; 8];
    for (i, (theta, sum)) in parameters.iter().zip(sums).enumerate() {
        let g = f64::from(step.penalised(*theta, *sum, mask.get(i).copied().unwrap_or(0.0)));
        strands[i % strands.len()] += g * g;
    }
    strands.into_iter().sum()
}

/// A buffer in shares, or as many empty ones.
fn pieces(buffer: &mut [f32], count: usize) -> Vec<&mut [f32]> {
    let mut pieces: Vec<&mut [f32]> = buffer.chunks_mut(SHARE).collect();
    pieces.resize_with(count, || &mut []);
    pieces
}

/// The numbers of one step.
#[derive(Clone, Copy)]
struct Numbers {
    scale: f32,
    rate: f32,
    first: f32,
    second: f32,
    l1: f32,
    l2: f32,
    /// The part of a weight that it loses.
    decay: f32,
    /// What clipping the norm leaves of the gradients, and the most that each may be.
    factor: f32,
    most: f32,
}

impl Numbers {
    fn new(descent: &Descent, t: usize, samples: usize) -> Self {
        let StepSize { rate, first, second } = descent.step_size(t);
        let rate = descent.learning_rate * rate;
        let decay = match descent.optimizer {
            Optimizer::AdamW { weight_decay, .. } => rate * weight_decay,
            _ => 0.0,
        };
        Self {
            scale: 1.0 / samples as f32,
            rate: rate as f32,
            decay: decay as f32,
            first: first as f32,
            second: second as f32,
            l1: descent.l1 as f32,
            l2: descent.l2 as f32,
            factor: 1.0,
            most: descent.most_each().map_or(f32::INFINITY, |most| most as f32),
        }
    }
}

/// Some parameters, and what belongs to each of them.
struct Piece<'a> {
    parameters: &'a mut [f32],
    sums: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    mask: &'a [f32],
}

struct Optimize<'a> {
    optimizer: Optimizer,
    step: Numbers,
    piece: Piece<'a>,
}

impl WithSimd for Optimize<'_> {
    type Output = ();

    /// Plain loops, which the compiler turns into vectors.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { optimizer, step, mut piece } = self;
        let Numbers { rate, first, second, .. } = step;
        match optimizer {
            Optimizer::Sgd => piece.without_state(step, |theta, g| *theta -= rate * g),
            Optimizer::Momentum { momentum } => {
                let momentum = momentum as f32;
                piece.with_one_state(step, |theta, g, s| {
                    *s = momentum * *s + g;
                    *theta -= rate * *s;
                });
            }
            Optimizer::Nesterov { momentum } => {
                let momentum = momentum as f32;
                piece.with_one_state(step, |theta, g, s| {
                    *s = momentum * *s + g;
                    *theta -= rate * (g + momentum * *s);
                });
            }
            Optimizer::RmsProp { decay, epsilon } => {
                let (decay, rest, epsilon) = (decay as f32, (1.0 - decay) as f32, epsilon as f32);
                piece.with_one_state(step, |theta, g, s| {
                    *s = decay * *s + rest * g * g;
                    *theta -= rate * g / (s.sqrt() + epsilon);
                });
            }
            Optimizer::Adam { beta_1, beta_2, epsilon }
            | Optimizer::AdamW { beta_1, beta_2, epsilon, .. } => {
                let (beta_1, rest_1) = (beta_1 as f32, (1.0 - beta_1) as f32);
                let (beta_2, rest_2) = (beta_2 as f32, (1.0 - beta_2) as f32);
                let epsilon = epsilon as f32;
                piece.with_two_states(step, |theta, g, s_1, s_2| {
                    *s_1 = beta_1 * *s_1 + rest_1 * g;
                    *s_2 = beta_2 * *s_2 + rest_2 * g * g;
                    *theta -= rate * (*s_1 * first) / (s_2.sqrt() * second + epsilon);
                });
            }
        }
    }
}

impl Numbers {
    /// The gradient of a parameter with the penalties'; a weight shrinks by its decay.
    #[inline(always)]
    fn gradient(&self, theta: &mut f32, sum: f32, mask: f32) -> f32 {
        let g = self.penalised(*theta, sum, mask);
        *theta -= self.decay * mask * *theta;
        self.clipped(g)
    }

    #[inline(always)]
    fn penalised(&self, theta: f32, sum: f32, mask: f32) -> f32 {
        let sign = if theta > 0.0 { 1.0 } else { 0.0 } - if theta < 0.0 { 1.0 } else { 0.0 };
        sum * self.scale + mask * (self.l1 * sign + self.l2 * theta)
    }

    #[inline(always)]
    fn clipped(&self, g: f32) -> f32 {
        (g * self.factor).clamp(-self.most, self.most)
    }
}

/// Calls an update with each parameter and its gradient, and its states if there are any.
macro_rules! each {
    ($piece:ident, $step:ident, [$($state:ident),*], $update:ident) => {{
        let n = $piece.parameters.len();
        let parameters = $piece.parameters[..n].iter_mut();
        let (sums, mask) = (&$piece.sums[..n], &$piece.mask);
        $(let $state = &mut $piece.$state[..n];)*
        if mask.len() == n {
            for (i, theta) in parameters.enumerate() {
                let g = $step.gradient(theta, sums[i], mask[i]);
                $update(theta, g, $(&mut $state[i]),*);
            }
        } else {
            for (i, theta) in parameters.enumerate() {
                $update(theta, $step.clipped(sums[i] * $step.scale), $(&mut $state[i]),*);
            }
        }
    }};
}

impl Piece<'_> {
    #[inline(always)]
    fn without_state(&mut self, step: Numbers, update: impl Fn(&mut f32, f32)) {
        each!(self, step, [], update);
    }

    #[inline(always)]
    fn with_one_state(&mut self, step: Numbers, update: impl Fn(&mut f32, f32, &mut f32)) {
        each!(self, step, [first], update);
    }

    #[inline(always)]
    fn with_two_states(&mut self, step: Numbers, update: impl Fn(&mut f32, f32, &mut f32, &mut f32)) {
        each!(self, step, [first, second], update);
    }
}
