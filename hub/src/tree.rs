//! A sequence that shares its structure: a clone costs one reference, a change copies the path to what it changes, and only
//! where somebody else holds it. Knows nothing of JSON.

use std::cmp::Ordering;
use std::sync::Arc;

/// The most entries of a node.
const FANOUT: usize = 16;

/// A balanced tree of entries by position; sorted ones can be searched.
#[derive(Clone, Debug)]
pub(crate) struct Tree<T> {
    root: Arc<Node<T>>,
}

#[derive(Clone, Debug)]
enum Node<T> {
    Leaf(Vec<T>),
    Branch { len: usize, children: Vec<Arc<Node<T>>> },
}

impl<T> Tree<T> {
    pub(crate) fn len(&self) -> usize {
        self.root.len()
    }

    pub(crate) fn get(&self, mut index: usize) -> Option<&T> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(entries) => return entries.get(index),
                Node::Branch { children, .. } => {
                    let child = children.iter().find(|child| match index.checked_sub(child.len()) {
                        Some(rest) => {
                            index = rest;
                            false
                        }
                        None => true,
                    })?;
                    node = child;
                }
            }
        }
    }

    /// Where the entry is of which `place` says that it is equal, or where it would have to stand, in a sorted tree.
    pub(crate) fn search(&self, place: impl Fn(&T) -> Ordering) -> Result<usize, usize> {
        let mut node = &*self.root;
        let mut before = 0;
        loop {
            match node {
                Node::Leaf(entries) => {
                    let found = entries.binary_search_by(&place);
                    return found.map(|at| before + at).map_err(|at| before + at);
                }
                Node::Branch { children, .. } => {
                    let not_above = |child: &Arc<Node<T>>| child.first().is_some_and(|entry| place(entry).is_le());
                    let child = children.partition_point(not_above).saturating_sub(1);
                    before += children.iter().take(child).map(|child| child.len()).sum::<usize>();
                    node = &children[child];
                }
            }
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter { pending: vec![&self.root], leaf: [].iter() }
    }

    /// Whether both are the same tree in memory, and therefore equal.
    pub(crate) fn is_same(&self, other: &Tree<T>) -> bool {
        Arc::ptr_eq(&self.root, &other.root)
    }
}

impl<T: Clone> Tree<T> {
    pub(crate) fn get_mut(&mut self, mut index: usize) -> Option<&mut T> {
        let mut node = &mut self.root;
        loop {
            match Arc::make_mut(node) {
                Node::Leaf(entries) => return entries.get_mut(index),
                Node::Branch { children, .. } => {
                    let (child, rest) = child_at(children, index);
                    index = rest;
                    node = children.get_mut(child)?;
                }
            }
        }
    }

    /// Puts an entry in front of the one at `index`, or at the end.
    pub(crate) fn insert(&mut self, index: usize, entry: T) {
        debug_assert!(index <= self.len());
        if let Some(right) = insert(&mut self.root, index, entry) {
            let left = self.root.clone();
            self.root = Arc::new(branch(vec![left, right]));
        }
    }

    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.len() {
            return None;
        }
        let removed = remove(&mut self.root, index);
        while let Node::Branch { children, .. } = &*self.root {
            let [only] = children.as_slice() else { break };
            let only = only.clone();
            self.root = only;
        }
        removed
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Tree { root: Arc::new(Node::Leaf(Vec::new())) }
    }
}

impl<T> FromIterator<T> for Tree<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let leaves = chunks(entries).into_iter().map(|entries| Arc::new(Node::Leaf(entries)));
        let mut level: Vec<Arc<Node<T>>> = leaves.collect();
        while level.len() > 1 {
            level = chunks(level).into_iter().map(|children| Arc::new(branch(children))).collect();
        }
        level.pop().map_or_else(Tree::default, |root| Tree { root })
    }
}

impl<T> Node<T> {
    fn len(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Branch { len, .. } => *len,
        }
    }

    /// How many entries or children it has itself.
    fn width(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Branch { children, .. } => children.len(),
        }
    }

    fn first(&self) -> Option<&T> {
        match self {
            Node::Leaf(entries) => entries.first(),
            Node::Branch { children, .. } => children.first()?.first(),
        }
    }
}

/// The entries of a tree in order.
#[derive(Debug)]
pub(crate) struct Iter<'a, T> {
    pending: Vec<&'a Arc<Node<T>>>,
    leaf: std::slice::Iter<'a, T>,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(entry) = self.leaf.next() {
                return Some(entry);
            }
            match &**self.pending.pop()? {
                Node::Leaf(entries) => self.leaf = entries.iter(),
                Node::Branch { children, .. } => self.pending.extend(children.iter().rev()),
            }
        }
    }
}

fn branch<T>(children: Vec<Arc<Node<T>>>) -> Node<T> {
    Node::Branch { len: children.iter().map(|child| child.len()).sum(), children }
}

