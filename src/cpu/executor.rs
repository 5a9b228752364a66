//! Trains on the host in single precision: the data once in the form that blocks need, then iteration after iteration.

use std::ops::Range;

use super::aligned::Buffer;
use super::data::Data;
use super::optimizer::Stepper;
use super::pass::{self, Pass};
use super::plan::Plan;
use super::predictor::{predict, single};
use super::shape::Shape;
use super::team::{Chunk, Member, Team, add_up, part};
use crate::error::Result;
use crate::network::{Network, Parameters};
use crate::schedule::{Problem, RateSchedule, Variant, Window, evaluation_with};

/// A network in training on the host, in single precision.
pub struct Executor {
    network: Network,
    parameters: Buffer,
    data: Data,
    stepper: Stepper,
    variant: Variant,
    plan: Plan,
    shape: Shape,
    team: Team,
    chunks: Vec<Chunk>,
    done: usize,
    /// The iteration that the samples begin with, where they are a window of all.
    first: usize,
    costs: Vec<f64>,
}

impl Executor {
    /// Takes the data and the first parameters, rounded to f32.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] or [`crate::Error::InvalidArgument`] when the parts of the problem do not fit each other;
    /// [`crate::Error::Data`] for a value beyond f32.
    pub fn new(problem: &Problem<'_>) -> Result<Self> {
        problem.check()?;
        let network = problem.network;
        let schedule = problem.schedule(problem.batch_size);
        let plan = Plan::new(&schedule);
        let n_parameters = problem.parameters.values().len();
        let shape = Shape::new(&plan, n_parameters, network.n_features());
        let data = Data::new(problem, shape.widest)?;
        let blocks = data.blocks.of_iteration(0).len();
        let stepper = Stepper::new(problem, &schedule)?;
        let in_place = stepper.is_plain() && shape.wide && blocks == 1;
        let gradients = if in_place { 0 } else { n_parameters };
        Ok(Self {
            network: network.clone(),
            parameters: single(problem.parameters)?,
            stepper,
            variant: problem.variant(),
            chunks: (0..shape.chunks(blocks)).map(|_| Chunk::new(gradients)).collect(),
            team: Team::new(data.blocks.width),
            plan,
            shape,
            data,
            done: problem.done,
            first: 0,
            costs: Vec::new(),
        })
    }

    /// Runs at most `iterations` training steps, fewer where they are long, and says how many: the caller comes back
    /// for the rest, and can report or stop in between.
    pub fn run(&mut self, iterations: usize) -> usize {
        let batch = self.data.blocks.batches.size;
        let iterations = iterations.min(self.shape.affordable(batch));
        let threads = self.shape.is_worth_threads(batch);
        let mut all = || (0..iterations).for_each(|_| self.train_batch(threads));
        if threads {
            // From within the pool, handing work to the other threads is cheaper.
            rayon::scope(|_| all());
        } else {
            all();
        }
        iterations
    }

    fn train_batch(&mut self, threads: bool) {
        let within = self.done - self.first;
        let samples = self.data.blocks.batches.positions(within).len();
        let blocks = self.data.blocks.of_iteration(within);
        // A wide network whose batch is one block is updated in place.
        let cost = if self.stepper.is_plain() && self.shape.wide && blocks.len() == 1 {
            self.train_in_place(blocks.start, self.stepper.plain_rate(samples), threads)
        } else {
            self.train_by_sums(blocks, samples, threads)
        };
        self.costs.push(cost / samples as f64);
        self.done += 1;
    }

    /// One block that is a whole batch, and updates each layer as soon as it can; returns the sum of the costs.
    fn train_in_place(&mut self, block: usize, rate: f32, shared: bool) -> f64 {
        let Self { data, plan, parameters, team, done, first, .. } = self;
        let pass = Pass { arch: team.arch, plan, shared, t: *done };
        let Member { scratch, input } = team.only(plan);
        let block = data.block_of_iteration(*done - *first, block, input);
        pass.run(&block, scratch, pass::Parameters::Update { parameters, rate })
    }

    /// The gradients of all blocks of a batch, and then one update; returns the sum of the costs.
    fn train_by_sums(&mut self, blocks: Range<usize>, samples: usize, threads: bool) -> f64 {
        let Self { data, plan, parameters, stepper, team, chunks, shape, done, first, .. } = self;
        let pass = Pass { arch: team.arch, plan, shared: threads && shape.wide, t: *done };
        let count = shape.chunks(blocks.len());
        let chunks = &mut chunks[..count];
        team.each(plan, chunks, threads && !shape.wide, |index, chunk, member| {
            chunk.clear();
            for block in part(&blocks, index, count) {
                let block = data.block_of_iteration(*done - *first, block, &mut member.input);
                let gradients = &mut chunk.gradients;
                let sums = pass::Parameters::AddGradients { parameters, gradients };
                chunk.cost += pass.run(&block, &mut member.scratch, sums);
            }
        });
        let sums = add_up(chunks, threads);
        stepper.step(pass.arch, *done, parameters, &sums.gradients, samples, pass.shared);
        sums.cost
    }

