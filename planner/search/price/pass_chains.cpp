#include "planner/search/price/pass_chains.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "planner/cost/step/lane_player.hpp"

namespace foreshard {
namespace {

/// Marks the communication of a block that may run before the block's first kernel, although it comes behind it: it
/// does not wait for kernels, reads nothing that the block has made before, and nothing in its lane holds it up.
std::vector<bool> find_unbound(const StepProgram& program, const Block& block,
                               std::span<const LaneOp> planned) {
  std::vector<bool> unbound(planned.size());
  std::vector<TensorId> made;  // by what is bound to the block's kernels
  std::array<bool, kQueueCount> holds{};
  for (std::size_t o = 0; o < planned.size(); ++o) {
    const LaneOp& op = planned[o];
    const auto waits = [&](const Operand& operand) {
      return std::find(made.begin(), made.end(), operand.tensor) != made.end();
    };
    const std::vector<Operand>& operands = block.ops[o].operands;
    unbound[o] = !op.is_kernel && !starts_after_compute(program, block.ops[o]) && !holds[op.queue] &&
                 std::none_of(operands.begin(), operands.end(), waits);
    if (unbound[o]) continue;
    if (!op.is_kernel) holds[op.queue] = true;
    for (const Operand& operand : operands)
      if (operand.access != Access::read) made.push_back(operand.tensor);
  }
  return unbound;
}

/// The plan without the host, without communication that a block's first kernel does not hold up, and without gathers that
/// are issued early: they pass by others in their lane. Then no communication of data parallelism takes time, so it
/// does not matter when it is issued.
LanePlan quiet(const StepProgram& program, LanePlan plan, DpTime dp) {
  const bool takes_none = dp == DpTime::none || plan.most_blocks_early > 0;
  plan.most_blocks_early = 0;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    const std::vector<bool> unbound = find_unbound(program, program.blocks[b], plan.ops_of(BlockId(b)));
    const std::span<LaneOp> ops = std::span(plan.ops).subspan(plan.first_op[b], unbound.size());
    bool began = false;
    for (std::size_t o = 0; o < ops.size(); ++o) {
      LaneOp& op = ops[o];
      began |= op.is_kernel;
      if (!op.is_kernel && ((op.axis == CommAxis::dp && takes_none) || (began && unbound[o])))
        op.seconds = 0.0;
      op.blocks_early = 0;
      op.is_host_point = op.stops_host = false;
    }
  }
  return plan;
}

/// True if `reader` reads the instance that `written` stands for, for as long as a micro-batch lasts.
bool is_read(const StepProgram& program, const Operand& written, LayerId layer, const BlockCall& reader) {
  const Tensor& tensor = program.tensor(written.tensor);
  for (const Op& op : program.block(reader.block).ops) {
    for (const Operand& operand : op.operands) {
      if (operand.tensor != written.tensor || operand.access == Access::write) continue;
      if (!tensor.per_layer ||
          layer.value() + written.layer_shift == reader.layer.value() + operand.layer_shift)
        return true;
    }
  }
  return false;
}

/// True if `writer` writes the instance that `read` stands for, for as long as a micro-batch lasts.
bool is_written(const StepProgram& program, const Operand& read, LayerId layer, const BlockCall& writer) {
  const Tensor& tensor = program.tensor(read.tensor);
  if (tensor.lifetime != Lifetime::micro_batch || read.access == Access::write) return false;
  for (const Op& op : program.block(writer.block).ops) {
    for (const Operand& operand : op.operands) {
      if (operand.tensor != read.tensor || operand.access == Access::read) continue;
      if (!tensor.per_layer || layer.value() + read.layer_shift == writer.layer.value() + operand.layer_shift)
        return true;
    }
  }
  return false;
}

/// How many operations of `a` there are up to the last that writes something that `b` reads.
std::size_t operations_up_to_output(const StepProgram& program, const BlockCall& a, const BlockCall& b) {
  const std::vector<Op>& ops = program.block(a.block).ops;
  for (std::size_t o = ops.size(); o-- > 0;) {
    for (const Operand& operand : ops[o].operands) {
      if (operand.access != Access::read &&
          program.tensor(operand.tensor).lifetime == Lifetime::micro_batch &&
          is_read(program, operand, a.layer, b))
        return o + 1;
    }
  }
  return 0;
}

}  // namespace

PassChains::PassChains(const StepProgram& program, const OpTimes& times, DpTime dp)
    : program_(program),
      blocks_(program.blocks.size()),
      plan_(quiet(program, plan_lanes(program, times), dp)),
      first_(blocks_),
      stopping_(stopping_lane(program, times)) {
  const std::vector<LaneOp> ops = plan_.ops;
  const std::vector<std::uint32_t> first_op = plan_.first_op;
  const auto end_block = [&] { plan_.first_op.push_back(static_cast<std::uint32_t>(plan_.ops.size())); };
  std::vector<std::size_t> kernel(blocks_);  // index of the first kernel, or the end
  for (std::size_t b = 0; b < blocks_; ++b) {
    kernel[b] = first_op[b];
    while (kernel[b] < first_op[b + 1] && !ops[kernel[b]].is_kernel) ++kernel[b];
    if (kernel[b] == first_op[b + 1]) continue;
    first_[b] = {.exists = true, .seconds = ops[kernel[b]].seconds, .pieces = ops[kernel[b]].pieces};
  }
  plan_.ops.reserve(4 * ops.size());  // and those of output()
  for (std::size_t b = 0; b < blocks_; ++b) {
    for (std::size_t o = first_op[b]; o < first_op[b + 1]; ++o) {
      plan_.ops.push_back(ops[o]);
      if (o < kernel[b]) plan_.ops.back().seconds = 0.0;
    }
    end_block();
  }
  for (std::size_t b = 0; b < blocks_; ++b) {
    for (std::size_t o = first_op[b]; o < first_op[b + 1] && o <= kernel[b]; ++o) plan_.ops.push_back(ops[o]);
    end_block();
  }
}

