#include "runtime/execute/arena_layout.hpp"

#include <algorithm>
#include <map>

#include "planner/program/dependencies/issued_ops.hpp"
#include "runtime/execute/bind_codes.hpp"
#include "runtime/execute/send_holds.hpp"

namespace foreshard {
namespace {

/// Tensors are aligned to cache lines. Bytes.
constexpr std::int64_t kAlignment = 64;

/// A best-fit allocator over memory that can grow at its end. It takes the smallest hole that is large
/// enough, so that large holes remain for large tensors; without such a hole, it grows the memory.
/// Example: holes of 4 and 16 bytes, end at 32. take(3) uses the hole of 4, then take(20) returns 32 and
/// moves the end to 52.
class FreeList {
 public:
  explicit FreeList(std::int64_t begin) : end_(begin) {}

  std::int64_t take(std::int64_t bytes) {
    auto best = holes_.end();
    for (auto hole = holes_.begin(); hole != holes_.end(); ++hole) {
      if (hole->second >= bytes && (best == holes_.end() || hole->second < best->second)) best = hole;
    }
    if (best == holes_.end()) return extend(bytes);
    const auto [offset, size] = *best;
    holes_.erase(best);
    if (size > bytes) holes_.emplace(offset + bytes, size - bytes);
    return offset;
  }

  void give_back(std::int64_t offset, std::int64_t bytes) {
    auto [hole, added] = holes_.emplace(offset, bytes);
    const auto next = std::next(hole);
    if (next != holes_.end() && hole->first + hole->second == next->first) {
      hole->second += next->second;
      holes_.erase(next);
    }
    if (hole == holes_.begin()) return;
    const auto previous = std::prev(hole);
    if (previous->first + previous->second != hole->first) return;
    previous->second += hole->second;
    holes_.erase(hole);
  }

  [[nodiscard]] std::int64_t end() const { return end_; }

 private:
  /// Grows the memory. If there is a hole at the end, the new allocation begins in that hole.
  std::int64_t extend(std::int64_t bytes) {
    std::int64_t offset = end_;
    if (!holes_.empty()) {
      const auto last = std::prev(holes_.end());
      if (last->first + last->second == end_) {
        offset = last->first;
        holes_.erase(last);
      }
    }
    end_ = offset + bytes;
    return offset;
  }

