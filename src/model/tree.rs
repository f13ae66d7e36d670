//! The token tree: which nodes there are, and in which slots their keys and values lie.

use super::{
    ModelError, Node,
    kernels::SlotSpan,
    slots::{Slots, push_span},
};
use candle_core::Tensor;
use std::collections::HashMap;

/// Nodes and the slots they hold.
#[derive(Debug)]
pub(super) struct TokenTree {
    nodes: HashMap<Node, HeldNode>,
    next: u64,
    /// Slots that belong to nobody.
    pub slots: Slots,
}

#[derive(Debug)]
struct HeldNode {
    parent: Option<Node>,
    children: usize,
    own: Vec<SlotSpan>,
    depth: usize,
    hidden: Option<Tensor>,
    /// Given up by its owner while it still had children: it goes with the last of them.
    released: bool,
}

/// The empty context, before any BOS.
pub(super) const EMPTY: Node = Node(0);

impl TokenTree {
    /// A tree of nothing but the empty context.
    pub fn new(capacity: usize) -> Self {
        let empty = HeldNode {
            parent: None,
            children: 0,
            own: Vec::new(),
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

    fn held(&self, node: Node) -> Result<&HeldNode, ModelError> {
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
    pub fn path(&self, node: Node) -> Result<Vec<SlotSpan>, ModelError> {
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

    /// Adds a node below `parent` whose tokens are held in the slots `own`.
    pub fn add(&mut self, parent: Node, own: Vec<SlotSpan>, hidden: Option<Tensor>) -> Result<Node, ModelError> {
        let depth = self.held(parent)?.depth + own.iter().map(|span| span.len).sum::<usize>();
        let node = Node(self.next);
        self.next += 1;
        if let Some(parent) = self.nodes.get_mut(&parent) {
            parent.children += 1;
        }
        let held = HeldNode {
            parent: Some(parent),
            children: 0,
            own,
            depth,
            hidden,
            released: false,
        };
        self.nodes.insert(node, held);
        Ok(node)
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

    fn add(tree: &mut TokenTree, parent: Node, n: usize) -> Node {
        let own = tree.slots.take(n).unwrap();
        tree.add(parent, own, None).unwrap()
    }

    #[test]
    fn paths_are_read_from_the_root_and_slots_come_back() {
        let mut tree = TokenTree::new(20);
        let a = add(&mut tree, EMPTY, 4);
        let b = add(&mut tree, a, 3);
        let c = add(&mut tree, a, 5);
        assert_eq!(tree.path(b).unwrap(), [SlotSpan { slot: 0, len: 7 }]);
        assert_eq!(
            tree.path(c).unwrap(),
            [SlotSpan { slot: 0, len: 4 }, SlotSpan { slot: 7, len: 5 }]
        );
        assert_eq!((tree.depth(c).unwrap(), tree.slots.free()), (9, 8));
        tree.release(b);
        tree.release(b);
        assert_eq!(tree.slots.free(), 11);
        assert!(matches!(tree.path(b), Err(ModelError::UnknownNode(node)) if node == b));
    }

    #[test]
    fn a_node_with_children_goes_with_the_last_of_them() {
        let mut tree = TokenTree::new(20);
        let a = add(&mut tree, EMPTY, 4);
        let b = add(&mut tree, a, 3);
        tree.release(a);
        assert!(tree.depth(a).is_err() && tree.add(a, vec![], None).is_err());
        assert_eq!(
            (tree.path(b).unwrap(), tree.slots.free()),
            (vec![SlotSpan { slot: 0, len: 7 }], 13)
        );
        tree.release(b);
        tree.release(EMPTY);
        assert_eq!((tree.slots.free(), tree.depth(EMPTY).unwrap()), (20, 0));
    }
}
