//! The graph network: a function from a batch to scores.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Tensor, activation, backend::Backend};

use super::Reads;
use super::batch::Batch;
use crate::discovery::STRUCTURE;
use crate::role::OUTPUTS;

/// What a model says of a batch of `n` files and `p` pairs.
pub(super) struct Scores<B: Backend> {
    /// Logits of the roles, `[n, outputs]`.
    pub roles: Tensor<B, 2>,
    /// Logits of "the first depends on the second" and its opposite, `[p, 2]`.
    pub direction: Option<Tensor<B, 2>>,
}

/// Two `GraphSAGE` blocks, a head for roles and one for the direction of edges. What flows from file to file is computed
/// from what neighbours may see, never from a file's own words: so no message brings a word of anybody's path. The files
/// of a directory see each other in the first block.
#[derive(Module, Debug)]
pub(super) struct Network<B: Backend> {
    pub own1: Linear<B>,
    pub near1: Linear<B>,
    pub directory1: Option<Linear<B>>,
    pub own2: Linear<B>,
    pub near2: Linear<B>,
    pub roles: Linear<B>,
    direction: Linear<B>,
    dropout: Dropout,
}

impl<B: Backend> Network<B> {
    pub(super) fn new(reads: Reads, hidden: usize, dropout: f64, device: &B::Device) -> Self {
        let width = width(reads);
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let plain = |from, to| LinearConfig::new(from, to).with_bias(false).init(device);
        Self {
            own1: linear(width, hidden),
            near1: plain(width, hidden),
            directory1: reads.directory.then(|| plain(width, hidden)),
            own2: linear(hidden, hidden),
            near2: plain(hidden, hidden),
            roles: linear(2 * hidden, OUTPUTS),
            direction: linear(2 * hidden, 2),
            dropout: DropoutConfig::new(dropout).init(),
        }
    }

    pub(super) fn score(&self, batch: &Batch<B>) -> Scores<B> {
        let own = self.own1.forward(batch.own.clone());
        let mut near = batch.neighbours.clone().matmul(self.near1.forward(batch.seen.clone()));
        if let (Some(layer), Some(siblings)) = (&self.directory1, &batch.siblings) {
            near = near + siblings.clone().matmul(layer.forward(batch.seen.clone()));
        }
        let message = activation::relu(self.own1.forward(batch.seen.clone()) + near.clone());
        let first = self.dropout.forward(activation::relu(own + near));
        let near =
            batch.neighbours.clone().matmul(self.near2.forward(self.dropout.forward(message)));
        let second = activation::relu(self.own2.forward(first.clone()) + near);
        let second = self.dropout.forward(second);
        let direction = batch.pairs.as_ref().map(|pairs| {
            let ends = vec![
                pairs.first.clone().matmul(second.clone()),
                pairs.second.clone().matmul(second.clone()),
            ];
            self.direction.forward(Tensor::cat(ends, 1))
        });
        Scores { roles: self.roles.forward(Tensor::cat(vec![first, second], 1)), direction }
    }

    /// The same answers, less sure by a factor.
    pub(super) fn tempered(mut self, temperature: f32) -> Self {
        self.roles = tempered(self.roles, temperature);
        self
    }
}

/// How many features a file has.
pub(super) fn width(reads: Reads) -> usize {
    reads.own + STRUCTURE
}

/// A last layer whose logits are divided by `temperature`.
pub(super) fn tempered<B: Backend>(layer: Linear<B>, temperature: f32) -> Linear<B> {
    Linear {
        weight: layer.weight.map(|weight| weight.div_scalar(temperature)),
        bias: layer.bias.map(|bias| bias.map(|bias| bias.div_scalar(temperature))),
    }
}
