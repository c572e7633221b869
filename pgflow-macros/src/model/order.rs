//! The order of effects. A call whose result nobody reads is there for its effect: it waits for all before it, and all
//! after it wait for it. The rest is ordered by data alone. In an arm it waits for what stands before the branch too.

use std::collections::BTreeSet;

use super::{Body, Model, Needs, NodeId, Statement};

/// What the nodes of a statement may have to wait for.
#[derive(Default, Clone)]
struct Before {
    /// The effects, which all that follows waits for.
    effects: BTreeSet<NodeId>,
    /// What the next effect waits for.
    all: BTreeSet<NodeId>,
}

impl Before {
    fn add(&mut self, later: Self) {
        self.effects.extend(later.effects);
        self.all.extend(later.all);
    }
}

impl Model {
    /// Fills in [`Node::order`](super::Node::order).
    pub(super) fn order_nodes(&mut self, live: &Needs) {
        for node in 0..self.nodes.len() {
            let after = self.needs(&self.nodes[node].after).loads;
            self.nodes[node].order = after;
        }
        let mut orders = vec![BTreeSet::new(); self.nodes.len()];
        self.order_effects(&self.body, None, &Before::default(), live, &mut orders);
        for (node, order) in self.nodes.iter_mut().zip(orders) {
            node.order.extend(order);
        }
        self.reduce();
    }

    /// Orders the nodes of the body of `arm`; what is in it.
    fn order_effects(
        &self,
        body: &Body,
        arm: Option<(NodeId, usize)>,
        outside: &Before,
        live: &Needs,
        orders: &mut [BTreeSet<NodeId>],
    ) -> Before {
        let mut inside = Before::default();
        for place in 0..=body.statements.len() {
            let mut before = outside.clone();
            before.add(inside.clone());
            let is_effect = match body.statements.get(place) {
                Some(Statement::Let(id)) => !live.lets.contains(id),
                Some(Statement::Effect) => true,
                None => arm.is_some_and(|(branch, _)| !live.loads.contains(&branch)),
            };
            let waits = if is_effect { &before.all } else { &before.effects };
            let mut found = Before::default();
            for node in self.nodes_at(arm, place) {
                orders[node].extend(waits);
                found.all.insert(node);
                for (index, arm) in self.nodes[node].work.arms().iter().enumerate() {
                    let mut until = before.clone();
                    until.all.extend(&found.all);
                    let way = Some((node, index));
                    found.add(self.order_effects(&arm.body, way, &until, live, orders));
                }
            }
            if is_effect {
                found.effects.clone_from(&found.all);
            }
            inside.add(found);
        }
        inside
    }

    /// The nodes of a statement, without those in arms.
    fn nodes_at(&self, arm: Option<(NodeId, usize)>, statement: usize) -> Vec<NodeId> {
        let here = |n: &NodeId| self.nodes[*n].arm == arm && self.nodes[*n].statement == statement;
        (0..self.nodes.len()).filter(here).collect()
    }

    /// Drops an edge of order where another way leads there already.
    fn reduce(&mut self) {
        let mut ancestors: Vec<BTreeSet<NodeId>> = Vec::new();
        for i in 0..self.nodes.len() {
            let mut data = self.data(&self.nodes[i]).loads;
            data.extend(self.nodes[i].arm.map(|(branch, _)| branch));
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
