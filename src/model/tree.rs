//! The token tree: which nodes there are, and in which slots their keys and values lie.

use super::{
    ModelError, Node, TokenId,
    kernels::Span,
    slots::{Slots, part, push_span},
};
use candle_core::Tensor;
use std::collections::HashMap;

/// Nodes and the slots they hold.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: HashMap<Node, Held>,
    next: u64,
    /// Slots that belong to nobody.
    pub slots: Slots,
}

#[derive(Debug)]
struct Held {
    parent: Option<Node>,
    children: usize,
    own: Vec<Span>,
    tokens: Vec<TokenId>,
    depth: usize,
    hidden: Option<Tensor>,
    /// Given up by its owner while it still had children: it goes with the last of them.
    released: bool,
}

/// The empty context, before any BOS.
pub(super) const EMPTY: Node = Node(0);

impl Tree {
    /// A tree of nothing but the empty context.
    pub fn new(capacity: usize) -> Self {
        let empty = Held {
            parent: None,
            children: 0,
            own: Vec::new(),
            tokens: Vec::new(),
            depth: 0,
            hidden: None,
            released: false,
        };
        Self {
            nodes: HashMap::from([(EMPTY, empty)]),
            next: EMPTY.0 + 1,
            slots: Slots::new(capacity),
        }
    }

    fn held(&self, node: Node) -> Result<&Held, ModelError> {
        match self.nodes.get(&node) {
            Some(held) if !held.released => Ok(held),
            _ => Err(ModelError::UnknownNode(node)),
        }
    }

    /// Tokens from the root to `node`.
    pub fn depth(&self, node: Node) -> Result<usize, ModelError> {
        Ok(self.held(node)?.depth)
    }

    /// The final-normed hidden state after `node`'s last token, `(1, hidden)`; none for the empty context.
    pub fn hidden(&self, node: Node) -> Result<Option<Tensor>, ModelError> {
        Ok(self.held(node)?.hidden.clone())
    }

    /// Slots of all tokens from the root to `node`, in path order.
    pub fn path(&self, node: Node) -> Result<Vec<Span>, ModelError> {
        self.held(node)?;
        let mut chain = Vec::new();
        let mut at = Some(node);
        while let Some(held) = at.and_then(|node| self.nodes.get(&node)) {
            chain.push(held);
            at = held.parent;
        }
        let mut path = Vec::new();
        for span in chain.iter().rev().flat_map(|held| &held.own) {
            push_span(&mut path, *span);
        }
        Ok(path)
    }

    /// Adds a node below `parent` that holds `tokens` in the slots `own`.
    pub fn add(
        &mut self,
        parent: Node,
        tokens: &[TokenId],
        own: Vec<Span>,
        hidden: Option<Tensor>,
    ) -> Result<Node, ModelError> {
        let depth = self.held(parent)?.depth + tokens.len();
        let node = Node(self.next);
        self.next += 1;
        if let Some(parent) = self.nodes.get_mut(&parent) {
            parent.children += 1;
        }
        let held = Held {
            parent: Some(parent),
            children: 0,
            own,
            tokens: tokens.to_vec(),
            depth,
            hidden,
            released: false,
        };
        self.nodes.insert(node, held);
        Ok(node)
    }

    /// The node's own tokens, if it can be shortened to `keep` of them.
    pub fn croppable(&self, node: Node, keep: usize) -> Result<&[TokenId], ModelError> {
        let held = self.held(node)?;
        let (own, children) = (held.tokens.len(), held.children);
        match keep <= own && children == 0 {
            true => Ok(&held.tokens),
            false => Err(ModelError::Crop { keep, own, children }),
        }
    }

    /// The node above; none above the empty context.
    pub fn parent(&self, node: Node) -> Option<Node> {
        self.nodes.get(&node).and_then(|held| held.parent)
    }

    /// Shortens a node that [`Self::croppable`] allows to be; `hidden` is the state after the last token kept.
    pub fn crop(&mut self, node: Node, keep: usize, hidden: Option<Tensor>) {
        let Some(held) = self.nodes.get_mut(&node) else { return };
        let own = held.tokens.len();
        let freed = part(&held.own, keep..own);
        held.own = part(&held.own, 0..keep);
        held.tokens.truncate(keep);
        held.depth -= own - keep;
        held.hidden = hidden;
        self.slots.give_back(freed);
    }

    /// Gives up `node`. Its slots are free once nothing hangs below it.
    pub fn release(&mut self, node: Node) {
        if let Some(held) = self.nodes.get_mut(&node)
            && node != EMPTY
        {
            held.released = true;
        }
        let mut at = Some(node);
        while let Some(node) = at {
            match self.nodes.get(&node) {
                Some(held) if held.released && held.children == 0 => {}
                _ => break,
            }
            let Some(held) = self.nodes.remove(&node) else { break };
            self.slots.give_back(held.own);
            if let Some(parent) = held.parent.and_then(|parent| self.nodes.get_mut(&parent)) {
                parent.children -= 1;
            }
            at = held.parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(tree: &mut Tree, parent: Node, n: usize) -> Node {
        let own = tree.slots.take(n).unwrap();
        tree.add(parent, &vec![0; n], own, None).unwrap()
    }

    #[test]
    fn paths_are_read_from_the_root_and_slots_come_back() {
        let mut tree = Tree::new(20);
        let a = add(&mut tree, EMPTY, 4);
        let b = add(&mut tree, a, 3);
        let c = add(&mut tree, a, 5);
        assert_eq!(tree.path(b).unwrap(), [Span { slot: 0, len: 7 }]);
        assert_eq!(
            tree.path(c).unwrap(),
            [Span { slot: 0, len: 4 }, Span { slot: 7, len: 5 }]
        );
        assert_eq!((tree.depth(c).unwrap(), tree.slots.free()), (9, 8));
        tree.release(b);
        tree.release(b);
        assert_eq!(tree.slots.free(), 11);
        assert!(matches!(tree.path(b), Err(ModelError::UnknownNode(node)) if node == b));
    }

    #[test]
    fn a_node_with_children_goes_with_the_last_of_them() {
        let mut tree = Tree::new(20);
        let a = add(&mut tree, EMPTY, 4);
        let b = add(&mut tree, a, 3);
        tree.release(a);
        assert!(tree.depth(a).is_err() && tree.add(a, &[], vec![], None).is_err());
        assert_eq!(
            (tree.path(b).unwrap(), tree.slots.free()),
            (vec![Span { slot: 0, len: 7 }], 13)
        );
        tree.release(b);
        tree.release(EMPTY);
        assert_eq!((tree.slots.free(), tree.depth(EMPTY).unwrap()), (20, 0));
    }
}
