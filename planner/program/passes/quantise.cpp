#include "planner/program/passes/quantise.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace foreshard {

bool is_low_product(const Op& op) {
  if (const auto* gemm = std::get_if<Gemm>(&op.kind)) return is_scaled(gemm->math);
  if (const auto* grouped = std::get_if<GroupedGemm>(&op.kind)) return is_scaled(grouped->math);
  return false;
}

Tensor copy_of(const ProgramBuilder& builder, TensorId of, Derivation derivation, DType format) {
  Tensor copy = builder.derived(of, derivation);
  copy.dtype = format;
  copy.lifetime = Lifetime::block;
  copy.partial = std::nullopt;
  return copy;
}

TensorId largest_of(ProgramBuilder& builder, TensorId of, Lifetime lifetime) {
  Tensor largest = copy_of(builder, of, Derivation::largest, DType::fp32);
  largest.role = TensorRole::buffer;
  largest.lifetime = lifetime;
  largest.dims = {{.name = DimName::flat, .size = 1}};
  largest.sections.clear();
  largest.column_sections.clear();
  largest.padding = 0;
  return builder.add(std::move(largest));
}

namespace {

Op pass_op(const ProgramBuilder& builder, const Op& like, PointwiseKind kind, std::vector<Operand> operands) {
  const Tensor& x = builder.tensor(operands.front().tensor);
  return compute_op(std::string(to_string(kind)) + " " + x.label, like.component, like.phase,
                    Pointwise{kind, x.local_elements()}, std::move(operands));
}

}  // namespace

Op quantise_op(const ProgramBuilder& builder, const Op& like, Operand x, std::optional<TensorId> largest,
               const std::vector<TensorId>& copies) {
  std::vector<Operand> operands{x};
  if (largest) operands.push_back(reads(*largest));
  for (const TensorId copy : copies) operands.push_back(writes(copy));
  return pass_op(builder, like, PointwiseKind::quantise, std::move(operands));
}

Op amax_op(const ProgramBuilder& builder, const Op& like, Operand x, TensorId largest) {
  return pass_op(builder, like, PointwiseKind::amax, {x, writes(largest)});
}

Op transpose_op(const ProgramBuilder& builder, const Op& like, TensorId x, TensorId y) {
  return pass_op(builder, like, PointwiseKind::transpose, {reads(x), writes(y)});
}

namespace {

using Ops = std::vector<Op>;

/// The copies of one tensor that products read.
struct Copies {
  std::optional<TensorId> rows{};
  std::optional<TensorId> across{};
};

/// The position of the last operation that writes the tensor; none if another block does.
std::optional<std::size_t> writer_of(const Ops& ops, TensorId id) {
  for (std::size_t i = ops.size(); i-- > 0;) {
    for (const Operand& operand : ops[i].operands) {
      if (operand.tensor == id && operand.access != Access::read) return i;
    }
  }
  return std::nullopt;
}

std::size_t writers_of(const Ops& ops, TensorId id) {
  return static_cast<std::size_t>(std::count_if(ops.begin(), ops.end(), [&](const Op& op) {
    return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return operand.tensor == id && operand.access != Access::read;
    });
  }));
}

/// An all-gather over tp as sequence parallelism makes it. Experts gather the rows that a dispatcher brought,
/// as they are.
bool is_token_gather(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  return collective != nullptr && collective->kind == CollectiveKind::all_gather &&
         collective->group == GroupKind::tp && op.component != Component::experts && op.operands.size() == 2;
}

bool is_forward_norm(const Op& op) { return std::holds_alternative<Norm>(op.kind) && !is_backward(op.phase); }

class ActivationPass {
 public:
  ActivationPass(ProgramBuilder& builder, const QuantiserRules& rules, Block& forward, Block& backward)
      : builder_(builder),
        rules_(rules),
        forward_(forward),
        backward_(backward),
        forward_before_(forward.ops),
        backward_before_(backward.ops) {}

  void run() {
    std::swap(done_, forward_.ops);
    for (Op op : std::exchange(done_, {})) {
      if (is_low_product(op)) op.operands[0] = reads(input(op));
      if (rules_.attention) cast_attention(op);
      done_.push_back(std::move(op));
    }
    forward_.ops = std::exchange(done_, {});
    for (Op op : std::exchange(backward_.ops, {})) {
      if (is_low_product(op)) {
        if (op.phase == Phase::backward_weight) op.operands[1] = reads(saved_input(op));
        op.operands[0] = reads(gradient(op));
      }
      if (rules_.attention) cast_attention(op);
      done_.push_back(std::move(op));
    }
    backward_.ops = std::move(done_);
  }

