//! The order of effects. A call whose result nobody reads is there for its effect: it waits for all before it, and all
//! after it wait for it. The rest is ordered by data alone.

use std::collections::BTreeSet;

use super::{Model, Needs, NodeId, Statement};

impl Model {
    /// Fills in [`Node::order`](super::Node::order).
    pub(super) fn order_nodes(&mut self, live: &Needs) {
        for node in 0..self.nodes.len() {
            let after = self.needs(&self.nodes[node].after).loads;
            self.nodes[node].order = after;
        }
        self.order_effects(live);
        self.reduce();
    }

    fn order_effects(&mut self, live: &Needs) {
        let mut barrier: BTreeSet<NodeId> = BTreeSet::new();
        let mut since: BTreeSet<NodeId> = BTreeSet::new();
        for place in 0..=self.statements.len() {
            let here: BTreeSet<NodeId> =
                (0..self.nodes.len()).filter(|n| self.nodes[*n].statement == place).collect();
            if here.is_empty() {
                continue;
            }
            let is_effect = match self.statements.get(place) {
                Some(Statement::Let(id)) => !live.lets.contains(id),
                Some(Statement::Effect) => true,
                None => false,
            };
            let mut waits = barrier.clone();
            if is_effect {
                waits.append(&mut since);
                barrier.clone_from(&here);
            } else {
                since.extend(&here);
            }
            for node in here {
                self.nodes[node].order.extend(&waits);
            }
        }
    }

    /// Drops an edge of order where another way leads there already.
    fn reduce(&mut self) {
        let mut ancestors: Vec<BTreeSet<NodeId>> = Vec::new();
        for i in 0..self.nodes.len() {
            let data = self.data(&self.nodes[i]);
            let waits: BTreeSet<NodeId> = data.union(&self.nodes[i].order).copied().collect();
            let implied = |node: &NodeId| {
                data.contains(node) || waits.iter().any(|w| ancestors[*w].contains(node))
            };
            let order = self.nodes[i].order.iter().copied().filter(|n| !implied(n)).collect();
            let mut all = waits.clone();
            for earlier in &waits {
                all.extend(&ancestors[*earlier]);
            }
            ancestors.push(all);
            self.nodes[i].order = order;
        }
    }
}
