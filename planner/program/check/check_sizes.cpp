#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "planner/program/block_names.hpp"
#include "planner/program/check/check_parts.hpp"

namespace foreshard {
namespace {

/// Compares the sizes of one operation with those of its operands on one rank.
class SizeCheck {
 public:
  SizeCheck(const StepProgram& program, const Block& block, const Op& op, Problems& problems)
      : program_(program), block_(block), op_(op), problems_(problems) {}

  void operator()(const Gemm& op) {
    expect(0, "batch·m·k", checked_product(op.batch, op.m, op.k));
    // Recomputation may run the half of a fused gate and up that was not kept.
    const bool may_be_half = op_.phase == Phase::recompute && tensor(1).sections.size() == 2;
    may_be_half ? expect_whole_or_half(1, checked_product(op.batch, op.n, op.k))
                : expect(1, "batch·n·k", checked_product(op.batch, op.n, op.k));
    expect(2, "batch·m·n", checked_product(op.batch, op.m, op.n));
    if (has_bias()) expect(3, "n", op.n);
  }

  void operator()(const GroupedGemm& op) {
    if (op_.phase == Phase::backward_weight) {
      // Either n or k may be the width of dY; the gradient has the same size.
      expect(2, "experts·n·k", checked_product(op.experts, op.n, op.k));
      return;
    }
    expect(0, "tokens·k", checked_product(op.tokens, op.k));
    expect(1, "experts·n·k", checked_product(op.experts, op.n, op.k));
    expect(2, "tokens·n", checked_product(op.tokens, op.n));
    if (has_bias()) expect(3, "experts·n", checked_product(op.experts, op.n));
  }

  void operator()(const Attention& op) {
    const std::int64_t output = checked_product(op.batch, op.query, op.heads, op.v_head_dim);
    const std::int64_t qkv = checked_product(op.batch, op.query, op.heads, op.head_dim) +
                             checked_product(op.batch, op.key, op.kv_heads, op.head_dim + op.v_head_dim);
    // Forward: inputs, o, lse. Backward: inputs, o, lse, do, the inputs' gradients.
    const bool backward = is_backward(op_.phase);
    const auto reads = static_cast<std::size_t>(std::count_if(
        op_.operands.begin(), op_.operands.end(), [](const Operand& o) { return o.access == Access::read; }));
    const std::size_t inputs = backward ? reads - 3 : reads;
    // Sizes can be compared only if keys are in the same tensor as queries and no window or document hides any.
    if (inputs == 1 && op.query == op.key) {
      const char* const formula = "batch·(query·heads·head_dim + key·kv_heads·(head_dim + v_head_dim))";
      expect(0, formula, qkv);
      if (backward) expect(4, formula, qkv);
    }
    expect(inputs, "batch·query·heads·v_head_dim", output);
    expect(inputs + 1, "batch·query·heads", checked_product(op.batch, op.query, op.heads));
    if (backward) expect(inputs + 2, "batch·query·heads·v_head_dim", output);
  }

