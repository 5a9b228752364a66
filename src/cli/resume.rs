//! `gpu-nn train --resume`: the words of the command that began a training, with those that change it.

use clap::Parser;
use gpu_nn::model::SavedCheckpoint;
use gpu_nn::training::Backend;
use gpu_nn::{Error, Result};

use super::train::{Args, Prepared};

/// `train` by itself, with later options in the place of earlier ones.
#[derive(Debug, Parser)]
#[command(name = "gpu-nn train", args_override_self = true)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// The words behind `gpu-nn train` in this process.
pub fn own_words() -> Vec<String> {
    std::env::args().skip(2).collect()
}

/// The arguments of a training that is taken up again, and the words that say them: those it began with, on the device it was
/// on, with the new ones but for `--resume` itself.
pub fn resumed(saved: &SavedCheckpoint, new: &[String]) -> Result<(Args, Vec<String>)> {
    let changes = without_resume(new);
    let mut words = saved.command.clone();
    words.extend(saved.device.iter().cloned());
    words.extend(changes.iter().cloned());
    let named = std::iter::once("gpu-nn train".to_owned()).chain(words.clone());
    let command = Command::try_parse_from(named).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Error::invalid("option beside --resume", changes.join(" "), first)
    })?;
    Ok((command.args, words))
}

fn without_resume(words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            // Its value goes with it.
            "--resume" => drop(words.next()),
            word if word.starts_with("--resume=") => {}
            word => kept.push(word.to_owned()),
        }
    }
    kept
}

/// The options that ask for the same device again.
pub fn device_words(backend: &Backend, lowering: &'static str) -> Vec<String> {
    let mut words = vec!["--backend".to_owned(), backend.name().to_owned()];
    if backend.adapter().is_some() {
        words.extend(["--lowering".to_owned(), lowering.to_owned()]);
        words.extend(backend.calibrated().map(|products| format!("--products={products}")));
    }
    words
}

/// Refuses a checkpoint of another network, or one that is already further than the training is to go.
pub fn check_resumed(saved: &SavedCheckpoint, run: &Prepared) -> Result<()> {
    if saved.network != run.network {
        return Err(Error::Shape {
            what: "the network of the checkpoint".into(),
            expected: run.network.to_string(),
            found: saved.network.to_string(),
            hint: "use the data and the layers that the training began with".into(),
        });
    }
    let (done, wanted) = (saved.checkpoint.done, run.steps.iterations);
    if done > wanted {
        let reason =
            format!("the checkpoint has {done} iterations; ask for more with --epochs or --iterations");
        return Err(Error::invalid("number of iterations", wanted, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::without_resume;

    #[test]
    fn what_changes_a_training_is_all_but_resume() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            without_resume(&words("--epochs 5 --resume runs/a-1 --quiet")),
            words("--epochs 5 --quiet")
        );
        assert_eq!(without_resume(&words("--resume=runs/a-1")), words(""));
    }
}
