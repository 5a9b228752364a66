// mix(h) = fmix32 of MurmurHash3: every bit of the input changes half of the result's; the twin of src/schedule/hash.rs.

const GOLDEN = 0x9e3779b9u;

fn mix(value: u32) -> u32 {
    var h = value ^ (value >> 16u);
    h *= 0x85ebca6bu;
    h ^= h >> 13u;
    h *= 0xc2b2ae35u;
    return h ^ (h >> 16u);
}
