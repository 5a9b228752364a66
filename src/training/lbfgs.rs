//! L-BFGS over any executor's cost and gradient: directions from the last steps, lengths from a line search (Nocedal & Wright 2006,
//! algorithms 7.4 and 3.5). It lives on the host, in double precision, whatever computes the cost.

use std::collections::VecDeque;

use super::evaluator::Evaluator;
use super::executor::Executor;
use super::wolfe::{Point, strong_wolfe};
use crate::error::{Error, Result};
use crate::network::{Network, Parameters};
use crate::schedule::{Problem, RateSchedule, gradients};

/// Steps that directions are made of, if nothing else is said.
pub const LBFGS_HISTORY: usize = 10;

/// The most that may be asked for: each is two numbers a parameter.
const MOST_HISTORY: usize = 1_000;

/// No gradient is larger: there is nothing left to be gained. PyTorch's tolerance_grad.
const FLAT: f64 = 1e-7;

/// A step changes neither cost nor any parameter by more, likewise. PyTorch's tolerance_change.
const CHANGE: f64 = 1e-9;

/// Numbers of a state before its vectors: the length of the last step, the steps kept, and whether it has converged.
const HEADER: usize = 3;

/// A network in training by L-BFGS on an executor.
pub struct Lbfgs<'b> {
    evaluator: Evaluator<'b>,
    network: Network,
    objective: Penalty,
    /// The first length that a line search tries.
    first: f64,
    at: Parameters,
    memory: Memory,
    /// Cost and gradient of the parameters, once they are known.
    here: Option<Evaluated>,
    costs: Vec<f64>,
    converged: bool,
}

/// l2 / 2 sum w^2 over the weights.
struct Penalty {
    l2: f64,
    /// 1 for weights, 0 for biases.
    mask: Vec<f64>,
}

/// What a line search gets to know of parameters.
#[derive(Clone, Debug)]
struct Evaluated {
    /// Without penalties, as it is reported.
    cost: f64,
    /// With them, as it is minimised; infinite where it is no number.
    objective: f64,
    gradient: Vec<f64>,
}

/// The last steps.
struct Memory {
    /// The oldest first.
    pairs: VecDeque<Pair>,
    most: usize,
    /// The last direction and gradient, and the length of the step; empty before the first.
    direction: Vec<f64>,
    gradient: Vec<f64>,
    length: f64,
}

/// A step s, the change y of the gradient over it, and 1 / (s y).
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

impl<'b> Lbfgs<'b> {
    /// For an executor of the problem; `state` is that of an earlier training, or empty.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a problem with batches, dropout, l1, clipped gradients or a schedule, or an executor that
    /// has no gradients to show; [`Error::Shape`] for a state of another network.
    pub fn new(executor: Executor<'b>, problem: &Problem<'_>, history: usize, state: &[f64]) -> Result<Self> {
        check(problem, history)?;
        let n = problem.parameters.values().len();
        let mask = gradients(problem.network, 1).weight_mask();
        let (memory, converged) = Memory::restored(history, n, state)?;
        let evaluator = Evaluator::new(executor)?;
        Ok(Self {
            at: problem.parameters.clone().map(|value| evaluator.rounded(value)),
            evaluator,
            network: problem.network.clone(),
            objective: Penalty { l2: problem.descent.l2, mask },
            first: problem.descent.learning_rate,
            memory,
            here: None,
            costs: Vec::new(),
            converged,
        })
    }

