#include "planner/program/backward/derive_backward.hpp"

#include <set>
#include <stdexcept>
#include <utility>

#include "planner/program/backward/constant_tensors.hpp"
#include "planner/program/backward/gradient_book.hpp"
#include "planner/program/emit/emit_loss.hpp"

namespace foreshard {

namespace {

/// Goes through a forward block in reverse order and appends each operation's gradients to the backward
/// block, by one rule per operation kind.
class BackwardBlock : private GradientBook {
 public:
  BackwardBlock(ProgramBuilder& builder, const Block& forward)
      : GradientBook(builder, forward), constants_(constant_tensors(builder, forward)) {}

  Block run() {
    // The embedding is the lowest block: if its tables are frozen, no gradient is needed.
    if (forward_.kind == BlockKind::embedding && trains_nothing()) return std::move(backward_);
    open_streams();
    for (auto op = forward_.ops.rbegin(); op != forward_.ops.rend(); ++op) {
      if (reads_constants_alone(builder_, constants_, *op)) continue;
      calls_ = op->calls;
      std::visit([&](const auto& kind) { derive(*op, kind); }, op->kind);
    }
    return std::move(backward_);
  }

 private:
  void derive(const Op& op, const Gemm& gemm) {
    // The norms of decomposed weights are constants of backward (DoRA, arXiv:2402.09353, section 4.3).
    if (builder_.tensor(op.operands[2].tensor).meaning.aspect == TensorAspect::merged) return;
    if (is_weight(op.operands[1])) {
      derive_linear(op, gemm);
    } else {
      derive_product(op, gemm);
    }
  }

  /// Y = X·Wᵀ + b: dX = dY·W, dW += dYᵀ·X, db += Σ dY.
  void derive_linear(const Op& op, const Gemm& gemm) {
    const Operand x = op.operands[0];
    const Operand w = op.operands[1];
    // Each tp rank adds the gradients of its own heads to a key that all share.
    const bool is_shared_key = builder_.tensor(op.operands[2].tensor).meaning.item == TensorItem::k_rope;
    if (is_shared_key && gather_of(op.operands[2]) == nullptr) complete(op.operands[2], op.component);
    const Operand dy = gradient_of(op.operands[2]);
    const bool summand = is_partial(op.operands[2]);
    // A product for each head reads and writes columns of a rank's own heads.
    const bool columns_cut = builder_.tensor(w.tensor).dims[0].tp > 1 && gemm.batch == 1;
    // Gradients of replicated weights are complete on every tp rank: do not add them to partial sums before
    // the all-reduce.
    if (!is_detached(w, x) && !constants_.contains(x.tensor)) {
      if (!columns_cut && !summand) complete(x, op.component);
      dequantise_again(op);
      const Operand dx = contribution(x);
      emit(op.name, op.component, Phase::backward_input,
           Gemm{.batch = gemm.batch, .m = gemm.m, .n = gemm.k, .k = gemm.n, .math = gemm.math},
           {dy, reads(w.tensor), dx});
      if (columns_cut || summand) mark_partial(x);
    }
    contributed(x, op.component);
    if (builder_.is_frozen(w.tensor)) return;
    emit(op.name, op.component, Phase::backward_weight,
         Gemm{.batch = gemm.batch,
              .m = gemm.n,
              .n = gemm.k,
              .k = gemm.m,
              .math = gemm.math,
              .transpose_a = true},
         {dy, reads(x.tensor, x.layer_shift), adds_to(builder_.gradient_of(w.tensor))});
    if (op.operands.size() > 3) derive_bias(op, dy);
  }

  /// Makes a quantised weight's 16 bits again: they are not kept from forward to backward.
  void dequantise_again(const Op& op) {
    const Tensor& wide = builder_.tensor(op.operands[1].tensor);
    if (wide.derivation != Derivation::dequantised) return;
    emit(op.name + " dequantise", op.component, Phase::backward_input,
         Pointwise{PointwiseKind::cast, wide.local_elements()},
         {reads(wide.of.front()), writes(op.operands[1].tensor)});
  }

  /// True for the products of an indexer: its loss trains the indexer alone, so that no gradient goes on to what
  /// its products read, unless it is the indexer's own (rows between its adapters).
  [[nodiscard]] bool is_detached(const Operand& weight, const Operand& x) const {
    return builder_.tensor(weight.tensor).meaning.part == ModelPart::indexer &&
           builder_.tensor(x.tensor).meaning.part != ModelPart::indexer;
  }

