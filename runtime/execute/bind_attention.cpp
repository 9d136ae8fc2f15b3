#include "runtime/execute/bind_attention.hpp"

#include <algorithm>

namespace foreshard {
namespace {

/// @pre there are at most DocumentEnds::kMost documents (runtime_limits.cpp)
AttentionMask mask_of(const Attention& core) {
  AttentionMask mask{.causal = core.causal, .window = core.window, .chunk = core.chunk};
  std::int64_t end = 0;
  for (const std::int64_t length : core.documents)
    mask.documents.ends[mask.documents.count++] = end += length;
  return mask;
}

/// True if one of the operands of an attention core are its sinks.
bool has_sinks(const StepProgram& program, const Op& op) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
    return program.tensor(operand.tensor).role == TensorRole::weight;
  });
}

/// The kernel adds to this gradient. If the block writes it for the first time, it is set to zero before.
void begin_sum(const Operand& gradient, const Buffer& memory, std::vector<KernelCall>& calls) {
  if (gradient.access != Access::write) return;
  calls.emplace_back(PointwiseCall{.kind = PointwiseKind::zero, .elements = memory.elements, .y = memory});
}

/// Operands forward: qkv, [sinks,] o, lse; backward: the same, do, dqkv[, dsinks].
std::vector<KernelCall> fused_core(const RankView& rank, const Op& op, std::span<const Buffer> operands) {
  const auto& core = std::get<Attention>(op.kind);
  AttentionCall call{.backward = is_backward(op.phase), .mask = mask_of(core), .batch = core.batch};
  call.sequence = core.query;
  call.heads = core.heads;
  call.kv_heads = core.kv_heads;
  call.head_dim = core.head_dim;
  std::size_t next = 0;
  call.qkv = operands[next++];
  if (has_sinks(rank.program, op)) call.sinks = operands[next++];
  call.out = operands[next++];
  call.lse = operands[next++];
  std::vector<KernelCall> calls;
  if (call.backward) {
    call.d_out = operands[next++];
    call.d_qkv = operands[next++];
    if (!call.sinks.empty()) {
      begin_sum(op.operands[next], operands[next], calls);
      call.d_sinks = operands[next];
    }
  }
  calls.emplace_back(call);
  return calls;
}

/// Attention whose queries and keys are in separate tensors, or whose heads have parts of different widths.
class SpreadCore {
 public:
  SpreadCore(const RankView& rank, const Op& op, std::span<const Buffer> operands)
      : rank_(rank), op_(op), operands_(operands), core_(std::get<Attention>(op.kind)) {
    backward_ = is_backward(op.phase);
    // Operands forward: inputs, [sinks,] o, lse; backward: the same, do, gradients of the inputs [and sinks].
    results_ = backward_ ? (operands.size() - 3) / 2 : operands.size() - 2;
    inputs_ = has_sinks(rank.program, op) ? results_ - 1 : results_;
  }

  std::vector<KernelCall> run() && {
    GatheredAttentionCall call{.backward = backward_, .mask = mask_of(core_)};
    call.queries = rows_of(tensor(0));
    call.keys = rows_of(tensor(inputs_ > 1 ? 1 : 0));
    call.heads = core_.heads;
    call.kv_heads = core_.kv_heads;
    call.shared_dim = core_.shared_dim;
    call.own_dim = core_.head_dim - call.shared_dim;
    call.v_head_dim = core_.v_head_dim;
    place_heads(0, call.q, call.k, call.shared_k, call.v);
    call.out = operands_[results_];
    call.lse = operands_[results_ + 1];
    if (inputs_ < results_) call.sinks = own_sinks(operands_[inputs_]);
    if (backward_) {
      call.d_out = operands_[results_ + 2];
      place_heads(results_ + 3, call.dq, call.dk, call.d_shared_k, call.dv);
      if (inputs_ < results_) call.d_sinks = own_sinks(operands_.back());
      for (std::size_t i = results_ + 3; i < operands_.size(); ++i)
        begin_sum(op_.operands[i], operands_[i], calls_);
    }
    calls_.emplace_back(call);
    return std::move(calls_);
  }

