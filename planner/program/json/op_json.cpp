#include "planner/program/json/op_json.hpp"

#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace foreshard {
namespace {

// ---- The sizes of each kind. Reader and writer share the description; a third argument is the default.

template <class Keys>
void describe(Keys& keys, Gemm& op) {
  keys("batch", op.batch, 1);
  keys("m", op.m);
  keys("n", op.n);
  keys("k", op.k);
  keys("math", op.math);
  keys("transpose_a", op.transpose_a, false);
  keys("transpose_b", op.transpose_b, false);
}
template <class Keys>
void describe(Keys& keys, GroupedGemm& op) {
  keys("experts", op.experts);
  keys("tokens", op.tokens);
  keys("n", op.n);
  keys("k", op.k);
  keys("math", op.math);
}
template <class Keys>
void describe(Keys& keys, Attention& op) {
  keys("batch", op.batch, 1);
  keys("query", op.query);
  keys("key", op.key);
  keys("heads", op.heads);
  keys("kv_heads", op.kv_heads);
  keys("head_dim", op.head_dim);
  keys("v_head_dim", op.v_head_dim);
  keys("causal", op.causal, true);
  keys("math", op.math);
  keys("window", op.window, 0);
  keys("chunk", op.chunk, 0);
  keys("documents", op.documents, {});
  keys("selected", op.selected, 0);
  keys("shared_dim", op.shared_dim, 0);
  keys("key_layout", op.key_layout, KeyLayout::by_part);
  keys("imbalance", op.imbalance, 1.0);
}
template <class Keys>
void describe(Keys& keys, Pointwise& op) {
  keys("elements", op.elements);
}
template <class Keys>
void describe(Keys& keys, Norm& op) {
  keys("kind", op.kind);
  keys("rows", op.rows);
  keys("width", op.width);
  keys("heads", op.heads, 0);
  keys("query_heads", op.query_heads, 0);
}
template <class Keys>
void describe(Keys& keys, Rope& op) {
  keys("tokens", op.tokens);
  keys("heads", op.heads);
  keys("head_dim", op.head_dim);
  keys("head_stride", op.head_stride, 0);
}
template <class Keys>
void describe(Keys& keys, Embedding& op) {
  keys("tokens", op.tokens);
  keys("width", op.width);
}
template <class Keys>
void describe(Keys& keys, CrossEntropy& op) {
  keys("part", op.part);
  keys("tokens", op.tokens);
  keys("vocab", op.vocab);
  keys("known_vocab", op.known_vocab, 0);
}
template <class Keys>
void describe(Keys& keys, CausalConv& op) {
  keys("tokens", op.tokens);
  keys("channels", op.channels);
  keys("kernel", op.kernel);
  keys("runs_again", op.runs_again, false);
}
template <class Keys>
void describe(Keys& keys, LinearScan& op) {
  keys("form", op.form);
  keys("batch", op.batch, 1);
  keys("positions", op.positions);
  keys("heads", op.heads);
  keys("key_heads", op.key_heads);
  keys("key_dim", op.key_dim);
  keys("value_dim", op.value_dim);
  keys("chunk", op.chunk);
  keys("math", op.math);
}
template <class Keys>
void describe(Keys& keys, GatedNorm& op) {
  keys("rows", op.rows);
  keys("width", op.width);
}
template <class Keys>
void describe(Keys& keys, Gate& op) {
  keys("elements", op.elements);
}
template <class Keys>
void describe(Keys& keys, IndexScores& op) {
  keys("batch", op.batch, 1);
  keys("query", op.query);
  keys("key", op.key);
  keys("heads", op.heads);
  keys("head_dim", op.head_dim);
  keys("selected", op.selected);
  keys("causal", op.causal, true);
  keys("target_heads", op.target_heads);
  keys("target_dim", op.target_dim);
  keys("math", op.math);
}
template <class Keys>
void describe(Keys& keys, Route& op) {
  keys("tokens", op.tokens);
  keys("experts", op.experts);
  keys("per_token", op.per_token);
  keys("imbalance", op.imbalance, 1.0);
}
template <class Keys>
void describe(Keys& keys, Permute& op) {
  keys("rows", op.rows);
  keys("width", op.width);
  keys("weighted", op.weighted);
  keys("weighs", op.weighs, true);
}
template <class Keys>
void describe(Keys& keys, Collective& op) {
  keys("group", op.group);
  keys("reduction", op.reduction, Reduction::sum);
  keys("payload", op.payload);
  TokenCopies copies = op.copies.value_or(TokenCopies{.ranks = 0.0, .nodes = 0.0});
  keys("rank_copies", copies.ranks, 0.0);
  keys("node_copies", copies.nodes, 0.0);
  if (copies.ranks > 0.0) op.copies = copies;
  keys("lists_shards", op.lists_shards, false);
}
template <class Keys>
void describe(Keys& keys, Send& op) {
  keys("peer", op.peer);
  keys("payload", op.payload);
}
template <class Keys>
void describe(Keys& keys, Recv& op) {
  keys("peer", op.peer);
  keys("payload", op.payload);
}
template <class Keys>
void describe(Keys& keys, HostCopy& op) {
  keys("way", op.way);
  keys("payload", op.payload);
}
template <class Keys>
void describe(Keys& keys, OptimizerUpdate& op) {
  keys("kind", op.kind);
  keys("parameters", op.parameters);
  keys("stochastic_rounding", op.stochastic_rounding, false);
}

/// The members that every operation has: those written before its sizes …
template <class Keys>
void describe_place(Keys& keys, Op& op) {
  keys("name", op.name);
  keys("component", op.component);
  keys("phase", op.phase);
  keys("lane", op.lane);
}
/// … and those written after them.
template <class Keys>
void describe_flags(Keys& keys, Op& op) {
  keys("after_compute", op.after_compute, false);
  keys("holds_compute", op.blocks_compute, false);
  keys("pipelined", op.pipelined, false);
  keys("calls", op.calls, 1);
  keys("prefetch_blocks", op.prefetch_blocks, 0);
  keys("parts", op.parts, 1);
}

// ---- The value of "op": the kind; for Pointwise and Collective their own kind ("swiglu", "all_reduce").

std::string op_word(const OpKind& kind) {
  if (const auto* collective = std::get_if<Collective>(&kind)) return std::string(name_of(collective->kind));
  return std::string(kind_name(kind));
}

/// The kind that this word names, with default sizes. Tries each alternative of the variant.
template <std::size_t I = 0>
std::optional<OpKind> kind_of_word(const std::string& word) {
  if constexpr (I == std::variant_size_v<OpKind>) {
    return std::nullopt;
  } else {
    OpKind kind{std::in_place_index<I>};
    using Kind = std::variant_alternative_t<I, OpKind>;
    if constexpr (std::is_same_v<Kind, Pointwise>) {
      if (const auto found = value_named<PointwiseKind>(word)) return Pointwise{*found, 0};
    } else if constexpr (std::is_same_v<Kind, Collective>) {
      if (const auto found = value_named<CollectiveKind>(word)) {
        Collective collective;
        collective.kind = *found;
        return collective;
      }
    } else {
      if (kind_name(kind) == word) return kind;
    }
    return kind_of_word<I + 1>(word);
  }
}

// ---- Operands: an access letter, a tensor and, unless it is 0, the layer shift: "w hidden+1".

char letter_of(Access access) { return to_string(access).front(); }

/// The position of the layer shift in an operand: that of a sign followed only by digits.
std::size_t shift_position(const std::string& name) {
  std::size_t begin = name.size();
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(name[begin - 1])) != 0) --begin;
  const bool has_digits = begin < name.size();
  const bool has_sign = begin > 0 && (name[begin - 1] == '+' || name[begin - 1] == '-');
  return has_digits && has_sign ? begin - 1 : std::string::npos;
}

