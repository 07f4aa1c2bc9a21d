//! The order of passes: behind whoever writes what they read, else as registered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use skvm_core::artifact::ArtifactKey;
use skvm_core::pass::{Pass, PassId};

use super::BuildError;

pub(super) fn sort(passes: &[Arc<dyn Pass>]) -> Result<Vec<Arc<dyn Pass>>, BuildError> {
    let graph = dependencies(passes)?;
    // Of the passes whose writers have run, the one registered first is next.
    let mut waits: Vec<usize> = graph
        .node_indices()
        .map(|node| graph.neighbors_directed(node, Direction::Incoming).count())
        .collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..waits.len()).filter(|index| waits[*index] == 0).map(Reverse).collect();
    let mut sorted = Vec::with_capacity(passes.len());
    while let Some(Reverse(index)) = ready.pop() {
        sorted.push(Arc::clone(&passes[index]));
        for next in graph.neighbors(NodeIndex::new(index)) {
            waits[next.index()] -= 1;
            if waits[next.index()] == 0 {
                ready.push(Reverse(next.index()));
            }
        }
    }
    if sorted.len() == passes.len() { Ok(sorted) } else { Err(cycle(passes, &graph)) }
}

fn dependencies(passes: &[Arc<dyn Pass>]) -> Result<DiGraph<(), ()>, BuildError> {
    let mut ids: BTreeMap<PassId, usize> = BTreeMap::new();
    let mut writers: BTreeMap<ArtifactKey, usize> = BTreeMap::new();
    for (index, pass) in passes.iter().enumerate() {
        if ids.insert(pass.id(), index).is_some() {
            return Err(BuildError::DuplicateId { pass: pass.id() });
        }
        for key in pass.writes() {
            if let Some(first) = writers.insert(*key, index) {
                let (first, second) = (passes[first].id(), pass.id());
                return Err(BuildError::DuplicateWriter { key: *key, first, second });
            }
        }
    }
    let mut graph = DiGraph::new();
    for _ in passes {
        graph.add_node(());
    }
    for (index, pass) in passes.iter().enumerate() {
        for key in pass.reads() {
            let writer = writers
                .get(key)
                .ok_or_else(|| BuildError::NoWriter { pass: pass.id(), key: *key })?;
            graph.update_edge(NodeIndex::new(*writer), NodeIndex::new(index), ());
        }
    }
    Ok(graph)
}

fn cycle(passes: &[Arc<dyn Pass>], graph: &DiGraph<(), ()>) -> BuildError {
    let circle = tarjan_scc(graph)
        .into_iter()
        .find(|scc| scc.len() > 1 || scc.first().is_some_and(|n| graph.contains_edge(*n, *n)));
    let mut members: Vec<usize> =
        circle.unwrap_or_default().into_iter().map(NodeIndex::index).collect();
    members.sort_unstable();
    BuildError::Cycle { passes: members.into_iter().map(|index| passes[index].id()).collect() }
}
