#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/memory/memory_trace.hpp"
#include "planner/cost/memory/tensor_table.hpp"

namespace foreshard {
namespace {

// Lists of block calls that are traced together, because tensors live across them.
using Passes = std::vector<std::span<const BlockCall>>;

// All sequences of passes in which blocks of the program run; ordinary micro-batches come before the last
// one.
std::vector<Passes> stretches_of(const StepProgram& program) {
  std::vector<Passes> stretches;
  for (const StageProgram& stage : program.stages) {
    for (const Chunk& chunk : stage.chunks) {
      stretches.push_back({chunk.forward, chunk.backward, chunk.weight});
    }
    for (const Chunk& chunk : stage.chunks) {
      if (!chunk.first_forward.empty()) stretches.push_back({chunk.first_forward, chunk.backward});
      if (!chunk.last_backward.empty()) stretches.push_back({chunk.forward, chunk.last_backward});
      if (!chunk.last_weight.empty()) {
        stretches.push_back({chunk.forward, chunk.backward, chunk.last_weight});
      }
    }
    stretches.push_back({stage.prologue});
    stretches.push_back({stage.epilogue});
  }
  return stretches;
}

// The sequence of passes from which a block's memory is taken: the one that calls it most often, the first if
// several.
struct Representative {
  std::size_t stretch = 0;
  std::int64_t block_calls = 0;
};

std::vector<Representative> find_representatives(std::size_t blocks, const std::vector<Passes>& stretches) {
  std::vector<Representative> best(blocks);
  std::vector<std::int64_t> block_calls(blocks);
  for (std::size_t stretch = 0; stretch < stretches.size(); ++stretch) {
    block_calls.assign(blocks, 0);
    for (const std::span<const BlockCall> list : stretches[stretch]) {
      for (const BlockCall& block_call : list) ++block_calls[block_call.block.at()];
    }
    for (std::size_t block = 0; block < blocks; ++block) {
      if (block_calls[block] > best[block].block_calls)
        best[block] = {.stretch = stretch, .block_calls = block_calls[block]};
    }
  }
  return best;
}

}  // namespace

std::vector<BlockMemory> block_memory(const StepProgram& program) {
  const TensorTable tensors(program);
  const std::vector<Passes> stretches = stretches_of(program);
  const std::vector<Representative> representatives = find_representatives(program.blocks.size(), stretches);
  std::vector<bool> needed(stretches.size());
  for (const Representative& representative : representatives) {
    if (representative.block_calls > 0) needed[representative.stretch] = true;
  }

  std::vector<BlockMemory> memory(program.blocks.size());
  std::vector<std::int64_t> met(program.blocks.size());
  for (std::size_t stretch = 0; stretch < stretches.size(); ++stretch) {
    if (!needed[stretch]) continue;
    const MemoryTrace trace = trace_memory(program, tensors, stretches[stretch]);
    met.assign(met.size(), 0);
    auto traced = trace.block_calls.begin();
    for (const std::span<const BlockCall> list : stretches[stretch]) {
      for (const BlockCall& block_call : list) {
        const Representative& representative = representatives[block_call.block.at()];
        const bool is_middle = met[block_call.block.at()]++ == representative.block_calls / 2;
        if (representative.stretch == stretch && is_middle) memory[block_call.block.at()] = *traced;
        ++traced;
      }
    }
  }
  return memory;
}

}  // namespace foreshard
