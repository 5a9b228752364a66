//! The fused and the resident lowering: training steps of whole networks in one or two dispatches, by sizes alone.
//!
//! They have no dispatch for each operation of a schedule; tests hold their costs and parameters against the schedule as
//! `cpu_reference` runs it.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::gpu::adapters::AdapterSummary;
use crate::gpu::arrays::{STEP_SIZE, array, step_sizes, write_at};
use crate::gpu::blocks::Blocks;
use crate::gpu::device::Device;
use crate::gpu::grid::{LOOP_LIMIT, fused_chunks, fused_lanes, resident_lanes};
use crate::gpu::kernels::{Kernel, optimizer_code};
use crate::gpu::params::{BlockParams, FinishStepParams, with_step_constants};
use crate::gpu::population::Buffers;
use crate::gpu::program::{Bound, Program, params_buffer};
use crate::gpu::tables::{Home, Shape};
use crate::schedule::{Descent, Lowering, RateSchedule};

/// A lowered training step of one or more whole networks.
pub(in crate::gpu) struct Whole {
    pub(in crate::gpu) shape: Shape,
    pub(in crate::gpu) blocks: Blocks,
    pub(in crate::gpu) lowering: Lowering,
    networks: usize,
    /// Invocations a workgroup.
    lanes: u32,
    /// Costs kept for each network.
    pub(in crate::gpu) history: usize,
    /// 1 for a fused step.
    pub(in crate::gpu) iterations_a_dispatch: usize,
    rounds_limit: u32,
    software: bool,
    per_dimension: u32,
    descent: Descent,
}

impl Whole {
    /// # Errors
    /// [`Error::DeviceLimit`] for networks or data too large for it; [`Error::InvalidArgument`] for a fused step of several
    /// networks.
    pub(in crate::gpu) fn new(
        adapter: &AdapterSummary,
        shape: Shape,
        blocks: Blocks,
        lowering: Lowering,
        networks: usize,
        history: usize,
        descent: Descent,
    ) -> Result<Self> {
        let software = adapter.software;
        let of_batch = u32::try_from(blocks.of_all()).map_err(|_| too_many(blocks))?;
        let of_batch = of_batch.min(blocks.of_batch() as u32);
        let memory = adapter.max_workgroup_memory;
        let wanted = match lowering {
            Lowering::Fused if networks > 1 => {
                let hint = "a fused step trains one network; use resident for more";
                return Err(Error::invalid("population", networks, hint));
            }
            Lowering::Fused => fused_lanes(software),
            Lowering::Resident => resident_lanes(software, of_batch),
            Lowering::Layerwise => unreachable!("layerwise is a lowering of its own"),
        };
        let lanes = shape.lanes(wanted.min(adapter.max_workgroup_invocations), memory)?;
        let besides = shape.rounds_besides(lanes);
        let rounds_limit = LOOP_LIMIT.saturating_sub(besides) / (shape.rounds_a_block + 1);
        let mut whole = Self {
            shape,
            blocks,
            lowering,
            networks,
            lanes,
            history,
            iterations_a_dispatch: 1,
            rounds_limit,
            software,
            per_dimension: adapter.max_workgroups_per_dimension,
            descent,
        };
        if lowering == Lowering::Resident {
            whole.iterations_a_dispatch = whole.resident_iterations(of_batch)?;
        } else {
            whole.chunks(blocks.of_all() as u32)?;
        }
        Ok(whole)
    }

    /// Iterations of one dispatch within the loop limit; an evaluation goes through all blocks at once.
    fn resident_iterations(&self, of_batch: u32) -> Result<usize> {
        let all = (self.blocks.of_all() as u32).div_ceil(self.lanes);
        if all > self.rounds_limit || self.networks > self.per_dimension as usize {
            return Err(too_many(self.blocks));
        }
        let blocks = of_batch.div_ceil(self.lanes) * (self.shape.rounds_a_block + 1);
        let iteration = blocks + self.shape.rounds_besides(self.lanes);
        Ok((LOOP_LIMIT / iteration).max(1) as usize)
    }

    /// Rounds of an invocation and workgroups for a fused step over so many blocks.
    fn chunks(&self, blocks: u32) -> Result<(u32, u32)> {
        let wanted = blocks.div_ceil(self.lanes * fused_chunks(self.software));
        let rounds = wanted.max(1).min(self.rounds_limit);
        if rounds == 0 {
            return Err(too_many(self.blocks));
        }
        let count = blocks.div_ceil(rounds * self.lanes);
        if count > self.per_dimension.min(LOOP_LIMIT) {
            return Err(too_many(self.blocks));
        }
        Ok((rounds, count))
    }