 private:
  // ---- who reads what, in the blocks as they were

  static bool reads_tensor(const Op& op, TensorId id) {
    return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return operand.tensor == id && operand.access != Access::write;
    });
  }

  /// True for the weight gradient of a product of 8 or 4 bits that sums over the rows of this input.
  static bool is_weight_gradient_of(const Op& op, TensorId input) {
    return is_low_product(op) && op.phase == Phase::backward_weight && op.operands[1].tensor == input;
  }

  [[nodiscard]] bool has_weight_gradient(TensorId input) const {
    const std::optional<TensorId> again = builder_.known(Derivation::gathered_again, input);
    return std::any_of(backward_before_.begin(), backward_before_.end(), [&](const Op& op) {
      return is_weight_gradient_of(op, input) || (again && is_weight_gradient_of(op, *again));
    });
  }

  /// True if an operation reads the tensor itself, where products and gathers read copies.
  /// @param kept backward reads the copies that forward made of it
  [[nodiscard]] bool is_needed_itself(TensorId id, bool kept) const {
    const auto needs_it = [&](const Op& op) {
      if (!reads_tensor(op, id)) return false;
      if (is_token_gather(op) && rules_.gathers_copies) return is_needed_itself(op.operands[1].tensor, true);
      if (!is_low_product(op)) return true;
      const bool is_saved_input = is_weight_gradient_of(op, id);
      return is_saved_input ? !kept : op.operands[0].tensor != id;
    };
    return std::any_of(forward_before_.begin(), forward_before_.end(), needs_it) ||
           std::any_of(backward_before_.begin(), backward_before_.end(), needs_it);
  }

  // ---- making copies

  [[nodiscard]] bool has_two_copies() const { return rules_.across_differs || rules_.transposes; }

  TensorId add_copy(TensorId of, Derivation derivation) {
    return builder_.add(copy_of(builder_, of, derivation, rules_.format));
  }

  void insert(std::size_t at, Op op) {
    done_.insert(done_.begin() + static_cast<std::ptrdiff_t>(at), std::move(op));
  }

  [[nodiscard]] bool producer_writes(const Op& op) const {
    return (rules_.norm_writes && is_forward_norm(op)) || (rules_.activation_writes && is_activation(op)) ||
           (rules_.experts_activation_writes && is_activation(op) && op.component == Component::experts);
  }
  [[nodiscard]] bool producer_measures(const Op& op) const {
    return (rules_.norm_measures && is_forward_norm(op)) || (rules_.activation_measures && is_activation(op));
  }

  /// The operand with which the operation writes `id`.
  static std::vector<Operand>::iterator result_of(Op& op, TensorId id) {
    return std::find_if(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return operand.tensor == id && operand.access == Access::write;
    });
  }

  /// Makes copies of x before position `at` of the operations that are done; whoever makes x writes them, if
  /// it can.
  Copies make(Operand x, std::size_t at, bool rows, bool across, const Op& like) {
    Copies copies;
    if (rows) copies.rows = add_copy(x.tensor, Derivation::quantised);
    if (across) copies.across = add_copy(x.tensor, Derivation::quantised_across);
    const std::optional<std::size_t> writer = writer_of(done_, x.tensor);
    const bool alone = writer && writers_of(done_, x.tensor) == 1 &&
                       result_of(done_[*writer], x.tensor) != done_[*writer].operands.end();
    if (rows && alone && producer_writes(done_[*writer]) &&
        !is_needed_itself(x.tensor, rules_.keeps_copies)) {
      let_producer_write(*writer, x.tensor, copies, like);
      return copies;
    }
    std::vector<Op> ops;
    std::optional<TensorId> largest;
    if (rules_.measures) {
      largest = largest_of(builder_, x.tensor, Lifetime::block);
      if (alone && producer_measures(done_[*writer])) {
        const auto result = result_of(done_[*writer], x.tensor);
        done_[*writer].operands.insert(result + 1, writes(*largest));
      } else {
        ops.push_back(amax_op(builder_, like, x, *largest));
      }
      if (rules_.shares_magnitudes && builder_.tensor(x.tensor).dims[0].tp > 1)
        ops.push_back(all_reduce_tp(builder_, "all-reduce " + builder_.tensor(*largest).label, like.component,
                                    like.phase, reads(*largest), Reduction::max));
    }
    append_quantise(ops, x, largest, copies, like);
    for (Op& op : ops) insert(at++, std::move(op));
    return copies;
  }

  void append_quantise(std::vector<Op>& ops, Operand x, std::optional<TensorId> largest, const Copies& copies,
                       const Op& like) {
    if (rules_.measures_across) {
      if (copies.rows) ops.push_back(quantise_op(builder_, like, x, largest, {*copies.rows}));
      if (!copies.across) return;
      const TensorId across = largest_of(builder_, x.tensor, Lifetime::block);
      ops.push_back(amax_op(builder_, like, x, across));
      ops.push_back(quantise_op(builder_, like, x, across, {*copies.across}));
      return;
    }
    std::vector<TensorId> written;
    for (const std::optional<TensorId>& copy : {copies.rows, copies.across}) {
      if (copy) written.push_back(*copy);
    }
    ops.push_back(quantise_op(builder_, like, x, largest, written));
  }

  void let_producer_write(std::size_t writer, TensorId id, const Copies& copies, const Op& like) {
    Op& op = done_[writer];
    const auto result = result_of(op, id);
    *result = writes(*copies.rows);
    if (!copies.across) return;
    if (rules_.across_differs) {
      op.operands.insert(result + 1, writes(*copies.across));
    } else {
      Op transpose = transpose_op(builder_, like, *copies.rows, *copies.across);
      transpose.phase = op.phase;
      insert(writer + 1, std::move(transpose));
    }
  }

  /// Makes a gather carry copies. @return the gathered copies
  Copies regather(Op& gather, TensorId whole, const Copies& from) {
    Copies to;
    std::vector<Operand> operands;
    Bytes payload;
    const auto carry = [&](const std::optional<TensorId>& source, Derivation derivation,
                           std::optional<TensorId>& result) {
      if (!source) return;
      result = add_copy(whole, derivation);
      operands.push_back(reads(*source));
      operands.push_back(writes(*result));
      payload += builder_.tensor(*result).local_bytes();
    };
    carry(from.rows, Derivation::quantised, to.rows);
    carry(from.across, Derivation::quantised_across, to.across);
    gather.operands = std::move(operands);
    std::get<Collective>(gather.kind).payload = payload;
    return to;
  }

  /// The gather in `done_` that brings the tensor, if its copies can be gathered instead.
  std::optional<std::size_t> gather_of(TensorId id) const {
    const std::optional<std::size_t> writer = writer_of(done_, id);
    if (!writer || !rules_.gathers_copies || !is_token_gather(done_[*writer])) return std::nullopt;
    return is_needed_itself(id, true) ? std::nullopt : writer;
  }

  // ---- inputs

  struct Input {
    Copies copies;                   // that forward made
    std::optional<Copies> source{};  // of what sequence parallelism gathered
    bool kept = true;                // backward reads the copies
  };

  /// Copies of what a gather sends: those of a product that reads it as it is, if they stand before the gather.
  Copies source_copies(Operand source, std::size_t gather, bool across, const Op& like) {
    const auto direct = inputs_.find(source.tensor);
    const auto made = direct == inputs_.end() ? std::nullopt : writer_of(done_, *direct->second.copies.rows);
    if (!made || *made > gather || (across && !direct->second.copies.across))
      return make(source, gather, true, across, like);
    Copies copies = direct->second.copies;
    if (!across) copies.across.reset();
    return copies;
  }

  TensorId input(const Op& op) {
    const Operand x = op.operands[0];
    const auto known = inputs_.find(x.tensor);
    if (known != inputs_.end()) return *known->second.copies.rows;
    Input& made = inputs_[x.tensor];
    const bool across = has_weight_gradient(x.tensor) && has_two_copies();
    if (std::optional<std::size_t> gather = gather_of(x.tensor)) {
      const Operand source = done_[*gather].operands[0];
      const std::size_t before = done_.size();
      made.source = source_copies(source, *gather, across && rules_.across_differs, op);
      *gather += done_.size() - before;
      Copies carried = *made.source;
      // What backward gathers again, it gathers across.
      if (builder_.known(Derivation::gathered_again, x.tensor)) carried.across.reset();
      made.copies = regather(done_[*gather], x.tensor, carried);
      return *made.copies.rows;
    }
    const std::optional<std::size_t> writer = writer_of(done_, x.tensor);
    const bool from_core = writer && std::holds_alternative<Attention>(done_[*writer].kind);
    made.kept = rules_.keeps_copies && !(rules_.keeps_attention_output && from_core);
    made.copies = make(x, done_.size(), true, across && made.kept, op);
    return *made.copies.rows;
  }

  /// The copy across that a weight gradient reads of its input.
  TensorId saved_input(const Op& op) {
    const Operand x = op.operands[1];
    const auto known = saved_.find(x.tensor);
    if (known != saved_.end()) return known->second;
    const Tensor& tensor = builder_.tensor(x.tensor);
    const TensorId id = tensor.derivation == Derivation::gathered_again
                            ? gathered_input(op, tensor.of.front())
                            : input_of_forward(op);
    saved_.emplace(x.tensor, id);
    return id;
  }

  TensorId gathered_input(const Op& op, TensorId whole) {
    const TensorId again = op.operands[1].tensor;
    const auto known = inputs_.find(whole);
    const std::optional<std::size_t> gather = writer_of(done_, again);
    if (known == inputs_.end() || !known->second.source || !gather) return cast_again(op);
    const Copies& source = *known->second.source;
    if (rules_.across_differs) {
      return *regather(done_[*gather], again, {.rows = {}, .across = source.across}).across;
    }
    const TensorId rows = *regather(done_[*gather], again, {.rows = source.rows, .across = {}}).rows;
    return rules_.transposes ? transposed(rows, op) : rows;
  }

  TensorId input_of_forward(const Op& op) {
    const auto known = inputs_.find(op.operands[1].tensor);
    if (known == inputs_.end() || !known->second.kept) return cast_again(op);
    const Copies& copies = known->second.copies;
    if (copies.across) return *copies.across;
    return rules_.transposes ? transposed(*copies.rows, op) : *copies.rows;
  }

  TensorId transposed(TensorId rows, const Op& like) {
    const TensorId across = add_copy(rows, Derivation::quantised_across);
    done_.push_back(transpose_op(builder_, like, rows, across));
    return across;
  }

  /// Backward makes the copy from the input itself. Its scale is known from forward, unless other elements
  /// share it.
  TensorId cast_again(const Op& op) {
    const Operand x = op.operands[1];
    const TensorId copy = has_two_copies()
                              ? add_copy(x.tensor, Derivation::quantised_across)
                              : add_copy(add_copy(x.tensor, Derivation::quantised), Derivation::recomputed);
    if (rules_.measures_across) {
      const TensorId largest = largest_of(builder_, x.tensor, Lifetime::block);
      done_.push_back(amax_op(builder_, op, x, largest));
      done_.push_back(quantise_op(builder_, op, x, largest, {copy}));
    } else {
      done_.push_back(quantise_op(builder_, op, x, std::nullopt, {copy}));
    }
    return copy;
  }

  // ---- gradients

  TensorId gradient(const Op& op) {
    const Operand dy = op.operands[0];
    const std::pair key{dy.tensor, dy.layer_shift};
    const auto known = gradients_.find(key);
    const Copies copies = known != gradients_.end() ? known->second : make_gradient(op);
    gradients_.emplace(key, copies);
    const bool across = op.phase == Phase::backward_weight && has_two_copies();
    return across ? *copies.across : *copies.rows;
  }

  [[nodiscard]] bool is_left_in(Phase phase, const Operand& dy) const {
    return std::any_of(backward_before_.begin(), backward_before_.end(), [&](const Op& op) {
      return is_low_product(op) && op.phase == phase && op.operands[0] == dy;
    });
  }

  Copies make_gradient(const Op& op) {
    const Operand dy = op.operands[0];
    const bool for_weights = is_left_in(Phase::backward_weight, dy);
    const bool across = for_weights && has_two_copies();
    const bool rows = is_left_in(Phase::backward_input, dy) || (for_weights && !has_two_copies());
    std::optional<std::size_t> gather = gather_of(dy.tensor);
    if (!gather) return make(dy, done_.size(), rows, across, op);
    const Operand source = done_[*gather].operands[0];
    const bool carries_across = across && rules_.across_differs;
    const std::size_t before = done_.size();
    const Copies from = make(source, *gather, rows || !carries_across, carries_across, op);
    *gather += done_.size() - before;
    Copies copies = regather(done_[*gather], dy.tensor, from);
    if (across && rules_.transposes) {
      copies.across = add_copy(dy.tensor, Derivation::quantised_across);
      Op transpose = transpose_op(builder_, op, *copies.rows, *copies.across);
      transpose.phase = Phase::backward_weight;
      done_.push_back(std::move(transpose));
    }
    return copies;
  }

  // ---- attention

  /// The copy of an operand of the attention core: one scale for the whole tensor.
  Operand attention_copy(const Operand& x, const Op& op) {
    const auto known = attention_.find(x.tensor);
    if (known != attention_.end()) return reads(known->second);
    const TensorId copy = builder_.add(copy_of(builder_, x.tensor, Derivation::quantised, DType::fp8));
    std::optional<TensorId> largest;
    if (!rules_.delayed) {
      largest = largest_of(builder_, x.tensor, Lifetime::block);
      done_.push_back(amax_op(builder_, op, x, *largest));
    }
    done_.push_back(quantise_op(builder_, op, x, largest, {copy}));
    attention_.emplace(x.tensor, copy);
    return reads(copy);
  }

  /// Operands of the core: the inputs, o, lse; backward also do and the inputs' gradients.
  void cast_attention(Op& op) {
    auto* core = std::get_if<Attention>(&op.kind);
    if (core == nullptr) return;
    core->math = DType::fp8;
    const bool backward = is_backward(op.phase);
    std::size_t read = 0;
    while (read < op.operands.size() && op.operands[read].access == Access::read) ++read;
    const std::size_t inputs = backward ? read - 3 : read;  // o, lse and do are read as well
    for (std::size_t i = 0; i < inputs; ++i) {
      if (builder_.tensor(op.operands[i].tensor).role == TensorRole::weight) continue;
      op.operands[i] = attention_copy(op.operands[i], op);
    }
    if (backward) op.operands[read - 1] = attention_copy(op.operands[read - 1], op);
  }

  ProgramBuilder& builder_;
  const QuantiserRules& rules_;
  Block& forward_;
  Block& backward_;
  const Ops forward_before_;
  const Ops backward_before_;
  Ops done_;  // the operations of the block that is being rewritten
  std::map<TensorId, Input> inputs_;
  std::map<TensorId, TensorId> saved_;
  std::map<std::pair<TensorId, std::int16_t>, Copies> gradients_;
  std::map<TensorId, TensorId> attention_;
};

}  // namespace

