//! Whole networks as the fused and the resident kernels read them: tables of layers, override constants, and what fits
//! into a workgroup. How work is cut is in `grid` and `blocks`.

use super::grid::{LOOP_LIMIT, MIN_LANES};
use super::kernels::{activation_code, loss_code, loss_threshold};
use crate::error::{Error, Result};
use crate::network::{Activation, Arena, Network};
use crate::schedule::Variant;

/// Words before the rows of a table: learning rate, parameters, layers.
pub(super) const TABLE_HEADER: u32 = 3;

/// Words of a layer's row: units, units before, first weight, activation, slope.
pub(super) const TABLE_ROW: u32 = 5;

/// Parameters and units of a network that an invocation keeps in registers, at most: GPUs have 128 to 255 of them, and
/// four samples of a unit, a parameter and its sum take four, one and one.
pub(super) const REGISTER_PARAMETERS: u32 = 48;
/// See [`REGISTER_PARAMETERS`]; the features count as units.
pub(super) const REGISTER_UNITS: u32 = 16;

/// The layers that shaders/register_network.wgsl writes out.
const REGISTER_DEPTH: usize = 3;

/// Rounds that finding a sample in an order takes: two on average, and more than this for one in 65,536.
const ORDER_ROUNDS: u64 = 16;

/// Where a network's activations and sums are while it trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    Registers,
    WorkgroupMemory,
}

/// The bounds of networks that train side by side.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) home: Home,
    /// The first network: all have its features, outputs and loss; in registers, its layers too.
    model: Network,
    /// Parameters of the largest.
    pub(super) n_parameters: u32,
    /// Units of the largest, its features not counted.
    n_units: u32,
    /// The activations of their layers, a bit for each code.
    activations: u32,
    /// Whether each epoch has an order of its own.
    shuffled: bool,
    /// Weights of the samples, smoothing of the labels.
    variant: Variant,
    /// Words of a table.
    pub(super) table_size: u32,
    /// Rounds of loops for one block of samples, at most.
    pub(super) rounds_a_block: u32,
}

impl Shape {
    /// # Errors
    /// [`Error::DeviceLimit`] for networks that are too large for a workgroup on any device.
    pub(super) fn of(networks: &[&Network], shuffled: bool, variant: Variant) -> Result<Self> {
        let model = networks.first().expect("a population has members");
        let most = |count: fn(&Network) -> usize| networks.iter().map(|network| count(network)).max();
        let n_parameters = most(|network| Arena::new(network).len()).unwrap_or(0);
        let n_units = most(units).unwrap_or(0);
        let depth = most(Network::n_layers).unwrap_or(0);
        let hidden = networks.iter().flat_map(|network| network.hidden());
        let activations = hidden.fold(0, |bits, layer| bits | 1 << activation_code(layer.activation).0);
        let alike = networks.iter().all(|network| network == model);
        let in_registers = alike
            && depth <= REGISTER_DEPTH
            && n_parameters <= REGISTER_PARAMETERS as usize
            && model.n_features() + n_units <= REGISTER_UNITS as usize;
        let home = if in_registers { Home::Registers } else { Home::WorkgroupMemory };
        let rows_at_a_time = if in_registers { 1 } else { 4 };
        let rounds = most_rounds(networks, rows_at_a_time) + if shuffled { 4 * ORDER_ROUNDS } else { 0 };
        if n_parameters > LOOP_LIMIT as usize || rounds > u64::from(LOOP_LIMIT) {
            return Err(too_large(model, format!("{n_parameters} parameters"), "a workgroup".into()));
        }
        Ok(Self {
            home,
            model: (*model).clone(),
            n_parameters: n_parameters as u32,
            n_units: n_units as u32,
            activations,
            shuffled,
            variant,
            table_size: TABLE_HEADER + depth as u32 * TABLE_ROW,
            rounds_a_block: rounds as u32,
        })
    }

    /// Invocations a workgroup: as many as wanted, or as few as the memory of a workgroup allows.
    ///
    /// # Errors
    /// [`Error::DeviceLimit`] when even a few are too many.
    pub(super) fn lanes(&self, wanted: u32, memory: u32) -> Result<u32> {
        let mut lanes = wanted;
        while self.workgroup_memory(lanes) > u64::from(memory) {
            lanes /= 2;
            if lanes < MIN_LANES {
                let needed = format!("{} bytes", self.workgroup_memory(MIN_LANES));
                return Err(too_large(&self.model, needed, format!("{memory} bytes of workgroup memory")));
            }
        }
        Ok(lanes)
    }