  /// C = A·B of two activations: dA = dC·Bᵀ, dB = Aᵀ·dC; where B is stored transposed, its gradient is dCᵀ·A.
  void derive_product(const Op& op, const Gemm& gemm) {
    const Operand a = op.operands[0];
    const Operand b = op.operands[1];
    const Operand dc = gradient_of(op.operands[2]);
    emit(op.name, op.component, Phase::backward_input,
         Gemm{.batch = gemm.batch,
              .m = gemm.m,
              .n = gemm.k,
              .k = gemm.n,
              .math = gemm.math,
              .transpose_b = !gemm.transpose_b},
         {dc, b, contribution(a)});
    Gemm second{.batch = gemm.batch, .k = gemm.m, .math = gemm.math, .transpose_a = true};
    second.m = gemm.transpose_b ? gemm.n : gemm.k;
    second.n = gemm.transpose_b ? gemm.k : gemm.n;
    const Operand& left = gemm.transpose_b ? dc : a;
    const Operand& right = gemm.transpose_b ? a : dc;
    emit(op.name, op.component, Phase::backward_input, second, {left, right, contribution(b)});
  }

  /// The same for every expert: dX = dY·W, dW += dYᵀ·X.
  void derive(const Op& op, const GroupedGemm& gemm) {
    const Operand x = op.operands[0];
    const Operand w = op.operands[1];
    const Operand dy = gradient_of(op.operands[2]);
    dequantise_again(op);
    GroupedGemm input = gemm;
    std::swap(input.n, input.k);
    emit(op.name, op.component, Phase::backward_input, input, {dy, w, contribution(x)});
    if (builder_.tensor(w.tensor).dims[1].tp > 1) mark_partial(x);
    contributed(x, op.component);
    if (builder_.is_frozen(w.tensor)) return;
    emit(op.name, op.component, Phase::backward_weight, gemm,
         {dy, reads(x.tensor), adds_to(builder_.gradient_of(w.tensor))});
    if (op.operands.size() > 3) derive_bias(op, dy);
  }

  /// db += Σ dY over the tokens.
  void derive_bias(const Op& op, const Operand& dy) {
    emit(op.name + " bias", op.component, Phase::backward_weight,
         Pointwise{PointwiseKind::bias_gradient, builder_.tensor(dy.tensor).local_elements()},
         {dy, adds_to(builder_.gradient_of(op.operands[3].tensor))});
  }

  void derive(const Op& op, const Route& route) {
    const Operand routes = op.operands.back();
    std::vector<Operand> operands{reads(routes.tensor), gradient_of(routes), contribution(op.operands[0])};
    for (std::size_t i = 1; i + 1 < op.operands.size(); ++i) add_gradient_of_weight(op.operands[i], operands);
    emit(op.name, op.component, Phase::backward_input, route, std::move(operands));
  }

  /// Appends the gradient to which a kernel adds, if the weight is trained.
  void add_gradient_of_weight(const Operand& weight, std::vector<Operand>& operands) {
    if (!builder_.is_frozen(weight.tensor)) operands.push_back(adds_to(builder_.gradient_of(weight.tensor)));
  }

  void derive(const Op& op, const CausalConv& conv) {
    const Operand x = op.operands[0];
    std::vector<Operand> operands(op.operands.begin(), op.operands.end() - 1);
    operands.push_back(gradient_of(op.operands.back()));
    operands.push_back(contribution(x));
    for (std::size_t i = 1; i + 1 < op.operands.size(); ++i) add_gradient_of_weight(op.operands[i], operands);
    emit(op.name, op.component, Phase::backward_input, conv, std::move(operands));
  }

  /// Backward reads what forward read and the matrices that it kept, not y.
  void derive(const Op& op, const LinearScan& scan) {
    std::vector<Operand> operands;
    std::vector<Operand> read;
    for (const Operand& operand : op.operands) {
      if (operand.access == Access::read) read.push_back(operand);
    }
    operands = read;
    const std::size_t y = read.size();
    if (y + 1 < op.operands.size()) operands.push_back(reads(op.operands[y + 1].tensor));
    operands.push_back(gradient_of(op.operands[y]));
    for (const Operand& operand : read) {
      if (!is_weight(operand)) operands.push_back(contribution(operand));
    }
    for (const Operand& operand : read) {
      if (is_weight(operand)) add_gradient_of_weight(operand, operands);
    }
    emit(op.name, op.component, Phase::backward_input, scan, std::move(operands));
  }