    /// The training step, or the evaluation of all samples, bound to its buffers; and the params of its first dispatch.
    pub(in crate::gpu) fn program(
        &self,
        device: &Device,
        buffers: &Buffers,
        evaluate: bool,
    ) -> (Program, wgpu::Buffer) {
        let blocks = if evaluate { self.blocks.of_all() } else { self.blocks.of_batch() } as u32;
        let (rounds, n_chunks) = match self.lowering {
            Lowering::Fused => self.chunks(blocks).expect("checked for all blocks"),
            _ => (1, 1),
        };
        let params = self.block_params(rounds, evaluate);
        let params = params_buffer(device, "whole network", bytemuck::bytes_of(&params));
        let kernel = match (self.lowering, self.shape.home) {
            (Lowering::Fused, Home::Registers) => Kernel::FusedStepRegisters,
            (Lowering::Fused, Home::WorkgroupMemory) => Kernel::FusedStepWorkgroup,
            (_, Home::Registers) => Kernel::ResidentRegisters,
            (_, Home::WorkgroupMemory) => Kernel::ResidentWorkgroup,
        };
        let optimizer = optimizer_code(&self.descent);
        let mut constants = self.shape.constants(self.lanes, kernel.info().shape);
        if self.lowering == Lowering::Resident {
            let n_states = 1 + self.n_states() as u32;
            constants.extend([("OPTIMIZER", optimizer), ("N_STATES", n_states)]);
        }
        let pipeline = device.pipeline_with(kernel, constants);
        let Buffers { x, y, tables, parameters, steps, costs, state } = buffers;
        if self.lowering == Lowering::Resident {
            let arrays = [tables, x, y, parameters, steps, costs, state];
            let grid = [self.networks as u32, 1, 1];
            let resident = Bound::new(device, kernel, pipeline, &params, &arrays, grid);
            return (Program::of(vec![resident]), params);
        }
        let n_parameters = self.shape.n_parameters;
        let partial = array(device, "partial sums", self.partial_sums_of(n_chunks));
        let arrays = [tables, x, y, parameters, steps, &partial];
        let forward_and_back = Bound::new(device, kernel, pipeline, &params, &arrays, [n_chunks, 1, 1]);
        let fields = with_step_constants!(
            FinishStepParams {
                n_parameters: n_parameters,
                n_chunks: n_chunks,
                learning_rate: self.descent.learning_rate as f32,
                evaluate: evaluate.into(),
                history: self.history as u32,
                step_sizes_at: self.step_sizes_at(),
            },
            &self.descent
        );
        let finish = params_buffer(device, "finish step", bytemuck::bytes_of(&fields));
        // At most LOOP_LIMIT parameters: one dimension holds them.
        let grid = [n_parameters + 1, 1, 1];
        let pipeline = device.pipeline(Kernel::FinishStep, &[optimizer]);
        let arrays = [&partial, parameters, steps, costs, state, tables];
        let finish = Bound::new(device, Kernel::FinishStep, pipeline, &finish, &arrays, grid);
        (Program::of(vec![forward_and_back, finish]), params)
    }

    /// Elements of the partial sums of a fused step.
    pub(in crate::gpu) fn partial_sums(&self) -> Option<usize> {
        let chunks = self.chunks(self.blocks.of_batch() as u32);
        let fused = self.lowering == Lowering::Fused;
        fused.then_some(chunks.ok()?.1).map(|n_chunks| self.partial_sums_of(n_chunks))
    }

    fn partial_sums_of(&self, n_chunks: u32) -> usize {
        n_chunks as usize * (self.shape.n_parameters as usize + 1)
    }

    fn block_params(&self, rounds: u32, evaluate: bool) -> BlockParams {
        let batches = self.blocks.batches;
        let (threshold, smoothing) = self.shape.loss_params();
        with_step_constants!(
            BlockParams {
                m: batches.m as u32,
                stride: self.blocks.stride() as u32,
                seed: batches.shuffle.unwrap_or(0),
                batch_size: batches.size as u32,
                batch_blocks: self.blocks.of_batch() as u32,
                n_batches: batches.count() as u32,
                rounds: rounds,
                iterations: 1,
                evaluate: evaluate.into(),
                history: self.history as u32,
                table_size: self.shape.table_size,
                threshold: threshold,
                smoothing: smoothing,
                step_sizes_at: self.step_sizes_at(),
            },
            &self.descent
        )
    }

    /// Replaces what becomes of the learning rate over time.
    pub(in crate::gpu) fn set_rates(&mut self, rates: RateSchedule) {
        self.descent.rates = rates;
    }

    /// Numbers that the optimiser remembers of each parameter.
    pub(in crate::gpu) fn n_states(&self) -> usize {
        self.descent.optimizer.n_states()
    }

    /// Where the step sizes begin in the tables: behind those of the networks.
    fn step_sizes_at(&self) -> u32 {
        self.networks as u32 * self.shape.table_size
    }

    /// Words of the tables: those of the networks, and where they are read, a step size for each iteration of the history.
    pub(in crate::gpu) fn tables_len(&self) -> usize {
        let step_sizes = if self.descent.is_plain() { 0 } else { STEP_SIZE * self.history };
        self.step_sizes_at() as usize + step_sizes
    }

    /// Writes the step sizes of iterations that fit into the history together.
    pub(in crate::gpu) fn set_step_sizes(
        &self,
        device: &Device,
        buffers: &Buffers,
        iterations: Range<usize>,
    ) {
        if self.descent.is_plain() || iterations.is_empty() {
            return;
        }
        let row = iterations.start % self.history;
        let sizes = step_sizes(&self.descent, iterations);
        let (to_the_end, around) = sizes.split_at(sizes.len().min(STEP_SIZE * (self.history - row)));
        let at = self.step_sizes_at() as usize;
        write_at(device, &buffers.tables, at + STEP_SIZE * row, to_the_end);
        write_at(device, &buffers.tables, at, around);
    }

    /// Sets how many iterations each dispatch with these params runs from now on; always one for a fused step.
    pub(in crate::gpu) fn set_iterations(&self, device: &Device, params: &wgpu::Buffer, iterations: usize) {
        if self.lowering == Lowering::Resident {
            let changed = BlockParams { iterations: iterations as u32, ..self.block_params(1, false) };
            device.queue.write_buffer(params, 0, bytemuck::bytes_of(&changed));
        }
    }
}

fn too_many(blocks: Blocks) -> Error {
    Error::DeviceLimit {
        what: "a training step".into(),
        needed: format!("{} samples in one go", blocks.batches.m),
        device: "this lowering".into(),
        limit: "fewer for a network of this size".into(),
        hint: "use --lowering layerwise, which takes any number".into(),
    }
}