    /// Bytes of workgroup memory with that many invocations.
    fn workgroup_memory(&self, lanes: u32) -> u64 {
        let sample_block = 4;
        let own = match self.home {
            Home::Registers => self.sum_stride(),
            Home::WorkgroupMemory => self.sum_stride() + sample_block * self.n_units,
        };
        (u64::from(self.n_parameters) + u64::from(own) * u64::from(lanes)) * size_of::<f32>() as u64
    }

    /// Between the sums of neighbouring invocations: a parameter's derivative each, and the cost; odd.
    fn sum_stride(&self) -> u32 {
        (self.n_parameters + 1) | 1
    }

    /// Rounds of loops that an iteration of a resident workgroup takes besides its blocks.
    pub(super) fn rounds_besides(&self, lanes: u32) -> u32 {
        let sums = self.n_parameters + 1;
        2 * sums + sums.div_ceil(lanes) * (lanes + 1) + 1
    }

    /// The values of the override constants of a kernel with that `shape`.
    pub(super) fn constants(&self, lanes: u32, names: &[&'static str]) -> Vec<(&'static str, u32)> {
        let mut constants = vec![("WORKGROUP_SIZE", lanes)];
        constants.extend(names.iter().map(|&name| (name, self.constant(name))));
        constants
    }

    fn constant(&self, name: &str) -> u32 {
        let layer = |l: usize| (l < self.model.n_layers()).then(|| self.model.weight_shape(l).0 as u32);
        let code = |l: usize| activation_code(activation(&self.model, l)).0;
        match name {
            "LOSS" => loss_code(self.model.loss()),
            "SHUFFLE" => self.shuffled.into(),
            "WEIGHTED" => self.variant.weighted.into(),
            "N_PARAMETERS" => self.n_parameters,
            "SUM_STRIDE" => self.sum_stride(),
            "N_UNITS" => self.n_units,
            "ACTIVATIONS" => self.activations,
            "DEPTH" => self.model.n_layers() as u32,
            "N_0" => self.model.n_features() as u32,
            "N_1" => layer(0).unwrap_or(0),
            "N_2" => layer(1).unwrap_or(0),
            "N_3" => layer(2).unwrap_or(0),
            "G_1" => code(0),
            "G_2" => code(1),
            "G_3" => code(2),
            _ => unreachable!("the kernel table names no other constant"),
        }
    }

    /// What the loss's kernels need to know besides its name: `threshold` and `smoothing` of their params.
    pub(super) fn loss_params(&self) -> (f32, f32) {
        (loss_threshold(self.model.loss()), self.variant.smoothing as f32)
    }

    /// The table of one of the networks, padded to the size of all.
    pub(super) fn table(&self, network: &Network, learning_rate: f64) -> Vec<u32> {
        let arena = Arena::new(network);
        let mut table = vec![(learning_rate as f32).to_bits(), arena.len() as u32, network.n_layers() as u32];
        for l in 0..network.n_layers() {
            let (n_l, n_prev) = network.weight_shape(l);
            let (code, slope) = activation_code(activation(network, l));
            let offset = arena.weight(l).offset;
            table.extend([n_l as u32, n_prev as u32, offset as u32, code, slope.to_bits()]);
        }
        table.resize(self.table_size as usize, 0);
        table
    }
}

/// The activation of layer `l`; logits, and layers that are not there, are left as they are.
fn activation(network: &Network, l: usize) -> Activation {
    network.hidden().get(l).map_or(Activation::Identity, |layer| layer.activation)
}

/// Units of all layers but the input.
fn units(network: &Network) -> usize {
    (0..network.n_layers()).map(|l| network.weight_shape(l).0).sum()
}

/// The most rounds of loops that one block takes: forward, weight gradient and input gradient of each layer, with the
/// rounds that store, and four loops over the outputs.
fn most_rounds(networks: &[&Network], rows_at_a_time: u64) -> u64 {
    let of = |network: &&Network| {
        let layers = (0..network.n_layers()).map(|l| {
            let (n_l, n_prev) = network.weight_shape(l);
            let (n_l, n_prev) = (n_l as u64, n_prev as u64);
            let store = 1 + rows_at_a_time;
            2 + 2 * n_l.div_ceil(rows_at_a_time) * (n_prev + store)
                + n_prev.div_ceil(rows_at_a_time) * (n_l + store)
        });
        layers.sum::<u64>() + 4 * network.n_outputs() as u64 + 1
    };
    networks.iter().map(of).max().unwrap_or(0)
}

fn too_large(network: &Network, needed: String, limit: String) -> Error {
    Error::DeviceLimit {
        what: format!("{network} in one workgroup"),
        needed,
        device: "the adapter".into(),
        limit,
        hint: "use --lowering layerwise, which takes any network".into(),
    }
}