  void operator()(const Pointwise& op) {
    switch (op.kind) {
      case PointwiseKind::add:
        // The smaller operand of a sum is repeated: a bias, a position table.
        for (std::size_t i = 0; i < count(); ++i) expect_divides(i, op.elements);
        expect_largest(op.elements);
        return;
      case PointwiseKind::bias_gradient:
        expect(0, "elements", op.elements);
        // Not for experts: each has its own bias, and its own number of tokens.
        if (op_.component != Component::experts) expect_divides(1, op.elements);
        return;
      case PointwiseKind::swiglu:
      case PointwiseKind::geglu:
      case PointwiseKind::glu:
        expect(0, "elements", op.elements);
        expect(1, "elements/2", op.elements / 2);
        for (std::size_t i = 2; i < count(); ++i) {
          if (expect_largest_magnitude(i) || is_row_weights(i)) continue;
          is_backward(op_.phase) ? expect(i, "elements", op.elements)
                                 : expect(i, "elements/2", op.elements / 2);
        }
        return;
      case PointwiseKind::quantise:
        expect(0, "elements", op.elements);
        for (std::size_t i = 1; i < count(); ++i) {
          op_.operands[i].access == Access::read ? expect(i, "one number", 1)
                                                 : expect(i, "elements", op.elements);
        }
        return;
      case PointwiseKind::normalise:
        expect(0, "elements", op.elements);
        expect(2, "elements", op.elements);
        return;
      case PointwiseKind::amax:
        expect(0, "elements", op.elements);
        expect(1, "one number", 1);
        return;
      case PointwiseKind::transpose:
      case PointwiseKind::gelu:
      case PointwiseKind::relu:
      case PointwiseKind::sqrelu:
      case PointwiseKind::silu:
      case PointwiseKind::sigmoid:
      case PointwiseKind::multiply:
        // Without compilation the activation reads the gate and the product reads up: each a half of one
        // tensor.
        for (std::size_t i = 0; i < count(); ++i) {
          if (!expect_largest_magnitude(i) && !is_broadcast(i)) expect_whole_or_half(i, op.elements);
        }
        expect_smallest(op.elements);
        return;
      case PointwiseKind::unit_rows:
      case PointwiseKind::mixing_weights:
        expect(0, "elements", op.elements);
        expect_largest(op.elements);
        return;
      case PointwiseKind::pool:
      case PointwiseKind::repeat:
      case PointwiseKind::read_streams:
      case PointwiseKind::write_streams: expect_largest(op.elements); return;
      case PointwiseKind::zero:
      case PointwiseKind::relayout: expect_sum(count(), op.elements); return;
      case PointwiseKind::sum_squares: expect_sum_or_shares(count() - 1, op.elements); return;
      case PointwiseKind::dropout:
      case PointwiseKind::dropout_add:
      case PointwiseKind::softmax:
      case PointwiseKind::cast:
      case PointwiseKind::accumulate:
        for (std::size_t i = 0; i < count(); ++i) expect(i, "elements", op.elements);
    }
  }

  void operator()(const Norm& op) {
    const bool backward = is_backward(op_.phase);
    const bool has_bias = op.kind == NormKind::layernorm;
    const bool is_of_queries_and_keys = op.heads == 0 && tensor(1).meaning.item == TensorItem::qk_norm;
    const std::size_t stats = backward ? 2 : count() - 1;
    expect(stats, "one statistic per row, two for layernorm and for norms of queries and keys",
           checked_product(op.rows, has_bias || is_of_queries_and_keys ? 2 : 1));
    expect_parameters(1, op.width);
    // The remaining operands are rows (x, y and their gradients) and, after dx at the end of a backward list,
    // the gradients of trained parameters.
    std::size_t dx = 0;
    while (backward && op_.operands[dx].access == Access::read) ++dx;
    for (std::size_t i = 0; i < count(); ++i) {
      const bool is_parameter = i == 1 || (!backward && has_bias && i == 2) || (backward && i > dx);
      if (i != stats && i != 1 && !expect_largest_magnitude(i)) {
        is_parameter ? expect_parameters(i, op.width)
                     : expect(i, "rows·width", checked_product(op.rows, op.width));
      }
    }
  }

  void operator()(const Rope& op) {
    const std::int64_t rotated = checked_product(op.tokens, op.heads, op.head_dim);
    if (local(0) < rotated) complain(0, fmt::format("fewer than tokens·heads·head_dim = {}", rotated));
  }

  void operator()(const Embedding& op) {
    const bool backward = is_backward(op_.phase);
    expect(0, "tokens", op.tokens);
    expect(backward ? 1 : 2, "tokens·width", checked_product(op.tokens, op.width));
    const std::size_t table = backward ? 2 : 1;
    if (op.width < 1 || local(table) % op.width != 0) {
      complain(table, fmt::format("not whole rows of {}", op.width));
    }
  }

  void operator()(const CrossEntropy& op) {
    const bool backward = is_backward(op_.phase);
    const std::int64_t logits = checked_product(op.tokens, op.vocab);
    const std::int64_t sums = checked_product(2, op.tokens);
    if (op.part == CrossEntropyPart::loss && !backward) {
      expect(0, "2·tokens", sums);
      return;
    }
    expect(0, "tokens·vocab", logits);
    if (op.part == CrossEntropyPart::row_max) {
      expect(1, "tokens", op.tokens);
      return;
    }
    expect(1, "tokens", op.tokens);
    expect(2, "tokens", op.tokens);
    expect(3, "2·tokens", sums);
    // The gradient is that of the rank's own columns, also where the loss works on the whole vocabulary.
    if (backward && local(4) * program_.group(GroupKind::tp).size == logits * op_.parts) return;
    if (count() >= 5) expect(4, "tokens·vocab", logits);
  }

