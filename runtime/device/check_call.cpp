#include "runtime/device/check_call.hpp"

#include <string>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "planner/units/count.hpp"
#include "runtime/device/call_check.hpp"
#include "runtime/device/check_code_calls.hpp"
#include "runtime/device/moment_codes.hpp"

namespace foreshard {
namespace {

void check(const GemmCall& call) {
  const CallCheck check("gemm");
  check.has("a", call.a, checked_product(call.m, call.k), "m·k");
  check.has("b", call.b, checked_product(call.k, call.n), "k·n");
  check.has("c", call.c, checked_product(call.m, call.n), "m·n");
  check.has_or_empty("bias", call.bias, call.n, "n");
}

/// @param call  an AttentionCall or a GatheredAttentionCall
template <class Call>
void check_mask_and_sinks(const CallCheck& check, const Call& call) {
  if (call.mask.window < 0 || call.mask.chunk < 0) check.refuse("its window or its chunk is negative");
  check.has_or_empty("sinks", call.sinks, call.heads, "heads");
  if (call.backward) check.has_or_empty("d_sinks", call.d_sinks, call.sinks.elements, "heads");
}

void check(const AttentionCall& call) {
  const CallCheck check("attention");
  check_mask_and_sinks(check, call);
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
  std::int64_t elements = 0;
  if (call.heads > 0) {
    if (layer_norm) check.refuse("norms of heads must be root-mean-square norms");
    check.divides("heads", call.heads, "rows", call.rows);
    if (call.heads * call.width > call.row_width) {
      check.refuse(
          fmt::format("{} heads of {} do not fit into a row of {}", call.heads, call.width, call.row_width));
    }
    elements = checked_product(call.rows / call.heads, call.row_width);
  } else if (call.first_column + call.width > call.pitch()) {
    check.refuse(fmt::format("{} columns from column {} on do not fit into a row of {}", call.width,
                             call.first_column, call.pitch()));
  } else {
    elements = checked_product(call.rows, call.pitch());
  }
  check.has("x", call.x, elements, "rows·width");
  check.has("weight", call.weight, call.weights(), "width");
  check.has("stats", call.stats, layer_norm ? 2 * call.rows : call.rows, layer_norm ? "2·rows" : "rows");
  if (!call.backward) {
    check.has("y", call.y, elements, "rows·width");
    if (layer_norm) check.has("bias", call.bias, call.width, "width");
    return;
  }
  check.has("dy", call.dy, elements, "rows·width");
  check.has("dx", call.dx, elements, "rows·width");
  check.has_or_empty("residual", call.residual, elements, "rows·width");
  check.has_or_empty("d_weight", call.d_weight, call.weights(), "width");
  if (layer_norm) check.has_or_empty("d_bias", call.d_bias, call.width, "width");
}

void check(const RopeCall& call) {
  const CallCheck check("rope");
  check.divides("shares", call.shares > 1 ? 2 * call.shares : 1, "sequence", call.sequence);
  check.divides("sequence", call.sequence / call.shares, "tokens", call.tokens);
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

/// The kinds without a backward kernel. The gradient of an addition is the incoming gradient itself; the
/// other kinds are used only in backward and in the optimizer.
void check_without_backward(const CallCheck& check, const PointwiseCall& call) {
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
    case PointwiseKind::accumulate: return check_without_backward(check, call);
    case PointwiseKind::normalise:
      check.has("sum of squares", call.b, 1, "one sum");
      return check_without_backward(check, call);
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::relayout:
    case PointwiseKind::quantise:
    case PointwiseKind::amax:
    case PointwiseKind::transpose:
    case PointwiseKind::unit_rows:
    case PointwiseKind::pool:
    case PointwiseKind::repeat:
    case PointwiseKind::mixing_weights:
    case PointwiseKind::read_streams:
    case PointwiseKind::write_streams: check.refuse("no device runs it");
  }
}

void check_moment(const CallCheck& check, std::string_view name, const UpdateCall& call, Buffer moment,
                  Buffer scale) {
  check.has(name, moment, call.elements, "elements");
  if (call.is_8bit()) check.has("its scales", scale, ceil_divide(call.elements, kElementsPerScale), "blocks");
}

/// Muon's: gradients to iterates, or iterates to weights.
void check_muon(const CallCheck& check, const UpdateCall& call) {
  check.has("iterate", call.iterate, call.elements, "elements");
  if (call.gradient.empty()) return check.has("weight", call.weight, call.elements, "elements");
  check.has("grad_norm", call.grad_norm, 1, "one norm");
  if (call.is_8bit()) check.refuse("its momentum is fp32 or bf16");
  check.has("m", call.m, call.elements, "elements");
}

void check(const UpdateCall& call) {
  const CallCheck check("update");
  if (call.step == nullptr) check.refuse("step is missing");
  check.has_or_empty("gradient", call.gradient, call.elements, "elements");
  check.has_or_empty("master", call.master, call.elements, "elements");
  if (call.kind == OptimizerKind::muon) return check_muon(check, call);
  check.has("gradient", call.gradient, call.elements, "elements");
  check.has("grad_norm", call.grad_norm, 1, "one norm");
  check.has("weight", call.weight, call.elements, "elements");
  if (call.kind == OptimizerKind::sgd) return;
  check_moment(check, "m", call, call.m, call.m_scale);
  if (call.kind == OptimizerKind::lion) return;
  check_moment(check, "v", call, call.v, call.v_scale);
}

void check_heads(const CallCheck& check, std::string_view operand, const HeadColumns& heads,
                 std::int64_t rows, std::int64_t last_column) {
  check.has(operand, heads.x, checked_product(rows, heads.row_width), "rows·row_width");
  if (heads.first_column + last_column > heads.row_width) {
    check.refuse(fmt::format("{} has heads up to column {} of rows of {}", operand,
                             heads.first_column + last_column, heads.row_width));
  }
}

void check(const GatheredAttentionCall& call) {
  const CallCheck check("attention");
  check_mask_and_sinks(check, call);
  check.divides("kv_heads", call.kv_heads, "heads", call.heads);
  const std::int64_t queries = call.queries.rows();
  const std::int64_t keys = call.keys.rows();
  if (call.keys.length() != call.keys.sequence || call.keys.sequence != call.queries.sequence ||
      call.keys.batch != call.queries.batch) {
    check.refuse("its keys must be all positions of its queries' sequences");
  }
  const auto check_all = [&](const char* q, const HeadColumns& of_q, const char* k, const HeadColumns& of_k,
                             const char* shared, const HeadColumns& of_shared, const char* v,
                             const HeadColumns& of_v) {
    check_heads(check, q, of_q, queries, (call.heads - 1) * of_q.head_stride + call.key_dim());
    check_heads(check, k, of_k, keys, (call.kv_heads - 1) * of_k.head_stride + call.own_dim);
    if (call.shared_dim > 0) check_heads(check, shared, of_shared, keys, call.shared_dim);
    check_heads(check, v, of_v, keys, (call.kv_heads - 1) * of_v.head_stride + call.v_head_dim);
  };
  check_all("q", call.q, "k", call.k, "shared_k", call.shared_k, "v", call.v);
  const std::int64_t out = checked_product(queries, call.heads, call.v_head_dim);
  check.has("out", call.out, out, "rows·heads·v_head_dim");
  check.has("lse", call.lse, queries * call.heads, "rows·heads");
  if (!call.backward) return;
  check.has("d_out", call.d_out, out, "rows·heads·v_head_dim");
  check_all("dq", call.dq, "dk", call.dk, "d_shared_k", call.d_shared_k, "dv", call.dv);
}

void check(const GateCall& call) {
  const CallCheck check("gate");
  check.divides("width", call.width, "elements", call.elements);
  const std::int64_t gates = call.elements / call.width;
  check.has("gate", call.gate, gates, "elements/width");
  check.has("x", call.x, call.elements, "elements");
  if (!call.backward) return check.has("y", call.y, call.elements, "elements");
  check.has("dy", call.dy, call.elements, "elements");
  check.has("d_gate", call.d_gate, gates, "elements/width");
  check.has("dx", call.dx, call.elements, "elements");
}

void check(const ColumnsCall& call) {
  const CallCheck check("columns");
  check.has("x", call.x, checked_product(call.rows, call.x_width), "rows·x_width");
  check.has("y", call.y, checked_product(call.rows, call.y_width), "rows·y_width");
  if (call.x_column + call.width > call.x_width || call.y_column + call.width > call.y_width)
    check.refuse(fmt::format("{} columns reach beyond their row", call.width));
}

void check(const RouteCall& call) {
  const CallCheck check("route");
  check.has("routes", call.routes, checked_product(2, call.tokens, call.per_token), "2·tokens·per_token");
  const std::int64_t logits = checked_product(call.tokens, call.experts);
  if (!call.backward) return check.has("logits", call.logits, logits, "tokens·experts");
  check.has("d_routes", call.d_routes, call.routes.elements, "2·tokens·per_token");
  check.has("d_logits", call.d_logits, logits, "tokens·experts");
}

void check(const PermuteCall& call) {
  const CallCheck check("permute");
  const std::int64_t rows = checked_product(call.tokens, call.per_token, call.width);
  if (call.places == nullptr) check.refuse("places are missing");
  check.has("token_rows", call.token_rows, checked_product(call.tokens, call.width), "tokens·width");
  check.has("expert_rows", call.expert_rows, rows, "tokens·per_token·width");
  check.has("routes", call.routes, checked_product(2, call.tokens, call.per_token), "2·tokens·per_token");
  if (!call.backward || !call.weighted) return;
  check.has("d_expert_rows", call.d_expert_rows, rows, "tokens·per_token·width");
  check.has("d_routes", call.d_routes, call.routes.elements, "2·tokens·per_token");
}

void check(const GroupedGemmCall& call) {
  const CallCheck check("grouped gemm");
  if (call.routed == nullptr) check.refuse("routed rows are missing");
  check.has("x", call.x, checked_product(call.room, call.in), "room·in");
  check.has("y", call.y, checked_product(call.room, call.out), "room·out");
  check.has("weight", call.weight, checked_product(call.experts, call.out, call.in), "experts·out·in");
  if (!call.bias.empty()) {
    if (call.part != GroupedPart::forward) check.refuse("only forward adds a bias");
    check.has("bias", call.bias, checked_product(call.experts, call.out), "experts·out");
  }
  if (call.routed->total > call.room)
    check.refuse(fmt::format("{} rows were routed to room for {}", call.routed->total, call.room));
}

void check(const GroupedBiasCall& call) {
  const CallCheck check("grouped bias gradient");
  if (call.routed == nullptr) check.refuse("routed rows are missing");
  check.has("dy", call.dy, checked_product(call.room, call.width), "room·width");
  check.has("d_bias", call.d_bias, checked_product(call.experts, call.width), "experts·width");
  if (call.routed->total > call.room)
    check.refuse(fmt::format("{} rows were routed to room for {}", call.routed->total, call.room));
}

}  // namespace

void check_call(const KernelCall& call) {
  std::visit(
      [](const auto& kind) {
        if constexpr (requires { check_code_call(kind); }) {
          check_code_call(kind);
        } else {
          check(kind);
        }
      },
      call);
}

}  // namespace foreshard
