//! The line search of L-BFGS: a step that satisfies the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6),
//! with the interpolations and limits of PyTorch's. Knows a function of one variable and nothing of networks.

use crate::error::Result;

/// f(t) <= f(0) + C1 t f'(0), "sufficient decrease".
const C1: f64 = 1e-4;

/// |f'(t)| <= C2 |f'(0)|, "curvature".
const C2: f64 = 0.9;

/// Evaluations besides the first, at most.
const MOST: usize = 25;

/// A bracket over which no parameter changes by more is not cut any further.
const CHANGE: f64 = 1e-9;

/// The function at t: value, slope, and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Point<D> {
    pub(super) t: f64,
    /// Infinite where it is no number.
    pub(super) f: f64,
    pub(super) slope: f64,
    pub(super) data: D,
}

/// Searches from `start` at t = 0, whose slope is negative, with `first` as the first t. `largest` is how far a t of 1 goes.
pub(super) async fn strong_wolfe<D: Clone>(
    start: Point<D>,
    first: f64,
    largest: f64,
    mut at: impl AsyncFnMut(f64) -> Result<Point<D>>,
) -> Result<Point<D>> {
    let line = Line { f: start.f, slope: start.slope };
    let (mut previous, mut new) = (start.clone(), at(first).await?);
    let mut evaluations = 0;
    let bracket = loop {
        if evaluations == MOST {
            break [start, new];
        }
        if !line.decreases(&new) || (evaluations > 1 && new.f >= previous.f) {
            break [previous, new];
        }
        if line.is_flat(&new) {
            return Ok(new);
        }
        if new.slope >= 0.0 {
            break [previous, new];
        }
        let bounds = (new.t + 0.01 * (new.t - previous.t), 10.0 * new.t);
        let t = minimum_of_cubic(&previous, &new, bounds);
        previous = std::mem::replace(&mut new, at(t).await?);
        evaluations += 1;
    };
    zoom(line, bracket, evaluations, largest, at).await
}

/// The values at 0, which the conditions refer to.
#[derive(Clone, Copy)]
struct Line {
    f: f64,
    slope: f64,
}

impl Line {
    fn decreases<D>(self, point: &Point<D>) -> bool {
        point.f <= self.f + C1 * point.t * self.slope
    }

    fn is_flat<D>(self, point: &Point<D>) -> bool {
        point.slope.abs() <= -C2 * self.slope
    }
}

/// Cuts a bracket around a point that satisfies the conditions until there is one, or no room or patience any more; the lower
/// end then.
async fn zoom<D: Clone>(
    line: Line,
    mut bracket: [Point<D>; 2],
    mut evaluations: usize,
    largest: f64,
    mut at: impl AsyncFnMut(f64) -> Result<Point<D>>,
) -> Result<Point<D>> {
    // The low end satisfies the condition of decrease, as the first of the bracket always does: a point that is lower but
    // does not would take the start out of the bracket, and with it every step that satisfies both.
    let low = usize::from(line.decreases(&bracket[1]) && bracket[1].f < bracket[0].f);
    let mut little_progress = false;
    while evaluations < MOST && (bracket[1].t - bracket[0].t).abs() * largest >= CHANGE {
        let bounds = (bracket[0].t.min(bracket[1].t), bracket[0].t.max(bracket[1].t));
        let t = minimum_of_cubic(&bracket[0], &bracket[1], bounds);
        let new = at(away_from_ends(t, bounds, &mut little_progress)).await?;
        evaluations += 1;
        let high = 1 - low;
        if !line.decreases(&new) || new.f >= bracket[low].f {
            bracket[high] = new;
            continue;
        }
        let done = line.is_flat(&new);
        if !done && new.slope * (bracket[high].t - bracket[low].t) >= 0.0 {
            bracket[high] = bracket[low].clone();
        }
        bracket[low] = new;
        if done {
            break;
        }
    }
    let [first, second] = bracket;
    Ok(if low == 0 { first } else { second })
}

/// A trial near an end of the bracket is moved a tenth of it inwards, unless it is the first such in a row and inside.
fn away_from_ends(t: f64, (least, most): (f64, f64), little_progress: &mut bool) -> f64 {
    let tenth = 0.1 * (most - least);
    if (most - t).min(t - least) >= tenth {
        *little_progress = false;
        return t;
    }
    let moved = *little_progress || t >= most || t <= least;
    *little_progress = !moved;
    match moved {
        false => t,
        true if (t - most).abs() < (t - least).abs() => most - tenth,
        true => least + tenth,
    }
}

/// Where the cubic through two points with their slopes is lowest, within bounds; their middle where there is no such place.
fn minimum_of_cubic<D>(a: &Point<D>, b: &Point<D>, (least, most): (f64, f64)) -> f64 {
    let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.f - b.f) / (a.t - b.t);
    let d2 = (d1 * d1 - a.slope * b.slope).sqrt();
    let t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
    // The root of a negative number and what infinities leave.
    if t.is_nan() { (least + most) / 2.0 } else { t.clamp(least.min(most), most.max(least)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step along f from 0 that satisfies both conditions, and how often f was asked.
    fn search(f: impl Fn(f64) -> (f64, f64), first: f64) -> (f64, usize) {
        let mut asked = 0;
        let point = |t: f64| {
            let (f, slope) = f(t);
            Point { t, f: if f.is_nan() { f64::INFINITY } else { f }, slope, data: () }
        };
        let start = point(0.0);
        let line = Line { f: start.f, slope: start.slope };
        let found = strong_wolfe(start, first, 1.0, async |t| {
            asked += 1;
            Ok(point(t))
        });
        let found = pollster::block_on(found).unwrap();
        assert!(line.decreases(&found) && line.is_flat(&found), "{found:?}");
        (found.t, asked)
    }

    #[test]
    fn steps_satisfy_both_conditions_from_whatever_first_step() {
        for first in [1e-6, 0.1, 1.0, 30.0, 1e4] {
            search(|t| ((t - 3.0).powi(2), 2.0 * (t - 3.0)), first);
            // Nocedal & Wright's harder kinds: nearly flat, and with a narrow valley.
            search(|t| (-t / (t * t + 2.0), (t * t - 2.0) / (t * t + 2.0).powi(2)), first);
            search(|t| ((t - 2.0).powi(4) - t, 4.0 * (t - 2.0).powi(3) - 1.0), first);
        }
        // No number, as where a network overflows.
        let overflows =
            |t: f64| if t > 5.0 { (f64::NAN, f64::NAN) } else { ((t - 3.0).powi(2), 2.0 * (t - 3.0)) };
        assert!(search(overflows, 100.0).0 < 5.0);
        // The very first step is right: nothing else is asked for.
        assert_eq!(search(|t| ((t - 3.0).powi(2), 2.0 * (t - 3.0)), 3.0), (3.0, 1));
    }
}
