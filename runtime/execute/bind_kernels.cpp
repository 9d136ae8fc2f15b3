#include "runtime/execute/bind_kernels.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "runtime/execute/arena_layout.hpp"
#include "runtime/execute/bind_attention.hpp"
#include "runtime/execute/bind_codes.hpp"
#include "runtime/execute/bind_experts.hpp"
#include "runtime/execute/bind_update.hpp"
#include "runtime/execute/zero_shares.hpp"

namespace foreshard {
namespace {

/// Translates one operation with its operands into calls.
class Binding {
 public:
  Binding(const RankView& rank, const Op& op, std::span<const Buffer> operands)
      : rank_(rank), op_(op), operands_(operands), backward_(is_backward(op.phase)) {}

  std::vector<KernelCall> run() && {
    // One overload of bind() for each kind; a kind without one does not compile.
    std::visit([&](const auto& kind) { bind(kind); }, op_.kind);
    return std::move(calls_);
  }

 private:
  [[nodiscard]] const Tensor& tensor(std::size_t index) const {
    return rank_.program.tensor(op_.operands[index].tensor);
  }
  [[nodiscard]] std::int64_t size_of(GroupKind group) const { return rank_.program.group(group).size; }
  [[nodiscard]] bool accumulates(std::size_t index) const {
    return op_.operands[index].access == Access::accumulate;
  }
  /// The part of a weight or its gradient that this rank's optimizer updates.
  [[nodiscard]] Buffer own_part(std::size_t index) const {
    return foreshard::own_part(rank_.program, rank_.at, tensor(index), operands_[index]);
  }
  /// Kernels add to gradients. A gradient that the block writes anew (ZeRO) is set to zero first.
  void begin_sum(std::size_t index) {
    if (op_.operands[index].access != Access::write) return;
    const Buffer& sum = operands_[index];
    calls_.emplace_back(PointwiseCall{.kind = PointwiseKind::zero, .elements = sum.elements, .y = sum});
  }
  [[nodiscard]] std::int64_t local_columns(std::size_t index) const { return tensor(index).dims[1].local(); }

  // ---- products

  void bind(const Gemm& gemm) {
    if (op_.component == Component::optimizer) {
      calls_ = bind_orthogonal_product(rank_, op_, gemm, operands_);
      return;
    }
    GemmCall call{.m = gemm.m, .n = gemm.n, .k = gemm.k};
    // Of a result with all tokens each part writes its own range.
    call.accumulate = accumulates(2) && !(op_.parts > 1 && has_all_tokens(rank_.program, tensor(2)));
    DecodedOperands decoded = decode_operands(rank_, op_, operands_);
    calls_ = std::move(decoded.before);
    call.a = decoded.operands[0];
    call.b = decoded.operands[1];
    call.c = operands_[2];
    call.transpose_a = gemm.transpose_a;
    call.transpose_b = gemm.transpose_b;
    // If the results of the tensor-parallel ranks are partial sums, only the first rank adds the bias.
    const bool adds_bias = !tensor(2).partial || rank_.at.tp == 0;
    if (operands_.size() > 3 && adds_bias) call.bias = operands_[3];
    calls_.emplace_back(call);
  }

  void bind(const Attention&) { calls_ = bind_attention(rank_, op_, operands_); }
  void bind(const Route&) { calls_ = bind_route(rank_, op_, operands_); }
  void bind(const Permute&) { calls_ = bind_permute(rank_, op_, operands_); }
  void bind(const GroupedGemm&) {
    DecodedOperands decoded = decode_operands(rank_, op_, operands_);
    calls_ = std::move(decoded.before);
    append(bind_grouped_gemm(rank_, op_, decoded.operands));
  }

  // ---- rows

  void bind(const Norm& norm) {
    NormCall call{.backward = backward_, .kind = norm.kind, .rows = norm.rows, .width = norm.width};
    std::vector<KernelCall> behind;
    call.x = operands_[0];
    call.weight = operands_[1];
    const bool is_of_heads = norm.heads > 0;
    if (is_of_heads) {
      call.heads = norm.heads;
      call.first_heads = norm.query_heads;
      call.row_width = local_columns(0);
    }
    if (!backward_) {
      const bool centred = norm.kind == NormKind::layernorm;
      if (centred) call.bias = operands_[2];
      BoundResult result = bind_result(rank_, op_, operands_, centred ? 3 : 2, operands_[0].type);
      call.y = result.y;
      call.stats = operands_[result.next];
      behind = std::move(result.behind);
    } else {
      call.stats = operands_[2];
      call.dy = operands_[3];
      std::size_t next = 4;
      if (op_.operands[next].access == Access::read) call.residual = operands_[next++];
      if (accumulates(next)) call.residual = operands_[next];
      call.dx = operands_[next++];
      for (std::size_t gradient = next; gradient < operands_.size(); ++gradient) begin_sum(gradient);
      if (next < operands_.size()) call.d_weight = operands_[next++];
      if (next < operands_.size()) call.d_bias = operands_[next];
    }
    const bool is_of_queries_and_keys = tensor(1).meaning.item == TensorItem::qk_norm;
    if (is_of_queries_and_keys && !is_of_heads) return bind_whole_norms(call);
    calls_.emplace_back(call);
    append(std::move(behind));
    if (is_of_heads) pass_values(call, call.rows / call.heads, call.heads * call.width);
  }

