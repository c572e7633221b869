//! Where boxes stand: layers from the top down, in each the order in which the fewest lines cross, wrapped into rows.

use std::collections::BTreeMap;

use crate::architecture::Architecture;

/// Width of the picture.
const WIDTH: i32 = 1120;
const HEIGHT: i32 = 44;
const GAP: i32 = 16;
/// Between layers, where lines run.
const ALLEY: i32 = 44;
const PAD: i32 = 12;
/// From the bottom of a layer to the bottom of the next, for one row each.
pub(super) const STEP: i32 = ALLEY + 2 * PAD + HEIGHT;
/// Letters of a name that fit.
const LETTERS: usize = 22;
/// Sweeps that put boxes near those that they are joined with.
const SWEEPS: usize = 4;

/// A box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Box {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// All boxes.
#[derive(Debug)]
pub(super) struct Placed {
    pub width: i32,
    pub height: i32,
    pub boxes: BTreeMap<usize, Box>,
    /// Top and bottom of each layer.
    pub bands: Vec<(i32, i32)>,
}

/// The end of a name that is too long.
pub(super) fn short(name: &str) -> String {
    let letters = name.chars().count();
    if letters <= LETTERS {
        return name.to_owned();
    }
    let end: String = name.chars().skip(letters + 1 - LETTERS).collect();
    format!("\u{2026}{end}")
}

pub(super) fn place(architecture: &Architecture) -> Placed {
    let mut layers = sorted(architecture);
    layers.push(architecture.layering.apart.clone());
    layers.retain(|layer| !layer.is_empty());
    let (mut boxes, mut bands) = (BTreeMap::new(), Vec::new());
    let mut y = PAD;
    for layer in &layers {
        let top = y - PAD;
        for row in rows(architecture, layer) {
            let whole: i32 = row.iter().map(|(_, width)| width + GAP).sum::<i32>() - GAP;
            let mut x = (WIDTH - whole) / 2;
            for (part, width) in row {
                boxes.insert(part, Box { x, y, width, height: HEIGHT });
                x += width + GAP;
            }
            y += HEIGHT + GAP;
        }
        y += PAD - GAP;
        bands.push((top, y));
        y += ALLEY + PAD;
    }
    Placed { width: WIDTH, height: (y - ALLEY - PAD).max(HEIGHT), boxes, bands }
}

fn rows(architecture: &Architecture, layer: &[usize]) -> Vec<Vec<(usize, i32)>> {
    let mut rows: Vec<Vec<(usize, i32)>> = Vec::new();
    let mut room = 0;
    for part in layer {
        let letters = short(&architecture.parts[*part].name).chars().count().max(14);
        let width = i32::try_from(letters).unwrap_or(0) * 9 + 12;
        match rows.last_mut() {
            Some(row) if room >= width + GAP => {
                room -= width + GAP;
                row.push((*part, width));
            }
            _ => {
                room = WIDTH - 2 * PAD - width;
                rows.push(vec![(*part, width)]);
            }
        }
    }
    rows
}

/// The layers, each sorted by the mean place of what its parts are joined with.
fn sorted(architecture: &Architecture) -> Vec<Vec<usize>> {
    let mut layers = architecture.layering.layers.clone();
    let mut at = vec![0.5; architecture.parts.len()];
    let spread = |layer: &[usize], at: &mut Vec<f64>| {
        let n = f64::from(u32::try_from(layer.len()).unwrap_or(1));
        for (i, part) in (0_u32..).zip(layer) {
            at[*part] = (f64::from(i) + 0.5) / n;
        }
    };
    for layer in &layers {
        spread(layer, &mut at);
    }
    for _ in 0..SWEEPS {
        for layer in &mut layers {
            let mean = |part: usize| {
                let joined = architecture.links.iter().filter_map(|l| match (l.from, l.to) {
                    (from, to) if from == part => Some(to),
                    (from, to) if to == part => Some(from),
                    _ => None,
                });
                let places: Vec<f64> = joined.map(|other| at[other]).collect();
                let n = f64::from(u32::try_from(places.len()).unwrap_or(1).max(1));
                places.iter().sum::<f64>() / n
            };
            layer.sort_by(|a, b| mean(*a).total_cmp(&mean(*b)).then(a.cmp(b)));
            spread(layer, &mut at);
        }
    }
    layers
}
