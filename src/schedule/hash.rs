//! Random bits by number instead of by turn: whoever asks for the same place gets the same ones, on any backend.

/// fmix32 of MurmurHash3 (A. Appleby, public domain): every bit of the input changes half of the result's. The twin of
/// `mix` in `shaders/hash.wgsl`.
pub(super) fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

/// 2^32 divided by the golden ratio: multiples of it are far apart.
pub(super) const GOLDEN: u32 = 0x9e37_79b9;