  void operator()(const CausalConv& op) {
    const std::int64_t columns = checked_product(op.tokens, op.channels);
    const std::size_t weight = 1;
    expect_at_least(0, "tokens·channels", columns);
    // Context parallelism keeps all channels of a tp rank's weight, and uses those of its own heads.
    expect_at_least(weight, "channels·kernel", checked_product(op.channels, op.kernel));
    for (std::size_t i = 2; i < count(); ++i) {
      const bool is_parameter = is_parameter_of_conv(i);
      if (is_parameter) continue;
      expect_at_least(i, "tokens·channels", columns);
    }
  }

  void operator()(const LinearScan& op) {
    const std::int64_t tokens = checked_product(op.batch, op.positions);
    const std::int64_t width =
        checked_product(op.heads, op.value_dim) + checked_product(2, op.key_heads, op.key_dim);
    expect_at_least(0, "batch·positions·(heads·value_dim + 2·key_heads·key_dim)",
                    checked_product(tokens, width));
    if (is_backward(op_.phase)) return;
    std::size_t y = 0;
    while (op_.operands[y].access == Access::read) ++y;
    expect(y, "batch·positions·heads·value_dim", checked_product(tokens, op.heads, op.value_dim));
  }

  void operator()(const GatedNorm& op) {
    const std::int64_t elements = checked_product(op.rows, op.width);
    const bool backward = is_backward(op_.phase);
    const std::int64_t read = std::count_if(op_.operands.begin(), op_.operands.end(),
                                            [](const Operand& o) { return o.access == Access::read; });
    const std::size_t gate =
        read == (backward ? 5 : 3) ? 1 : 0;  // operands that a gate adds before the weight
    expect_at_least(0, "rows·width", elements);
    if (gate > 0) expect_at_least(1, "rows·width", elements);
    // Backward: dy, dx and dgate. Forward: y.
    const std::size_t first = (backward ? 3 : 2) + gate;
    for (std::size_t i = first; i < first + (backward ? 2 + gate : 1); ++i)
      expect_at_least(i, "rows·width", elements);
    expect((backward ? 2 : 3) + gate, "rows", op.rows);
  }

  void operator()(const Gate& op) {
    for (const std::size_t i :
         is_backward(op_.phase) ? std::vector<std::size_t>{1, 2, 4} : std::vector<std::size_t>{1, 2})
      expect(i, "elements", op.elements);
    if (local(0) < op.elements) expect_divides(0, op.elements);
  }

  void operator()(const IndexScores& op) {
    expect(0, "batch·query·heads·head_dim", checked_product(op.batch, op.query, op.heads, op.head_dim));
    expect(1, "batch·key·head_dim", checked_product(op.batch, op.key, op.head_dim));
  }

  void operator()(const Route&) {}    // the size of its output depends on how tokens are dispatched
  void operator()(const Permute&) {}  // the same

  void operator()(const Collective& op) {
    const bool in_place = bytes_where(Access::read) == Bytes(0);
    if (op.kind == CollectiveKind::all_to_all) {
      expect_exchange(op.payload);
      return;
    }
    const bool whole_arrives = in_place || op.kind == CollectiveKind::all_gather;
    const Bytes whole = whole_arrives ? bytes_written() : bytes_where(Access::read);
    // Of gradients that ZeRO-1 has scattered in place, ranks with copies of a shard sum that shard alone.
    const bool is_shard =
        in_place && op.group == GroupKind::dp_replicate && op.payload > Bytes(0) && op.payload < whole;
    if (whole != op.payload && !is_shard) {
      complain(fmt::format("its payload is {} bytes, but {} {} bytes", op.payload.value(),
                           whole_arrives ? "what stands on a rank in the end is" : "what is sent is",
                           whole.value()));
    }
    if (in_place) return;
    if (op.kind == CollectiveKind::all_reduce) return expect_sums(whole);
    expect_share(op, whole_arrives);
  }

  void operator()(const Send& op) { expect_transfer(op.payload); }
  void operator()(const Recv& op) { expect_transfer(op.payload); }