 private:
  [[nodiscard]] const Tensor& tensor(std::size_t index) const {
    return rank_.program.tensor(op_.operands[index].tensor);
  }

  /// The tokens whose rows a tensor holds: the rank's own, or those of all context-parallel ranks.
  [[nodiscard]] TokenRows rows_of(const Tensor& of) const {
    const std::int64_t cp = rank_.program.group(GroupKind::cp).size;
    const bool own = of.dims[0].cp > 1;
    return {.batch = core_.batch,
            .sequence = rank_.program.sequence_length,
            .shares = cp,
            .first_share = own ? rank_.at.cp : 0,
            .held = own ? 1 : cp};
  }

  /// The sinks of the heads that this rank computes: with Ulysses, a share of those that it holds.
  [[nodiscard]] Buffer own_sinks(const Buffer& held) const {
    return share_of(held, held.elements > core_.heads ? rank_.at.cp : 0, held.elements / core_.heads);
  }

  [[nodiscard]] HeadColumns columns(std::size_t operand, std::int64_t first, std::int64_t stride) const {
    return {operands_[operand], tensor(operand).dims[1].local(), first, stride};
  }

  /// Finds the columns of q, k and v in the operands from `first` on. These are {qkv}, {qkv, all k and v}, or
  /// in latent attention {q, {k, v} of each head, shared k}.
  void place_heads(std::size_t first, HeadColumns& q, HeadColumns& k, HeadColumns& shared_k,
                   HeadColumns& v) const {
    const std::int64_t d = core_.head_dim;
    q = columns(first, 0, d);
    if (core_.key_layout == KeyLayout::by_head) {
      const std::int64_t own = d - core_.shared_dim;
      const std::int64_t stride = own + core_.v_head_dim;
      k = columns(first + 1, 0, stride);
      v = columns(first + 1, own, stride);
      if (core_.shared_dim > 0) shared_k = columns(first + 2, 0, 0);
      return;
    }
    const std::int64_t begin = inputs_ > 1 ? 0 : core_.heads * d;
    k = columns(first + inputs_ - 1, begin, d);
    v = columns(first + inputs_ - 1, begin + core_.kv_heads * d, core_.v_head_dim);
  }

  const RankView& rank_;
  const Op& op_;
  std::span<const Buffer> operands_;
  const Attention& core_;
  bool backward_ = false;
  std::size_t inputs_ = 1;   // without the sinks
  std::size_t results_ = 1;  // index of o
  std::vector<KernelCall> calls_;
};

/// One collective over the context-parallel group.
class CpExchange {
 public:
  CpExchange(const RankView& rank, const Op& op, std::span<const Buffer> operands, const Buffer& scratch)
      : rank_(rank),
        from_(operands[0]),
        to_(operands[1]),
        from_tensor_(rank.program.tensor(op.operands[0].tensor)),
        to_tensor_(rank.program.tensor(op.operands[1].tensor)),
        adds_(op.operands[1].access == Access::accumulate),
        scratch_(scratch) {
    bound_.call.kind = std::get<Collective>(op.kind).kind;
    bound_.call.group = GroupKind::cp;
    bound_.piece = {from_, to_};
  }

  BoundExchange run() && {
    switch (bound_.call.kind) {
      case CollectiveKind::all_gather: gather(); break;
      case CollectiveKind::reduce_scatter: scatter(); break;
      case CollectiveKind::all_to_all: turn(); break;
      case CollectiveKind::all_reduce: break;
    }
    return std::move(bound_);
  }

 private:
  [[nodiscard]] std::int64_t cp() const { return rank_.program.group(GroupKind::cp).size; }
  static std::int64_t width_of(const Tensor& tensor) { return tensor.dims[1].local(); }

  /// If the source rows are wider than the gathered ones, only their last columns are gathered: the rank
  /// copies them to its own share of the result and gathers in place.
  void gather() {
    const std::int64_t width = width_of(to_tensor_);
    if (width_of(from_tensor_) == width) return;
    const Buffer own = share_of(to_, rank_.at.cp, cp());
    bound_.before.emplace_back(ColumnsCall{.rows = own.elements / width,
                                           .width = width,
                                           .x = from_,
                                           .x_width = width_of(from_tensor_),
                                           .x_column = width_of(from_tensor_) - width,
                                           .y = own,
                                           .y_width = width});
    bound_.call.in_place = true;
    bound_.piece = {to_, to_};
  }