  /// One norm of all queries and one of all keys. The statistics of the queries come before those of the keys.
  void bind_whole_norms(NormCall call) {
    const std::int64_t query_width = tensor(0).column_sections.front();
    call.row_width = local_columns(0);
    const auto half = [&](std::int64_t first, std::int64_t width, std::int64_t first_row) {
      NormCall one = call;
      one.width = width;
      one.first_column = first;
      one.weight = call.weight.part(first, width);
      if (!call.d_weight.empty()) one.d_weight = call.d_weight.part(first, width);
      one.stats = call.stats.part(first_row, call.rows);
      calls_.emplace_back(one);
    };
    half(0, query_width, 0);
    half(query_width, call.width - query_width, call.rows);
    pass_values(call, call.rows, call.width);
  }

  /// Copies the values: the columns after those of the queries and keys, which are the `first` ones.
  void pass_values(const NormCall& call, std::int64_t rows, std::int64_t first) {
    calls_.emplace_back(ColumnsCall{.rows = rows,
                                    .width = call.row_width - first,
                                    .x = call.backward ? call.dy : call.x,
                                    .x_width = call.row_width,
                                    .x_column = first,
                                    .y = call.backward ? call.dx : call.y,
                                    .y_width = call.row_width,
                                    .y_column = first});
  }

  void bind(const Rope& rope) {
    RopeCall call{.inverse = backward_,
                  .tokens = rope.tokens,
                  .sequence = rank_.program.sequence_length,
                  .shares = size_of(GroupKind::cp),
                  .share = rank_.at.cp,
                  .heads = rope.heads,
                  .head_dim = rope.head_dim,
                  .row_width = local_columns(0),
                  .x = operands_[0]};
    if (rope.head_stride > 0) {
      call.head_stride = rope.head_stride;
      call.first_column = rope.head_stride - rope.head_dim;
    }
    calls_.emplace_back(call);
  }

  void bind(const Embedding& lookup) {
    const std::size_t table = backward_ ? 2 : 1;
    EmbeddingCall call{.backward = backward_, .tokens = lookup.tokens, .width = lookup.width};
    call.rows = tensor(table).dims[0].local();
    call.first_row = rank_.at.tp * call.rows;
    call.ids = operands_[0];
    if (backward_) {
      call.dy = operands_[1];
      call.d_table = operands_[2];
      begin_sum(2);
    } else {
      call.table = operands_[1];
      call.y = operands_[2];
    }
    calls_.emplace_back(call);
  }

  /// Factor 1 / (tokens of the step). The step's loss is the mean over all its tokens: every rank scales its
  /// terms by this factor, so that plain sums over micro-batches and ranks give the mean. Losses of modules of
  /// multi-token prediction also have a weight.
  [[nodiscard]] double loss_scale() const {
    return rank_.loss_weight / static_cast<double>(checked_product(sequences_per_step(rank_.program),
                                                                   rank_.program.sequence_length));
  }

  void bind(const CrossEntropy& loss) {
    CrossEntropyCall call{.backward = backward_, .part = loss.part, .tokens = loss.tokens};
    call.columns = loss.vocab;
    call.first_column = rank_.at.tp * loss.vocab;
    call.vocab = loss.known_vocab > 0 ? loss.known_vocab : loss.vocab * size_of(GroupKind::tp);
    call.scale = loss_scale();
    if (loss.part == CrossEntropyPart::row_max) {
      call.logits = operands_[0];
      call.max = operands_[1];
    } else if (loss.part == CrossEntropyPart::exp_sum) {
      call.logits = operands_[0];
      call.labels = operands_[1];
      call.max = operands_[2];
      call.sums = operands_[3];
    } else if (!backward_) {
      call.sums = operands_[0];
      call.loss = operands_[1];
    } else {
      call.logits = operands_[0];
      call.labels = operands_[1];
      call.max = operands_[2];
      call.sums = operands_[3];
      call.d_logits = operands_[4];
    }
    calls_.emplace_back(call);
  }

  // ---- one pass over memory