  void operator()(const HostCopy& op) {
    Bytes on_host;
    for (std::size_t i = 0; i < count(); ++i) {
      if (tensor(i).on_host) on_host += tensor(i).local_bytes();
    }
    if (on_host != op.payload)
      complain(fmt::format("its payload is {} bytes, but what lies on the host is {} bytes",
                           op.payload.value(), on_host.value()));
  }

  void operator()(const OptimizerUpdate& op) {
    std::int64_t states = 0;
    for (std::size_t i = 0; i < count(); ++i) {
      if (tensor(i).role == TensorRole::optimizer && !is_condensed(tensor(i).derivation)) states += local(i);
    }
    // At most master weights and two moments, each as long as the share that is updated.
    if (op.parameters < 1 || states % op.parameters != 0 || states / op.parameters > 3) {
      complain(fmt::format("its states have {} elements, which is not 0 to 3 times its {} parameters", states,
                           op.parameters));
    }
  }

 private:
  /// True of states with fewer elements than the share that is updated: scales and means.
  static bool is_condensed(Derivation derivation) {
    return derivation == Derivation::first_scale || derivation == Derivation::second_scale ||
           derivation == Derivation::factored_moment;
  }
  [[nodiscard]] std::size_t count() const { return op_.operands.size(); }
  [[nodiscard]] bool has_bias() const { return count() > 3 && op_.operands[3].access == Access::read; }
  [[nodiscard]] const Tensor& tensor(std::size_t i) const { return program_.tensor(op_.operands[i].tensor); }
  [[nodiscard]] std::int64_t local(std::size_t i) const { return tensor(i).local_elements(); }

  [[nodiscard]] Bytes bytes_where(Access access) const {
    Bytes bytes;
    for (std::size_t i = 0; i < count(); ++i) {
      if (op_.operands[i].access == access) bytes += tensor(i).local_bytes();
    }
    return bytes;
  }
  [[nodiscard]] Bytes bytes_written() const {
    return bytes_where(Access::write) + bytes_where(Access::accumulate);
  }

  void complain(const std::string& what) {
    problems_.push_back(fmt::format("{}: {}", place_of(block_, op_), what));
  }
  void complain(std::size_t i, const std::string& what) {
    complain(fmt::format("{} has {} elements on a rank, {}", tensor(i).label, local(i), what));
  }

  [[nodiscard]] bool has_dim(std::size_t i, DimName name) const {
    const auto& dims = tensor(i).dims;
    return std::any_of(dims.begin(), dims.end(), [&](const Dim& dim) { return dim.name == name; });
  }
  [[nodiscard]] bool is_fused(std::size_t i) const { return has_dim(i, DimName::qkv); }
  /// True for a position table, of which an operation uses only the rows of its tokens.
  [[nodiscard]] bool is_table(std::size_t i) const { return has_dim(i, DimName::position); }
  /// True if the operand may be a fused qkv of which the operation uses a part: products of the attention
  /// core, and the norm of queries and keys.
  [[nodiscard]] bool may_be_part(std::size_t i) const {
    const auto* product = std::get_if<Gemm>(&op_.kind);
    const bool per_head = product != nullptr && product->batch > 1;  // of the columns of a head, some
    return is_fused(i) &&
           (op_.component == Component::attention_core || per_head || std::holds_alternative<Norm>(op_.kind));
  }

  /// True if the operand may be the result of a fused product, of which the second matrix of an adapter and its
  /// gradients touch the columns of one projection.
  [[nodiscard]] bool may_be_columns(std::size_t i) const {
    const bool is_activation = tensor(i).role != TensorRole::weight && tensor(i).role != TensorRole::gradient;
    return is_activation && std::any_of(op_.operands.begin(), op_.operands.end(), [&](const Operand& o) {
             return program_.tensor(o.tensor).meaning.aspect == TensorAspect::adapter_b;
           });
  }

  /// True for weight and bias of a convolution, and for their gradients.
  [[nodiscard]] bool is_parameter_of_conv(std::size_t i) const {
    const TensorRole role = tensor(i).role;
    return role == TensorRole::weight || role == TensorRole::gradient;
  }

