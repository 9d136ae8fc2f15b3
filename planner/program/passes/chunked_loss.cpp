#include "planner/program/passes/chunked_loss.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

bool is_of_loss(const Op& op) { return op.component == Component::head || op.component == Component::loss; }

class LossChunks {
 public:
  LossChunks(ProgramBuilder& builder, Block& forward, Block& backward)
      : builder_(builder),
        forward_(forward),
        backward_(backward),
        parts_(builder.job().training.loss.chunks) {}

  void run() {
    std::vector<Op> loop = take_forward();
    take_gradients(loop);
    cut_tensors(loop);
    append(loop, forward_);
  }

  /// Both passes go through the ranges of the tokens; backward makes the logits of each again.
  void run_cut() {
    parts_ = tiles();
    std::vector<Op> loop = take_forward();
    const std::vector<Op> combined = take_combined(loop);
    std::vector<Op> again;
    for (const Op& op : loop) {
      if (is_product(op)) again.push_back(op);
    }
    std::vector<Op> rest;
    for (Op& op : backward_.ops) (stays(op) ? rest : again).push_back(std::move(op));
    make_logits_again(loop, again);
    // What one loop shares with the other or with the rest of a block has all tokens.
    backward_.ops = rest;
    backward_.ops.insert(backward_.ops.end(), again.begin(), again.end());
    backward_.ops.insert(backward_.ops.end(), combined.begin(), combined.end());
    cut_tensors(loop);
    append(loop, forward_);
    forward_.ops.insert(forward_.ops.end(), combined.begin(), combined.end());
    whole_.clear();
    backward_.ops = rest;
    cut_tensors(again);
    backward_.ops.clear();
    append(again, backward_);
    backward_.ops.insert(backward_.ops.end(), std::make_move_iterator(rest.begin()),
                         std::make_move_iterator(rest.end()));
  }

 private:
  static bool stays(const Op& op) { return !is_of_loss(op) || std::holds_alternative<Collective>(op.kind); }

  /// Ranges of 1,024 tokens or more: the kernel keeps its weights in the cache from tile to tile, so that products are as
  /// fast as large ones.
  [[nodiscard]] std::int64_t tiles() const {
    const std::int64_t tokens = builder_.shapes().tokens / builder_.shapes().cp;
    for (std::int64_t parts = std::min<std::int64_t>(tokens / 1024, 64); parts > 1; --parts) {
      if (tokens % parts == 0) return parts;
    }
    return 1;
  }

  /// Takes the operations from the output projection on out of the forward block.
  std::vector<Op> take_forward() {
    const auto first = std::find_if(forward_.ops.begin(), forward_.ops.end(),
                                    [](const Op& op) { return is_product(op) && is_of_loss(op); });
    if (first == forward_.ops.end()) throw std::logic_error("the head has no output projection");
    std::vector<Op> loop(first, forward_.ops.end());
    forward_.ops.erase(first, forward_.ops.end());
    return loop;
  }

  /// Takes what combines the ranges' statistics over tp out of the loop: it is done once, for all tokens, as Cut
  /// cross-entropy does (vp_reduce_lse in cut_cross_entropy/vocab_parallel of apple/ml-cross-entropy). The loss follows.
  static std::vector<Op> take_combined(std::vector<Op>& loop) {
    const auto is_collective = [](const Op& op) { return std::holds_alternative<Collective>(op.kind); };
    if (std::none_of(loop.begin(), loop.end(), is_collective)) return {};
    const auto first = std::stable_partition(loop.begin(), std::prev(loop.end()),
                                             [&](const Op& op) { return !is_collective(op); });
    std::vector<Op> combined(first, loop.end());
    loop.erase(first, loop.end());
    return combined;
  }

  void append(const std::vector<Op>& loop, Block& block) const {
    for (std::int64_t part = 0; part < parts_; ++part) {
      for (const Op& op : loop) block.ops.push_back(cut(op, part == 0));
    }
  }

  /// Lets the operations of backward work on logits of their own.
  void make_logits_again(const std::vector<Op>& loop, std::vector<Op>& again) {
    const TensorId logits = loop.front().operands[2].tensor;
    builder_.tensor(logits).lifetime = Lifetime::block;
    Tensor copy = builder_.derived(logits, Derivation::recomputed);
    copy.lifetime = Lifetime::block;
    const TensorId id = builder_.add(std::move(copy));
    for (Op& op : again) {
      if (op.phase == Phase::forward) op.phase = Phase::recompute;
      for (Operand& operand : op.operands) {
        if (operand.tensor == logits) operand.tensor = id;
      }
    }
  }

