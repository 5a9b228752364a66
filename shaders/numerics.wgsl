// exp(x), tanh(x), sigmoid(x) = 1 / (1 + exp(-x)), log1p(u) = ln(1 + u), ln(s): written out in f32 arithmetic.
//
// Drivers' own versions cannot be trusted with a training run: one returns NaN for tanh(89), one is off by 1.7e-4
// relative near 0, one has log(0) = -88. These are clamped, and agree between devices to a few units in the last place.
// A NaN stays a NaN: it is recognised by its bits, since min, max and comparisons lose it on some drivers.

fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// exp(x) = 2^n exp(r), x = n ln 2 + r, |r| <= ln(2) / 2; degree 6 polynomial of Cephes expf.
// Below -87 the result is exp(-87) = 1.6e-38 (no subnormal numbers), above 88 it is exp(88) = 1.7e38.
fn exp_f32(x: f32) -> f32 {
    let clamped = clamp(x, -87.0, 88.0);
    let n = floor(clamped * 1.44269504 + 0.5);
    // ln 2 in two parts: n times the first is exact.
    let r = (clamped - n * 0.693359375) + n * 2.12194440e-4;
    var p = 1.9875691500e-4;
    p = p * r + 1.3981999507e-3;
    p = p * r + 8.3334519073e-3;
    p = p * r + 4.1665795894e-2;
    p = p * r + 1.6666665459e-1;
    p = p * r + 5.0000001201e-1;
    let y = p * r * r + r + 1.0;
    let result = y * bitcast<f32>(u32(i32(n) + 127) << 23u);
    return select(result, x, is_nan(x));
}

// x P(x^2) / Q(x^2), a minimax fit of the relative error on [-9, 9], where f32 tanh has become 1: 2.8e-7 at most, with
// and without fused multiply-adds. No exp, and half the work of one.
fn tanh_f32(x: f32) -> f32 {
    let clamped = clamp(x, -9.0, 9.0);
    let s = clamped * clamped;
    var p = 1.3418669e-8;
    p = p * s + 2.06604273e-5;
    p = p * s + 3.4989454e-3;
    p = p * s + 1.3383938e-1;
    p = p * s + 1.0;
    var q = 7.8042547e-7;
    q = q * s + 3.2909552e-4;
    q = q * s + 2.5890015e-2;
    q = q * s + 4.6717259e-1;
    q = q * s + 1.0;
    let result = clamp(clamped * p / q, -1.0, 1.0);
    return select(result, x, is_nan(x));
}

fn sigmoid_f32(x: f32) -> f32 {
    let t = exp_f32(-abs(x));
    return select(1.0, t, x < 0.0) / (1.0 + t);
}

// ln(1 + u) for 0 <= u <= 1, as 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = u / (2 + u) <= 1/3: no cancellation.
fn log1p_f32(u: f32) -> f32 {
    let s = u / (2.0 + u);
    let q = s * s;
    var p = 1.0 / 15.0;
    p = p * q + 1.0 / 13.0;
    p = p * q + 1.0 / 11.0;
    p = p * q + 1.0 / 9.0;
    p = p * q + 1.0 / 7.0;
    p = p * q + 1.0 / 5.0;
    p = p * q + 1.0 / 3.0;
    return 2.0 * s + 2.0 * s * q * p;
}

// ln(s) for normal s >= 1: exponent and mantissa apart.
fn ln_f32(s: f32) -> f32 {
    let bits = bitcast<u32>(s);
    let exponent = f32(i32(bits >> 23u) - 127);
    let mantissa = bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u);
    return select(exponent * 0.693147181 + log1p_f32(mantissa - 1.0), s, is_nan(s));
}

// The codes of the losses are those of `Loss` in src/gpu/kernels.rs; any other is the squared error. Those behind the softmax
// are of real values.
const BINARY_CROSS_ENTROPY = 0u;
const SOFTMAX_CROSS_ENTROPY = 1u;
const ABSOLUTE_ERROR = 3u;
const HUBER = 4u;

// The activation functions; the codes are those of `Activation` in src/gpu/kernels.rs.
const SIGMOID = 0u;
const TANH = 1u;
const RELU = 2u;
const LEAKY_RELU = 3u;
const IDENTITY = 4u;
const ELU = 5u;
const SOFTPLUS = 6u;
const GELU = 7u;
const SILU = 8u;

// Beyond, they are 0 or z in f32.
const GELU_BOUND = 10.0;
const SILU_BOUND = 88.0;

