//! What the host reaches at best with all threads, in multiply-adds and in a copy: the yardstick of a benchmark.

use std::hint::black_box;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use web_time::Instant;

use crate::schedule::{PEAK_COPIED, PEAK_SECONDS, PEAK_TRIALS, Peak};

/// Independent chains of multiply-adds: enough to hide their latency, few enough for the registers.
const CHAINS: usize = 10;

/// Multiply-adds of each chain between two looks at the clock.
const ROUNDS: usize = 1 << 16;

/// Measures the host; takes about a tenth of a second.
pub fn peak() -> Peak {
    let threads = rayon::current_num_threads();
    let arch = Arch::new();
    let lanes = arch.dispatch(Lanes);
    let operations = 2 * threads * CHAINS * ROUNDS * lanes;
    let gflops = operations as f64
        / best_seconds(|| {
            (0..threads).into_par_iter().with_max_len(1).for_each(|_| arch.dispatch(MultiplyAdds));
        });
    let from = vec![1u8; PEAK_COPIED];
    let mut to = vec![0u8; PEAK_COPIED];
    let share = PEAK_COPIED.div_ceil(threads);
    let gbs = (2 * PEAK_COPIED) as f64
        / best_seconds(|| {
            to.par_chunks_mut(share)
                .zip(from.par_chunks(share))
                .for_each(|(to, from)| to.copy_from_slice(from));
            black_box(&mut to);
        });
    Peak { gflops: gflops / 1e9, gbs: gbs / 1e9 }
}

/// Seconds of one run, the least of several measurements of many.
fn best_seconds(mut run: impl FnMut()) -> f64 {
    run();
    let trial = |_| {
        let (begin, mut runs) = (Instant::now(), 0);
        while begin.elapsed().as_secs_f64() < PEAK_SECONDS {
            run();
            runs += 1;
        }
        begin.elapsed().as_secs_f64() / f64::from(runs)
    };
    (0..PEAK_TRIALS).map(trial).fold(f64::INFINITY, f64::min)
}

/// The number of lanes of a register.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Values that the compiler cannot know, and that stay within range.
        let (scale, shift) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(0.001)));
        let mut chains = [simd.splat_f32s(black_box(0.5)); CHAINS];
        for _ in 0..ROUNDS {
            for chain in &mut chains {
                *chain = simd.mul_add_e_f32s(*chain, scale, shift);
            }
        }
        let sum = chains.into_iter().fold(simd.splat_f32s(0.0), |sum, chain| simd.add_f32s(sum, chain));
        black_box(simd.reduce_sum_f32s(sum));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_a_processor_s() {
        let Peak { gflops, gbs } = peak();
        // Neither optimised away nor slower than a single multiply-add after the other.
        assert!((0.1..1e5).contains(&gflops), "{gflops} GFLOP/s");
        assert!((0.1..1e4).contains(&gbs), "{gbs} GB/s");
    }
}
