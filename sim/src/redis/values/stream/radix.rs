//! The size of the radix tree in which Redis keeps the nodes of a stream, as `XINFO` tells it.

use super::Id;

/// How many nodes the tree of these ids, which are in order, has: a leaf for each, one for each
/// place where keys part, and one for each piece of text between those.
pub(super) fn nodes(ids: impl Iterator<Item = Id>) -> usize {
    let keys: Vec<[u8; 16]> = ids.map(Id::bytes).collect();
    if keys.is_empty() {
        return 1;
    }
    below(&keys, 0)
}

/// Nodes for keys that have their first `depth` bytes in common.
fn below(keys: &[[u8; 16]], depth: usize) -> usize {
    let (first, last) = (&keys[0], &keys[keys.len() - 1]);
    let common = (depth..first.len()).take_while(|at| first[*at] == last[*at]).count();
    let text = usize::from(common > 0);
    if keys.len() == 1 {
        return text + 1;
    }
    let parting = depth + common;
    let branches = keys.chunk_by(|one, other| one[parting] == other[parting]);
    text + 1 + branches.map(|branch| below(branch, parting + 1)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_leaves_branches_and_texts_between() {
        let count =
            |ids: &[(u64, u64)]| nodes(ids.iter().map(|(ms, seq)| Id { ms: *ms, seq: *seq }));
        assert_eq!(count(&[]), 1);
        assert_eq!(count(&[(1, 1)]), 2);
        // A common text, a branch, two rests, two leaves.
        assert_eq!(count(&[(1, 1), (2, 1)]), 6);
        assert_eq!(count(&[(1, 1), (1, 2)]), 4);
    }
}
