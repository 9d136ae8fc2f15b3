#include <algorithm>

#include <fmt/format.h>

#include "planner/program/check_parts.hpp"
#include "planner/program/enum_names.hpp"

namespace foreshard {
namespace {

/// Compares the sizes that one operation states with those of its operands on one rank.
class SizeCheck {
 public:
  SizeCheck(const StepProgram& program, const Block& block, const Op& op, Problems& problems)
      : program_(program), block_(block), op_(op), problems_(problems) {}

  void operator()(const Gemm& op) {
    expect(0, "batch·m·k", checked_product(op.batch, op.m, op.k));
    expect(1, "batch·n·k", checked_product(op.batch, op.n, op.k));
    expect(2, "batch·m·n", checked_product(op.batch, op.m, op.n));
    if (count() == 4) expect(3, "n", op.n);
  }

  void operator()(const GroupedGemm& op) {
    if (op_.phase == Phase::backward_weight) {
      // Which of n and k belongs to dY is the emitter's choice; the gradient's size is the same.
      expect(2, "experts·n·k", checked_product(op.experts, op.n, op.k));
      return;
    }
    expect(0, "tokens·k", checked_product(op.tokens, op.k));
    expect(1, "experts·n·k", checked_product(op.experts, op.n, op.k));
    expect(2, "tokens·n", checked_product(op.tokens, op.n));
  }

  void operator()(const Attention& op) {
    const std::int64_t output = checked_product(op.batch, op.query, op.heads, op.v_head_dim);
    const std::int64_t qkv = checked_product(op.batch, op.query, op.heads, op.head_dim) +
                             checked_product(op.batch, op.key, op.kv_heads, op.head_dim + op.v_head_dim);
    // With fewer queries than keys on a rank, keys come from elsewhere.
    const bool local = op.query == op.key;
    if (local) expect(0, "batch·(query·heads·head_dim + key·kv_heads·(head_dim + v_head_dim))", qkv);
    expect(1, "batch·query·heads·v_head_dim", output);
    expect(2, "batch·query·heads", checked_product(op.batch, op.query, op.heads));
    if (count() == 5) {
      expect(3, "batch·query·heads·v_head_dim", output);
      if (local) expect(4, "batch·(query·heads·head_dim + key·kv_heads·(head_dim + v_head_dim))", qkv);
    }
  }

  void operator()(const Pointwise& op) {
    switch (op.kind) {
      case PointwiseKind::add:
        // The smaller operand of a sum is repeated; of a position table, the rows in use are added.
        for (std::size_t i = 0; i < count(); ++i) {
          is_table(i) ? expect_rows(i, op.elements) : expect_divides(i, op.elements);
        }
        expect_largest(op.elements);
        return;
      case PointwiseKind::bias_gradient:
        expect(0, "elements", op.elements);
        expect_rows(1, op.elements);
        return;
      case PointwiseKind::swiglu:
      case PointwiseKind::geglu:
      case PointwiseKind::glu:
        expect(0, "elements", op.elements);
        expect(1, "elements/2", op.elements / 2);
        if (count() == 3) expect(2, "elements", op.elements);
        return;
      case PointwiseKind::zero: expect_sum(count(), op.elements); return;
      case PointwiseKind::sum_squares: expect_sum(count() - 1, op.elements); return;
      default:
        // Uncompiled, the activation works on the gate alone and the product on up alone: halves of one
        // tensor.
        for (std::size_t i = 0; i < count(); ++i) {
          if (!is_half(i, op.elements)) expect(i, "elements", op.elements);
        }
    }
  }

