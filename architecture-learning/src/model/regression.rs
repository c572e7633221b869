//! Softmax regression. Its rows are sparse, so it is taught and asked by hand: burn keeps its weights and steps them, and
//! multiplies nothing.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Tensor, TensorData};

use super::Reads;
use super::network::tempered;
use super::rows::{Row, rows, width};
use super::statistics::Statistics;
use crate::graph::Graph;
use crate::role::OUTPUTS;

/// Its weights.
#[derive(Module, Debug)]
pub(super) struct Regression<B: Backend> {
    roles: Linear<B>,
}

impl<B: Backend> Regression<B> {
    pub(super) fn new(reads: Reads, device: &B::Device) -> Self {
        Self { roles: LinearConfig::new(width(reads), OUTPUTS).init(device) }
    }

    /// The same answers, less sure by a factor.
    pub(super) fn tempered(self, temperature: f32) -> Self {
        Self { roles: tempered(self.roles, temperature) }
    }

    /// To be asked.
    pub(super) fn lines(&self) -> Lines {
        let values = self.roles.weight.val().into_data().to_vec::<f32>().unwrap_or_default();
        let bias = self.roles.bias.as_ref().map(|bias| bias.val().into_data());
        let bias = bias.and_then(|bias| bias.to_vec::<f32>().ok()).unwrap_or_default();
        Lines { weights: outputs(&values), bias: outputs(&bias).pop().unwrap_or_default() }
    }
}

impl<B: AutodiffBackend> Regression<B> {
    /// What burn needs for a step.
    pub(super) fn gradients(&self, slope: &Lines, device: &B::Device) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        let values =
            TensorData::new(slope.weights.as_flattened().to_vec(), [slope.weights.len(), OUTPUTS]);
        let weights = Tensor::<B::InnerBackend, 2>::from_data(values, device);
        gradients.register(self.roles.weight.id, weights);
        if let Some(bias) = &self.roles.bias {
            let values = TensorData::new(slope.bias.to_vec(), [OUTPUTS]);
            gradients.register(bias.id, Tensor::<B::InnerBackend, 1>::from_data(values, device));
        }
        gradients
    }
}

fn outputs(values: &[f32]) -> Vec<[f32; OUTPUTS]> {
    values.chunks_exact(OUTPUTS).map(|row| std::array::from_fn(|i| row[i])).collect()
}

/// A weight per place of a row and output; or their slopes.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    weights: Vec<[f32; OUTPUTS]>,
    bias: [f32; OUTPUTS],
}

impl Lines {
    fn zeros(width: usize) -> Self {
        Self { weights: vec![[0.0; OUTPUTS]; width], bias: [0.0; OUTPUTS] }
    }

    /// The logits of every node.
    pub(super) fn of_graph(
        &self,
        graph: &Graph,
        statistics: &Statistics,
        reads: Reads,
    ) -> Vec<[f32; OUTPUTS]> {
        let rows = rows(graph, statistics, reads, |_| true);
        rows.iter().map(|row| self.logits(row)).collect()
    }

    /// The logits of a row.
    pub(super) fn logits(&self, row: &Row) -> [f32; OUTPUTS] {
        let mut logits = self.bias;
        for (place, value) in row {
            add(&mut logits, &self.weights[*place as usize], *value);
        }
        logits
    }

    /// Mean loss of rows with the output that each should have and what that output weighs; and its slope.
    pub(super) fn loss(&self, lessons: &[(&Row, usize, f32)]) -> (f32, Self) {
        let mut slope = Self::zeros(self.weights.len());
        let all: f32 = lessons.iter().map(|(_, _, weight)| weight).sum();
        let mut loss = 0.0;
        for (row, output, weight) in lessons {
            let share = weight / all.max(f32::MIN_POSITIVE);
            let mut errors = softmax(self.logits(row));
            loss -= share * errors[*output].max(f32::MIN_POSITIVE).ln();
            errors[*output] -= 1.0;
            add(&mut slope.bias, &errors, share);
            for (place, value) in *row {
                add(&mut slope.weights[*place as usize], &errors, value * share);
            }
        }
        (loss, slope)
    }
}

fn add(into: &mut [f32; OUTPUTS], values: &[f32; OUTPUTS], times: f32) {
    for (into, value) in into.iter_mut().zip(values) {
        *into += value * times;
    }
}

fn softmax(logits: [f32; OUTPUTS]) -> [f32; OUTPUTS] {
    let max = logits.iter().copied().fold(f32::MIN, f32::max);
    let exp = logits.map(|logit| (logit - max).exp());
    let sum: f32 = exp.iter().sum();
    exp.map(|e| e / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_what_the_loss_does_nearby() {
        let mut lines = Lines::zeros(3);
        lines.weights[1][2] = 0.5;
        lines.bias[4] = -0.3;
        let (a, b) = (vec![(0, 1.0), (1, 0.5)], vec![(1, -1.0), (2, 2.0)]);
        let lessons = [(&a, 2, 1.0), (&b, 4, 2.0)];
        let (loss, slope) = lines.loss(&lessons);
        for (place, output) in [(0, 2), (1, 2), (1, 4), (2, 0)] {
            let mut moved = lines.clone();
            moved.weights[place][output] += 1e-2;
            let measured = (moved.loss(&lessons).0 - loss) / 1e-2;
            let told = slope.weights[place][output];
            assert!((measured - told).abs() < 5e-3, "{place} {output}: {measured} {told}");
        }
        let mut moved = lines.clone();
        moved.bias[4] += 1e-2;
        assert!(((moved.loss(&lessons).0 - loss) / 1e-2 - slope.bias[4]).abs() < 5e-3);
    }
}
