//! The two models, each a function from a batch to scores.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Tensor, activation, backend::Backend};

use super::batch::Batch;
use crate::role::OUTPUTS;

/// What a model says of a batch of `n` files and `p` pairs.
pub(super) struct Scores<B: Backend> {
    /// Logits of the roles, `[n, outputs]`.
    pub roles: Tensor<B, 2>,
    /// Logits of "the first depends on the second" and its opposite, `[p, 2]`.
    pub direction: Option<Tensor<B, 2>>,
}

/// A model that can be fitted and asked.
pub(super) trait Scorer<B: Backend>: Module<B> {
    /// Whether it looks at neighbours.
    const NEIGHBOURS: bool;

    fn score(&self, batch: &Batch<B>) -> Scores<B>;
}

/// Softmax regression.
#[derive(Module, Debug)]
pub(super) struct Regression<B: Backend> {
    pub roles: Linear<B>,
}

impl<B: Backend> Regression<B> {
    pub(super) fn new(width: usize, device: &B::Device) -> Self {
        Self { roles: LinearConfig::new(width, OUTPUTS).init(device) }
    }
}

impl<B: Backend> Scorer<B> for Regression<B> {
    const NEIGHBOURS: bool = false;

    fn score(&self, batch: &Batch<B>) -> Scores<B> {
        Scores { roles: self.roles.forward(batch.own.clone()), direction: None }
    }
}

/// Two `GraphSAGE` blocks, a head for roles and one for the direction of edges. What flows from file to file is computed
/// from what neighbours may see, never from a file's own words: so no message brings a word of anybody's path.
#[derive(Module, Debug)]
pub(super) struct Network<B: Backend> {
    pub own1: Linear<B>,
    pub near1: Linear<B>,
    pub own2: Linear<B>,
    pub near2: Linear<B>,
    pub roles: Linear<B>,
    direction: Linear<B>,
    dropout: Dropout,
}

impl<B: Backend> Network<B> {
    pub(super) fn new(width: usize, hidden: usize, dropout: f64, device: &B::Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let plain = |from, to| LinearConfig::new(from, to).with_bias(false).init(device);
        Self {
            own1: linear(width, hidden),
            near1: plain(width, hidden),
            own2: linear(hidden, hidden),
            near2: plain(hidden, hidden),
            roles: linear(2 * hidden, OUTPUTS),
            direction: linear(2 * hidden, 2),
            dropout: DropoutConfig::new(dropout).init(),
        }
    }
}

impl<B: Backend> Scorer<B> for Network<B> {
    const NEIGHBOURS: bool = true;

    fn score(&self, batch: &Batch<B>) -> Scores<B> {
        let own = self.own1.forward(batch.own.clone());
        let (first, second) = match &batch.near {
            None => {
                let first = self.dropout.forward(activation::relu(own));
                (first.clone(), self.own2.forward(first))
            }
            Some((seen, adjacency)) => {
                let near = adjacency.clone().matmul(self.near1.forward(seen.clone()));
                let message = activation::relu(self.own1.forward(seen.clone()) + near.clone());
                let first = self.dropout.forward(activation::relu(own + near));
                let near =
                    adjacency.clone().matmul(self.near2.forward(self.dropout.forward(message)));
                (first.clone(), self.own2.forward(first) + near)
            }
        };
        let second = self.dropout.forward(activation::relu(second));
        let direction = batch.pairs.as_ref().map(|pairs| {
            let ends = vec![
                pairs.first.clone().matmul(second.clone()),
                pairs.second.clone().matmul(second.clone()),
            ];
            self.direction.forward(Tensor::cat(ends, 1))
        });
        Scores { roles: self.roles.forward(Tensor::cat(vec![first, second], 1)), direction }
    }
}
