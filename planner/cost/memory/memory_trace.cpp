#include "planner/cost/memory/memory_trace.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "planner/program/dependencies/wait_rule.hpp"

namespace foreshard {
namespace {

// The position of an operation in a trace; each index counts from the beginning of the trace.
struct OpPlace {
  std::uint32_t pass = 0;
  std::uint32_t block_call = 0;
  std::uint32_t op = 0;
};

// One period in which an instance of a tensor takes memory.
struct Life {
  Bytes bytes;
  Bytes kept;  // after the block call in which it begins
  Lifetime lifetime = Lifetime::block;
  bool is_activation = false;
  OpPlace first;
  OpPlace last;
  std::uint32_t allocated = 0;      // the operation before which it is allocated: first.op, or earlier
  std::uint32_t last_at_first = 0;  // the last operation that uses it in that block call
};

// True if a use at `now` refers to the same content as `life`; false if a new life begins.
bool continues(const Life& life, const Op& op, Access access, const OpPlace& now) {
  // Operations on one range of the tokens after the other write such a tensor anew for each range.
  if (life.last.block_call == now.block_call) return op.parts == 1 || access != Access::write;
  switch (life.lifetime) {
    case Lifetime::step:
    case Lifetime::micro_batch: return true;
    case Lifetime::layer: return life.last.pass == now.pass && access != Access::write;
    case Lifetime::block: return false;
  }
  return false;
}

Life begin_life(const TensorFacts& tensor, const Op& op, const OpPlace& now, std::uint32_t allocated) {
  // A gather that runs n blocks ahead fills one buffer while n others are being filled or in use.
  const bool runs_ahead = tensor.lifetime == Lifetime::layer && op.prefetch_blocks > 0;
  const std::int64_t copies = runs_ahead ? op.prefetch_blocks + std::int64_t{1} : 1;
  const bool is_activation = tensor.lifetime == Lifetime::micro_batch &&
                             (tensor.role == TensorRole::activation || tensor.role == TensorRole::input);
  return {.bytes = tensor.bytes * copies,
          .kept = tensor.kept * copies,
          .lifetime = tensor.lifetime,
          .is_activation = is_activation,
          .first = now,
          .last = now,
          .allocated = allocated,
          .last_at_first = now.op};
}

// The operation before which a tensor is allocated: that of its first use; for what is kept for backward and comes back
// from the host, the first operation of the block call during which it is fetched.
std::uint32_t allocated_at(const TensorFacts& tensor, const Op& op, const OpPlace& now,
                           const std::vector<std::uint32_t>& block_call_ops) {
  if (tensor.lifetime != Lifetime::micro_batch || op.prefetch_blocks == 0) return now.op;
  const std::size_t here = block_call_ops.size() - 1;
  return block_call_ops[here - std::min(here, static_cast<std::size_t>(op.prefetch_blocks))];
}

// For each operation, the one after which what it uses last is freed: itself; for a copy to the host the next such copy
// of the pass, or the pass's last operation.
std::vector<std::uint32_t> find_freeing(const StepProgram& program, BlockCallLists passes) {
  std::vector<std::uint32_t> freeing;
  for (const std::span<const BlockCall> block_calls : passes) {
    std::optional<std::size_t> copy;
    for (const BlockCall& block_call : block_calls) {
      for (const Op& op : program.block(block_call.block).ops) {
        const auto now = static_cast<std::uint32_t>(freeing.size());
        freeing.push_back(now);
        if (!holds_former(op)) continue;
        if (copy) freeing[*copy] = now;
        copy = now;
      }
    }
    if (copy) freeing[*copy] = static_cast<std::uint32_t>(freeing.size() - 1);
  }
  return freeing;
}

// The lives of all tensors but step tensors, in order of their first use.
std::vector<Life> find_lives(const StepProgram& program, const TensorTable& tensors, BlockCallLists passes) {
  constexpr auto kNone = std::numeric_limits<std::uint32_t>::max();
  const LayerWindow window = tensors.window_of(passes);
  std::vector<std::uint32_t> latest(tensors.instances(window), kNone);  // latest life, by instance
  std::vector<Life> lives;
  std::vector<std::uint32_t> block_call_ops;  // first operation of each block call of the pass
  OpPlace now;
  for (const std::span<const BlockCall> block_calls : passes) {
    block_call_ops.clear();
    for (const BlockCall& block_call : block_calls) {
      block_call_ops.push_back(now.op);
      for (const Op& op : program.block(block_call.block).ops) {
        for (const Operand& operand : op.operands) {
          const TensorFacts& tensor = tensors[operand.tensor];
          if (tensor.lifetime == Lifetime::step) continue;
          std::uint32_t& life = latest[tensors.instance(operand, block_call.layer, window)];
          if (life == kNone || !continues(lives[life], op, operand.access, now)) {
            life = static_cast<std::uint32_t>(lives.size());
            lives.push_back(begin_life(tensor, op, now, allocated_at(tensor, op, now, block_call_ops)));
          }
          lives[life].last = now;
          if (lives[life].first.block_call == now.block_call) lives[life].last_at_first = now.op;
        }
        ++now.op;
      }
      ++now.block_call;
    }
    ++now.pass;
  }
  return lives;
}

std::vector<OpMemory> changes_by_op(const std::vector<Life>& lives,
                                    const std::vector<std::uint32_t>& freeing) {
  std::vector<OpMemory> changes(freeing.size());
  for (const Life& life : lives) {
    const auto counted = [&](Bytes bytes) {
      return life.is_activation ? LiveBytes{.activations = bytes, .buffers = {}}
                                : LiveBytes{.activations = {}, .buffers = bytes};
    };
    changes[life.allocated].allocated += counted(life.bytes);
    changes[life.last_at_first].freed += counted(life.bytes - life.kept);
    changes[freeing[life.last.op]].freed += counted(life.kept);
  }
  return changes;
}

}  // namespace

MemoryTrace trace_memory(const StepProgram& program, const TensorTable& tensors, BlockCallLists passes) {
  const std::vector<Life> lives = find_lives(program, tensors, passes);
  std::size_t block_call_count = 0;
  for (const std::span<const BlockCall> block_calls : passes) block_call_count += block_calls.size();

  MemoryTrace trace;
  trace.ops = changes_by_op(lives, find_freeing(program, passes));
  trace.block_calls.reserve(block_call_count);
  LiveBytes live;
  auto change = trace.ops.begin();
  for (const std::span<const BlockCall> block_calls : passes) {
    PassMemory pass;
    for (const BlockCall& block_call : block_calls) {
      const Bytes at_begin = live.total();
      BlockMemory block;
      for (std::size_t op = 0; op < program.block(block_call.block).ops.size(); ++op, ++change) {
        live += change->allocated;
        block.peak = std::max(block.peak, live.total() - at_begin);
        if (!pass.peak_block || live.total() > pass.peak.total()) {
          pass.peak = live;
          pass.peak_block = block_call.block;
        }
        live -= change->freed;
      }
      trace.block_calls.push_back(block);
      trace.block_call_peaks.push_back(at_begin + block.peak);
    }
    pass.end = live;
    trace.passes.push_back(pass);
  }
  for (const Life& life : lives) {
    if (life.lifetime != Lifetime::micro_batch || life.first.block_call == life.last.block_call) continue;
    trace.block_calls[life.first.block_call].saved += life.kept;
    trace.block_calls[life.last.block_call].released += life.kept;
  }
  return trace;
}

}  // namespace foreshard