  void derive(const Op& op, const GatedNorm& norm) {
    const std::size_t inputs = op.operands.size() - 2;  // x, [gate,] weight; then y and the statistics
    std::vector<Operand> operands(op.operands.begin(),
                                  op.operands.begin() + static_cast<std::ptrdiff_t>(inputs));
    operands.push_back(reads(op.operands[inputs + 1].tensor));
    operands.push_back(gradient_of(op.operands[inputs]));
    for (std::size_t i = 0; i + 1 < inputs; ++i) operands.push_back(contribution(op.operands[i]));
    add_gradient_of_weight(op.operands[inputs - 1], operands);
    emit(op.name, op.component, Phase::backward_input, norm, std::move(operands));
  }

  void derive(const Op& op, const Gate& gate) {
    const Operand g = op.operands[0];
    const Operand x = op.operands[1];
    const Operand dy = gradient_of(op.operands[2]);
    const Operand dg = contribution(g);
    emit(op.name, op.component, Phase::backward_input, gate, {g, x, dy, dg, contribution(x)});
  }

  void derive(const Op& op, const IndexScores& index) {
    std::vector<Operand> operands(op.operands.begin(), op.operands.end() - 1);
    const std::size_t inputs = operands.size();
    operands.push_back(reads(op.operands.back().tensor));
    for (std::size_t i = 0; i < inputs; ++i) operands.push_back(contribution(op.operands[i]));
    emit(op.name, op.component, Phase::backward_input, index, std::move(operands));
  }

  void derive(const Op& op, const Permute& permute) {
    const Operand x = op.operands[0];
    const Operand routes = op.operands[1];
    const Operand dy = gradient_of(op.operands[2]);
    if (permute.weighted && permute.weighs) {
      emit(op.name, op.component, Phase::backward_input, permute,
           {x, routes, dy, contribution(x), contribution(routes)});
    } else {
      emit(op.name, op.component, Phase::backward_input, permute, {dy, routes, contribution(x)});
    }
  }

  void derive(const Op& op, const Attention& attention) {
    const std::size_t inputs = op.operands.size() - 2;
    const Operand dout = gradient_of(op.operands[inputs]);
    std::vector<Operand> operands = op.operands;
    for (Operand& operand : operands) operand.access = Access::read;
    operands.push_back(dout);
    for (std::size_t i = 0; i < inputs; ++i) {
      const Operand& x = op.operands[i];
      if (builder_.tensor(x.tensor).dtype == DType::int32) continue;  // an indexer's choice
      if (!is_weight(x)) {
        operands.push_back(contribution(x));
        // Each tp rank adds the gradients of its own heads only: for keys that all heads share, the result is
        // a partial sum.
        if (is_alike_over_tp(x)) mark_partial(x);
      } else if (!builder_.is_frozen(x.tensor)) {
        operands.push_back(adds_to(builder_.gradient_of(x.tensor)));
      }
    }
    emit(op.name, op.component, Phase::backward_input, attention, std::move(operands));
  }

  void derive(const Op& op, const Norm& norm) {
    const bool centred = norm.kind == NormKind::layernorm;
    const Operand x = op.operands[0];
    const Operand weight = op.operands[1];
    const Operand y = op.operands[centred ? 3 : 2];
    complete(y, op.component);  // attention may have left a partial sum
    Operand stats = op.operands[centred ? 4 : 3];
    stats.access = Access::read;
    std::vector<Operand> operands{x, weight, stats, gradient_of(y)};
    // A module of multi-token prediction adds to the gradient that the head has written for its input; the norm of
    // attention to that of an FFN in parallel.
    const bool adds = owns_gradient(x);
    if (has_gradient(x) && !adds) operands.push_back(gradient_of(x));
    const Operand dx = adds ? contribution(x) : fresh(x);
    operands.push_back(dx);
    const bool trained = !builder_.is_frozen(weight.tensor);
    if (trained) operands.push_back(adds_to(builder_.gradient_of(weight.tensor)));
    if (trained && centred) operands.push_back(adds_to(builder_.gradient_of(op.operands[2].tensor)));
    settle(x, dx);
    emit(op.name, op.component, Phase::backward_input, norm, std::move(operands));
  }

  void derive(const Op& op, const Rope& rope) {
    Operand dqkv = gradient_of(op.operands[0]);
    dqkv.access = Access::accumulate;
    emit(op.name, op.component, Phase::backward_input, rope, {dqkv});
    if (gather_of(op.operands[0]) == nullptr) complete(op.operands[0], op.component);
  }

