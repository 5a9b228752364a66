//! All parameters of a network in one flat array, and the table that says where each matrix lies.

use super::spec::Network;
use crate::error::{Error, Result};

/// One parameter matrix inside the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// `W1`, `b1`, `W2`, ... as in the course.
    pub name: String,
    /// Rows, n_l.
    pub rows: usize,
    /// Columns: n_prev for weights, 1 for biases.
    pub cols: usize,
    /// Index of the first element.
    pub offset: usize,
}

impl View {
    /// Elements of the matrix.
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }

    /// Never true: a validated network has no empty matrix.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The layout: W1, b1, W2, b2, ... one after the other without gaps, each row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arena {
    views: Vec<View>,
    len: usize,
}

impl Arena {
    /// The layout of a network's parameters.
    pub fn new(network: &Network) -> Self {
        let mut views = Vec::with_capacity(2 * network.n_layers());
        let mut len = 0;
        for l in 0..network.n_layers() {
            let (n_l, n_prev) = network.weight_shape(l);
            for (letter, cols) in [('W', n_prev), ('b', 1)] {
                views.push(View { name: format!("{letter}{}", l + 1), rows: n_l, cols, offset: len });
                len += n_l * cols;
            }
        }
        Self { views, len }
    }

    /// All matrices in order.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// The weights of layer `l`, counted from 0; (n_l, n_prev).
    pub fn weight(&self, l: usize) -> &View {
        &self.views[2 * l]
    }

    /// The bias of layer `l`, counted from 0; (n_l, 1).
    pub fn bias(&self, l: usize) -> &View {
        &self.views[2 * l + 1]
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never true: a validated network has parameters.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The values of all parameters, on the host and in double precision.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    arena: Arena,
    values: Vec<f64>,
}

impl Parameters {
    /// All zeros.
    pub fn zeros(network: &Network) -> Self {
        let arena = Arena::new(network);
        let values = vec![0.0; arena.len()];
        Self { arena, values }
    }

    /// The given values in the arena's order.
    ///
    /// # Errors
    /// [`Error::Shape`] when their number is not the network's.
    pub fn from_values(network: &Network, values: Vec<f64>) -> Result<Self> {
        let arena = Arena::new(network);
        if values.len() != arena.len() {
            return Err(Error::Shape {
                what: format!("parameters of {network}"),
                expected: arena.len().to_string(),
                found: values.len().to_string(),
                hint: "give W1, b1, W2, b2, ... row by row".into(),
            });
        }
        Ok(Self { arena, values })
    }

    /// Refuses parameters of another network.
    ///
    /// # Errors
    /// [`Error::Shape`] when their layout is not that of `network`.
    pub fn check_for(&self, network: &Network) -> Result<()> {
        if self.arena == Arena::new(network) {
            return Ok(());
        }
        Err(Error::Shape {
            what: format!("parameters of {network}"),
            expected: format!("{} in its layout", Arena::new(network).len()),
            found: format!("{} of another network", self.values.len()),
            hint: "initialise or load them for this network".into(),
        })
    }

    /// The same with each value changed.
    #[must_use]
    pub fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        self.values.iter_mut().for_each(|value| *value = change(*value));
        self
    }

    /// The layout.
    pub fn arena(&self) -> &Arena {
        &self.arena
    }

    /// All values, in the arena's order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All values, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// The values of one matrix, row-major.
    pub fn view(&self, view: &View) -> &[f64] {
        &self.values[view.offset..view.offset + view.len()]
    }

    /// The weights of layer `l`, counted from 0; (n_l, n_prev).
    pub fn weight(&self, l: usize) -> &[f64] {
        self.view(self.arena.weight(l))
    }

    /// The bias of layer `l`, counted from 0; (n_l, 1).
    pub fn bias(&self, l: usize) -> &[f64] {
        self.view(self.arena.bias(l))
    }

    /// The weights of layer `l`, counted from 0, to be changed in place; (n_l, n_prev).
    pub fn weight_mut(&mut self, l: usize) -> &mut [f64] {
        let view = self.arena.weight(l);
        &mut self.values[view.offset..view.offset + view.len()]
    }
}
