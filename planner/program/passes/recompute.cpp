#include "planner/program/passes/recompute.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

/// True if recomputation runs all operations of the region again, also those that backward does not need.
/// PyTorch did so before it stopped recomputation early; models with LayerNorm are taken to be from that
/// time.
/// Source: docs/frameworks.md.
bool reruns_whole_layers(const ProgramBuilder& builder) {
  return builder.conventions().recompute_whole_layer || builder.job().model.norm == NormKind::layernorm;
}

class RecomputePass {
  using Key = std::pair<TensorId, int>;  // tensor and layer shift: the stream's input is not its output

 public:
  RecomputePass(ProgramBuilder& builder, const Block& forward, Block& backward)
      : builder_(builder),
        forward_(forward),
        backward_(backward),
        mode_(builder.job().training.recompute),
        reruns_all_(reruns_whole_layers(builder)) {
    for (std::size_t i = 0; i < forward.ops.size(); ++i) {
      for (const Operand& operand : forward.ops[i].operands) {
        if (operand.access != Access::read) writers_[key(operand)].push_back(i);
      }
    }
    choose_kept();
  }

  void run() {
    const bool whole = mode_ == Recompute::full && reruns_all_;
    for (const Op& op : backward_.ops) need_inputs_of(op);
    for (const Op& op : forward_.ops) {
      if (keeps_half(op)) need_inputs_of(op);
    }
    for (std::size_t i = 0; i < forward_.ops.size() && reruns_all_; ++i) {
      const bool in_core =
          mode_ == Recompute::selective && forward_.ops[i].component == Component::attention_core;
      if (whole || in_core) again_.insert(i);
    }
    if (again_.empty()) return;
    std::size_t first_use = backward_.ops.size();
    for (std::size_t i = 0; i < backward_.ops.size(); ++i) {
      if (use_clones(backward_.ops[i])) first_use = std::min(first_use, i);
    }
    if (whole) first_use = 0;
    std::vector<Op> rerun;
    for (std::size_t i = 0; i < forward_.ops.size(); ++i) {
      if (again_.contains(i)) {
        rerun.push_back(run_again(forward_.ops[i]));
      } else if (keeps_half(forward_.ops[i])) {
        rerun.push_back(run_half_again(forward_.ops[i]));
      }
    }
    backward_.ops.insert(backward_.ops.begin() + static_cast<std::ptrdiff_t>(first_use), rerun.begin(),
                         rerun.end());
  }

 private:
  static Key key(const Operand& operand) { return {operand.tensor, operand.layer_shift}; }

  void choose_kept() {
    std::size_t products = 0;
    for (const Op& op : forward_.ops) {
      const bool is_product =
          std::holds_alternative<Gemm>(op.kind) && op.component != Component::attention_core;
      const bool kept = keeps_output(op, is_product ? products : 0);
      if (is_product) ++products;
      for (const Operand& operand : op.operands) {
        if (operand.access == Access::read) continue;
        if (kept) {
          kept_.insert(operand.tensor);
        } else if (operand.access == Access::accumulate) {
          // An operation that runs again changes it in place, so the whole tensor must be made again.
          kept_.erase(operand.tensor);
        }
      }
    }
  }

  [[nodiscard]] bool keeps_output(const Op& op, std::size_t product) const {
    switch (mode_) {
      case Recompute::none: return true;
      case Recompute::full: return false;
      case Recompute::selective: return op.component != Component::attention_core;
      case Recompute::selective_ops: return keeps_operation(op, product);
    }
    return true;
  }

  /// Whether PyTorch's list keeps the operation's output: the attention kernel, reduce-scatters, and every
  /// second product. Rope is kept too, because it changes the output of a kept product in place.
  /// @param product number of earlier products in the block
  static bool keeps_operation(const Op& op, std::size_t product) {
    const bool in_core = op.component == Component::attention_core;
    return std::visit(
        overloaded{
            [](const Collective& collective) { return collective.kind == CollectiveKind::reduce_scatter; },
            [&](const Attention&) { return in_core; }, [&](const Rope&) { return !in_core; },
            [&](const Gemm&) { return !in_core && product % 2 == 0; },
            [](const one_of<GroupedGemm, Pointwise, Norm, Embedding, CrossEntropy, Route, Permute, Send, Recv,
                            OptimizerUpdate> auto&) { return false; }},
        op.kind);
  }