  void operator()(const Norm& op) {
    const bool backward = is_backward(op_.phase);
    const bool has_bias = op.kind == NormKind::layernorm;
    const std::size_t parameters = has_bias ? 2 : 1;
    const std::size_t stats = backward ? 2 : count() - 1;
    expect(stats, "one statistic per row, two for layernorm", checked_product(op.rows, has_bias ? 2 : 1));
    expect_parameters(1, op.width);
    // What is left are rows (x, y and their gradients) and, at the end of a backward list, the parameters'
    // gradients.
    for (std::size_t i = 0; i < count(); ++i) {
      const bool is_parameter =
          i == 1 || (!backward && has_bias && i == 2) || (backward && i + parameters >= count());
      if (i != stats && i != 1) {
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
    if (count() == 5) expect(4, "tokens·vocab", logits);
  }

  void operator()(const Route&) {}    // what it writes depends on how tokens are dispatched
  void operator()(const Permute&) {}  // likewise

  void operator()(const Collective& op) {
    const bool in_place = bytes_where(Access::read) == Bytes(0);
    const bool whole_arrives = in_place || op.kind == CollectiveKind::all_gather;
    const Bytes whole = whole_arrives ? bytes_written() : bytes_where(Access::read);
    if (whole != op.payload) {
      complain(fmt::format("its payload is {} bytes, but {} {} bytes", op.payload.value(),
                           whole_arrives ? "what stands on a rank in the end is" : "what is sent is",
                           whole.value()));
    }
    if (in_place) return;
    const std::int64_t parts = op.kind == CollectiveKind::all_to_all ? 1 : program_.group(op.group).size;
    expect_share(whole_arrives ? shares_sent() : bytes_written(), op.payload, parts,
                 largest_share(whole_arrives, parts));
  }

  void operator()(const Send& op) { expect_transfer(op.payload); }
  void operator()(const Recv& op) { expect_transfer(op.payload); }

  void operator()(const OptimizerUpdate& op) {
    std::int64_t states = 0;
    for (std::size_t i = 0; i < count(); ++i) {
      if (tensor(i).role == TensorRole::optimizer) states += local(i);
    }
    // Master weights and two moments at most, each as long as the share that is updated.
    if (op.parameters < 1 || states % op.parameters != 0 || states / op.parameters > 3) {
      complain(fmt::format("its states have {} elements, which is not 0 to 3 times its {} parameters", states,
                           op.parameters));
    }
  }

 private:
  [[nodiscard]] std::size_t count() const { return op_.operands.size(); }
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

  /// What is sent, in the types in which it arrives: a gather may narrow fp32 weights on the way.
  [[nodiscard]] Bytes shares_sent() const {
    std::vector<std::size_t> sent;
    std::vector<std::size_t> arrives;
    for (std::size_t i = 0; i < count(); ++i) {
      (op_.operands[i].access == Access::read ? sent : arrives).push_back(i);
    }
    if (sent.size() != arrives.size()) return bytes_where(Access::read);
    Bytes bytes;
    for (std::size_t i = 0; i < sent.size(); ++i) bytes += bytes_of(tensor(arrives[i]).dtype, local(sent[i]));
    return bytes;
  }

  void complain(const std::string& what) {
    problems_.push_back(fmt::format("{}: {}", place_of(block_, op_), what));
  }
  void complain(std::size_t i, const std::string& what) {
    complain(fmt::format("{} has {} elements on a rank, {}", tensor(i).name, local(i), what));
  }

  [[nodiscard]] bool has_dim(std::size_t i, DimName name) const {
    const auto& dims = tensor(i).dims;
    return std::any_of(dims.begin(), dims.end(), [&](const Dim& dim) { return dim.name == name; });
  }
  /// Attention products and the norm of queries and keys work on parts of the fused qkv.
  [[nodiscard]] bool may_be_part(std::size_t i) const {
    return has_dim(i, DimName::qkv) &&
           (op_.component == Component::attention_core || std::holds_alternative<Norm>(op_.kind));
  }
  [[nodiscard]] bool is_half(std::size_t i, std::int64_t elements) const {
    return has_dim(i, DimName::ffn) && local(i) == 2 * elements;
  }
  [[nodiscard]] bool is_table(std::size_t i) const {
    return tensor(i).role == TensorRole::weight || tensor(i).role == TensorRole::gradient;
  }

  void expect(std::size_t i, const char* formula, std::int64_t elements) {
    if (may_be_part(i) ? local(i) < elements : local(i) != elements) {
      complain(i, fmt::format("not {} = {}", formula, elements));
    }
  }
  void expect_divides(std::size_t i, std::int64_t elements) {
    if (elements % local(i) != 0) complain(i, fmt::format("which do not divide {}", elements));
  }
  /// A table or bias of which whole rows are met, each at least once or not at all.
  void expect_rows(std::size_t i, std::int64_t elements) {
    const auto& dims = tensor(i).dims;
    const std::int64_t width = dims.empty() ? 1 : dims.back().local();
    if (elements % width == 0) return;
    complain(i, fmt::format("{}which do not divide {}", dims.size() > 1 ? "rows of " : "", elements));
  }
  /// The parameters of a norm; those of queries and of keys stand end to end.
  void expect_parameters(std::size_t i, std::int64_t width) {
    const bool of_heads = has_dim(0, DimName::qkv);
    if (local(i) != (of_heads ? 2 * width : width)) {
      complain(i, fmt::format("not {} = {}", of_heads ? "2·width" : "width", of_heads ? 2 * width : width));
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
  /// The most that one of `parts` members can hold of what is written (or read), where one dimension of each
  /// tensor is cut and does not divide evenly.
  [[nodiscard]] Bytes largest_share(bool of_written, std::int64_t parts) const {
    Bytes share;
    for (std::size_t i = 0; i < count(); ++i) {
      if ((op_.operands[i].access != Access::read) != of_written) continue;
      std::int64_t largest = tensor(i).dims.empty() ? 1 : 0;
      for (const Dim& dim : tensor(i).dims) {
        largest = std::max(largest, local(i) / dim.local() * ceil_divide(dim.local(), parts));
      }
      share += bytes_of(tensor(i).dtype, largest);
    }
    return share;
  }
  void expect_share(Bytes share, Bytes payload, std::int64_t parts, Bytes largest) {
    if (share * parts < payload || share > largest) {
      complain(fmt::format("one of {} members holds {} bytes, which is no share of {}", parts, share.value(),
                           payload.value()));
    }
  }
  /// A transfer carries its tensor, or one tensor-parallel rank's share of what all of them hold alike.
  void expect_transfer(Bytes payload) {
    const std::int64_t bytes = tensor(0).local_bytes().value();
    const std::int64_t parts = program_.group(GroupKind::tp).size;
    const bool is_share = payload.value() * parts >= bytes &&
                          payload <= largest_share(op_.operands[0].access != Access::read, parts);
    if (payload.value() != bytes && !is_share) {
      complain(fmt::format("its payload is {} bytes, but {} has {}", payload.value(), tensor(0).name, bytes));
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