  void bind(const Pointwise& pointwise) {
    switch (pointwise.kind) {
      case PointwiseKind::zero:
        if (tensor(0).meaning.item == TensorItem::magnitudes) keep_magnitudes();
        for (const Buffer& x : operands_) add_pointwise({.elements = x.elements, .y = x});
        return;
      case PointwiseKind::sum_squares:
        if (tensor(0).role == TensorRole::gradient) return bind_sum_squares();
        calls_ = bind_orthogonal_pass(op_, pointwise, operands_);
        return;
      case PointwiseKind::normalise: calls_ = bind_orthogonal_pass(op_, pointwise, operands_); return;
      case PointwiseKind::bias_gradient: bind_bias_gradient(); return;
      case PointwiseKind::add: bind_add(); return;
      case PointwiseKind::cast:
      case PointwiseKind::accumulate:
        add_pointwise({.elements = operands_[1].elements, .a = operands_[0], .y = operands_[1]});
        return;
      case PointwiseKind::gelu:
      case PointwiseKind::relu:
      case PointwiseKind::sqrelu:
      case PointwiseKind::silu:
      case PointwiseKind::sigmoid:
      case PointwiseKind::swiglu:
      case PointwiseKind::geglu:
      case PointwiseKind::glu:
      case PointwiseKind::multiply: bind_activation(); return;
      case PointwiseKind::quantise:
      case PointwiseKind::amax:
      case PointwiseKind::transpose: calls_ = bind_code_pass(rank_, op_, pointwise, operands_); return;
      case PointwiseKind::dropout:
      case PointwiseKind::dropout_add:
      case PointwiseKind::softmax:
      case PointwiseKind::relayout:
      case PointwiseKind::unit_rows:
      case PointwiseKind::pool:
      case PointwiseKind::repeat:
      case PointwiseKind::mixing_weights:
      case PointwiseKind::read_streams:
      case PointwiseKind::write_streams: refuse();
    }
  }

  void add_pointwise(PointwiseCall call) {
    call.kind = std::get<Pointwise>(op_.kind).kind;
    calls_.emplace_back(call);
  }

  void append(std::vector<KernelCall> calls) { calls_.insert(calls_.end(), calls.begin(), calls.end()); }

  /// Delayed scaling: the scales of a step come from the largest magnitudes of the step before.
  void keep_magnitudes() {
    calls_.emplace_back(PointwiseCall{.kind = PointwiseKind::cast,
                                      .elements = rank_.magnitudes.elements,
                                      .a = rank_.magnitudes,
                                      .y = rank_.earlier_magnitudes});
  }

  /// Sums the squares of this rank's part of the gradients. Replicated gradients are scaled by 1 / (number of
  /// copies), so that they count once in the sum over all ranks.
  void bind_sum_squares() {
    for (std::size_t i = 0; i + 1 < operands_.size(); ++i) {
      const Buffer own = own_part(i);
      if (own.empty()) continue;
      const std::int64_t copies = replicas_of(rank_.program, tensor(i)) / tensor(i).update_parts;
      const GroupKind cut_over = tensor(i).is_of_routed_experts() ? GroupKind::etp : GroupKind::tp;
      const std::int64_t alike = tensor(i).replicated_over_tp() ? size_of(cut_over) : 1;
      add_pointwise({.elements = own.elements,
                     .scale = 1.0 / static_cast<double>(copies * alike),
                     .a = own,
                     .y = operands_.back()});
    }
  }

  void bind_bias_gradient() {
    const Buffer& dy = operands_[0];
    begin_sum(1);
    if (tensor(1).is_of_routed_experts()) {
      calls_.push_back(bind_grouped_bias_gradient(rank_, op_, operands_));
      return;
    }
    if (tensor(1).dims[0].name != DimName::position) {
      add_pointwise({.elements = dy.elements, .width = operands_[1].elements, .a = dy, .y = operands_[1]});
      return;
    }
    for (const Chunk& s : position_chunks(dy)) {
      const Buffer rows = operands_[1].part(s.position * s.width, s.rows * s.width);
      const Buffer tokens = dy.part(s.token * s.width, s.repeats * s.rows * s.width);
      add_pointwise({.elements = tokens.elements, .width = rows.elements, .a = tokens, .y = rows});
    }
  }

  void bind_add() {
    const Buffer& a = operands_[0];
    if (tensor(1).role != TensorRole::weight) {
      add_pointwise({.elements = a.elements, .a = a, .b = operands_[1], .y = operands_[2]});
      return;
    }
    for (const Chunk& s : position_chunks(a)) {
      const std::int64_t first = s.token * s.width;
      const std::int64_t count = s.repeats * s.rows * s.width;
      add_pointwise({.elements = count,
                     .a = a.part(first, count),
                     .b = operands_[1].part(s.position * s.width, s.rows * s.width),
                     .y = operands_[2].part(first, count)});
    }
  }