std::string written_operand(const Operand& operand, const StepProgram& program) {
  std::string text = fmt::format("{} {}", letter_of(operand.access), program.tensor(operand.tensor).label);
  if (operand.layer_shift != 0) text += fmt::format("{:+d}", static_cast<int>(operand.layer_shift));
  return text;
}

Operand read_operand(const std::string& text, const std::string& path, const TensorNames& tensors) {
  Operand operand;
  const auto refuse = [&] {
    refuse_json(path, fmt::format("'{}' is no operand; write 'r', 'w' or 'a', a tensor's name, and where the "
                                  "layer is another, by how much: \"w hidden+1\"",
                                  text));
  };
  if (text.size() < 3 || text[1] != ' ') refuse();
  switch (text[0]) {
    case 'r': operand.access = Access::read; break;
    case 'w': operand.access = Access::write; break;
    case 'a': operand.access = Access::accumulate; break;
    default: refuse();
  }
  std::string name = text.substr(2);
  if (const std::size_t sign = shift_position(name); sign != std::string::npos) {
    const std::size_t digits = name[sign] == '+' ? sign + 1 : sign;  // from_chars takes '-', not '+'
    int shift = 0;
    const auto [end, error] = std::from_chars(name.data() + digits, name.data() + name.size(), shift);
    if (error != std::errc() || shift < std::numeric_limits<std::int16_t>::min() ||
        shift > std::numeric_limits<std::int16_t>::max()) {
      refuse();
    }
    operand.layer_shift = static_cast<std::int16_t>(shift);
    name.resize(sign);
  }
  const auto found = tensors.find(name);
  if (found == tensors.end()) refuse_json(path, fmt::format("no tensor is called '{}'", name));
  operand.tensor = found->second;
  return operand;
}

}  // namespace