  std::map<std::int64_t, std::int64_t> holes_;  // offset → size
  std::int64_t end_;
};

bool is_step_tensor(const StepProgram& program, const Instance& instance) {
  return program.tensor(instance.tensor).lifetime == Lifetime::step;
}

}  // namespace

std::vector<OpRun> operations_of(const StepProgram& program, const std::vector<Run>& runs) {
  std::vector<OpRun> operations;
  for (const IssuedOp& issued : issued_ops(program, runs))
    operations.push_back({issued.run, OpId(std::size_t{issued.op})});
  return operations;
}

std::int64_t part_of(const Block& block, OpId op) {
  const auto is_part = [](const Op& other) { return other.parts > 1; };
  const auto here = block.ops.begin() + static_cast<std::ptrdiff_t>(op.at());
  const auto per_part = std::count_if(block.ops.begin(), block.ops.end(), is_part) / here->parts;
  return here->parts == 1 ? 0 : std::count_if(block.ops.begin(), here, is_part) / per_part;
}

bool has_all_tokens(const StepProgram& program, const Tensor& tensor) {
  const Dim& rows = tensor.dims.front();
  return rows.name == DimName::tokens &&
         rows.size == checked_product(program.sequences, program.sequence_length);
}

Instance arena_instance(const StepProgram& program, const OpRun& at, const Operand& operand, const Run& run) {
  Instance instance = instance_of(program, operand, run, at.run);
  const Tensor& tensor = program.tensor(operand.tensor);
  if (tensor.lifetime == Lifetime::layer) instance.index = static_cast<std::int64_t>(at.run);
  const Block& block = program.block(run.block_call.block);
  const bool is_parameter = tensor.role == TensorRole::weight || tensor.role == TensorRole::gradient;
  if (block.ops[at.op.at()].parts > 1 && !is_parameter && !has_all_tokens(program, tensor)) {
    constexpr std::int64_t kParts = std::int64_t{1} << 32;  // more than there are runs or micro-batches
    instance.index += kParts * part_of(block, at.op);
  }
  return instance;
}

ArenaLayout::ArenaLayout(const StepProgram& program, StageId stage,
                         const std::function<DType(DType)>& stored_as) {
  const std::vector<Run> runs = runs_of(program, stage);
  find_uses(program, runs, stored_as);
  hold_sent(program, stage, runs);
  place_step_tensors(program);
  place_others(program);
  count_peak(program);
}

void ArenaLayout::find_uses(const StepProgram& program, const std::vector<Run>& runs,
                            const std::function<DType(DType)>& stored_as) {
  for (const OpRun& at : operations_of(program, runs)) {
    const Run& run = runs[at.run];
    for (const Operand& operand : program.block(run.block_call.block).ops[at.op.at()].operands) {
      const Instance instance = arena_instance(program, at, operand, run);
      const auto [entry, is_new] = allocations_.try_emplace(instance);
      Allocation& allocation = entry->second;
      allocation.last = allocation.held = positions_;
      if (!is_new) continue;
      const Tensor& tensor = program.tensor(operand.tensor);
      allocation.first = positions_;
      allocation.bytes = stored_bytes(program, tensor, stored_as(tensor.dtype));
      in_order_.push_back(instance);
    }
    ++positions_;
  }
}

void ArenaLayout::hold_sent(const StepProgram& program, StageId stage, const std::vector<Run>& runs) {
  const std::unordered_map<std::size_t, std::size_t> holds = send_holds(program, stage);
  if (holds.empty()) return;
  std::size_t position = 0;
  for (const OpRun& at : operations_of(program, runs)) {
    const auto hold = holds.find(position++);
    if (hold == holds.end()) continue;
    const Run& run = runs[at.run];
    const Operand& sent = program.block(run.block_call.block).ops[at.op.at()].operands.front();
    Allocation& allocation = allocations_.at(arena_instance(program, at, sent, run));
    allocation.held = std::max(allocation.held, hold->second);
  }
}

void ArenaLayout::place_step_tensors(const StepProgram& program) {
  for (const Instance& instance : in_order_) {
    if (!is_step_tensor(program, instance)) continue;
    Allocation& allocation = allocations_.at(instance);
    allocation.first = 0;
    allocation.last = allocation.held = positions_;
    allocation.offset = capacity_;
    capacity_ += round_up(allocation.bytes, kAlignment);
  }
}

void ArenaLayout::place_others(const StepProgram& program) {
  std::vector<std::vector<const Allocation*>> leaving(positions_);  // by the position that frees them
  FreeList memory(capacity_);
  std::size_t freed = 0;  // number of positions whose tensors have been freed
  for (const Instance& instance : in_order_) {
    if (is_step_tensor(program, instance)) continue;
    Allocation& allocation = allocations_.at(instance);
    for (; freed < allocation.first; ++freed) {
      for (const Allocation* gone : leaving[freed])
        memory.give_back(gone->offset, round_up(gone->bytes, kAlignment));
    }
    allocation.offset = memory.take(round_up(allocation.bytes, kAlignment));
    leaving[allocation.held].push_back(&allocation);
  }
  capacity_ = memory.end();
}

void ArenaLayout::count_peak(const StepProgram& program) {
  std::vector<Bytes> come(positions_);
  std::vector<Bytes> gone(positions_);
  Bytes alive;
  for (const Instance& instance : in_order_) {
    const Allocation& allocation = allocations_.at(instance);
    const Bytes bytes = program.tensor(instance.tensor).local_bytes();
    if (is_step_tensor(program, instance)) {
      alive += bytes;
      continue;
    }
    come[allocation.first] += bytes;
    gone[allocation.last] += bytes;
  }
  peak_ = alive;
  for (std::size_t at = 0; at < positions_; ++at) {
    alive += come[at];
    peak_ = std::max(peak_, alive);
    alive -= gone[at];
  }
}

}  // namespace foreshard