// 2 u = 2 sqrt(2 / pi) (z + 0.044715 z^3), and its derivative.
fn gelu_exponent(z: f32) -> f32 {
    return z * (0.071354814 * (z * z) + 1.5957691);
}

fn gelu_exponent_slope(z: f32) -> f32 {
    return 3.0 * 0.071354814 * (z * z) + 1.5957691;
}

// The derivative of z sigmoid(w) by z, with that of w: s + z s (1 - s) w', s (1 - s) = t / (1 + t)^2, t = exp(-|w|).
fn gated_derivative(z: f32, w: f32, slope: f32) -> f32 {
    let t = exp_f32(-abs(w));
    let s = select(1.0, t, w < 0.0) / (1.0 + t);
    return z * slope * (t / ((1.0 + t) * (1.0 + t))) + s;
}

// The activations that a kernel may meet, a bit each: the code of all others is left out when it is compiled.
override ACTIVATIONS: u32 = 0xffffffffu;

fn may_be(g: u32) -> bool {
    return (ACTIVATIONS & (1u << g)) != 0u;
}

// a = g(z)
fn activation(g: u32, slope: f32, z: f32) -> f32 {
    switch g {
        case SIGMOID: { if may_be(SIGMOID) { return sigmoid_f32(z); } }
        case TANH: { if may_be(TANH) { return tanh_f32(z); } }
        case RELU: { if may_be(RELU) { return select(z, 0.0, z < 0.0 && !is_nan(z)); } }
        case LEAKY_RELU: { if may_be(LEAKY_RELU) { return select(z, slope * z, z < 0.0 && !is_nan(z)); } }
        // exp(z) - 1 = tanh(z / 2) (exp(z) + 1): no cancellation near 0.
        case ELU: { if may_be(ELU) { return select(tanh_f32(0.5 * z) * (exp_f32(z) + 1.0), z, z > 0.0); } }
        case SOFTPLUS: {
            if may_be(SOFTPLUS) { return select(z, 0.0, z < 0.0 && !is_nan(z)) + log1p_f32(exp_f32(-abs(z))); }
        }
        // z sigmoid(2 u), which is z (1 + tanh(u)) / 2 without cancellation.
        case GELU: {
            if may_be(GELU) {
                let gated = z * sigmoid_f32(gelu_exponent(clamp(z, -GELU_BOUND, GELU_BOUND)));
                return select(gated, 0.0, z < -GELU_BOUND && !is_nan(z));
            }
        }
        case SILU: {
            if may_be(SILU) { return select(z * sigmoid_f32(z), 0.0, z < -SILU_BOUND && !is_nan(z)); }
        }
        default: {}
    }
    return z;
}

// g'(z) in terms of a = g(z), or of z in its place for GELU and SILU.
fn derivative(g: u32, slope: f32, a: f32) -> f32 {
    switch g {
        case SIGMOID: { if may_be(SIGMOID) { return a * (1.0 - a); } }
        case TANH: { if may_be(TANH) { return 1.0 - a * a; } }
        case RELU: { if may_be(RELU) { return select(0.0, 1.0, a > 0.0); } }
        case LEAKY_RELU: { if may_be(LEAKY_RELU) { return select(slope, 1.0, a > 0.0); } }
        case ELU: { if may_be(ELU) { return select(1.0 + a, 1.0, a > 0.0); } }
        // 1 - exp(-a) likewise.
        case SOFTPLUS: { if may_be(SOFTPLUS) { return tanh_f32(0.5 * a) * (1.0 + exp_f32(-a)); } }
        case GELU: {
            if may_be(GELU) {
                let z = clamp(a, -GELU_BOUND, GELU_BOUND);
                return select(gated_derivative(z, gelu_exponent(z), gelu_exponent_slope(z)), a, is_nan(a));
            }
        }
        case SILU: {
            if may_be(SILU) {
                let z = clamp(a, -SILU_BOUND, SILU_BOUND);
                return select(gated_derivative(z, z, 1.0), a, is_nan(a));
            }
        }
        default: {}
    }
    return 1.0;
}

fn activation4(g: u32, slope: f32, z: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        activation(g, slope, z.x), activation(g, slope, z.y), activation(g, slope, z.z), activation(g, slope, z.w),
    );
}

fn derivative4(g: u32, slope: f32, a: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        derivative(g, slope, a.x), derivative(g, slope, a.y), derivative(g, slope, a.z), derivative(g, slope, a.w),
    );
}