  void scatter() {
    const std::int64_t width = width_of(from_tensor_);
    if (width_of(to_tensor_) == width) {
      bound_.call.accumulate = adds_;
      return;
    }
    const Buffer own = share_of(from_, rank_.at.cp, cp());
    bound_.call.in_place = true;
    bound_.piece = {from_, from_};
    bound_.after.emplace_back(ColumnsCall{.rows = own.elements / width,
                                          .width = width,
                                          .accumulate = adds_,
                                          .x = own,
                                          .x_width = width,
                                          .y = to_,
                                          .y_width = width_of(to_tensor_),
                                          .y_column = width_of(to_tensor_) - width});
  }

  /// Ulysses: exchanges "own tokens, all heads" for "all tokens, own heads", or the reverse. In the tensor of
  /// own heads, the rows of each member are contiguous, so only the other tensor needs packing.
  void turn() {
    const bool to_heads = from_tensor_.dims[0].cp > 1;
    const Buffer packed{scratch_.data, from_.elements, from_.type};
    if (to_heads) {
      bound_.piece.send = packed;
      copy_heads(from_, width_of(from_tensor_), packed, width_of(to_tensor_), true);
    } else {
      bound_.piece.receive = packed;
      copy_heads(to_, width_of(to_tensor_), packed, width_of(from_tensor_), false);
    }
  }

  /// Copies between `rows`, whose rows have all heads, and `packed`, which holds for one member after the
  /// other the rows of that member's heads.
  void copy_heads(const Buffer& rows, std::int64_t all, const Buffer& packed, std::int64_t own, bool pack) {
    for (std::int64_t member = 0; member < cp(); ++member) {
      const Buffer part = share_of(packed, member, cp());
      std::int64_t column = 0;
      std::int64_t own_column = 0;
      for (const std::int64_t section : sections(all)) {
        const std::int64_t width = section / cp();
        ColumnsCall call{.rows = part.elements / own, .width = width};
        call.x = rows;
        call.x_width = all;
        call.x_column = column + member * width;
        call.y = part;
        call.y_width = own;
        call.y_column = own_column;
        if (!pack) {
          std::swap(call.x, call.y);
          std::swap(call.x_width, call.y_width);
          std::swap(call.x_column, call.y_column);
          call.accumulate = adds_;
        }
        (pack ? bound_.before : bound_.after).emplace_back(call);
        column += section;
        own_column += width;
      }
    }
  }

  /// Widths of the sections of columns that are split separately: in a fused qkv, those of q, k and v.
  [[nodiscard]] std::vector<std::int64_t> sections(std::int64_t columns) const {
    if (from_tensor_.column_sections.empty()) return {columns};
    std::vector<std::int64_t> local = from_tensor_.column_sections;
    for (std::int64_t& section : local) section /= from_tensor_.dims[1].tp;
    return local;
  }

  const RankView& rank_;
  Buffer from_;
  Buffer to_;
  const Tensor& from_tensor_;
  const Tensor& to_tensor_;
  bool adds_;
  Buffer scratch_;
  BoundExchange bound_;
};

}  // namespace

std::vector<KernelCall> bind_attention(const RankView& rank, const Op& op, std::span<const Buffer> operands) {
  const auto& core = std::get<Attention>(op.kind);
  const bool is_spread = rank.program.group(GroupKind::cp).size > 1 ||
                         core.key_layout == KeyLayout::by_head || core.head_dim != core.v_head_dim;
  return is_spread ? SpreadCore(rank, op, operands).run() : fused_core(rank, op, operands);
}

BoundExchange bind_cp_exchange(const RankView& rank, const Op& op, std::span<const Buffer> operands,
                               const Buffer& scratch) {
  return CpExchange(rank, op, operands, scratch).run();
}

}  // namespace foreshard
