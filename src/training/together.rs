//! Networks that train side by side in one dispatch of a device: through losses of the device, and in two halves where it has no
//! room for all.

use web_time::Instant;

use super::population::PopulationEvent;
use super::recovery::{Failures, Recovered, Rhythm};
use crate::error::{Error, Result};
use crate::gpu;
use crate::network::Parameters;
use crate::schedule::{Lowering, Problem};

/// Costs of all iterations, the cost after them, and the last parameters of a network.
pub(super) type Found = (Vec<f64>, f64, Parameters);

/// What is trained, and where.
pub(super) struct Together<'a, 'p> {
    pub(super) device: &'a gpu::Device,
    pub(super) problems: &'a [Problem<'p>],
    pub(super) iterations: usize,
}

/// All networks between two iterations.
struct Snapshot {
    done: usize,
    parameters: Vec<Parameters>,
    states: Vec<Vec<f64>>,
    costs: Vec<Vec<f64>>,
}

impl Together<'_, '_> {
    /// Trains all of them; `on_event` is told what happens, and may end it.
    ///
    /// # Errors
    /// Those of `on_event`; failures of the device that nothing helps against.
    pub(super) async fn train(
        &self,
        on_event: &mut dyn FnMut(PopulationEvent) -> Result<()>,
    ) -> Result<Vec<Found>> {
        let mut snapshot = Snapshot {
            done: 0,
            parameters: self.problems.iter().map(|problem| problem.parameters.clone()).collect(),
            states: self.problems.iter().map(Problem::first_state).collect(),
            costs: vec![Vec::new(); self.problems.len()],
        };
        let (mut reached, mut failures) = (0, Failures::default());
        loop {
            let n = self.problems.len();
            let recovered = |error: &Error, reached: usize, from: usize| {
                PopulationEvent::Recovered(Recovered {
                    cause: error.to_string(),
                    at: reached * n,
                    from: from * n,
                })
            };
            let error = match self.try_train(&mut snapshot, &mut reached, on_event).await {
                Ok(found) => return Ok(found),
                Err(error @ Error::OutOfMemory { .. }) if n > 1 => {
                    on_event(recovered(&error, reached, 0))?;
                    return self.train_halves(on_event).await;
                }
                Err(error) => failures.bear(error, reached)?,
            };
            if let Error::DeviceLost { .. } = &error
                && self.device.revive().await.is_err()
            {
                // What is wrong shows in the next attempt.
                failures.pause();
            }
            on_event(recovered(&error, reached, snapshot.done))?;
        }
    }

    /// One half after the other, from the beginning.
    async fn train_halves(
        &self,
        on_event: &mut dyn FnMut(PopulationEvent) -> Result<()>,
    ) -> Result<Vec<Found>> {
        let (first, second) = self.problems.split_at(self.problems.len() / 2);
        let mut found = Box::pin(Self { problems: first, ..*self }.train(on_event)).await?;
        let before = first.len() * self.iterations;
        let mut behind = |event: PopulationEvent| on_event(event.after(before));
        found.extend(Box::pin(Self { problems: second, ..*self }.train(&mut behind)).await?);
        Ok(found)
    }

    async fn try_train(
        &self,
        snapshot: &mut Snapshot,
        reached: &mut usize,
        on_event: &mut dyn FnMut(PopulationEvent) -> Result<()>,
    ) -> Result<Vec<Found>> {
        let parts = self.problems.iter().zip(&snapshot.parameters).zip(&snapshot.states);
        let problems: Vec<Problem<'_>> = parts
            .map(|((problem, parameters), state)| Problem {
                parameters,
                state,
                done: snapshot.done,
                ..*problem
            })
            .collect();
        let mut population = gpu::Population::new(self.device, &problems, Lowering::Resident)?;
        let (mut done, mut rhythm) = (snapshot.done, Rhythm::default());
        while done < self.iterations {
            on_event(PopulationEvent::Done((*reached).max(done) * self.problems.len()))?;
            done += population.run(self.iterations - done).await?;
            *reached = (*reached).max(done);
            if rhythm.is_due() {
                let begin = Instant::now();
                snapshot.take(&mut population, done).await?;
                rhythm.taken(begin);
            }
        }
        on_event(PopulationEvent::Done(done * self.problems.len()))?;
        let rest = population.take_costs().await?;
        let after = population.cost().await?;
        let parameters = population.parameters().await?;
        let costs = snapshot.costs.iter().zip(rest).map(|(costs, rest)| [&costs[..], &rest].concat());
        Ok(costs
            .zip(after)
            .zip(parameters)
            .map(|((costs, after), parameters)| (costs, after, parameters))
            .collect())
    }
}

impl Snapshot {
    async fn take(&mut self, population: &mut gpu::Population<'_>, done: usize) -> Result<()> {
        // All of it, before anything is replaced.
        let (costs, parameters) = (population.take_costs().await?, population.parameters().await?);
        let states = population.states().await?;
        self.costs.iter_mut().zip(costs).for_each(|(all, new)| all.extend(new));
        (self.done, self.parameters, self.states) = (done, parameters, states);
        Ok(())
    }
}
