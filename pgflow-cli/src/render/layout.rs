//! Where the nodes of a picture stand: in layers by their longest way from a root, within a layer near what comes
//! before them.

use super::picture::Picture;

pub(crate) const WIDTH: u32 = 190;
pub(crate) const HEIGHT: u32 = 48;
const GAP_X: u32 = 30;
pub(crate) const GAP_Y: u32 = 48;
pub(crate) const MARGIN: u32 = 20;
/// Above the first layer, for the title.
pub(crate) const HEAD: u32 = 30;

/// The upper left corner of each node, and the size of all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub corners: Vec<(u32, u32)>,
    pub size: (u32, u32),
}

pub(crate) fn layout(picture: &Picture) -> Layout {
    let layers = layers(picture);
    let widest = layers.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let span = |n: usize| {
        let n = u32::try_from(n).unwrap_or(u32::MAX / WIDTH / 2);
        n * WIDTH + n.saturating_sub(1) * GAP_X
    };
    let mut corners = vec![(0, 0); picture.shapes.len()];
    let mut y = MARGIN + HEAD;
    for layer in &layers {
        let mut x = MARGIN + (span(widest) - span(layer.len())) / 2;
        for node in layer {
            corners[*node] = (x, y);
            x += WIDTH + GAP_X;
        }
        y += HEIGHT + GAP_Y;
    }
    Layout { corners, size: (span(widest) + 2 * MARGIN, y.saturating_sub(GAP_Y) + MARGIN) }
}

/// The nodes of each layer, from left to right. Edges lead from lower indices to higher ones.
fn layers(picture: &Picture) -> Vec<Vec<usize>> {
    let count = picture.shapes.len();
    let mut depth = vec![0; count];
    for node in 0..count {
        let before = picture.edges.iter().filter(|edge| edge.to == node);
        depth[node] = before.map(|edge| depth[edge.from] + 1).max().unwrap_or(0);
    }
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); depth.iter().max().map_or(0, |d| d + 1)];
    let mut place = vec![0.0_f64; count];
    for (d, layer) in layers.iter_mut().enumerate() {
        *layer = (0..count).filter(|node| depth[*node] == d).collect();
        let wish = |node: usize, place: &[f64]| {
            let before: Vec<f64> =
                picture.edges.iter().filter(|e| e.to == node).map(|e| place[e.from]).collect();
            let n = u32::try_from(before.len()).unwrap_or(1).max(1);
            before.iter().sum::<f64>() / f64::from(n)
        };
        let wishes: Vec<f64> = (0..count).map(|node| wish(node, &place)).collect();
        layer.sort_by(|a, b| wishes[*a].total_cmp(&wishes[*b]).then(a.cmp(b)));
        let middle = f64::from(u32::try_from(layer.len()).unwrap_or(1).saturating_sub(1)) / 2.0;
        for (i, node) in (0_u32..).zip(layer.iter()) {
            place[*node] = f64::from(i) - middle;
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use pgflow_core::definition::NodeKind;

    use super::{
        super::picture::{Edge, Shape},
        *,
    };

    #[test]
    fn a_diamond_has_three_layers_and_nothing_overlaps() {
        let shape = Shape {
            label: "x".into(),
            note: String::new(),
            kind: NodeKind::Step,
            standing: None,
            arm: None,
        };
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3)];
        let edges = edges.map(|(from, to)| Edge { from, to, label: None }).to_vec();
        let picture = Picture { title: "t".into(), shapes: vec![shape; 4], edges };
        let Layout { corners, size } = layout(&picture);
        assert!(
            corners[0].1 < corners[1].1
                && corners[1].1 == corners[2].1
                && corners[2].1 < corners[3].1
        );
        assert!(corners[1].0 + WIDTH < corners[2].0);
        assert_eq!(corners[0].0, corners[3].0);
        assert!(corners.iter().all(|(x, y)| x + WIDTH < size.0 && y + HEIGHT < size.1));
    }
}