    /// The costs of all iterations since the last call, each of the parameters before its update and of its batch.
    pub fn take_costs(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.costs)
    }

    /// The current parameters.
    pub fn parameters(&self) -> Parameters {
        let values = self.parameters.iter().map(|&value| f64::from(value)).collect();
        Parameters::from_values(&self.network, values).expect("the parameters are the network's")
    }

    /// Replaces the parameters.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for parameters of another network; [`crate::Error::Data`] for a value beyond f32.
    pub fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        parameters.check_for(&self.network)?;
        self.parameters = single(parameters)?;
        Ok(())
    }

    /// Replaces what becomes of the learning rate from the next iteration on; for a training whose rate is not constant, as
    /// one that is compiled into kernels cannot change.
    pub fn set_rates(&mut self, rates: RateSchedule) {
        self.stepper.set_rates(rates);
    }

    /// What the optimiser remembers, (states, parameters).
    pub fn state(&self) -> Vec<f64> {
        self.stepper.state()
    }

    /// Puts other samples in their place: those of some whole batches, and of the last of an epoch, which may be shorter, of
    /// a problem that the executor was given as many samples of as a window has at most.
    pub fn set_samples(&mut self, window: &Window<'_>) {
        self.data.replace(window);
        self.first = window.first;
    }

    /// The cost of `parameters` over all samples, without dropout, and its derivative by each of them, in their layout; for a
    /// training on all samples at once.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for parameters of another network; [`crate::Error::Data`] for a value beyond f32.
    pub fn cost_and_gradient(&mut self, parameters: &Parameters) -> Result<(f64, Vec<f64>)> {
        parameters.check_for(&self.network)?;
        let parameters = &single(parameters)?;
        let Self { data, plan, team, shape, .. } = self;
        let m = data.blocks.batches.m;
        let threads = shape.is_worth_threads(m);
        let pass = Pass { arch: team.arch, plan, shared: threads && shape.wide, t: 0 };
        let blocks = 0..data.blocks.count();
        let count = shape.chunks(blocks.len());
        let mut chunks: Vec<Chunk> = (0..count).map(|_| Chunk::new(parameters.len())).collect();
        team.each(plan, &mut chunks, threads && !shape.wide, |index, chunk, member| {
            for block in part(&blocks, index, count) {
                let block = data.block(block, &mut member.input);
                let gradients = &mut chunk.gradients;
                let sums = pass::Parameters::AddGradients { parameters, gradients };
                chunk.cost += pass.run(&block, &mut member.scratch, sums);
            }
        });
        let sums = add_up(&mut chunks, threads);
        let gradient = sums.gradients.iter().map(|&sum| f64::from(sum) / m as f64).collect();
        Ok((sums.cost / m as f64, gradient))
    }

    /// The cost of the current parameters over all samples.
    pub fn cost(&mut self) -> f64 {
        let costs = self.block_costs();
        self.mean_cost(&costs, self.data.blocks.batches.m)
    }

    /// The sum of the costs of each block of the samples, in their own order.
    pub fn block_costs(&mut self) -> Vec<f64> {
        let batches = self.data.blocks.batches;
        let plan = Plan::new(&evaluation_with(&self.network, batches.m, self.variant));
        let Self { data, parameters, team, shape, .. } = self;
        let threads = shape.is_worth_threads(batches.m);
        let pass = Pass { arch: team.arch, plan: &plan, shared: threads && shape.wide, t: 0 };
        let mut costs = vec![0.0; data.blocks.count()];
        team.each(&plan, &mut costs, threads && !shape.wide, |block, cost, member| {
            let block = data.block(block, &mut member.input);
            *cost = pass.run(&block, &mut member.scratch, pass::Parameters::Read(parameters));
        });
        costs
    }

    /// The mean cost of m samples from those of their blocks, added up as iterations add them.
    pub fn mean_cost(&self, costs: &[f64], m: usize) -> f64 {
        let count = self.shape.chunks(costs.len());
        let sums = (0..count).map(|index| costs[part(&(0..costs.len()), index, count)].iter().sum::<f64>());
        sums.sum::<f64>() / m as f64
    }

    /// The network's output for other samples; x (n_0, m) -> A_L (n_L, m).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when x is not (n_0, m); [`crate::Error::Data`] for a value beyond f32.
    pub fn predict(&self, x: &[f64], m: usize) -> Result<Vec<f64>> {
        predict(&self.network, &self.parameters, x, m)
    }
}
