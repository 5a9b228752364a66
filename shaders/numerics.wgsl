// exp(x), tanh(x), sigmoid(x) = 1 / (1 + exp(-x)), log1p(u) = ln(1 + u), ln(s): written out in f32 arithmetic.
//
// Drivers' own versions cannot be trusted with a training run: one returns NaN for tanh(89), one is off by 1.7e-4
// relative near 0, one has log(0) = -88. These are clamped, and agree between devices to a few units in the last place.
// A NaN stays a NaN: it is recognised by its bits, since min, max and comparisons lose it on some drivers.
//
// Four numbers at a time, as most kernels need them: so that drivers compile one choice of a function for four of them.

fn nan4(x: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

fn is_nan(x: f32) -> bool {
    return nan4(vec4<f32>(x)).x;
}

// Where a number is below a bound; a NaN is not.
fn below(x: vec4<f32>, bound: f32) -> vec4<bool> {
    return (x < vec4<f32>(bound)) & !nan4(x);
}

// exp(x) = 2^n exp(r), x = n ln 2 + r, |r| <= ln(2) / 2; degree 6 polynomial of Cephes expf.
// Below -87 the result is exp(-87) = 1.6e-38 (no subnormal numbers), above 88 it is exp(88) = 1.7e38.
fn exp4(x: vec4<f32>) -> vec4<f32> {
    let clamped = clamp(x, vec4<f32>(-87.0), vec4<f32>(88.0));
    let n = floor(clamped * 1.44269504 + 0.5);
    // ln 2 in two parts: n times the first is exact.
    let r = (clamped - n * 0.693359375) + n * 2.12194440e-4;
    var p = vec4<f32>(1.9875691500e-4);
    p = p * r + 1.3981999507e-3;
    p = p * r + 8.3334519073e-3;
    p = p * r + 4.1665795894e-2;
    p = p * r + 1.6666665459e-1;
    p = p * r + 5.0000001201e-1;
    let y = p * r * r + r + 1.0;
    let result = y * bitcast<vec4<f32>>(vec4<u32>(vec4<i32>(n) + 127) << vec4<u32>(23u));
    return select(result, x, nan4(x));
}

// x P(x^2) / Q(x^2), a minimax fit of the relative error on [-9, 9], where f32 tanh has become 1: 2.8e-7 at most, with
// and without fused multiply-adds. No exp, and half the work of one.
fn tanh4(x: vec4<f32>) -> vec4<f32> {
    let clamped = clamp(x, vec4<f32>(-9.0), vec4<f32>(9.0));
    let s = clamped * clamped;
    var p = vec4<f32>(1.3418669e-8);
    p = p * s + 2.06604273e-5;
    p = p * s + 3.4989454e-3;
    p = p * s + 1.3383938e-1;
    p = p * s + 1.0;
    var q = vec4<f32>(7.8042547e-7);
    q = q * s + 3.2909552e-4;
    q = q * s + 2.5890015e-2;
    q = q * s + 4.6717259e-1;
    q = q * s + 1.0;
    let result = clamp(clamped * p / q, vec4<f32>(-1.0), vec4<f32>(1.0));
    return select(result, x, nan4(x));
}

fn sigmoid4(x: vec4<f32>) -> vec4<f32> {
    let t = exp4(-abs(x));
    return select(vec4<f32>(1.0), t, x < vec4<f32>(0.0)) / (1.0 + t);
}

// ln(1 + u) for 0 <= u <= 1, as 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = u / (2 + u) <= 1/3: no cancellation.
fn log1p4(u: vec4<f32>) -> vec4<f32> {
    let s = u / (2.0 + u);
    let q = s * s;
    var p = vec4<f32>(1.0 / 15.0);
    p = p * q + 1.0 / 13.0;
    p = p * q + 1.0 / 11.0;
    p = p * q + 1.0 / 9.0;
    p = p * q + 1.0 / 7.0;
    p = p * q + 1.0 / 5.0;
    p = p * q + 1.0 / 3.0;
    return 2.0 * s + 2.0 * s * q * p;
}

// ln(s) for normal s >= 1: exponent and mantissa apart.
fn ln4(s: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(s);
    let exponent = vec4<f32>(vec4<i32>(bits >> vec4<u32>(23u)) - 127);
    let mantissa = bitcast<vec4<f32>>((bits & vec4<u32>(0x007fffffu)) | vec4<u32>(0x3f800000u));
    return select(exponent * 0.693147181 + log1p4(mantissa - 1.0), s, nan4(s));
}

// The same of one number: what is computed of the other three is left out when a kernel is compiled.
fn exp_f32(x: f32) -> f32 { return exp4(vec4<f32>(x)).x; }
fn sigmoid_f32(x: f32) -> f32 { return sigmoid4(vec4<f32>(x)).x; }
fn log1p_f32(u: f32) -> f32 { return log1p4(vec4<f32>(u)).x; }
fn ln_f32(s: f32) -> f32 { return ln4(vec4<f32>(s)).x; }

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

fn within(z: vec4<f32>, bound: f32) -> vec4<f32> {
    return clamp(z, vec4<f32>(-bound), vec4<f32>(bound));
}

// 2 u = 2 sqrt(2 / pi) (z + 0.044715 z^3), and its derivative.
fn gelu_exponent(z: vec4<f32>) -> vec4<f32> {
    return z * (0.071354814 * (z * z) + 1.5957691);
}

fn gelu_exponent_slope(z: vec4<f32>) -> vec4<f32> {
    return 3.0 * 0.071354814 * (z * z) + 1.5957691;
}

// The derivative of z sigmoid(w) by z, with that of w: s + z s (1 - s) w', s (1 - s) = t / (1 + t)^2, t = exp(-|w|).
fn gated_derivative(z: vec4<f32>, w: vec4<f32>, slope: vec4<f32>) -> vec4<f32> {
    let t = exp4(-abs(w));
    let s = select(vec4<f32>(1.0), t, w < vec4<f32>(0.0)) / (1.0 + t);
    return z * slope * (t / ((1.0 + t) * (1.0 + t))) + s;
}

// The activations that a kernel may meet, a bit each: the code of all others is left out when it is compiled.
override ACTIVATIONS: u32 = 0xffffffffu;

fn may_be(g: u32) -> bool {
    return (ACTIVATIONS & (1u << g)) != 0u;
}

// a = g(z)
fn activation4(g: u32, slope: f32, z: vec4<f32>) -> vec4<f32> {
    let zero = vec4<f32>(0.0);
    switch g {
        case SIGMOID: { if may_be(SIGMOID) { return sigmoid4(z); } }
        case TANH: { if may_be(TANH) { return tanh4(z); } }
        case RELU: { if may_be(RELU) { return select(z, zero, below(z, 0.0)); } }
        case LEAKY_RELU: { if may_be(LEAKY_RELU) { return select(z, slope * z, below(z, 0.0)); } }
        // exp(z) - 1 = tanh(z / 2) (exp(z) + 1): no cancellation near 0.
        case ELU: { if may_be(ELU) { return select(tanh4(0.5 * z) * (exp4(z) + 1.0), z, z > zero); } }
        case SOFTPLUS: { if may_be(SOFTPLUS) { return select(z, zero, below(z, 0.0)) + log1p4(exp4(-abs(z))); } }
        // z sigmoid(2 u), which is z (1 + tanh(u)) / 2 without cancellation.
        case GELU: {
            if may_be(GELU) {
                let gated = z * sigmoid4(gelu_exponent(within(z, GELU_BOUND)));
                return select(gated, zero, below(z, -GELU_BOUND));
            }
        }
        case SILU: { if may_be(SILU) { return select(z * sigmoid4(z), zero, below(z, -SILU_BOUND)); } }
        default: {}
    }
    return z;
}

// g'(z) in terms of a = g(z), or of z in its place for GELU and SILU.
fn derivative4(g: u32, slope: f32, a: vec4<f32>) -> vec4<f32> {
    let one = vec4<f32>(1.0);
    let positive = a > vec4<f32>(0.0);
    switch g {
        case SIGMOID: { if may_be(SIGMOID) { return a * (1.0 - a); } }
        case TANH: { if may_be(TANH) { return 1.0 - a * a; } }
        case RELU: { if may_be(RELU) { return select(vec4<f32>(0.0), one, positive); } }
        case LEAKY_RELU: { if may_be(LEAKY_RELU) { return select(vec4<f32>(slope), one, positive); } }
        case ELU: { if may_be(ELU) { return select(1.0 + a, one, positive); } }
        // 1 - exp(-a) likewise.
        case SOFTPLUS: { if may_be(SOFTPLUS) { return tanh4(0.5 * a) * (1.0 + exp4(-a)); } }
        case GELU: {
            if may_be(GELU) {
                let z = within(a, GELU_BOUND);
                return select(gated_derivative(z, gelu_exponent(z), gelu_exponent_slope(z)), a, nan4(a));
            }
        }
        case SILU: {
            if may_be(SILU) {
                let z = within(a, SILU_BOUND);
                return select(gated_derivative(z, z, one), a, nan4(a));
            }
        }
        default: {}
    }
    return one;
}

// The same of one number.
fn activation(g: u32, slope: f32, z: f32) -> f32 {
    return activation4(g, slope, vec4<f32>(z)).x;
}

fn derivative(g: u32, slope: f32, a: f32) -> f32 {
    return derivative4(g, slope, vec4<f32>(a)).x;
}