  void expect_at_least(std::size_t i, const char* formula, std::int64_t elements) {
    if (local(i) < elements) complain(i, fmt::format("fewer than {} = {}", formula, elements));
  }
  void expect(std::size_t i, const char* formula, std::int64_t elements) {
    // One of several operations on ranges of tokens may be given all tokens.
    if (op_.parts > 1 && local(i) == checked_product(elements, op_.parts)) return;
    const bool part = may_be_part(i) || may_be_columns(i);
    if (part ? local(i) < elements : local(i) != elements) {
      complain(i, fmt::format("not {} = {}", formula, elements));
    }
  }
  void expect_divides(std::size_t i, std::int64_t elements) {
    if (!is_table(i) && elements % local(i) != 0)
      complain(i, fmt::format("which do not divide {}", elements));
  }
  /// Checks the size of a norm's weights. A norm over the fused qkv has weights for queries and for keys.
  void expect_parameters(std::size_t i, std::int64_t width) {
    if (is_fused(0) && local(i) == checked_product(2, width)) return;
    expect(i, "width", width);
  }
  /// Checks that all of a tensor is used, or half of a fused gate and up.
  /// Where the operand is the largest magnitude of a result, checks that it is one number, and returns true.
  bool expect_largest_magnitude(std::size_t i) {
    const Tensor* origin = &tensor(i);
    if (origin->derivation == Derivation::recomputed) origin = &program_.tensor(origin->of.front());
    if (origin->derivation != Derivation::largest) return false;
    expect(i, "one number", 1);
    return true;
  }
  /// The weights that a token gives its experts, by which an activation multiplies rows, and their gradients.
  [[nodiscard]] bool is_row_weights(std::size_t i) const {
    return tensor(i).meaning == Meaning{ModelPart::router, TensorItem::routes};
  }
  /// True for weights of rows, and for magnitudes, norms and gradients of magnitudes of a decomposed weight.
  [[nodiscard]] bool is_broadcast(std::size_t i) const {
    const TensorAspect aspect = tensor(i).meaning.aspect;
    return is_row_weights(i) || aspect == TensorAspect::magnitude || aspect == TensorAspect::row_norms;
  }
  void expect_whole_or_half(std::size_t i, std::int64_t elements) {
    if (local(i) != checked_product(2, elements)) expect(i, "elements", elements);
  }
  void expect_smallest(std::int64_t elements) {
    std::int64_t smallest = local(0);
    for (std::size_t i = 1; i < count(); ++i) {
      if (!is_broadcast(i)) smallest = std::min(smallest, local(i));
    }
    if (smallest > elements) {
      complain(fmt::format("it states {} elements, but its smallest operand has {}", elements, smallest));
    }
  }
  void expect_largest(std::int64_t elements) {
    std::int64_t largest = 0;
    for (std::size_t i = 0; i < count(); ++i) {
      if (!is_table(i)) largest = std::max(largest, local(i));
    }
    if (largest != elements) {
      complain(fmt::format("it states {} elements, but its largest operand has {}", elements, largest));
    }
  }
  void expect_sum(std::size_t operands, std::int64_t elements) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < operands; ++i) sum += local(i);
    if (sum != elements) {
      complain(fmt::format("it states {} elements, but its operands have {}", elements, sum));
    }
  }
  /// Elements of the shares of which one rank holds one, ⌈N/n⌉ of each operand, where so many ranks hold each share.
  [[nodiscard]] std::int64_t elements_of_shares(std::size_t operands, std::int64_t copies) const {
    std::int64_t shares = 0;
    for (std::size_t i = 0; i < operands; ++i) {
      Tensor whole = tensor(i);
      for (Dim& dim : whole.dims) dim.dp = 1;
      const GroupKind replicas = whole.is_of_routed_experts() ? GroupKind::expert_dp : GroupKind::dp_cp;
      shares += ceil_divide(whole.local_elements(), program_.group(replicas).size / copies);
    }
    return shares;
  }
  /// Checks the sum of the operands' elements. With ZeRO a rank works on a share of each gradient. Ranks of
  /// dp_replicate hold the same share with hybrid sharding; with ZeRO++ they are nodes, and hold different ones.
  void expect_sum_or_shares(std::size_t operands, std::int64_t elements) {
    const bool is_share =
        elements == elements_of_shares(operands, 1) ||
        elements == elements_of_shares(operands, program_.group(GroupKind::dp_replicate).size);
    if (!is_share) expect_sum(operands, elements);
  }
  /// Checks the share that one member contributes to a gather or keeps of a scatter: an even part, or more if
  /// the dimension that is cut does not divide evenly. Counts elements, because the dtype may change.
  void expect_share(const Collective& op, bool whole_arrives) {
    const std::int64_t parts = program_.group(op.group).size;
    std::int64_t whole = 0;
    std::int64_t share = 0;
    std::int64_t most = 0;
    for (std::size_t i = 0; i < count(); ++i) {
      if ((op_.operands[i].access != Access::read) != whole_arrives) {
        share += local(i);
        continue;
      }
      whole += local(i);
      std::int64_t largest = tensor(i).dims.empty() ? 1 : 0;
      for (const Dim& dim : tensor(i).dims) {
        largest = std::max(largest, local(i) / dim.local() * ceil_divide(dim.local(), parts));
      }
      most += largest;
    }
    // The operand may be a fused qkv, of which only keys and values are exchanged.
    const bool may_hold_more = op_.component == Component::attention_core;
    if (checked_product(share, parts) < whole || (share > most && !may_hold_more)) {
      complain(
          fmt::format("one of {} members holds {} elements, which is no share of {}", parts, share, whole));
    }
  }
  /// Checks that the sums of an all-reduce are added to as much as was sent.
  void expect_sums(Bytes sent) {
    if (bytes_written() == sent) return;
    complain(fmt::format("it adds {} bytes to {} bytes", sent.value(), bytes_written().value()));
  }
  void expect_shares(Bytes payload) {
    Bytes shares;
    std::int64_t whole = 0;
    for (std::size_t i = 0; i < count(); ++i) {
      const bool is_share = tensor(i).derivation == Derivation::update;
      if (is_share && op_.operands[i].layer_shift == 0) shares += tensor(i).local_bytes();
      if (!is_share) whole += local(i);
    }
    const std::int64_t parts = program_.group(std::get<Collective>(op_.kind).group).size;
    if (payload != parts * shares || parts * shares < Bytes(2 * whole)) {
      complain(fmt::format("its payload is {} bytes, but {} shares of {} bytes make matrices of {} bytes",
                           payload.value(), parts, shares.value(), 2 * whole));
    }
  }
  /// Checks the payload of an all-to-all. A rank may receive more tokens than it sends: the larger size
  /// counts.
  /// Muon's exchange carries one share of each matrix for each member.
  void expect_exchange(Bytes payload) {
    if (op_.component == Component::optimizer) return expect_shares(payload);
    const Bytes larger = std::max(bytes_where(Access::read), bytes_written());
    // Of the keys beside compressed ones a rank sends those that its neighbour's window sees, and gets their gradients.
    constexpr Meaning kWindow{ModelPart::mla, TensorItem::kv, TensorAspect::all_ranks};
    const bool is_window = std::any_of(op_.operands.begin(), op_.operands.end(), [&](const Operand& operand) {
      return program_.tensor(operand.tensor).meaning == kWindow;
    });
    const bool is_part = is_window && payload == std::min(bytes_where(Access::read), bytes_written());
    if (payload != larger && !is_part) {
      complain(
          fmt::format("its payload is {} bytes, but the larger of what is sent and what arrives is {} bytes",
                      payload.value(), larger.value()));
    }
  }
  /// Checks the payload of a transfer: the whole tensor, or one tp rank's share of a replicated tensor.
  void expect_transfer(Bytes payload) {
    // All operands of a transfer are instances of one tensor.
    const auto streams = static_cast<std::int64_t>(count());
    const std::int64_t bytes = tensor(0).local_bytes().value();
    const std::int64_t parts = program_.group(GroupKind::tp).size;
    std::int64_t share = bytes;  // along the leading dimension, rounded up to whole rows
    if (!tensor(0).dims.empty()) {
      const std::int64_t rows = tensor(0).dims[0].local();
      share = bytes / rows * ceil_divide(rows, parts);
    }
    if (payload.value() != bytes * streams && payload.value() != share * streams) {
      complain(
          fmt::format("its payload is {} bytes, but {} has {}", payload.value(), tensor(0).label, bytes));
    }
  }

  const StepProgram& program_;
  const Block& block_;
  const Op& op_;
  Problems& problems_;
};

}  // namespace

void check_operand_sizes(const StepProgram& program, const Block& block, const Op& op, Problems& problems) {
  std::visit(SizeCheck(program, block, op, problems), op.kind);
}

}  // namespace foreshard
