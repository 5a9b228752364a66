// The step of a parameter theta from its gradient; r is the learning rate, a and c are 1 but for Adam:
//
//   g = gradient + w (l1 sign(theta) + l2 theta)       w is 1 for weights and 0 for biases; then within
//                                                      [-clip_value, clip_value] where that is not 0
//   sgd        theta - r g
//   momentum   s = b1 s + g                            theta - r s
//   nesterov   s = b1 s + g                            theta - r (g + b1 s)
//   rmsprop    s = b1 s + (1 - b1) g^2                 theta - r g / (sqrt(s) + epsilon)
//   adam       s1 = b1 s1 + (1 - b1) g                 theta - r (s1 a) / (sqrt(s2) c + epsilon)
//              s2 = b2 s2 + (1 - b2) g^2               a = 1 / (1 - b1^t), c = 1 / sqrt(1 - b2^t)
//   adamw      theta first becomes theta - r w weight_decay theta
//
// A kernel's params name the constants; its array `state` holds w, s1 and s2 one after the other.

// Which of them: one pipeline each. The codes are those of src/gpu/kernels.rs.
override OPTIMIZER: u32;

// Gradient descent with a constant rate and no penalty: kernels do it themselves, and read neither state nor step sizes.
const PLAIN = 0u;
const SGD = 1u;
const MOMENTUM = 2u;
const NESTEROV = 3u;
const RMSPROP = 4u;
const ADAM = 5u;
const ADAMW = 6u;

// What an iteration's number changes: the factor of the rate, then a and c.
struct StepSize {
    rate: f32,
    first: f32,
    second: f32,
}

// A NaN stays a NaN, recognised by its bits.
fn clipped(g: f32) -> f32 {
    let is_number = (bitcast<u32>(g) & 0x7fffffffu) <= 0x7f800000u;
    return select(g, clamp(g, -params.clip_value, params.clip_value), params.clip_value > 0.0 && is_number);
}

// `own` is where the parameter's w is, `stride` the distance to its states.
fn stepped(theta: f32, gradient: f32, learning_rate: f32, size: StepSize, own: u32, stride: u32) -> f32 {
    let w = state[own];
    let first = own + stride;
    let second = first + stride;
    let g = clipped(gradient + w * (params.l1 * sign(theta) + params.l2 * theta));
    let r = learning_rate * size.rate;
    switch OPTIMIZER {
        case MOMENTUM: {
            state[first] = params.beta_1 * state[first] + g;
            return theta - r * state[first];
        }
        case NESTEROV: {
            state[first] = params.beta_1 * state[first] + g;
            return theta - r * (g + params.beta_1 * state[first]);
        }
        case RMSPROP: {
            state[first] = params.beta_1 * state[first] + params.rest_1 * g * g;
            return theta - r * g / (sqrt(state[first]) + params.epsilon);
        }
        case ADAM, ADAMW: {
            let decayed = theta - r * params.weight_decay * w * theta;
            state[first] = params.beta_1 * state[first] + params.rest_1 * g;
            state[second] = params.beta_2 * state[second] + params.rest_2 * g * g;
            return decayed - r * (state[first] * size.first) / (sqrt(state[second]) * size.second + params.epsilon);
        }
        default: {
            return theta - r * g;
        }
    }
}
