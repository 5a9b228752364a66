//! Rows in two parts, one to learn from and one to be held out: the same share of every class, drawn from ChaCha8.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use super::dataset::Targets;
use crate::error::{Error, Result};

/// The rows of a table in two parts, each ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<R = usize> {
    /// To learn from.
    pub training: Vec<R>,
    /// To be held out.
    pub held_out: Vec<R>,
}

/// Holds out `fraction` of the rows, rounded, at least one: of classes the same share each, as nearly as whole rows allow, and
/// never the last one of a class.
///
/// `targets` are those of the rows, in their order. Which rows are held out does not hang on the type of their numbers.
///
/// # Errors
/// [`Error::InvalidArgument`] for a fraction that does not lie between 0 and 1; [`Error::Data`] when there are too few rows
/// to leave some in both parts.
pub fn split<R: Copy + Ord>(rows: &[R], targets: &Targets, fraction: f64, seed: u32) -> Result<Split<R>> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Error::invalid("fraction to hold out", fraction, "it lies between 0 and 1, such as 0.1"));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed.into());
    let mut groups: Vec<Vec<R>> = match targets {
        Targets::Classes { labels, names } => {
            let mut groups = vec![Vec::new(); names.len()];
            for (&row, &label) in rows.iter().zip(labels) {
                groups[label as usize].push(row);
            }
            groups
        }
        Targets::Values { .. } => vec![rows.to_vec()],
    };
    groups.retain(|group| !group.is_empty());
    let wanted = ((rows.len() as f64 * fraction).round() as usize).max(1);
    let counts = shares(&groups, fraction, wanted);
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    for (group, count) in groups.iter_mut().zip(counts) {
        group.shuffle(&mut random);
        held_out.extend(&group[..count]);
        training.extend(&group[count..]);
    }
    if held_out.is_empty() {
        let problem = format!(
            "{} rows are too few to hold out {fraction} of them and keep one of each class; use more data, or leave \
             the split out",
            rows.len()
        );
        return Err(Error::data("split", problem));
    }
    training.sort_unstable();
    held_out.sort_unstable();
    Ok(Split { training, held_out })
}

/// The number of a row, in as many bytes as it takes.
pub trait Row: Copy + Ord {
    /// The number.
    fn number(self) -> usize;
}

impl Row for usize {
    fn number(self) -> usize {
        self
    }
}

impl Row for u32 {
    fn number(self) -> usize {
        self as usize
    }
}

/// Takes a share out of the rows of a table, one after the other: `share` is of all samples of `targets`, whatever was taken
/// before; `what` names it in messages.
///
/// # Errors
/// [`Error::InvalidArgument`] for a share that does not lie between 0 and 1; those of [`split`].
pub fn hold_out<R: Row>(
    rows: &mut Vec<R>,
    targets: &Targets,
    what: &'static str,
    share: f64,
    seed: u32,
) -> Result<Vec<R>> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::invalid(what, share, "it lies between 0 and 1, such as 0.1"));
    }
    let of_the_rest = share * targets.len() as f64 / rows.len() as f64;
    let own = targets.picked(rows.iter().map(|row| row.number()));
    let parts = split(rows, &own, of_the_rest, seed)?;
    *rows = parts.training;
    Ok(parts.held_out)
}

/// How many of each group, `wanted` in all if possible: rounded down, then one more where most was cut off.
fn shares<R>(groups: &[Vec<R>], fraction: f64, wanted: usize) -> Vec<usize> {
    let exact: Vec<f64> = groups.iter().map(|group| group.len() as f64 * fraction).collect();
    let mut counts: Vec<usize> =
        exact.iter().zip(groups).map(|(share, group)| (*share as usize).min(group.len() - 1)).collect();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|&i, &j| (exact[j].fract()).total_cmp(&exact[i].fract()));
    for i in order.into_iter().cycle().take(2 * groups.len()) {
        if counts.iter().sum::<usize>() < wanted && counts[i] + 1 < groups[i].len() {
            counts[i] += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(sizes: &[usize]) -> Targets {
        let labels = sizes.iter().zip(0u32..).flat_map(|(&n, class)| vec![class; n]).collect();
        Targets::Classes { labels, names: sizes.iter().map(usize::to_string).collect() }
    }

    #[test]
    fn every_class_gives_its_share_and_every_row_is_somewhere() {
        for (sizes, fraction, want) in [
            (&[100, 50, 10][..], 0.1, [10, 5, 1]),
            (&[90, 9, 3], 0.1, [9, 1, 0]),
            (&[10, 10, 10], 0.25, [3, 3, 2]),
            (&[5, 1, 1], 0.5, [4, 0, 0]),
        ] {
            let m: usize = sizes.iter().sum();
            let rows: Vec<usize> = (0..m).map(|row| 3 * row).collect();
            let targets = classes(sizes);
            let Split { training, held_out } = split(&rows, &targets, fraction, 1).unwrap();
            let Targets::Classes { labels, .. } = &targets else { unreachable!() };
            let mut got = [0; 3];
            held_out.iter().for_each(|row| got[labels[row / 3] as usize] += 1);
            let mut sorted = (got, want);
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            assert_eq!(sorted.0, sorted.1, "{sizes:?}");
            let mut all = [training, held_out].concat();
            all.sort_unstable();
            assert_eq!(all, rows);
        }
    }

    #[test]
    fn a_seed_gives_the_same_rows_and_another_one_others() {
        let targets = Targets::Values { values: vec![0.5; 100], n_outputs: 1 };
        let rows: Vec<usize> = (0..100).collect();
        let of = |seed| split(&rows, &targets, 0.2, seed).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(of(1).held_out.len(), 20);
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        let rows: Vec<usize> = (0..2).collect();
        for fraction in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(split(&rows, &classes(&[2]), fraction, 1).unwrap_err().is_usage());
        }
        let error = split(&rows, &classes(&[1, 1]), 0.5, 1).unwrap_err();
        assert!(error.to_string().contains("too few"), "{error}");
    }
}