Seconds PassChains::between(const BlockCall& a, const BlockCall& b) {
  const auto [known, is_new] = between_.try_emplace({a.block, b.block});
  if (!is_new) return known->second;
  const auto run = [](BlockId block, LayerId layer) {
    return Run{{block, layer}, ChunkId(), MicroBatch(), true};
  };
  const std::array runs{run(without_start(a.block), a.layer), run(up_to_kernel(b.block), b.layer)};
  LanePlayer player(plan_, runs, Interference{});
  player.advance();
  const Seconds end = player.compute_end();
  player.advance();
  const FirstKernel& first = first_[b.block.at()];
  // The end of a kernel that works on pieces of a collective does not tell when it began.
  const bool tells = first.exists && first.pieces == 1.0;
  known->second = tells ? std::max(end, player.compute_end() - Seconds(first.seconds)) : end;
  return known->second;
}

Seconds PassChains::rest(const BlockCall& a) {
  const auto [known, is_new] = rest_.try_emplace(a.block);
  if (!is_new) return known->second;
  const std::array runs{Run{{without_start(a.block), a.layer}, ChunkId(), MicroBatch(), true}};
  LanePlayer player(plan_, runs, Interference{});
  player.advance();
  known->second = player.compute_end();
  return known->second;
}

Seconds PassChains::output(const BlockCall& a, const BlockCall& b) {
  const auto [known, is_new] = output_.try_emplace({a.block, b.block});
  if (!is_new) return known->second;
  // A block of its own behind all others, for this once.
  const std::span<const LaneOp> whole = plan_.ops_of(without_start(a.block));
  const std::vector<LaneOp> ops(
      whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(operations_up_to_output(program_, a, b)));
  const std::size_t before = plan_.ops.size();
  plan_.ops.insert(plan_.ops.end(), ops.begin(), ops.end());
  plan_.first_op.push_back(static_cast<std::uint32_t>(plan_.ops.size()));
  const std::array runs{Run{{BlockId(3 * blocks_), a.layer}, ChunkId(), MicroBatch(), true}};
  LanePlayer player(plan_, runs, Interference{});
  player.advance();
  plan_.first_op.pop_back();
  plan_.ops.resize(before);
  known->second = player.compute_end();
  return known->second;
}

Seconds PassChains::lead(const BlockCall& a, const BlockCall& b) const {
  Seconds sum;
  const std::span<const LaneOp> planned = plan_.ops_of(b.block);
  const std::vector<Op>& ops = program_.block(b.block).ops;
  for (std::size_t o = 0; o < ops.size(); ++o) {
    for (const Operand& operand : ops[o].operands)
      if (is_written(program_, operand, b.layer, a)) return sum;
    sum += Seconds(planned[o].seconds);
  }
  return sum;
}

Seconds PassChains::of(std::span<const BlockCall> block_calls) {
  if (block_calls.empty()) return {};
  Seconds sum = rest(block_calls.back());
  for (std::size_t i = 0; i + 1 < block_calls.size(); ++i) sum += between(block_calls[i], block_calls[i + 1]);
  return sum;
}

bool stops_kernels(const Op& op, Lane lane) {
  return !is_kernel(op) && op.lane == lane && op.after_compute && op.blocks_compute;
}

Lane stopping_lane(const StepProgram& program, const OpTimes& times) {
  Seconds dp;
  Seconds expert_dp;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    const std::vector<Op>& ops = program.blocks[b].ops;
    for (std::size_t o = 0; o < ops.size(); ++o) {
      if (stops_kernels(ops[o], Lane::dp)) dp += times[b][o].time;
      if (stops_kernels(ops[o], Lane::expert_dp)) expert_dp += times[b][o].time;
    }
  }
  return dp < expert_dp ? Lane::expert_dp : Lane::dp;
}

Seconds PassChains::stopped_by(BlockId block, std::size_t first, std::size_t end) const {
  const std::span<const LaneOp> planned = plan_.ops_of(block);
  Seconds sum;
  for (std::size_t o = first; o < end; ++o)
    if (stops_kernels(program_.block(block).ops[o], stopping_)) sum += Seconds(planned[o].seconds);
  return sum;
}

Seconds PassChains::kernels(BlockId block) const {
  const std::span<const LaneOp> ops = plan_.ops_of(block);
  Seconds sum = stopped_by(block, 0, ops.size());
  for (const LaneOp& op : ops)
    if (op.is_kernel) sum += Seconds(op.seconds);
  return sum;
}

PassChains::Stops PassChains::stops(BlockId block) const {
  const std::span<const LaneOp> ops = plan_.ops_of(block);
  const auto is_kernel = [](const LaneOp& op) { return op.is_kernel; };
  const auto first = std::find_if(ops.begin(), ops.end(), is_kernel);
  if (first == ops.end()) return {};
  const auto last = std::find_if(ops.rbegin(), ops.rend(), is_kernel).base();
  const auto place = [&](auto op) { return static_cast<std::size_t>(op - ops.begin()); };
  return {stopped_by(block, 0, place(first)), stopped_by(block, place(last), ops.size())};
}

}  // namespace foreshard
