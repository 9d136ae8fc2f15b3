#include "planner/search/price/state_floor.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include "planner/cost/memory/tensor_table.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_plan.hpp"
#include "planner/program/build/build_step_program.hpp"

namespace foreshard {
namespace {

/// The lists of a stage's block calls, each call of the micro-batches once.
std::array<std::span<const BlockCall>, 8> lists_of(const StageProgram& stage) {
  const Chunk& chunk = stage.chunks.front();
  return {stage.prologue,      chunk.forward, chunk.first_forward, chunk.backward,
          chunk.last_backward, chunk.weight,  chunk.last_weight,   stage.epilogue};
}

/// Bytes of every layer's own states and of the rest of each stage.
struct States {
  std::vector<Bytes> of_layer;
  std::vector<Bytes> of_stage;
};

States add_states(const StepProgram& program, std::size_t layers) {
  const TensorTable tensors(program);
  States states{std::vector<Bytes>(layers, Bytes(0)), std::vector<Bytes>(program.stages.size(), Bytes(0))};
  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    const auto lists = lists_of(program.stages[s]);
    const LayerWindow window = tensors.window_of(lists);
    std::vector<bool> counted(tensors.instances(window));
    for (const std::span<const BlockCall> calls : lists) {
      for (const BlockCall& call : calls) {
        for (const Op& op : program.block(call.block).ops) {
          for (const Operand& operand : op.operands) {
            const TensorFacts& tensor = tensors[operand.tensor];
            if (tensor.lifetime != Lifetime::step) continue;
            const std::size_t instance = tensors.instance(operand, call.layer, window);
            if (counted[instance]) continue;
            counted[instance] = true;
            const auto layer = static_cast<std::size_t>(call.layer.value() + operand.layer_shift);
            (tensor.per_layer && layer < layers ? states.of_layer[layer] : states.of_stage[s]) +=
                tensor.bytes;
          }
        }
      }
    }
  }
  return states;
}

/// What one call of each block adds: kernels, and time on the two lanes of data parallelism.
struct BlockTime {
  Seconds kernels;
  std::array<Seconds, 2> lanes;  // dp, expert_dp
};

std::vector<BlockTime> times_of(const StepProgram& program, const OpTimes& times) {
  std::vector<BlockTime> all(program.blocks.size());
  for (std::size_t b = 0; b < all.size(); ++b) {
    for (std::size_t o = 0; o < times[b].size(); ++o) {
      const Op& op = program.blocks[b].ops[o];
      if (is_kernel(op)) all[b].kernels += times[b][o].time;
      if (op.lane == Lane::dp) all[b].lanes[0] += times[b][o].time;
      if (op.lane == Lane::expert_dp) all[b].lanes[1] += times[b][o].time;
    }
  }
  return all;
}

/// The least of all layers: the time of their forward and backward blocks on the busier of the two lanes.
Seconds least_lane(const StepProgram& program, const std::vector<BlockTime>& times, std::size_t layers) {
  std::vector<std::array<Seconds, 2>> of_layer(layers);
  for (const StageProgram& stage : program.stages) {
    const Chunk& chunk = stage.chunks.front();
    for (const std::vector<BlockCall>* calls : {&chunk.forward, &chunk.backward}) {
      for (const BlockCall& call : *calls) {
        if (call.layer.at() >= layers || !is_layer(program.block(call.block).kind)) continue;
        for (std::size_t lane = 0; lane < 2; ++lane)
          of_layer[call.layer.at()][lane] += times[call.block.at()].lanes[lane];
      }
    }
  }
  std::array<Seconds, 2> least{Seconds(std::numeric_limits<double>::max()),
                               Seconds(std::numeric_limits<double>::max())};
  for (const auto& layer : of_layer)
    for (std::size_t lane = 0; lane < 2; ++lane) least[lane] = std::min(least[lane], layer[lane]);
  return std::max(least[0], least[1]);
}

/// The least of all layers: the kernels of their blocks before and after the micro-batches.
Seconds least_outside(const StepProgram& program, const std::vector<BlockTime>& times, std::size_t layers) {
  std::vector<Seconds> of_layer(layers);
  for (const StageProgram& stage : program.stages) {
    for (const std::vector<BlockCall>* calls : {&stage.prologue, &stage.epilogue}) {
      for (const BlockCall& call : *calls)
        if (call.layer.at() < layers) of_layer[call.layer.at()] += times[call.block.at()].kernels;
    }
  }
  return *std::min_element(of_layer.begin(), of_layer.end());
}

}  // namespace

StateFloor StateFloor::of(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  const auto layers = static_cast<std::size_t>(job.model.layers);
  States states = add_states(program, layers);
  StateFloor floor;
  floor.until_.push_back(Bytes(0));
  for (const Bytes layer : states.of_layer) floor.until_.push_back(floor.until_.back() + layer);
  floor.of_stage_ = std::move(states.of_stage);
  const std::vector<BlockTime> times = times_of(program, price_operations(program, CostModel(job)));
  floor.layer_lane_ = least_lane(program, times, layers);
  floor.layer_outside_ = least_outside(program, times, layers);
  return floor;
}

}  // namespace foreshard