  /// A range of a rank's tokens, starting at `token`, whose learned positions are `rows` consecutive rows of
  /// the table starting at `position`, repeated `repeats` times.
  struct Chunk {
    std::int64_t token = 0;
    std::int64_t position = 0;
    std::int64_t rows = 0;
    std::int64_t repeats = 1;
    std::int64_t width = 0;
  };

  /// The positions of this rank's tokens, as chunks of consecutive positions. The tokens are whole sequences,
  /// or the part of them that context and sequence parallelism leave to the rank.
  [[nodiscard]] std::vector<Chunk> position_chunks(const Buffer& tokens) const {
    const std::int64_t cp = size_of(GroupKind::cp);
    const TokenRows rows{.batch = rank_.program.sequences,
                         .sequence = rank_.program.sequence_length,
                         .shares = cp,
                         .first_share = rank_.at.cp};
    const std::int64_t width = tensor(1).dims[1].local();
    const std::int64_t count = tokens.elements / width;
    const std::int64_t first = count < rows.rows() ? rank_.at.tp * count : 0;
    if (cp == 1 && count % rows.sequence == 0)
      return {{.rows = rows.sequence, .repeats = count / rows.sequence, .width = width}};
    std::vector<Chunk> chunks;
    for (std::int64_t token = 0; token < count; ++token) {
      const std::int64_t position = rows.place_of(first + token).position;
      const bool follows = !chunks.empty() && chunks.back().position + chunks.back().rows == position &&
                           (first + token) % rows.share_length() != 0;
      if (follows) {
        ++chunks.back().rows;
      } else {
        chunks.push_back({.token = token, .position = position, .rows = 1, .width = width});
      }
    }
    return chunks;
  }

  void bind_activation() {
    PointwiseCall call{.backward = backward_};
    // Gated activations read gate and up from one row and write half as many elements.
    const std::size_t half = backward_ ? 1 : result_index();
    call.elements = operands_[half].elements;
    call.width = local_columns(half);
    call.a = operands_[0];
    if (backward_) call.b = operands_[1];
    BoundResult result = bind_result(rank_, op_, operands_, result_index(), operands_[0].type);
    call.y = result.y;
    add_pointwise(call);
    append(std::move(result.behind));
  }

  /// The first operand that is written.
  [[nodiscard]] std::size_t result_index() const {
    std::size_t index = 0;
    while (op_.operands[index].access == Access::read) ++index;
    return index;
  }

  // ---- the optimizer

  void bind(const OptimizerUpdate& update) { calls_ = bind_update(rank_, op_, update, operands_); }

  /// Operands forward: gate, x, y; backward: gate, x, dy, dgate, dx.
  void bind(const Gate& gate) {
    GateCall call{.backward = backward_, .elements = gate.elements};
    call.width = gate.elements / operands_[0].elements;
    call.gate = operands_[0];
    call.x = operands_[1];
    if (backward_) {
      call.dy = operands_[2];
      call.d_gate = operands_[3];
      call.dx = operands_[4];
    } else {
      call.y = operands_[2];
    }
    calls_.emplace_back(call);
  }

  // Linear mixers and sparse attention are planned, not executed (runtime_limits.cpp).
  void bind(const CausalConv&) { refuse(); }
  void bind(const LinearScan&) { refuse(); }
  void bind(const GatedNorm&) { refuse(); }
  void bind(const IndexScores&) { refuse(); }

  // Communication is bound in rank_plan.cpp, which has the communicator.
  void bind(const Collective&) { refuse(); }
  void bind(const Send&) { refuse(); }
  void bind(const Recv&) { refuse(); }

  // What the host holds is planned, not executed (runtime_limits.cpp).
  void bind(const HostCopy&) { refuse(); }

  [[noreturn]] void refuse() const {
    throw std::logic_error("no kernel for " + std::string(kind_name(op_.kind)) + " '" + op_.name + "'");
  }

  const RankView& rank_;
  const Op& op_;
  std::span<const Buffer> operands_;
  bool backward_;
  std::vector<KernelCall> calls_;
};

}  // namespace

std::vector<KernelCall> bind_kernels(const RankView& rank, const Op& op, std::span<const Buffer> operands) {
  return Binding(rank, op, operands).run();
}

Buffer share_of(const Buffer& whole, std::int64_t part, std::int64_t parts) {
  if (parts == 1) return whole;
  const std::int64_t elements = whole.elements / parts;
  return whole.part(part * elements, elements);
}

}  // namespace foreshard
