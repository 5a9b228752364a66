//! Between the `f64` of callers and the `f32` in here, as fast as memory goes: plain loops, compiled for the vectors of the
//! processor at hand.

use std::mem::MaybeUninit;

use pulp::{Arch, Simd, WithSimd};

use crate::error::Error;

/// Rounds values to f32 and says whether it holds them all.
pub(super) fn round(values: &[f64], rounded: &mut [f32]) -> bool {
    Arch::new().dispatch(Round { values, rounded })
}

/// The error for values that [`round`] could not hold.
pub(super) fn beyond_single(what: &str, values: &[f64]) -> Error {
    let (at, value) = (values.iter().enumerate())
        .find(|(_, value)| !(**value as f32).is_finite())
        .expect("one of the values is beyond f32");
    let next = "which single precision cannot hold; rescale it, or use --backend cpu-reference";
    Error::data(what, format!("value {at} is {value}, {next}"))
}

/// The values as f64, as many as `wide` has room for; all of it is written if there are as many.
pub(super) fn widen(values: &[f32], wide: &mut [MaybeUninit<f64>]) {
    Arch::new().dispatch(Widen { values, wide });
}

struct Round<'a> {
    values: &'a [f64],
    rounded: &'a mut [f32],
}

impl WithSimd for Round<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> bool {
        // The largest magnitude by its bits: no branch, and a NaN is larger than infinity.
        let mut largest = 0;
        for (rounded, value) in self.rounded.iter_mut().zip(self.values) {
            *rounded = *value as f32;
            largest = largest.max(rounded.to_bits() & 0x7fff_ffff);
        }
        largest < f32::INFINITY.to_bits()
    }
}

struct Widen<'a> {
    values: &'a [f32],
    wide: &'a mut [MaybeUninit<f64>],
}

impl WithSimd for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (wide, value) in self.wide.iter_mut().zip(self.values) {
            wide.write(f64::from(*value));
        }
    }
}
