#pragma once

#include <vector>

#include "planner/cost/step/lane_plan.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/cost/step/lane_times.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard {

/// The times of a step's stages, all played together in their schedule's order, with every transfer; the total() of each
/// is the step time.
/// A long step is played with few micro-batches, if they show a steady state: in it every further group of micro-batches
/// adds the same to every stage. What the others add is then known. If there is no steady state, all are played.
/// Example: 2 stages of forward 1 s and backward 2 s, 1f1b, 100 micro-batches. From the third on each adds 3 s: a step of 10
/// takes 33 s, so one of 100 takes 33 + 90 · 3 = 303 s.
/// @throws std::logic_error if the orders deadlock
std::vector<LaneTimes> play_together(const StepProgram& program, const LanePlan& plan,
                                     const Interference& interference);

/// The same with all micro-batches played. O(operations of the step).
std::vector<LaneTimes> play_every_pass(const StepProgram& program, const LanePlan& plan,
                                       const Interference& interference);

}  // namespace foreshard
