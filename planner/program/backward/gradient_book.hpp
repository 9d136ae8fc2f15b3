#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// What the derivation of a backward block knows of gradients: where each activation's stands, whether it may
/// be added to in place, who still has to contribute, and whether tensor-parallel ranks hold summands of it.
class GradientBook {
 protected:
  GradientBook(ProgramBuilder& builder, const Block& forward);

  /// What starts the derivation: the gradient of the stream that leaves (and, for the embedding, that enters)
  /// the block.
  void open_streams();

  /// A new gradient tensor shaped like `like`.
  Operand fresh(const Operand& like);
  /// The finished gradient of what an operation wrote. @throws std::logic_error where none reaches it
  Operand gradient_of(const Operand& y);
  [[nodiscard]] bool has_gradient(const Operand& y) const { return gradients_.contains(instance_of(y)); }
  /// Where a kernel is to put its contribution to x's gradient: a new tensor, or added to what is there.
  Operand contribution(const Operand& x);
  /// A kernel has put all of x's gradient at `at`.
  void settle(const Operand& x, const Operand& at) { gradients_[instance_of(x)] = {at, true, false}; }
  /// x receives y's gradient unchanged.
  void pass_through(const Operand& x, const Operand& y);

  /// Tensor-parallel ranks hold summands of x's gradient.
  void mark_partial(const Operand& x) { gradients_[instance_of(x)].partial = true; }
  [[nodiscard]] bool is_partial(const Operand& x) { return gradients_[instance_of(x)].partial; }
  /// One reader of x has contributed. After the last, a sum over tp ranks is completed.
  void contributed(const Operand& x, Component component);
  /// Sums the tp ranks' summands of x's gradient, if that is what they have.
  void complete(const Operand& x, Component component);
  /// The gradient of a gather, scatter or all-to-all travels the other way; once.
  void derive_exchange(const Op& op);

  void emit(std::string name, Component component, Phase phase, OpKind kind, std::vector<Operand> operands);
  [[nodiscard]] bool is_weight(const Operand& operand) const {
    return builder_.tensor(operand.tensor).role == TensorRole::weight;
  }
  [[nodiscard]] bool is_alike_over_tp(const Operand& x) const {
    return builder_.shapes().tp > 1 && builder_.tensor(x.tensor).replicated_over_tp();
  }
  /// The all-gather of this block from which x comes, if any.
  [[nodiscard]] const Op* gather_of(const Operand& x) const;
  /// True where no operation of the block reads a weight that is trained.
  [[nodiscard]] bool trains_nothing() const;

  ProgramBuilder& builder_;
  const Block& forward_;
  Block backward_;

 private:
  using Instance = std::pair<TensorId, int>;  // tensor and layer shift
  static Instance instance_of(const Operand& operand) { return {operand.tensor, operand.layer_shift}; }

  /// The gradient of one activation as far as it is known.
  struct Gradient {
    Operand at;            // where it stands
    bool owned = false;    // its tensor is nobody else's gradient, so that it may be added to in place
    bool partial = false;  // each tp rank holds a summand
  };

  void count_readers();
  [[nodiscard]] TensorId hidden_id() const { return builder_.find(kHiddenStream); }
  [[nodiscard]] TensorId hidden_gradient_id() const { return builder_.gradient_of(hidden_id()); }

  std::map<Instance, Gradient> gradients_;
  std::map<Instance, int> readers_;
  std::set<const Op*> exchanged_;  // all-gathers whose reduce-scatter stands before its turn
};

}  // namespace foreshard
