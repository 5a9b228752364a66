//! Measures which way of multiplying is fastest for the wide layers of a schedule; the ways themselves are shaders'.

use super::arrays::{Arrays, Shared, array};
use super::device::Device;
use super::lowering::{Settings, layerwise};
use super::peak::best_seconds;
use super::products::{Product, ProductShape, Products};
use super::program::Program;
use crate::error::Result;
use crate::schedule::{Op, Schedule};

/// Seconds that a measurement takes at least.
const SECONDS: f64 = 0.005;

/// Another way must be so much faster than the device's usual one: less is noise.
const GAIN: f64 = 1.05;

impl Device {
    /// Measures the classes of products that the schedule has and nobody has measured yet, each on the first of them, and keeps
    /// the fastest ways for whatever is lowered from now on. Narrow layers, which have one way only, cost nothing.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLimit`] when a matrix is too large for the device; [`crate::Error::DeviceLost`] or
    /// [`crate::Error::Gpu`] when the device fails.
    pub async fn calibrate(&self, schedule: &Schedule) -> Result<Products> {
        for op in &schedule.ops {
            let Some(shape) = ProductShape::of(op, schedule) else { continue };
            let mut products = self.products();
            if products.knows(shape) || !self.has_a_choice(shape) {
                continue;
            }
            products.learn(shape, self.fastest(op, shape, schedule).await?);
            self.set_products(products);
        }
        Ok(self.products())
    }

    fn has_a_choice(&self, shape: ProductShape) -> bool {
        Product::ALL.into_iter().any(|product| self.geometry().is_wide(product, shape))
    }

    async fn fastest(&self, op: &Op, shape: ProductShape, schedule: &Schedule) -> Result<Product> {
        let alone = Schedule { ops: vec![*op], ..schedule.clone() };
        let usual = self.products().way(shape);
        let (mut best, mut least) = (usual, self.seconds(usual, &alone).await? / GAIN);
        for product in Product::ALL.into_iter().filter(|&product| product != usual) {
            let seconds = self.seconds(product, &alone).await?;
            if seconds < least {
                (best, least) = (product, seconds);
            }
        }
        Ok(best)
    }

    async fn seconds(&self, product: Product, schedule: &Schedule) -> Result<f64> {
        let settings = Settings { fused: false, products: Products::all(product), ..self.settings() };
        let lowered = layerwise(schedule, settings)?;
        let parameters = array(self, "parameters", schedule.n_parameters);
        let arrays = Arrays::new(self, schedule, Shared { parameters, samples: None }, &lowered)?;
        best_seconds(self, &Program::new(self, &lowered.dispatches, &arrays), SECONDS).await
    }
}
