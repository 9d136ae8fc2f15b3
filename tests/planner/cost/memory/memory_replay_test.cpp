// Compares the memory ledger with a replay that uses no summaries: it writes out every block call of a stage,
// tracks every (tensor, layer, chunk, micro-batch) separately, and examines every operation.

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/tiny_program.hpp"

namespace foreshard {
namespace {

class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  // From low to high, both included; the engine alone is the same on every standard library.
  int roll(int low, int high) {
    return low + static_cast<int>(engine_() % static_cast<unsigned>(high - low + 1));
  }

 private:
  std::mt19937 engine_;
};

BlockId random_block(Dice& dice, tiny::ProgramBuilder& build, Pass pass, int tensors) {
  std::vector<Op> ops;
  for (int i = dice.roll(0, 5); i > 0; --i) {
    std::vector<Operand> operands;
    for (int j = dice.roll(1, 4); j > 0; --j) {
      const TensorId tensor(dice.roll(0, tensors - 1));
      const int shift = dice.roll(0, 1);
      operands.push_back(dice.roll(0, 1) == 0 ? tiny::read(tensor, shift) : tiny::write(tensor, shift));
    }
    ops.push_back(tiny::op("", operands));
  }
  return build.block("", pass, ops);
}

// One stage of random blocks, two chunks of three layers, four micro-batches; a legal order of random
// choices.
StepProgram random_program(std::uint32_t seed) {
  constexpr int kTensors = 12;
  constexpr int kMicroBatches = 4;
  Dice dice(seed);
  tiny::ProgramBuilder build;
  for (int i = 0; i < kTensors; ++i) {
    const Lifetime lifetimes[] = {Lifetime::step, Lifetime::micro_batch, Lifetime::micro_batch,
                                  Lifetime::block};
    const TensorRole roles[] = {TensorRole::weight, TensorRole::activation, TensorRole::activation_gradient};
    build.tensor("", roles[dice.roll(0, 2)], lifetimes[dice.roll(0, 3)], dice.roll(1, 1'000),
                 dice.roll(0, 2) > 0);
  }
  StageProgram stage;
  stage.prologue = {{random_block(dice, build, Pass::once, kTensors), LayerId(0)}};
  stage.epilogue = {{random_block(dice, build, Pass::once, kTensors), LayerId(0)}};
  for (int c = 0; c < 2; ++c) {
    const BlockId forward = random_block(dice, build, Pass::forward, kTensors);
    const BlockId backward = random_block(dice, build, Pass::backward, kTensors);
    Chunk chunk;
    for (int layer = 0; layer < 3; ++layer) {
      chunk.forward.push_back({forward, LayerId(5 * c + layer)});
      chunk.backward.insert(chunk.backward.begin(), {backward, LayerId(5 * c + layer)});
    }
    if (dice.roll(0, 1) == 0) {
      const BlockId weight = random_block(dice, build, Pass::weight, kTensors);
      for (int layer = 2; layer >= 0; --layer) chunk.weight.push_back({weight, LayerId(5 * c + layer)});
      chunk.last_weight = chunk.weight;
      chunk.last_weight.push_back({random_block(dice, build, Pass::once, kTensors), LayerId(5 * c)});
    } else if (dice.roll(0, 1) == 0) {
      chunk.last_backward = chunk.backward;
      chunk.last_backward.push_back({random_block(dice, build, Pass::once, kTensors), LayerId(5 * c)});
    }
    stage.chunks.push_back(chunk);
  }
  // Any pair whose forward has run may run its backward, and then its weight pass if it has one.
  std::vector<Slot> waiting;
  for (int c = 0; c < 2; ++c) {
    for (int i = 0; i < kMicroBatches; ++i) waiting.push_back(tiny::forward(c, i));
  }
  while (!waiting.empty()) {
    const auto pick = waiting.begin() + dice.roll(0, static_cast<int>(waiting.size()) - 1);
    stage.order.push_back(*pick);
    if (pick->pass == Pass::forward) {
      pick->pass = Pass::backward;
    } else if (pick->pass == Pass::backward && !stage.chunks[pick->chunk.at()].weight.empty()) {
      pick->pass = Pass::weight;
    } else {
      waiting.erase(pick);
    }
  }
  build.program().micro_batches = kMicroBatches;
  build.program().stages = {stage};
  return build.program();
}

// (tensor, layer, chunk, micro-batch, block call); an entry that does not distinguish instances is −1.
using Instance = std::tuple<int, int, int, int, int>;

struct Use {
  std::int64_t bytes = 0;
  int first = 0;
  int last = 0;
};

class Replay {
 public:
  explicit Replay(const StepProgram& program) : program_(program) {
    const StageProgram& stage = program.stages[0];
    // Prologue and epilogue get pairs of their own.
    run(stage.prologue, -2, -2);
    for (const Slot& slot : stage.order) {
      run(block_calls(stage.chunks[slot.chunk.at()], slot), slot.chunk.value(), slot.micro_batch.value());
    }
    run(stage.epilogue, -3, -3);
  }

  // Step tensors, plus the most that is in use at any one operation.
  std::int64_t peak() const {
    std::int64_t most = 0;
    for (int now = 0; now < ops_; ++now) {
      std::int64_t live = 0;
      for (const auto& [instance, use] : uses_) {
        if (use.first <= now && now <= use.last) live += use.bytes;
      }
      most = std::max(most, live);
    }
    std::int64_t step = 0;
    for (const auto& [instance, bytes] : step_) step += bytes;
    return step + most;
  }

 private:
  const std::vector<BlockCall>& block_calls(const Chunk& chunk, const Slot& slot) const {
    const bool is_last = slot.micro_batch.value() == program_.micro_batches - 1;
    if (slot.pass == Pass::forward) return chunk.forward;
    if (slot.pass == Pass::weight) return is_last ? chunk.last_weight : chunk.weight;
    return is_last && !chunk.last_backward.empty() ? chunk.last_backward : chunk.backward;
  }
  void run(const std::vector<BlockCall>& block_calls, int chunk, int micro_batch) {
    for (const BlockCall& block_call : block_calls) {
      for (const Op& op : program_.block(block_call.block).ops) {
        for (const Operand& operand : op.operands) touch(operand, block_call, chunk, micro_batch);
        ++ops_;
      }
      ++block_calls_;
    }
  }
  void touch(const Operand& operand, const BlockCall& block_call, int chunk, int micro_batch) {
    const Tensor& tensor = program_.tensor(operand.tensor);
    const int id = operand.tensor.value();
    const int layer = tensor.per_layer ? block_call.layer.value() + operand.layer_shift : -1;
    const std::int64_t bytes = tensor.dims[0].size;
    if (tensor.lifetime == Lifetime::step) {
      step_[{id, layer, -1, -1, -1}] = bytes;
      return;
    }
    const int in_block_call = tensor.lifetime == Lifetime::block ? block_calls_ : -1;
    const auto [entry, is_new] = uses_.try_emplace({id, layer, chunk, micro_batch, in_block_call});
    if (is_new) entry->second = {.bytes = bytes, .first = ops_, .last = ops_};
    entry->second.last = ops_;
  }

  const StepProgram& program_;
  std::map<Instance, std::int64_t> step_;
  std::map<Instance, Use> uses_;
  int ops_ = 0;
  int block_calls_ = 0;
};

}  // namespace

TEST_CASE("the ledger's peak is that of a replay of every operation") {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    const StepProgram program = random_program(seed);
    CHECK(memory_report(JobSpec{}, program).peak == Bytes(Replay(program).peak()));
  }
}

}  // namespace foreshard