fn chunks<T>(entries: impl IntoIterator<Item = T>) -> Vec<Vec<T>> {
    let mut chunks: Vec<Vec<T>> = Vec::new();
    for entry in entries {
        match chunks.last_mut().filter(|chunk| chunk.len() < FANOUT) {
            Some(chunk) => chunk.push(entry),
            None => chunks.push(vec![entry]),
        }
    }
    chunks
}

/// The child that holds `index`, the last one for the end, and the place within it.
fn child_at<T>(children: &[Arc<Node<T>>], mut index: usize) -> (usize, usize) {
    let last = children.len() - 1;
    for (at, child) in children.iter().enumerate() {
        if index < child.len() || at == last {
            return (at, index);
        }
        index -= child.len();
    }
    (last, index)
}

/// Inserts below `node`; what does not fit any more comes back as its right neighbour.
fn insert<T: Clone>(node: &mut Arc<Node<T>>, index: usize, entry: T) -> Option<Arc<Node<T>>> {
    match Arc::make_mut(node) {
        Node::Leaf(entries) => {
            entries.insert(index, entry);
            split(entries).map(|right| Arc::new(Node::Leaf(right)))
        }
        Node::Branch { len, children } => {
            *len += 1;
            let (child, rest) = child_at(children, index);
            if let Some(right) = insert(&mut children[child], rest, entry) {
                children.insert(child + 1, right);
            }
            let right = split(children)?;
            *len = children.iter().map(|child| child.len()).sum();
            Some(Arc::new(branch(right)))
        }
    }
}

fn split<T>(entries: &mut Vec<T>) -> Option<Vec<T>> {
    (entries.len() > FANOUT).then(|| entries.split_off(entries.len() / 2))
}

fn remove<T: Clone>(node: &mut Arc<Node<T>>, index: usize) -> Option<T> {
    match Arc::make_mut(node) {
        Node::Leaf(entries) => (index < entries.len()).then(|| entries.remove(index)),
        Node::Branch { len, children } => {
            let (child, rest) = child_at(children, index);
            let removed = remove(&mut children[child], rest)?;
            *len -= 1;
            join(children, child);
            Some(removed)
        }
    }
}

/// Joins a child that became small with a neighbour, so that a tree does not thin out.
fn join<T: Clone>(children: &mut Vec<Arc<Node<T>>>, child: usize) {
    if children[child].len() == 0 {
        children.remove(child);
        return;
    }
    let left = child.saturating_sub(1);
    let fits =
        |left: usize| left + 1 < children.len() && children[left].width() + children[left + 1].width() <= FANOUT / 2;
    let Some(left) = [left, child].into_iter().find(|left| fits(*left)) else { return };
    let right = children.remove(left + 1);
    match (Arc::make_mut(&mut children[left]), &*right) {
        (Node::Leaf(entries), Node::Leaf(more)) => entries.extend(more.iter().cloned()),
        (Node::Branch { len, children }, Node::Branch { len: more_len, children: more }) => {
            *len += more_len;
            children.extend(more.iter().cloned());
        }
        (Node::Leaf(_), Node::Branch { .. }) | (Node::Branch { .. }, Node::Leaf(_)) => {
            unreachable!("all leaves of a tree are at one depth")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tree_holds_what_a_vector_would(steps in prop::collection::vec((0_u8..4, 0_usize..600, 0_u16..), 0..800)) {
            let (mut tree, mut vector) = (Tree::default(), Vec::new());
            for (kind, at, entry) in steps {
                let before = (tree.clone(), vector.clone());
                match kind {
                    0 | 1 => {
                        let at = at % (vector.len() + 1);
                        tree.insert(at, entry);
                        vector.insert(at, entry);
                    }
                    2 if !vector.is_empty() => {
                        let at = at % vector.len();
                        prop_assert_eq!(tree.remove(at), Some(vector.remove(at)));
                    }
                    _ => {
                        if let (Some(one), Some(other)) = (tree.get_mut(at), vector.get_mut(at)) {
                            (*one, *other) = (entry, entry);
                        }
                    }
                }
                prop_assert_eq!(tree.len(), vector.len());
                prop_assert_eq!(before.0.iter().copied().collect::<Vec<_>>(), before.1, "a clone keeps what it had");
            }
            prop_assert_eq!(tree.iter().copied().collect::<Vec<_>>(), vector.clone());
            prop_assert!((0..vector.len()).all(|at| tree.get(at) == vector.get(at)));
            prop_assert_eq!(tree.get(vector.len()), None);
        }

        #[test]
        fn a_sorted_tree_is_searched_as_a_sorted_slice(mut entries in prop::collection::vec(0_u16..2000, 0..700)) {
            entries.sort_unstable();
            entries.dedup();
            let tree: Tree<u16> = entries.iter().copied().collect();
            for wanted in 0..2000 {
                prop_assert_eq!(tree.search(|entry| entry.cmp(&wanted)), entries.binary_search(&wanted));
            }
        }
    }
}
