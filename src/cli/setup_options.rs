//! What commands that try a network without training it share: data, its preparation, the layers, the first weights.

use clap::Args;
use gpu_nn::Result;
use gpu_nn::data::{DataSource, Dataset};
use gpu_nn::network::{Network, Parameters, initialize, parse_hidden};

use super::data_options::{DataArgs, PrepareArgs};
use super::options::NetworkArgs;

/// A network on data, as `train` would begin with it.
#[derive(Clone, Debug, Args)]
pub struct SetupArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    prepare: PrepareArgs,
    /// Hidden layers: 4, or 20,7,5, or 20:relu,7:tanh, or none
    #[arg(long, value_name = "SIZES", default_value = "4", help_heading = "Network")]
    hidden: String,
    #[command(flatten)]
    network: NetworkArgs,
}

/// What they lead to.
pub struct Setup {
    pub source: DataSource,
    pub dataset: Dataset,
    pub network: Network,
    pub parameters: Parameters,
}

impl SetupArgs {
    /// Reads and prepares all of the data.
    pub fn setup(&self) -> Result<Setup> {
        let source = self.data.source(None)?;
        let (dataset, _) = self.prepare.dataset(&source, self.network.output)?;
        let hidden = parse_hidden(&self.hidden, self.network.activation)?;
        let network = self.network.network(hidden, &dataset)?;
        let parameters = initialize(&network, self.network.init, self.network.init_seed);
        Ok(Setup { source, dataset, network, parameters })
    }
}
