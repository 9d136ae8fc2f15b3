#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "planner/program/check/check_parts.hpp"
#include "planner/program/emit/emit_loss.hpp"
#include "planner/program/schedule/runs.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// True for tensors that exist when the step begins: weights, optimizer states and inputs.
bool exists_from_the_start(const Tensor& tensor) {
  const bool is_state = tensor.role == TensorRole::weight || tensor.role == TensorRole::optimizer;
  return tensor.role == TensorRole::input || (is_state && tensor.lifetime == Lifetime::step);
}

/// True if nothing need read what the operation writes. The loss is a result of the step; and recomputation
/// may run a whole layer again, including operations whose results are not needed.
bool may_go_unread(const Op& op) {
  const auto* loss = std::get_if<CrossEntropy>(&op.kind);
  return op.phase == Phase::recompute ||
         (loss != nullptr && loss->part == CrossEntropyPart::loss && !is_backward(op.phase));
}

/// True for a tensor that the backward pass of the loss fills beside its result.
bool is_loss_workspace(const Op& op, std::size_t operand) {
  const auto* loss = std::get_if<CrossEntropy>(&op.kind);
  return loss != nullptr && operand >= loss_operands(loss->part, is_backward(op.phase)) &&
         is_backward(op.phase);
}

/// True for outputs that only the operation's own backward form reads: statistics, log-sum-exps, masks. A
/// layer that is recomputed drops them in forward and makes them again in backward.
bool is_for_backward(const Op& op, std::size_t operand) {
  if (op.phase != Phase::forward || operand + 1 != op.operands.size()) return false;
  return std::visit(
      overloaded{
          [](const one_of<Attention, Norm, GatedNorm, LinearScan> auto&) { return true; },
          [](const Pointwise& pointwise) {
            return pointwise.kind == PointwiseKind::dropout || pointwise.kind == PointwiseKind::dropout_add ||
                   pointwise.kind == PointwiseKind::unit_rows;
          },
          [](const one_of<Gemm, GroupedGemm, Rope, Embedding, CrossEntropy, CausalConv, Gate, IndexScores,
                          Route, Permute, Collective, Send, Recv, HostCopy, OptimizerUpdate> auto&) {
            return false;
          }},
      op.kind);
}

/// The accesses to one instance of a tensor so far.
struct History {
  bool written = false;
  bool read = false;
  const Block* first_block = nullptr;  ///< of the first write
  const Op* first_op = nullptr;
};

/// Follows one stage's runs in program order.
class StageFlow {
 public:
  StageFlow(const StepProgram& program, std::size_t stage, Problems& problems)
      : program_(program), stage_(stage), problems_(problems) {}

