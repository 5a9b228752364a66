//! The gradients within a norm: a sum over all of them, its factor, and the product with it, as dispatches.

use super::layerwise::Lowering;
use crate::error::Result;
use crate::gpu::arrays::ArrayId;
use crate::gpu::kernels::Kernel;
use crate::gpu::params::ClipParams;

impl Lowering<'_> {
    /// g = gradient and penalties, times min(1, most / (|g| + 1e-6)).
    pub(super) fn clip_norm(&mut self, most: f64, l1: f64, l2: f64) -> Result<()> {
        // Networks are validated: no more than 2^30 parameters.
        let size = self.schedule.n_parameters as u32;
        let geometry = self.settings.geometry;
        let chunks = geometry.chunks(size, 0)?;
        let params = ClipParams {
            size,
            n_chunks: chunks.count,
            rounds: chunks.rounds,
            most: most as f32,
            l1: l1 as f32,
            l2: l2 as f32,
        };
        self.out.scratch = self.out.scratch.max(chunks.count as usize + 1);
        let grid = geometry.check([chunks.count, 1, 1])?;
        let arrays = vec![ArrayId::Gradients, ArrayId::Parameters, ArrayId::State, ArrayId::Scratch];
        self.push(Kernel::ClipNorm, &[], params, arrays, grid);
        self.push(Kernel::FinishNorm, &[], params, vec![ArrayId::Scratch], [1, 1, 1]);
        let grid = geometry.over_elements(size as usize, 1)?;
        self.push(Kernel::ScaleGradients, &[], params, vec![ArrayId::Gradients, ArrayId::Scratch], grid);
        Ok(())
    }
}