  /// True if this reader must read a recomputed copy of the tensor. With selective recomputation only the
  /// backward operations of the attention core do: the tensor that the output projection reads stays saved.
  [[nodiscard]] bool wants_clone(const Op& reader, const Operand& operand) const {
    if (operand.access == Access::write || !writers_.contains(key(operand))) return false;
    if (kept_.contains(operand.tensor)) return false;
    // Backward makes the 16 bits of a quantised weight again by itself.
    if (is_backward(reader.phase) && builder_.tensor(operand.tensor).derivation == Derivation::dequantised)
      return false;
    return mode_ != Recompute::selective || reader.component == Component::attention_core;
  }

  void need_inputs_of(const Op& op) {
    for (const Operand& operand : op.operands) {
      if (!wants_clone(op, operand)) continue;
      for (const std::size_t writer : writers_[key(operand)]) {
        if (again_.insert(writer).second) need_inputs_of(forward_.ops[writer]);
      }
    }
  }

  /// True for the product that makes gate and up, if only half of its output is kept. PyTorch runs gate and
  /// up as two products and keeps every second product, so the other one of them runs again.
  [[nodiscard]] bool keeps_half(const Op& op) const {
    return mode_ == Recompute::selective_ops && builder_.conventions().autograd &&
           std::holds_alternative<Gemm>(op.kind) && kept_.contains(op.operands[2].tensor) &&
           builder_.tensor(op.operands[1].tensor).sections.size() == 2;
  }

  /// The recomputation of the half of gate and up that is not kept. It writes a tensor of its own; operations
  /// that read gate and up still name the kept tensor.
  Op run_half_again(Op op) {
    op.phase = Phase::recompute;
    std::get<Gemm>(op.kind).n /= 2;
    op.operands.resize(3);
    if (wants_clone(op, op.operands[0])) op.operands[0] = reads(clone(op.operands[0].tensor));
    builder_.tensor(op.operands[2].tensor).kept_parts = 2;
    Tensor half = builder_.derived(op.operands[2].tensor, Derivation::recomputed_half);
    half.kept_parts = 1;
    half.lifetime = Lifetime::block;
    half.dims[1].size /= 2;
    op.operands[2] = writes(builder_.add(std::move(half)));
    return op;
  }

  TensorId clone(TensorId id) {
    Tensor tensor = builder_.derived(id, Derivation::recomputed);
    tensor.lifetime = Lifetime::block;
    return builder_.add(std::move(tensor));
  }

  bool use_clones(Op& op) {
    bool used = false;
    for (Operand& operand : op.operands) {
      if (!wants_clone(op, operand)) continue;
      operand.tensor = clone(operand.tensor);
      operand.layer_shift = 0;
      used = true;
    }
    return used;
  }

  Op run_again(Op op) {
    op.phase = Phase::recompute;
    for (Operand& operand : op.operands) {
      const bool made_here = operand.access != Access::read;
      if (made_here || wants_clone(op, operand)) {
        operand.tensor = clone(operand.tensor);
        operand.layer_shift = 0;
      }
    }
    return op;
  }

  ProgramBuilder& builder_;
  const Block& forward_;
  Block& backward_;
  Recompute mode_;
  bool reruns_all_;
  std::map<Key, std::vector<std::size_t>> writers_;
  std::set<TensorId> kept_;
  std::set<std::size_t> again_;  // forward operations to run again, in order
};

}  // namespace

void apply_recompute(ProgramBuilder& builder, const Block& forward, Block& backward) {
  if (builder.job().training.recompute == Recompute::none) return;
  RecomputePass(builder, forward, backward).run();
}

}  // namespace foreshard