  void follow() {
    const std::vector<Run> runs = runs_of(program_, StageId(stage_));
    remember_step_before(runs);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const Block& block = program_.block(runs[i].block_call.block);
      for (const Op& op : block.ops) touch(runs[i], i, block, op);
      // Instances of block-lived tensors end with their run: forget them.
      block_histories_.clear();
    }
    report_leaks();
  }

 private:
  /// Where a step begins with gathering the weights that the step before has updated, these exist from the start.
  void remember_step_before(const std::vector<Run>& runs) {
    const StageProgram& stage = program_.stages[stage_];
    const bool gathers_at_start =
        std::any_of(stage.chunks.begin(), stage.chunks.end(),
                    [](const Chunk& chunk) { return !chunk.first_forward.empty(); });
    if (!gathers_at_start) return;
    for (std::size_t i = runs.size() - stage.epilogue.size(); i < runs.size(); ++i) {
      for (const Op& op : program_.block(runs[i].block_call.block).ops) {
        for (const Operand& operand : op.operands) {
          const Tensor& tensor = program_.tensor(operand.tensor);
          if (operand.access == Access::read || tensor.lifetime != Lifetime::layer) continue;
          history_of(tensor, instance_of(program_, operand, runs[i], i)).written = true;
        }
      }
    }
  }

  void touch(const Run& run, std::size_t run_index, const Block& block, const Op& op) {
    for (const Operand& operand : op.operands) {
      const Tensor& tensor = program_.tensor(operand.tensor);
      History& history = history_of(tensor, instance_of(program_, operand, run, run_index));
      if (operand.access != Access::write && !history.written && !exists_from_the_start(tensor)) {
        report_early_read(run, block, op, operand);
        history.written = true;  // one complaint is enough
      }
      if (operand.access == Access::read) history.read = true;
    }
    for (const Operand& operand : op.operands) {
      if (operand.access == Access::read) continue;
      const Tensor& tensor = program_.tensor(operand.tensor);
      History& history = history_of(tensor, instance_of(program_, operand, run, run_index));
      history.written = true;
      if (history.first_op == nullptr || may_go_unread(*history.first_op)) {
        history.first_block = &block;
        history.first_op = &op;
      }
    }
  }

  History& history_of(const Tensor& tensor, const Instance& instance) {
    return (tensor.lifetime == Lifetime::block ? block_histories_ : histories_)[instance];
  }

  void report_leaks() {
    // The map is not in program order; collecting the complaints in a set sorts them.
    std::set<std::string> leaks;
    for (const auto& [instance, history] : histories_) {
      const Tensor& tensor = program_.tensor(instance.tensor);
      const bool in_vain = history.first_op != nullptr && !history.read && !may_go_unread(*history.first_op);
      if (tensor.lifetime != Lifetime::micro_batch || !in_vain || ends_at_frozen_table(tensor, instance))
        continue;
      leaks.insert(fmt::format("stage {}, {}: writes {}, which nothing reads", stage_,
                               place_of(*history.first_block, *history.first_op), tensor.label));
    }
    problems_.insert(problems_.end(), leaks.begin(), leaks.end());
  }

  /// True for the gradient of the first layer's input if the embedding below it is frozen: nothing reads it.
  [[nodiscard]] bool ends_at_frozen_table(const Tensor& tensor, const Instance& instance) const {
    if (tensor.role != TensorRole::activation_gradient || stage_ != 0 || instance.layer != 0) return false;
    bool has_embedding = false;
    for (const Block& block : program_.blocks) {
      const bool makes_gradients = block.pass == Pass::backward || block.pass == Pass::weight;
      if (block.kind != BlockKind::embedding || !makes_gradients) continue;
      if (!block.ops.empty()) return false;
      has_embedding = true;
    }
    return has_embedding;
  }

  void report_early_read(const Run& run, const Block& block, const Op& op, const Operand& operand) {
    if (!reported_.insert({&op, operand.tensor}).second) return;  // other layers and micro-batches are alike
    problems_.push_back(
        fmt::format("stage {}, {}: reads {} (layer {}, micro-batch {}) before anything has written it",
                    stage_, place_of(block, op), program_.tensor(operand.tensor).label,
                    run.block_call.layer.value() + operand.layer_shift, run.micro_batch.value()));
  }

  const StepProgram& program_;
  std::size_t stage_;
  Problems& problems_;
  std::unordered_map<Instance, History, InstanceHash> histories_;
  std::unordered_map<Instance, History, InstanceHash> block_histories_;
  std::set<std::pair<const Op*, TensorId>> reported_;
};

/// Checks block-lived tensors once per program, because all their runs are alike: if one is written, some
/// operation of the program must read it.
void check_short_lived(const StepProgram& program, Problems& problems) {
  std::vector<bool> read(program.tensors.size(), false);
  std::vector<std::pair<const Block*, const Op*>> writer(program.tensors.size(), {nullptr, nullptr});
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      for (std::size_t i = 0; i < op.operands.size(); ++i) {
        const std::size_t tensor = op.operands[i].tensor.at();
        if (op.operands[i].access == Access::read) {
          read[tensor] = true;
        } else if (writer[tensor].second == nullptr && !may_go_unread(op) && !is_for_backward(op, i) &&
                   !is_loss_workspace(op, i)) {
          writer[tensor] = {&block, &op};
        }
      }
    }
  }
  for (std::size_t i = 0; i < program.tensors.size(); ++i) {
    const Lifetime lifetime = program.tensors[i].lifetime;
    const bool short_lived = lifetime == Lifetime::block || lifetime == Lifetime::layer;
    const auto [block, op] = writer[i];
    if (!short_lived || read[i] || op == nullptr) continue;
    problems.push_back(
        fmt::format("{}: writes {}, which nothing reads", place_of(*block, *op), program.tensors[i].label));
  }
}

}  // namespace

void check_data_flow(const StepProgram& program, Problems& problems) {
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    StageFlow(program, stage, problems).follow();
  }
  check_short_lived(program, problems);
}

}  // namespace foreshard
