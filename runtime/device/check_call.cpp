#include "runtime/device/check_call.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "planner/units/count.hpp"

namespace foreshard {
namespace {

/// The buffers and sizes of one call; complaints begin with its name.
class CallCheck {
 public:
  explicit CallCheck(std::string kernel) : kernel_(std::move(kernel)) {}

  void has(std::string_view operand, Buffer buffer, std::int64_t elements, std::string_view formula) const {
    if (buffer.elements == elements) return;
    refuse(fmt::format("{} has {} elements, but {} = {}", operand, buffer.elements, formula, elements));
  }
  void has_or_empty(std::string_view operand, Buffer buffer, std::int64_t elements,
                    std::string_view formula) const {
    if (!buffer.empty()) has(operand, buffer, elements, formula);
  }
  void divides(std::string_view divisor, std::int64_t divisor_value, std::string_view whole,
               std::int64_t whole_value) const {
    if (divisor_value > 0 && whole_value % divisor_value == 0) return;
    refuse(fmt::format("{} {} does not divide {} {}", divisor, divisor_value, whole, whole_value));
  }
  [[noreturn]] void refuse(std::string_view why) const {
    throw std::invalid_argument(fmt::format("{}: {}", kernel_, why));
  }

 private:
  std::string kernel_;
};

void check(const GemmCall& call) {
  const CallCheck check("gemm");
  check.has("a", call.a, checked_product(call.m, call.k), "m·k");
  check.has("b", call.b, checked_product(call.k, call.n), "k·n");
  check.has("c", call.c, checked_product(call.m, call.n), "m·n");
  check.has_or_empty("bias", call.bias, call.n, "n");
}

void check(const AttentionCall& call) {
  const CallCheck check("attention");
  check.divides("kv_heads", call.kv_heads, "heads", call.heads);
  const std::int64_t tokens = checked_product(call.batch, call.sequence);
  const std::int64_t qkv = checked_product(tokens, (call.heads + 2 * call.kv_heads) * call.head_dim);
  const std::int64_t out = checked_product(tokens, call.heads * call.head_dim);
  check.has("qkv", call.qkv, qkv, "batch·sequence·(heads + 2·kv_heads)·head_dim");
  check.has("out", call.out, out, "batch·sequence·heads·head_dim");
  check.has("lse", call.lse, tokens * call.heads, "batch·sequence·heads");
  if (!call.backward) return;
  check.has("d_out", call.d_out, out, "batch·sequence·heads·head_dim");
  check.has("d_qkv", call.d_qkv, qkv, "batch·sequence·(heads + 2·kv_heads)·head_dim");
}

void check(const NormCall& call) {
  const bool layer_norm = call.kind == NormKind::layernorm;
  const CallCheck check(layer_norm ? "layernorm" : "rmsnorm");
  const std::int64_t elements = checked_product(call.rows, call.width);
  check.has("x", call.x, elements, "rows·width");
  check.has("weight", call.weight, call.width, "width");
  check.has("stats", call.stats, layer_norm ? 2 * call.rows : call.rows, layer_norm ? "2·rows" : "rows");
  if (!call.backward) {
    check.has("y", call.y, elements, "rows·width");
    if (layer_norm) check.has("bias", call.bias, call.width, "width");
    return;
  }
  check.has("dy", call.dy, elements, "rows·width");
  check.has("dx", call.dx, elements, "rows·width");
  check.has_or_empty("residual", call.residual, elements, "rows·width");
  check.has_or_empty("d_weight", call.d_weight, call.width, "width");
  if (layer_norm) check.has_or_empty("d_bias", call.d_bias, call.width, "width");
}

void check(const RopeCall& call) {
  const CallCheck check("rope");
  check.divides("sequence", call.sequence, "tokens", call.tokens);
  if (call.head_dim % 2 != 0)
    check.refuse(fmt::format("head_dim {} is odd: its halves pair up", call.head_dim));
  if (call.heads * call.head_dim > call.row_width) {
    check.refuse(
        fmt::format("{} heads of {} do not fit into a row of {}", call.heads, call.head_dim, call.row_width));
  }
  check.has("x", call.x, checked_product(call.tokens, call.row_width), "tokens·row_width");
}

void check(const EmbeddingCall& call) {
  const CallCheck check("embedding");
  const std::int64_t elements = checked_product(call.tokens, call.width);
  const std::int64_t table = checked_product(call.rows, call.width);
  check.has("ids", call.ids, call.tokens, "tokens");
  if (call.backward) {
    check.has("dy", call.dy, elements, "tokens·width");
    check.has("d_table", call.d_table, table, "rows·width");
  } else {
    check.has("table", call.table, table, "rows·width");
    check.has("y", call.y, elements, "tokens·width");
  }
}

void check(const CrossEntropyCall& call) {
  const CallCheck check("cross-entropy");
  const std::int64_t elements = checked_product(call.tokens, call.columns);
  const bool reads_logits = call.part != CrossEntropyPart::loss || call.backward;
  if (call.backward && call.part != CrossEntropyPart::loss) check.refuse("only its loss has a backward");
  if (reads_logits) {
    check.has("logits", call.logits, elements, "tokens·columns");
    check.has("max", call.max, call.tokens, "tokens");
  }
  if (call.part == CrossEntropyPart::row_max) return;
  check.has("sums", call.sums, 2 * call.tokens, "2·tokens");
  if (reads_logits) check.has("labels", call.labels, call.tokens, "tokens");
  if (call.part != CrossEntropyPart::loss) return;
  if (call.backward) {
    check.has("d_logits", call.d_logits, elements, "tokens·columns");
  } else {
    check.has("loss", call.loss, 1, "one loss");
  }
}

/// y = f(x), or dx = dy · f′(x).
void check_activation(const CallCheck& check, const PointwiseCall& call) {
  check.has("x", call.a, call.elements, "elements");
  if (call.backward) check.has("dy", call.b, call.elements, "elements");
  check.has(call.backward ? "dx" : "y", call.y, call.elements, "elements");
}

/// y = f(gate) ∘ up, or d{gate, up}.
void check_gated(const CallCheck& check, const PointwiseCall& call) {
  check.divides("width", call.width, "elements", call.elements);
  check.has("x", call.a, 2 * call.elements, "2·elements");
  if (call.backward) {
    check.has("dy", call.b, call.elements, "elements");
    check.has("dx", call.y, 2 * call.elements, "2·elements");
  } else {
    check.has("y", call.y, call.elements, "elements");
  }
}

void check_multiply(const CallCheck& check, const PointwiseCall& call) {
  check.has("a", call.a, call.elements, "elements");
  check.has("b", call.b, call.elements, "elements");
  if (call.backward) {
    check.has("dy", call.c, call.elements, "elements");
    check.has("da", call.y, call.elements, "elements");
    check.has("db", call.y2, call.elements, "elements");
  } else {
    check.has("y", call.y, call.elements, "elements");
  }
}

/// The kinds that have no backward of their own: a gradient passes an addition as it is, the others belong to
/// backward or to the optimizer themselves.
void check_one_way(const CallCheck& check, const PointwiseCall& call) {
  if (call.backward) check.refuse("it has no backward");
  if (call.kind != PointwiseKind::zero) check.has("a", call.a, call.elements, "elements");
  if (call.kind == PointwiseKind::add) check.divides("b's size", call.b.elements, "elements", call.elements);
  if (call.kind == PointwiseKind::bias_gradient) {
    check.divides("width", call.width, "elements", call.elements);
    check.has("d_bias", call.y, call.width, "width");
  } else if (call.kind == PointwiseKind::sum_squares) {
    check.has("sum", call.y, 1, "one sum");
  } else {
    check.has("y", call.y, call.elements, "elements");
  }
}

void check(const PointwiseCall& call) {
  const CallCheck check{std::string(to_string(call.kind))};
  switch (call.kind) {
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid: return check_activation(check, call);
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu: return check_gated(check, call);
    case PointwiseKind::multiply: return check_multiply(check, call);
    case PointwiseKind::add:
    case PointwiseKind::bias_gradient:
    case PointwiseKind::zero:
    case PointwiseKind::sum_squares:
    case PointwiseKind::cast:
    case PointwiseKind::accumulate: return check_one_way(check, call);
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::relayout: check.refuse("no device runs it");
  }
}

void check(const UpdateCall& call) {
  const CallCheck check("update");
  if (call.step == nullptr) check.refuse("step is missing");
  check.has("gradient", call.gradient, call.elements, "elements");
  check.has("grad_norm", call.grad_norm, 1, "one norm");
  check.has("weight", call.weight, call.elements, "elements");
  check.has_or_empty("master", call.master, call.elements, "elements");
  if (call.kind == OptimizerKind::sgd) return;
  check.has("m", call.m, call.elements, "elements");
  check.has("v", call.v, call.elements, "elements");
}

}  // namespace

void check_call(const KernelCall& call) {
  std::visit([](const auto& kind) { check(kind); }, call);
}

}  // namespace foreshard