  /// Moves the gradients of the projection and of the loss to the loop. What they add to gradients of weights
  /// goes to a tensor of its own, which the backward block adds to the sum. Collectives stay in backward.
  void take_gradients(std::vector<Op>& loop) {
    std::vector<Op> rest;
    for (Op& op : backward_.ops) {
      if (!is_of_loss(op) || std::holds_alternative<Collective>(op.kind)) {
        rest.push_back(std::move(op));
        continue;
      }
      Operand& result = op.operands[std::min<std::size_t>(2, op.operands.size() - 1)];
      if (op.phase == Phase::backward_weight && builder_.tensor(result.tensor).role == TensorRole::gradient) {
        rest.push_back(accumulation(op, result));
        result.access = Access::accumulate;
      }
      loop.push_back(std::move(op));
    }
    backward_.ops = std::move(rest);
  }

  /// Makes the operation write a fresh gradient; returns the operation that adds it to the sum.
  Op accumulation(const Op& op, Operand& result) {
    const Operand sum = result;
    Tensor fresh = builder_.derived(sum.tensor, Derivation::fresh_gradient);
    fresh.lifetime = Lifetime::block;
    fresh.dtype = builder_.shapes().weight;
    result.tensor = builder_.add(std::move(fresh));
    whole_.insert(result.tensor);
    return compute_op(op.name + " accumulate", op.component, Phase::backward_weight,
                      Pointwise{PointwiseKind::accumulate, builder_.tensor(sum.tensor).local_elements()},
                      {reads(result.tensor), sum});
  }

  /// Tensors that only the loop touches have the tokens of one part.
  void cut_tensors(const std::vector<Op>& loop) {
    std::set<TensorId> outside;
    for (const Block* block : {&std::as_const(forward_), &std::as_const(backward_)}) {
      for (const Op& op : block->ops) {
        for (const Operand& operand : op.operands) outside.insert(operand.tensor);
      }
    }
    std::set<TensorId> done;
    for (const Op& op : loop) {
      for (const Operand& operand : op.operands) {
        Tensor& tensor = builder_.tensor(operand.tensor);
        const bool has_tokens = !tensor.dims.empty() && tensor.dims.front().name == DimName::tokens;
        const bool is_input = tensor.role == TensorRole::input;
        if (!has_tokens || is_input || outside.contains(operand.tensor)) {
          if (has_tokens && !is_input && operand.access != Access::read) whole_.insert(operand.tensor);
          continue;
        }
        if (done.insert(operand.tensor).second) tensor.dims.front().size /= parts_;
      }
    }
  }

  /// The operation for one range of the tokens.
  [[nodiscard]] Op cut(const Op& op, bool is_first) const {
    Op part = op;
    part.parts = static_cast<std::int32_t>(parts_);
    for (Operand& operand : part.operands) {
      if (whole_.contains(operand.tensor) && operand.access != Access::read)
        operand.access = is_first ? Access::write : Access::accumulate;
    }
    std::visit(
        overloaded{
            [&](Gemm& gemm) { (op.phase == Phase::backward_weight ? gemm.k : gemm.m) /= parts_; },
            [&](CrossEntropy& loss) { loss.tokens /= parts_; },
            [&](Pointwise& pointwise) { pointwise.elements /= parts_; },
            [&](Collective& collective) { collective.payload = Bytes(collective.payload.value() / parts_); },
            [&](const one_of<GroupedGemm, Attention, Norm, Rope, Embedding, Route, CausalConv, LinearScan,
                             GatedNorm, Gate, IndexScores, Permute, Send, Recv, HostCopy,
                             OptimizerUpdate> auto&) {
              throw std::logic_error("the loss has no " + std::string(kind_name(op.kind)));
            }},
        part.kind);
    return part;
  }

  ProgramBuilder& builder_;
  Block& forward_;
  Block& backward_;
  std::int64_t parts_;
  std::set<TensorId> whole_;  // written range by range: the input's gradient and those of weights
};

}  // namespace

void chunk_loss(ProgramBuilder& builder, Block& forward, Block& backward) {
  if (forward.kind != BlockKind::head) return;
  if (builder.job().training.loss.cut) return LossChunks(builder, forward, backward).run_cut();
  if (builder.job().training.loss.chunks > 1) LossChunks(builder, forward, backward).run();
}

}  // namespace foreshard