  /// The operands of an activation's backward, and, where the activation multiplied by the weights of rows, its
  /// operand `at`: these weights and their gradients.
  std::vector<Operand> with_row_weights(const std::vector<Operand>& forward, std::size_t at,
                                        std::vector<Operand> operands) {
    if (forward.size() <= at) return operands;
    operands.push_back(forward[at]);
    operands.push_back(contribution(forward[at]));
    return operands;
  }

  void derive(const Op& op, const Pointwise& pointwise) {
    const std::vector<Operand>& o = op.operands;
    const auto backward = [&](std::vector<Operand> operands) {
      emit(op.name, op.component, Phase::backward_input, pointwise, std::move(operands));
    };
    const auto read_again = [](Operand operand) {
      operand.access = Access::read;
      return operand;
    };
    switch (pointwise.kind) {
      case PointwiseKind::add:
        pass_through(o[0], o[2]);
        if (is_weight(o[1]) && builder_.is_frozen(o[1].tensor)) return;
        if (is_weight(o[1])) {
          // A learned position table: its gradient sums over the sequences of the micro-batch.
          emit(op.name, op.component, Phase::backward_weight,
               Pointwise{PointwiseKind::bias_gradient, pointwise.elements},
               {gradient_of(o[2]), adds_to(builder_.gradient_of(o[1].tensor))});
        } else {
          pass_through(o[1], o[2]);
        }
        return;
      case PointwiseKind::dropout:
        backward({gradient_of(o[1]), read_again(o[2]), contribution(o[0])});
        return;
      case PointwiseKind::dropout_add:
        pass_through(o[0], o[2]);
        backward({gradient_of(o[2]), read_again(o[3]), contribution(o[1])});
        return;
      case PointwiseKind::softmax:
        backward({read_again(o[1]), gradient_of(o[1]), contribution(o[0])});
        return;
      case PointwiseKind::multiply:
        if (is_weight(o[1])) {  // magnitudes and norms of a decomposed weight
          backward({o[0], o[1], gradient_of(o[2]), contribution(o[0]),
                    adds_to(builder_.gradient_of(o[1].tensor)), o[3]});
          return;
        }
        backward(
            with_row_weights(o, 3, {o[0], o[1], gradient_of(o[2]), contribution(o[0]), contribution(o[1])}));
        return;
      case PointwiseKind::cast: return;  // the loss already wrote the gradient in the narrow type
      case PointwiseKind::gelu:
      case PointwiseKind::relu:
      case PointwiseKind::sqrelu:
      case PointwiseKind::silu:
      case PointwiseKind::sigmoid:
      case PointwiseKind::swiglu:
      case PointwiseKind::geglu:
      case PointwiseKind::glu:
        backward(with_row_weights(o, 2, {o[0], gradient_of(o[1]), contribution(o[0])}));
        return;
      case PointwiseKind::unit_rows:
        backward({o[0], read_again(o[2]), gradient_of(o[1]), contribution(o[0])});
        return;
      case PointwiseKind::pool: {
        std::vector<Operand> operands{
            o[0], o[1], o[2], gradient_of(o[3]), contribution(o[0]), contribution(o[1])};
        add_gradient_of_weight(o[2], operands);
        backward(std::move(operands));
        return;
      }
      case PointwiseKind::repeat: backward({gradient_of(o[1]), contribution(o[0])}); return;
      case PointwiseKind::mixing_weights: {
        std::vector<Operand> operands{o[0], o[1], gradient_of(o[2]), contribution(o[0])};
        add_gradient_of_weight(o[1], operands);
        backward(std::move(operands));
        return;
      }
      case PointwiseKind::read_streams: {
        const Operand dy = gradient_of(o[2]);
        const Operand dw = contribution(o[0]);
        backward({o[0], o[1], dy, dw, contribution(o[1])});
        return;
      }
      case PointwiseKind::write_streams: {
        const Operand dy = gradient_of(o[3]);
        const Operand dw = contribution(o[0]);
        const Operand dx = contribution(o[1]);
        backward({o[0], o[1], o[2], dy, dw, dx, contribution(o[2])});
        return;
      }
      case PointwiseKind::zero:
      case PointwiseKind::sum_squares: return;  // norms of decomposed weights
      case PointwiseKind::bias_gradient:
      case PointwiseKind::accumulate:
      case PointwiseKind::normalise:
      case PointwiseKind::relayout:
      case PointwiseKind::quantise:
      case PointwiseKind::amax:
      case PointwiseKind::transpose: refuse(op);
    }
  }

