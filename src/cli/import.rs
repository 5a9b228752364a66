//! `gpu-nn import`: a model of the weights that another program trained.

use std::path::PathBuf;

use clap::ValueEnum;
use gpu_nn::Result;
use gpu_nn::export::{ImportOptions, from_npz};
use gpu_nn::network::{Activation, Loss};

use super::console;

/// Make a model of a scikit-learn MLP's weights, for predict, evaluate and export.
#[derive(Debug, clap::Args)]
#[command(after_help = "In Python:\n  \
    np.savez(\"mlp.npz\", *mlp.coefs_, *mlp.intercepts_, activation=mlp.activation,\n           \
    out_activation_=mlp.out_activation_, classes_=mlp.classes_)\n\
    A regressor has no classes_; mean_ and scale_ of a StandardScaler may be added. coefs_0, intercepts_0, coefs_1, ... are understood as well, and what `gpu-nn export` writes.")]
pub struct Args {
    /// A NumPy archive of weights and biases
    #[arg(value_name = "FILE.npz")]
    file: PathBuf,
    /// The model file to write
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    /// Activation of all hidden layers [default: the file's `activation`]
    #[arg(long, value_name = "NAME")]
    activation: Option<Activation>,
    /// Output activation [default: the file's `out_activation_`]
    #[arg(long, value_enum)]
    output: Option<Output>,
    /// Names of the classes, in order [default: the file's `classes_`, or 0,1,...]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    classes: Option<Vec<String>>,
    /// Names of the features, in order [default: the file's `feature_names_in_`, or x1,x2,...]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    features: Option<Vec<String>>,
}

/// What the last layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// one unit for two classes (scikit-learn: logistic)
    #[value(alias = "logistic")]
    Sigmoid,
    /// one unit a class
    Softmax,
    /// values: regression
    Identity,
}

pub fn run(args: Args) -> Result<()> {
    let output = args.output.map(|output| match output {
        Output::Sigmoid => Loss::BinaryCrossEntropy,
        Output::Softmax => Loss::SoftmaxCrossEntropy,
        Output::Identity => Loss::SquaredError,
    });
    let options = ImportOptions {
        activation: args.activation,
        output,
        class_names: args.classes,
        feature_names: args.features,
    };
    let model = from_npz(&args.file, &options)?;
    model.save(&args.out)?;
    console::print(&format!("{}: {}\n", args.out.display(), model.network))
}
