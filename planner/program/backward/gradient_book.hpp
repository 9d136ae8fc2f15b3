#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Keeps track of activation gradients while a backward block is derived. For each activation it knows which
/// tensor holds the gradient, whether a kernel may add to that tensor in place, how many readers of the
/// activation have not contributed yet, and whether the gradient is still a partial sum over tp ranks.
///
/// The gradient of an activation is the sum of one contribution from each operation that read it. The first
/// contribution writes a new tensor; later ones add to it in place.
///
/// Example: three products read x (T,D) on tp = 2 ranks. Forward runs c = x·Cᵀ, whose weight is replicated,
/// then a = x·Aᵀ and b = x·Bᵀ, whose weights are cut by output columns. Backward runs in reverse order:
///   b   dx  = db·B       a new tensor; each rank has summed over its own columns only: dx is a partial sum
///   a   dx += da·A       added in place; still a partial sum
///   c   all-reduce dx    over tp: dx is now complete and equal on both ranks
///       dx += dc·C       complete on every rank: added before the all-reduce, it would count twice
/// Without c, a would be the last reader, and the all-reduce would follow it (contributed()).
///
/// A residual connection y = x + f passes dy on to x and to f: both then name dy's tensor, and neither owns
/// it. A product that contributes to dx later first copies dy into a tensor of dx's own. A norm's kernel
/// needs no copy: it reads dy and writes the sum to a new tensor.
class GradientBook {
 protected:
  GradientBook(ProgramBuilder& builder, const Block& forward);

  /// Registers the gradients with which the derivation starts: that of the stream that leaves the block, and
  /// for the embedding also that of the stream that enters it.
  void open_streams();

  /// A new gradient tensor shaped like `like`.
  Operand fresh(const Operand& like);
  /// The gradient of an operation's output y, to be read. @throws std::logic_error if y has no gradient
  Operand gradient_of(const Operand& y);
  [[nodiscard]] bool has_gradient(const Operand& y) const { return gradients_.contains(instance_of(y)); }
  /// True if a kernel may add to x's gradient in place.
  [[nodiscard]] bool owns_gradient(const Operand& x) const {
    const auto found = gradients_.find(instance_of(x));
    return found != gradients_.end() && found->second.owned;
  }
  /// The operand with which a kernel contributes to x's gradient: it writes a new tensor if this is the first
  /// contribution, else it accumulates into the existing one.
  Operand contribution(const Operand& x);
  /// Records that a kernel has written the whole gradient of x to `at`.
  void settle(const Operand& x, const Operand& at) { gradients_[instance_of(x)] = {at, true, false}; }
  /// Adds y's gradient, unchanged, to that of x. If x has none yet, x shares y's tensor and nothing is run.
  void pass_through(const Operand& x, const Operand& y);

  /// Records that x's gradient is a partial sum: each tensor-parallel rank holds one summand.
  void mark_partial(const Operand& x) { gradients_[instance_of(x)].partial = true; }
  [[nodiscard]] bool is_partial(const Operand& x) { return gradients_[instance_of(x)].partial; }
  /// Records that one reader of x has contributed. After the last reader, a gradient that is still a partial
  /// sum over tp is summed: by an all-reduce, or by the reduce-scatter if an all-gather made x. Adapter rows
  /// stay partial sums.
  void contributed(const Operand& x, Component component);
  /// Appends the all-reduce over tp of x's gradient if it is a partial sum; else does nothing.
  void complete(const Operand& x, Component component);
  /// Appends the reverse exchange of the gradient: reduce-scatter for an all-gather, all-gather for a
  /// reduce-scatter, all-to-all for an all-to-all. A second call for the same operation does nothing.
  void derive_exchange(const Op& op);

  void emit(std::string name, Component component, Phase phase, OpKind kind, std::vector<Operand> operands);
  [[nodiscard]] bool is_weight(const Operand& operand) const {
    return builder_.tensor(operand.tensor).role == TensorRole::weight;
  }
  [[nodiscard]] bool is_alike_over_tp(const Operand& x) const {
    return builder_.shapes().tp > 1 && builder_.tensor(x.tensor).replicated_over_tp();
  }
  /// The all-gather of this block that writes x, if any.
  [[nodiscard]] const Op* gather_of(const Operand& x) const;
  /// True where no operation of the block reads a weight that is trained.
  [[nodiscard]] bool trains_nothing() const;

  ProgramBuilder& builder_;
  const Block& forward_;
  Block backward_;
  std::int32_t calls_ = 1;  ///< of the operation whose gradient is derived: its gradient runs in as many

 private:
  using Instance = std::pair<TensorId, int>;  // tensor and layer shift
  static Instance instance_of(const Operand& operand) { return {operand.tensor, operand.layer_shift}; }

  /// The gradient of one activation, as far as it has been derived.
  struct Gradient {
    Operand at;            // the tensor that holds it
    bool owned = false;    // no other activation's gradient is in this tensor: it may be added to in place
    bool partial = false;  // a partial sum: each tp rank holds a summand
  };

  void count_readers();
  [[nodiscard]] TensorId hidden_id() const { return builder_.find(kHiddenStream); }
  [[nodiscard]] TensorId hidden_gradient_id() const { return builder_.gradient_of(hidden_id()); }

  std::map<Instance, Gradient> gradients_;
  std::map<Instance, int> readers_;  // that have not contributed yet
  std::set<const Op*> exchanged_;    // exchanges whose reverse is in the backward block already
};

}  // namespace foreshard