    pub(super) fn lowering(&self) -> &'static str {
        self.evaluator.lowering()
    }

    /// Whether no step makes the cost any smaller.
    pub(super) fn has_converged(&self) -> bool {
        self.converged
    }

    /// Takes one step, unless none is wanted: each is some evaluations.
    pub(super) async fn run(&mut self, iterations: usize) -> Result<usize> {
        if iterations == 0 {
            return Ok(0);
        }
        let here = match self.here.take() {
            Some(here) => here,
            None => self.objective.evaluated(&mut self.evaluator, &self.at).await?,
        };
        self.costs.push(here.cost);
        self.here = Some(match self.converged {
            true => here,
            false => self.step(here).await?,
        });
        self.evaluator.set_parameters(&self.at)?;
        Ok(1)
    }

    /// The step from here; says what is there.
    async fn step(&mut self, here: Evaluated) -> Result<Evaluated> {
        self.converged = largest(&here.gradient) <= FLAT || !here.objective.is_finite();
        if self.converged {
            return Ok(here);
        }
        self.memory.learn(&here.gradient);
        let mut direction = self.memory.direction(&here.gradient);
        if dot(&here.gradient, &direction) > -CHANGE {
            // Rounding may spoil the memory; downhill is always a way.
            self.memory.pairs.clear();
            direction = here.gradient.iter().map(|g| -g).collect();
        }
        let slope = dot(&here.gradient, &direction);
        if slope > -CHANGE {
            self.converged = true;
            return Ok(here);
        }
        let first = match self.memory.pairs.is_empty() {
            true => self.first * (1.0 / sum_of_sizes(&here.gradient)).min(1.0),
            false => self.first,
        };
        let before = here.objective;
        let start = Point { t: 0.0, f: before, slope, data: here };
        let Self { evaluator, at, objective, network, .. } = &mut *self;
        let gradient = start.data.gradient.clone();
        let found = strong_wolfe(start, first, largest(&direction), async |t| {
            let there = moved(evaluator, network, at, &direction, t);
            let data = objective.evaluated(evaluator, &there).await?;
            Ok(Point { t, f: data.objective, slope: dot(&data.gradient, &direction), data })
        })
        .await?;
        self.at = moved(&self.evaluator, &self.network, &self.at, &direction, found.t);
        self.converged = largest(&direction) * found.t <= CHANGE || (found.f - before).abs() < CHANGE;
        self.memory.remember(direction, gradient, found.t);
        Ok(found.data)
    }

    pub(super) async fn profile(&mut self) -> Result<Option<Vec<(&'static str, f64)>>> {
        Ok(None)
    }

    pub(super) async fn take_costs(&mut self) -> Result<Vec<f64>> {
        Ok(std::mem::take(&mut self.costs))
    }

    pub(super) async fn parameters(&self) -> Result<Parameters> {
        Ok(self.at.clone())
    }

    pub(super) fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        self.evaluator.set_parameters(parameters)?;
        self.at = parameters.clone().map(|value| self.evaluator.rounded(value));
        self.here = None;
        Ok(())
    }

    /// It has no rates over time: [`Lbfgs::new`] refuses them.
    pub(super) fn set_rates(&mut self, _rates: RateSchedule) {}

    pub(super) async fn state(&self) -> Result<Vec<f64>> {
        Ok(self.saved())
    }

    /// The same at once.
    pub(super) fn saved(&self) -> Vec<f64> {
        self.memory.state(self.converged)
    }

    /// Steps that it remembers at most.
    pub(super) fn history(&self) -> usize {
        self.memory.most
    }

    pub(super) async fn cost(&mut self) -> Result<f64> {
        self.evaluator.set_parameters(&self.at)?;
        self.evaluator.cost().await
    }

    pub(super) async fn predict(&mut self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        self.evaluator.predict(x, m).await
    }
}

impl Penalty {
    async fn evaluated(&self, evaluator: &mut Evaluator<'_>, at: &Parameters) -> Result<Evaluated> {
        let values = at.values();
        // Beyond what single precision holds.
        if values.iter().any(|value| !value.is_finite()) {
            let gradient = vec![f64::NAN; values.len()];
            return Ok(Evaluated { cost: f64::INFINITY, objective: f64::INFINITY, gradient });
        }
        let (cost, mut gradient) = evaluator.cost_and_gradient(at).await?;
        let mut objective = cost;
        if self.l2 > 0.0 {
            let squares: f64 = values.iter().zip(&self.mask).map(|(value, mask)| mask * value * value).sum();
            objective += self.l2 / 2.0 * squares;
            for ((g, value), mask) in gradient.iter_mut().zip(values).zip(&self.mask) {
                *g += self.l2 * mask * value;
            }
        }
        let objective = if objective.is_nan() { f64::INFINITY } else { objective };
        Ok(Evaluated { cost, objective, gradient })
    }
}

/// The parameters a step further, as the executor can hold them.
fn moved(
    evaluator: &Evaluator<'_>,
    network: &Network,
    at: &Parameters,
    direction: &[f64],
    t: f64,
) -> Parameters {
    let values = at.values().iter().zip(direction).map(|(value, d)| evaluator.rounded(value + t * d));
    Parameters::from_values(network, values.collect()).expect("as many as before")
}