  void derive(const Op& op, const Embedding& embedding) {
    emit(op.name, op.component, Phase::backward_weight, embedding,
         {op.operands[0], gradient_of(op.operands[2]), adds_to(builder_.gradient_of(op.operands[1].tensor))});
  }

  /// The three parts together have one gradient: dlogits = softmax − one-hot. It has the type of the logits
  /// that the output projection wrote, and the operation has the name of the loss part.
  void derive(const Op& op, const CrossEntropy& loss) {
    if (loss.part == CrossEntropyPart::row_max) return;
    if (loss.part == CrossEntropyPart::loss) {
      loss_name_ = op.name;
      return;
    }
    Operand logits = op.operands[0];
    if (op.operands.size() > 4) logits = reads(op.operands[4].tensor);  // log probabilities
    const Operand narrow = reads(builder_.find({ModelPart::head, TensorItem::logits}));
    Operand sums = op.operands[3];
    sums.access = Access::read;
    const bool in_place = loss_form(builder_.job()).in_place && logits.tensor == narrow.tensor;
    const Operand dlogits = in_place ? adds_to(narrow.tensor) : contribution(narrow);
    if (in_place) settle(narrow, dlogits);
    std::vector<Operand> operands{logits, op.operands[1], op.operands[2], sums, dlogits};
    for (const Operand& further : loss_workspace(builder_)) operands.push_back(further);
    emit(loss_name_, op.component, Phase::backward_input,
         CrossEntropy{.part = CrossEntropyPart::loss,
                      .tokens = loss.tokens,
                      .vocab = loss.vocab,
                      .known_vocab = loss.known_vocab},
         std::move(operands));
  }

  void derive(const Op& op, const Collective& collective) {
    if (collective.kind == CollectiveKind::all_reduce) return;  // the gradient of every summand is the sum's
    if (op.component == Component::loss) return;  // the loss writes the gradient of the rank's own logits
    derive_exchange(op);
  }

  // Transfers and updates are in blocks of their own, from which no backward block is derived; copies to the host
  // are added later.
  void derive(const Op& op, const Send&) { refuse(op); }
  void derive(const Op& op, const Recv&) { refuse(op); }
  void derive(const Op& op, const HostCopy&) { refuse(op); }
  void derive(const Op& op, const OptimizerUpdate&) { refuse(op); }

  [[noreturn]] static void refuse(const Op& op) {
    throw std::logic_error("a forward block has no " + std::string(kind_name(op.kind)) + " to differentiate");
  }

  std::string loss_name_;
  std::set<TensorId> constants_;  // need no gradient
};

}  // namespace

Block derive_backward(ProgramBuilder& builder, const Block& forward) {
  return BackwardBlock(builder, forward).run();
}

void mark_saved(ProgramBuilder& builder, const Block& forward, const Block& backward) {
  std::set<TensorId> written;
  for (const Op& op : forward.ops) {
    for (const Operand& operand : op.operands) {
      if (operand.access == Access::write) written.insert(operand.tensor);
    }
  }
  // What backward makes anew is not kept for it.
  for (const Op& op : backward.ops) {
    for (const Operand& operand : op.operands) {
      const bool again = builder.tensor(operand.tensor).derivation == Derivation::dequantised;
      if (again && operand.access == Access::write) written.erase(operand.tensor);
    }
  }
  for (const TensorId id : written) {
    Tensor& tensor = builder.tensor(id);
    const bool leaves_block = tensor.is(kHiddenStream) || tensor.is({ModelPart::loss, TensorItem::loss});
    // Kinds of layers share tensors, and one may recompute what another keeps.
    if (leaves_block || tensor.lifetime == Lifetime::layer || builder.is_saved(id)) continue;
    tensor.lifetime = Lifetime::block;
  }
  for (const Op& op : backward.ops) {
    for (const Operand& operand : op.operands) {
      const bool saved = operand.access != Access::write && written.contains(operand.tensor);
      if (saved && builder.tensor(operand.tensor).lifetime == Lifetime::block) {
        builder.tensor(operand.tensor).lifetime = Lifetime::micro_batch;
        builder.note_saved(operand.tensor);
      }
    }
  }
}

}  // namespace foreshard