void quantise_activations(ProgramBuilder& builder, const QuantiserRules& rules, Block& forward,
                          Block& backward) {
  ActivationPass(builder, rules, forward, backward).run();
}

namespace {

/// What no operation of either block reads of the results of passes that quantise.
class UnreadCopies {
 public:
  UnreadCopies(Block& forward, Block& backward, const ProgramBuilder& builder)
      : forward_(forward), builder_(builder) {
    for (const Block* block : {&forward, &backward}) {
      for (const Op& op : block->ops) {
        for (const Operand& operand : op.operands) {
          if (operand.access != Access::write) ++readers_[operand.tensor];
        }
      }
    }
  }

  void drop() {
    // From the end: what an operation that goes has read may then be unread, too.
    for (std::size_t i = forward_.ops.size(); i-- > 0;) {
      Op& op = forward_.ops[i];
      if (auto* gather = std::get_if<Collective>(&op.kind)) {
        drop_pairs(op, *gather);
      } else {
        std::erase_if(op.operands, [&](const Operand& operand) { return is_unread(operand); });
      }
      if (is_pass(op) && writes_nothing(op)) {
        for (const Operand& operand : op.operands) --readers_[operand.tensor];
        forward_.ops.erase(forward_.ops.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }

 private:
  [[nodiscard]] bool is_unread(const Operand& operand) const {
    const Derivation how = builder_.tensor(operand.tensor).derivation;
    const bool is_result =
        how == Derivation::quantised || how == Derivation::quantised_across || how == Derivation::largest;
    const auto readers = readers_.find(operand.tensor);
    return operand.access == Access::write && is_result &&
           (readers == readers_.end() || readers->second == 0);
  }

  /// A gather that carries two copies names each source before its result.
  void drop_pairs(Op& op, Collective& gather) {
    for (std::size_t i = op.operands.size(); i-- > 1;) {
      if (!is_unread(op.operands[i])) continue;
      gather.payload -= builder_.tensor(op.operands[i].tensor).local_bytes();
      --readers_[op.operands[i - 1].tensor];
      const auto at = op.operands.begin() + static_cast<std::ptrdiff_t>(i);
      op.operands.erase(at - 1, at + 1);
      --i;
    }
  }

  static bool is_pass(const Op& op) {
    const auto* pointwise = std::get_if<Pointwise>(&op.kind);
    return pointwise != nullptr &&
           (pointwise->kind == PointwiseKind::quantise || pointwise->kind == PointwiseKind::amax ||
            pointwise->kind == PointwiseKind::transpose);
  }

  static bool writes_nothing(const Op& op) {
    return std::all_of(op.operands.begin(), op.operands.end(),
                       [](const Operand& operand) { return operand.access == Access::read; });
  }

  Block& forward_;
  const ProgramBuilder& builder_;
  std::map<TensorId, int> readers_;
};

}  // namespace

void drop_unread_copies(Block& forward, Block& backward, const ProgramBuilder& builder) {
  UnreadCopies(forward, backward, builder).drop();
}

}  // namespace foreshard
