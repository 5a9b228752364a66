// What a difference r = z - y of a real-valued output costs, and the derivative c of that by r:
//
//   loss              cost             c
//   squared error     r^2 / 2          r
//   absolute error    |r|              sign(r)
//   huber             c (r - c / 2)    r within [-threshold, threshold]
//
// A kernel's params name the threshold. A NaN stays a NaN.

fn residual_delta(r: f32) -> f32 {
    switch LOSS {
        case ABSOLUTE_ERROR: { return select(sign(r), r, is_nan(r)); }
        case HUBER: { return select(clamp(r, -params.threshold, params.threshold), r, is_nan(r)); }
        default: { return r; }
    }
}

fn residual_cost(r: f32) -> f32 {
    switch LOSS {
        case ABSOLUTE_ERROR: { return abs(r); }
        case HUBER: {
            let c = residual_delta(r);
            return c * (r - 0.5 * c);
        }
        default: { return 0.5 * r * r; }
    }
}

fn residual_delta4(r: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(residual_delta(r.x), residual_delta(r.y), residual_delta(r.z), residual_delta(r.w));
}

fn residual_cost4(r: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(residual_cost(r.x), residual_cost(r.y), residual_cost(r.z), residual_cost(r.w));
}
