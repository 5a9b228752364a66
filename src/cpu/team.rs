//! Blocks among threads: chunks of consecutive blocks, each with sums of its own, which are then added in their order.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pulp::Arch;
use rayon::prelude::*;

use super::data::Input;
use super::pass::Scratch;
use super::plan::Plan;

/// Sums over the samples of a chunk.
pub(super) struct Chunk {
    /// The sum of the costs.
    pub(super) cost: f64,
    /// The sums of the gradients, in the layout of the parameters; empty where nobody asks for them.
    pub(super) gradients: Vec<f32>,
}

impl Chunk {
    /// With room for the gradients of so many parameters.
    pub(super) fn new(n_parameters: usize) -> Self {
        Self { cost: 0.0, gradients: vec![0.0; n_parameters] }
    }

    /// Back to zero.
    pub(super) fn clear(&mut self) {
        self.cost = 0.0;
        self.gradients.fill(0.0);
    }

    /// Adds another chunk's sums.
    pub(super) fn add(&mut self, other: &Self) {
        self.cost += other.cost;
        for (own, other) in self.gradients.iter_mut().zip(&other.gradients) {
            *own += other;
        }
    }
}

/// What a thread works in.
pub(super) struct Member {
    pub(super) scratch: Scratch,
    /// Samples that are not there in the form a block needs.
    pub(super) input: Input,
}

/// The threads, each with memory of its own for blocks of one plan.
pub(super) struct Team {
    pub(super) arch: Arch,
    width: usize,
    members: Vec<Mutex<Member>>,
}

impl Team {
    /// For blocks of at most `width` samples.
    pub(super) fn new(width: usize) -> Self {
        Self { arch: Arch::new(), width, members: Vec::new() }
    }

    fn make_room(&mut self, plan: &Plan, members: usize) {
        while self.members.len() < members {
            let member = Member { scratch: Scratch::new(plan, self.width), input: Input::default() };
            self.members.push(Mutex::new(member));
        }
    }

    /// The one place to work in where there is one thread, or all of them work on the same block.
    pub(super) fn only(&mut self, plan: &Plan) -> &mut Member {
        self.make_room(plan, 1);
        self.members[0].get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `work` with each item and its index, one after the other or by all threads.
    pub(super) fn each<T: Send>(
        &mut self,
        plan: &Plan,
        items: &mut [T],
        threads: bool,
        work: impl Fn(usize, &mut T, &mut Member) + Sync,
    ) {
        if !threads {
            let member = self.only(plan);
            items.iter_mut().enumerate().for_each(|(index, item)| work(index, item, member));
            return;
        }
        self.make_room(plan, rayon::current_num_threads());
        let members = &self.members;
        items.par_iter_mut().enumerate().with_max_len(1).for_each(|(index, item)| {
            let own = rayon::current_thread_index().unwrap_or(0) % members.len();
            // A thread meets nobody in its own place: no work within hands over to another thread.
            let mut member: MutexGuard<'_, _> = members[own].lock().unwrap_or_else(PoisonError::into_inner);
            work(index, item, &mut member);
        });
    }
}

/// The part of `blocks` that chunk `index` of `count` holds.
pub(super) fn part(blocks: &Range<usize>, index: usize, count: usize) -> Range<usize> {
    let at = |index: usize| blocks.start + blocks.len() * index / count;
    at(index)..at(index + 1)
}
