#include "planner/cost/step/block_cost.hpp"

#include <algorithm>

#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

void add_communication(BlockCost& cost, const Op& op, const StepProgram& program, Seconds time) {
  const auto count = [&](GroupKind group, Bytes sent) {
    const auto axis = static_cast<std::size_t>(axis_of(group));
    cost.comm_time[axis] += time;
    cost.comm_bytes[axis] += sent;
    cost.comm_calls[axis] += 1;
  };
  std::visit(overloaded{[&](const Collective& collective) {
                          count(collective.group, ring_bytes_sent(collective.kind, collective.payload,
                                                                  program.group(collective.group).size));
                        },
                        [&](const Send& send) { count(GroupKind::pp, send.payload); },
                        [](const Recv&) {}},  // its Send seen from the other side
             communication_of(op).value());
}

void add_compute(BlockCost& cost, const Op& op, const OpTime& priced) {
  const Seconds time = priced.time;
  const auto limits = [&](ComputePart part) -> LimitTimes& {
    return cost.limited[static_cast<std::size_t>(part)];
  };
  const auto limit = static_cast<std::size_t>(priced.limit);
  const OpFlops flops = op_flops(op);
  cost.hardware += flops.hardware;
  if (op.component == Component::optimizer || op.component == Component::gradient_sync) {
    cost.optimizer += time;
    limits(ComputePart::optimizer)[limit] += time;
  } else if (op.component == Component::attention_core) {
    cost.attention_core += time;
    limits(ComputePart::attention_core)[limit] += time;
  } else if (is_product(op)) {
    cost.gemms += time;
    limits(ComputePart::gemms)[limit] += time;
    cost.gemm_executed += flops.executed;
  } else {
    cost.memory_bound += time;
    limits(ComputePart::memory_bound)[limit] += time;
  }
}

/// What the player has done so far, so that differences give one block's share.
struct Snapshot {
  explicit Snapshot(const LanePlayer& player) : end(player.compute_end()), busy(player.busy()) {
    for (std::size_t a = 0; a < kCommAxisCount; ++a) waited[a] = player.waited(static_cast<CommAxis>(a));
  }
  Seconds end;
  Seconds busy;
  std::array<Seconds, kCommAxisCount> waited;
};

/// Plays rows of equal blocks, as layers follow each other, and takes what the last one adds.
void add_steady_state(BlockCost& cost, const StepProgram& program, const OpTimes& times, BlockId id) {
  constexpr std::size_t kRow = 4;
  const Block& block = program.block(id);
  std::array<BlockCall, kRow> longer;
  for (std::size_t i = 0; i < kRow; ++i) {
    const bool goes_down = block.pass == Pass::backward || block.pass == Pass::weight;
    const std::size_t layer = goes_down ? kRow - 1 - i : i;
    longer[i] = {id, LayerId(layer)};
  }
  LanePlayer long_row(program, times);
  long_row.play(longer);
  LanePlayer short_row(program, times);
  short_row.play(std::span(longer).first(kRow - 1));
  const Snapshot now(long_row);
  const Snapshot before(short_row);
  cost.time = now.end - before.end;
  cost.compute = now.busy - before.busy;
  for (std::size_t a = 0; a < kCommAxisCount; ++a) cost.exposed[a] = now.waited[a] - before.waited[a];
}

void add_interference(BlockCost& cost, const Interference& interference, std::int64_t kernels) {
  Seconds hidden;
  for (std::size_t a = 0; a < kCommAxisCount; ++a) hidden += cost.comm_time[a] - cost.exposed[a];
  // While communication runs beside kernels they lose its share; it cannot run beside them for longer than
  // they last.
  const Seconds beside = std::clamp(hidden, Seconds(0.0), cost.compute);
  const Seconds lost = interference.communication_share * beside;
  cost.compute += lost;
  cost.time += lost;
  const Seconds host = interference.submit * static_cast<double>(kernels);
  cost.overhead = std::max(Seconds(0.0), host - cost.time);
  cost.time += cost.overhead;
}

}  // namespace

std::vector<BlockCost> price_blocks(const StepProgram& program, const OpTimes& times,
                                    const Interference& interference) {
  std::vector<BlockCost> costs(program.blocks.size());
  for (std::size_t b = 0; b < costs.size(); ++b) {
    const Block& block = program.blocks[b];
    std::int64_t kernels = 0;
    for (std::size_t o = 0; o < block.ops.size(); ++o) {
      const Op& op = block.ops[o];
      if (is_communication(op)) {
        add_communication(costs[b], op, program, times[b][o].time);
      } else {
        add_compute(costs[b], op, times[b][o]);
        kernels += times[b][o].kernels;
      }
    }
    if (block.ops.empty()) continue;
    add_steady_state(costs[b], program, times, BlockId(b));
    add_interference(costs[b], interference, kernels);
  }
  return costs;
}

void add(BlockCost& sum, const BlockCost& block, std::int64_t count) {
  const auto times = static_cast<double>(count);
  sum.time += block.time * times;
  sum.compute += block.compute * times;
  sum.gemms += block.gemms * times;
  sum.attention_core += block.attention_core * times;
  sum.memory_bound += block.memory_bound * times;
  sum.optimizer += block.optimizer * times;
  sum.overhead += block.overhead * times;
  for (std::size_t part = 0; part < kComputePartCount; ++part) {
    for (std::size_t limit = 0; limit < kLimitCount; ++limit)
      sum.limited[part][limit] += block.limited[part][limit] * times;
  }
  for (std::size_t a = 0; a < kCommAxisCount; ++a) {
    sum.exposed[a] += block.exposed[a] * times;
    sum.comm_time[a] += block.comm_time[a] * times;
    sum.comm_bytes[a] += block.comm_bytes[a] * count;
    sum.comm_calls[a] += block.comm_calls[a] * count;
  }
  sum.hardware += block.hardware * count;
  sum.gemm_executed += block.gemm_executed * count;
}

}  // namespace foreshard