impl Memory {
    /// A memory of at most so many steps, of a network of n parameters, from its [`state`](Self::state); and whether the
    /// training had converged.
    fn restored(most: usize, n: usize, state: &[f64]) -> Result<(Self, bool)> {
        let empty = Self { pairs: VecDeque::new(), most, direction: vec![], gradient: vec![], length: 0.0 };
        let Some((&[length, count, converged], vectors)) = state.split_first_chunk::<HEADER>() else {
            return Ok((empty, false));
        };
        let expected = (2.0 + 2.0 * count) * n as f64;
        if vectors.len() as f64 != expected {
            return Err(Error::Shape {
                what: "state of lbfgs".into(),
                expected: expected.to_string(),
                found: vectors.len().to_string(),
                hint: "give the state of the same optimiser and network, or none".into(),
            });
        }
        let vectors: Vec<Vec<f64>> = vectors.chunks_exact(n).map(<[f64]>::to_vec).collect();
        let pairs = vectors[2..].chunks_exact(2).map(|pair| Pair::new(pair[0].clone(), pair[1].clone()));
        let (direction, gradient) = (vectors[0].clone(), vectors[1].clone());
        Ok((Self { pairs: pairs.collect(), direction, gradient, length, ..empty }, converged == 1.0))
    }

    /// All of it in one row: the header, the last direction and gradient, then s and y of each step.
    fn state(&self, converged: bool) -> Vec<f64> {
        if self.direction.is_empty() {
            return Vec::new();
        }
        let mut state = vec![self.length, self.pairs.len() as f64, f64::from(u8::from(converged))];
        let vectors = [&self.direction, &self.gradient].into_iter();
        vectors.chain(self.pairs.iter().flat_map(|pair| [&pair.s, &pair.y])).for_each(|v| state.extend(v));
        state
    }

    fn remember(&mut self, direction: Vec<f64>, gradient: Vec<f64>, length: f64) {
        (self.direction, self.gradient, self.length) = (direction, gradient, length);
    }

    /// Keeps the last step, now that the gradient behind it is known; the oldest goes if there are too many.
    fn learn(&mut self, gradient: &[f64]) {
        let y: Vec<f64> = gradient.iter().zip(&self.gradient).map(|(new, old)| new - old).collect();
        let s: Vec<f64> = self.direction.iter().map(|d| self.length * d).collect();
        // Only where the curvature is positive, as after a step that satisfies the Wolfe conditions.
        if dot(&y, &s) > 1e-10 {
            self.pairs.push_back(Pair::new(s, y));
            while self.pairs.len() > self.most {
                self.pairs.pop_front();
            }
        }
    }

    /// -H g, H the inverse Hessian that the steps make one believe in (the "two-loop recursion").
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for Pair { s, y, rho } in self.pairs.iter().rev() {
            let alpha = dot(s, &q) * rho;
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= alpha * y);
            alphas.push(alpha);
        }
        if let Some(Pair { y, rho, .. }) = self.pairs.back() {
            let scale = 1.0 / rho / dot(y, y);
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for (Pair { s, y, rho }, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = dot(y, &q) * rho;
            q.iter_mut().zip(s).for_each(|(q, s)| *q += (alpha - beta) * s);
        }
        q
    }
}

impl Pair {
    fn new(s: Vec<f64>, y: Vec<f64>) -> Self {
        let rho = 1.0 / dot(&y, &s);
        Self { s, y, rho }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most: f64, value| most.max(value.abs()))
}

fn sum_of_sizes(values: &[f64]) -> f64 {
    values.iter().map(|value| value.abs()).sum()
}

/// Refuses what a method for one fixed function cannot do.
fn check(problem: &Problem<'_>, history: usize) -> Result<()> {
    let descent = &problem.descent;
    let no = |what, value: String, reason: &str| Err(Error::invalid(what, value, reason));
    if problem.batches().count() > 1 {
        let reason = "lbfgs learns from all samples at once; leave --batch-size out, or use adam";
        return no("batch size", problem.batch_size.to_string(), reason);
    }
    if let Some(dropout) = problem.dropout {
        return no(
            "dropout",
            dropout.rate.to_string(),
            "lbfgs needs the same cost in every step; leave it out",
        );
    }
    if descent.rates != RateSchedule::default() {
        return no(
            "schedule",
            "of the learning rate".into(),
            "lbfgs searches for its own step sizes; leave it out",
        );
    }
    if descent.clip.is_some() {
        return no("clipping", "of gradients".into(), "lbfgs needs them as they are; leave it out");
    }
    if descent.l1 > 0.0 {
        return no("l1", descent.l1.to_string(), "lbfgs needs a cost without kinks; use --l2");
    }
    if descent.learning_rate <= 0.0 {
        return no("learning rate", descent.learning_rate.to_string(), "lbfgs needs a first step, such as 1");
    }
    if !(1..=MOST_HISTORY).contains(&history) {
        return no("history of lbfgs", history.to_string(), "it lies between 1 and 1000, such as 10");
    }
    Ok(())
}