bool is_plain_tensor_name(const std::string& name) {
  return !name.empty() && shift_position(name) == std::string::npos;
}

Json written_op(const Op& op, const StepProgram& program) {
  Op copy = op;  // the descriptions also serve the reader, so they take a mutable operation
  KeyWriter keys;
  keys("op", op_word(op.kind));
  describe_place(keys, copy);
  std::visit([&](auto& kind) { describe(keys, kind); }, copy.kind);
  describe_flags(keys, copy);
  if (op.host_awaits) keys.object()["host_awaits"] = program.tensor(*op.host_awaits).label;
  Json& operands = keys.object()["operands"] = Json::array();
  for (const Operand& operand : op.operands) operands.push_back(written_operand(operand, program));
  return keys.object();
}

Op read_op(const Json& object, const std::string& path, const TensorNames& tensors) {
  KeyReader keys(object, path);
  std::string word;
  keys("op", word);
  const auto kind = kind_of_word(word);
  if (!kind) refuse_json(keys.path_of("op"), fmt::format("'{}' is no kind of operation", word));
  Op op;
  op.kind = *kind;
  describe_place(keys, op);
  std::visit([&](auto& sizes) { describe(keys, sizes); }, op.kind);
  describe_flags(keys, op);
  std::string awaited;
  keys("host_awaits", awaited, std::string());
  if (!awaited.empty()) {
    const auto found = tensors.find(awaited);
    if (found == tensors.end())
      refuse_json(keys.path_of("host_awaits"), fmt::format("no tensor is called '{}'", awaited));
    op.host_awaits = found->second;
  }
  const std::string operands_path = keys.path_of("operands");
  const auto& operands = array_value(keys.required("operands"), operands_path);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const std::string operand_path = fmt::format("{}[{}]", operands_path, i);
    op.operands.push_back(read_operand(text_value(operands[i], operand_path), operand_path, tensors));
  }
  keys.finish();
  return op;
}

}  // namespace foreshard
