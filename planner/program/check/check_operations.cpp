#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "planner/program/block_names.hpp"
#include "planner/program/check/check_parts.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// The required form of an operand list.
struct OperandForm {
  /// One letter per operand: r read, w write, a accumulate, o output (write or accumulate). A letter may be
  /// followed by ? for at most one, * for any number, + for at least one.
  std::string_view letters;
  std::string_view words;  ///< for messages
};

bool fits(char letter, char access) {
  return letter == access || (letter == 'o' && (access == 'w' || access == 'a'));
}

bool matches(std::string_view accesses, std::string_view form) {
  if (form.empty()) return accesses.empty();
  const char count = form.size() > 1 ? form[1] : '\0';
  const bool first = !accesses.empty() && fits(form[0], accesses[0]);
  const auto rest = [&] { return accesses.substr(1); };
  switch (count) {
    case '?': return matches(accesses, form.substr(2)) || (first && matches(rest(), form.substr(2)));
    case '*': return matches(accesses, form.substr(2)) || (first && matches(rest(), form));
    case '+': return first && (matches(rest(), form.substr(2)) || matches(rest(), form));
    default: return first && matches(rest(), form.substr(1));
  }
}

OperandForm pointwise_form(PointwiseKind kind, bool backward) {
  switch (kind) {
    case PointwiseKind::add: return {"rro", "a, b, y"};
    case PointwiseKind::dropout:
      return backward ? OperandForm{"rro", "dy, mask, dx"} : OperandForm{"roo", "x, y, mask"};
    case PointwiseKind::dropout_add:
      return backward ? OperandForm{"rro", "dy, mask, dx"} : OperandForm{"rroo", "a, x, y, mask"};
    case PointwiseKind::softmax:
      return backward ? OperandForm{"rro", "y, dy, dx"} : OperandForm{"ro", "x, y"};
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid:
      return backward ? OperandForm{"rro+r?o?", "x, dy, dx[, weights of rows, their gradients]"}
                      : OperandForm{"ro+r?", "x, y[, weights of rows]"};
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu:
      return backward ? OperandForm{"rro+r?o?", "gate_up, dy, d(gate_up)[, weights of rows, their gradients]"}
                      : OperandForm{"ro+r?", "gate_up, y[, weights of rows]"};
    case PointwiseKind::multiply:
      return backward ? OperandForm{"rrroor?o?", "a, b, dy, da, db[, weights of rows, their gradients]"}
                      : OperandForm{"rror?", "a, b, y[, weights of rows]"};
    case PointwiseKind::bias_gradient: return {"ro", "dy, db"};
    case PointwiseKind::zero: return {"w+", "what is zeroed (written)"};
    case PointwiseKind::sum_squares: return {"r+a", "what is summed, then the sum (accumulated)"};
    case PointwiseKind::cast: return {"ro", "x, y"};
    case PointwiseKind::accumulate: return {"ra", "x, y (accumulated)"};
    case PointwiseKind::normalise: return {"rro", "x, its sum of squares, y"};
    case PointwiseKind::relayout: return {"a+", "what is copied where it stands (accumulated)"};
    case PointwiseKind::quantise: return {"rr?w+", "x[, its largest magnitude], its copies (written)"};
    case PointwiseKind::amax: return {"rw", "x, its largest magnitude (written)"};
    case PointwiseKind::transpose: return {"rw", "x, y (written)"};
    case PointwiseKind::unit_rows:
      return backward ? OperandForm{"rrro", "x, statistics, dy, dx"} : OperandForm{"roo", "x, y, statistics"};
    case PointwiseKind::pool:
      return backward ? OperandForm{"rrrrooo?", "x, gate, bias, dy, dx, dgate[, dbias]"}
                      : OperandForm{"rrro", "x, gate, bias, y"};
    case PointwiseKind::repeat: return {"ro", "x, y"};
    case PointwiseKind::mixing_weights:
      return backward ? OperandForm{"rrroo?", "logits, bias, dweights, dlogits[, dbias]"}
                      : OperandForm{"rro", "logits, bias, weights"};
    case PointwiseKind::read_streams:
      return backward ? OperandForm{"rrroo", "weights, x, dy, dweights, dx"}
                      : OperandForm{"rro", "weights, x, y"};
    case PointwiseKind::write_streams:
      return backward ? OperandForm{"rrrrooo", "weights, x, f, dy, dweights, dx, df"}
                      : OperandForm{"rrro", "weights, x, f, y"};
  }
  return {"", "nothing"};
}

OperandForm norm_form(NormKind kind, bool backward) {
  if (kind == NormKind::rmsnorm) {
    return backward
               ? OperandForm{"rrrrr?oo?", "x, weight, stats, dy[, gradient of the residual], dx[, dweight]"}
               : OperandForm{"rro+o", "x, weight, y, stats"};
  }
  return backward ? OperandForm{"rrrrr?oo?o?",
                                "x, weight, stats, dy[, gradient of the residual], dx[, dweight, dbias]"}
                  : OperandForm{"rrro+o", "x, weight, bias, y, stats"};
}

OperandForm product_form() { return {"rror?w?", "A, B, C[, bias][, placeholder of a gradient]"}; }

OperandForm cross_entropy_form(CrossEntropyPart part, bool backward) {
  switch (part) {
    case CrossEntropyPart::row_max: return {"ro", "logits, max"};
    case CrossEntropyPart::exp_sum: return {"rrroo?", "logits, ids, max, sums[, log probabilities]"};
    case CrossEntropyPart::loss:
      return backward ? OperandForm{"rrrrow*", "logits, ids, max, sums, dlogits[, workspace]"}
                      : OperandForm{"ro", "sums, loss"};
  }
  return {"", "nothing"};
}

/// The form of an operation's operand list. None for Collective, whose operands have no fixed order.
std::optional<OperandForm> form_of(const Op& op) {
  const bool backward = is_backward(op.phase);
  struct Form {
    bool backward;
    using Result = std::optional<OperandForm>;
    Result operator()(const Gemm&) const { return product_form(); }
    Result operator()(const GroupedGemm&) const { return product_form(); }
    Result operator()(const Attention&) const {
      return backward ? OperandForm{"rrrr+o+", "inputs, o, lse, do, the inputs' gradients"}
                      : OperandForm{"r+oo", "inputs, o, lse"};
    }
    Result operator()(const Pointwise& kind) const { return pointwise_form(kind.kind, backward); }
    Result operator()(const Norm& kind) const { return norm_form(kind.kind, backward); }
    Result operator()(const Rope&) const { return OperandForm{"a", "qkv (accumulated)"}; }
    Result operator()(const Embedding&) const {
      return backward ? OperandForm{"rro", "ids, dy, dtable"} : OperandForm{"rro", "ids, table, y"};
    }
    Result operator()(const CrossEntropy& kind) const { return cross_entropy_form(kind.part, backward); }
    Result operator()(const CausalConv&) const {
      return backward ? OperandForm{"rrr?roo?o?", "x, weight, [bias,] dy, dx[, dweight[, dbias]]"}
                      : OperandForm{"rrr?o", "x, weight, [bias,] y"};
    }
    Result operator()(const LinearScan&) const {
      return backward ? OperandForm{"r+o+", "inputs, weights, the chunks' matrices, dy, then gradients"}
                      : OperandForm{"r+oo?", "inputs, weights, y[, the chunks' matrices]"};
    }
    Result operator()(const GatedNorm&) const {
      return backward ? OperandForm{"rrrrr?oo?o?", "x, [gate,] weight, stats, dy, dx[, dgate][, dweight]"}
                      : OperandForm{"rrr?oo", "x, [gate,] weight, y, stats"};
    }
    Result operator()(const Gate&) const {
      return backward ? OperandForm{"rrroo", "gate, x, dy, dgate, dx"} : OperandForm{"rro", "gate, x, y"};
    }
    Result operator()(const IndexScores&) const {
      return backward ? OperandForm{"rrrr?ooo?", "q, k, [weights,] choice, dq, dk[, dweights]"}
                      : OperandForm{"rrr?o", "q, k, [weights,] choice"};
    }
    Result operator()(const Route&) const {
      return OperandForm{"r+o+", "what is read, then what is written"};
    }
    Result operator()(const Permute&) const {
      return OperandForm{"r+o+", "what is read, then what is written"};
    }
    Result operator()(const Collective&) const { return std::nullopt; }
    Result operator()(const Send&) const { return OperandForm{"r+", "what is sent"}; }
    Result operator()(const Recv&) const { return OperandForm{"o+", "what arrives"}; }
    Result operator()(const HostCopy&) const {
      return OperandForm{"r+o+", "what is copied, then the copies"};
    }
    Result operator()(const OptimizerUpdate&) const {
      return OperandForm{"r+a*w*", "gradients (read), states (accumulated), weights (written)"};
    }
  };
  return std::visit(Form{backward}, op.kind);
}

std::string accesses_of(const Op& op) {
  std::string letters;
  for (const Operand& operand : op.operands) letters.push_back(to_string(operand.access).front());
  return letters;
}

/// True if a collective works in place, or has operands that are sent and operands that arrive. Several pairs in
/// one call may be in any order. An all-reduce that is not in place adds its result to what arrives.
bool is_collective_form(const Collective& collective, std::string_view accesses) {
  if (accesses.empty()) return false;
  if (accesses.find_first_not_of('a') == std::string_view::npos) {
    return collective.kind != CollectiveKind::all_to_all;
  }
  const bool writes = accesses.find('w') != std::string_view::npos;
  return !(collective.kind == CollectiveKind::all_reduce && writes) &&
         accesses.find('r') != std::string_view::npos &&
         accesses.find_first_not_of('r') != std::string_view::npos;
}

/// The lane on which an operation must run; none for a pipeline's transfers and
/// collectives, which may use the lane of either direction.
std::optional<Lane> lane_of(const Op& op) {
  using Result = std::optional<Lane>;
  const std::optional<Communication> communication = communication_of(op);
  if (const auto* copy = std::get_if<HostCopy>(&op.kind))
    return copy->way == HostWay::to_host ? Lane::to_host : Lane::to_device;
  if (!communication) return op.lane == Lane::cpu ? Lane::cpu : Lane::compute;
  return std::visit(overloaded{[](const Collective& collective) -> Result {
                                 if (collective.group == GroupKind::pp) return std::nullopt;
                                 return foreshard::lane_of(collective.group);
                               },
                               [](const one_of<Send, Recv> auto&) -> Result { return std::nullopt; }},
                    *communication);
}

/// True if the lane is one of transfers, and a Send or Recv goes in its direction.
bool runs_between_stages(const Op& op) {
  const std::optional<std::size_t> place = transfer_place(op.lane);
  if (!place) return false;
  const Peer to = kTransferLanes[*place].to;
  if (const auto* send = std::get_if<Send>(&op.kind)) return send->peer == to;
  if (const auto* receive = std::get_if<Recv>(&op.kind)) return receive->peer != to;
  return true;
}

void check_lane(const Block& block, const Op& op, Problems& problems) {
  const std::optional<Lane> lane = lane_of(op);
  // Frameworks with one stream for all shards queue those of experts among the others.
  if (lane == Lane::expert_dp && op.lane == Lane::dp) return;
  if (lane && op.lane != *lane) {
    problems.push_back(fmt::format("{}: a {} queues on lane {}, not {}", place_of(block, op),
                                   kind_name(op.kind), name_of(*lane), name_of(op.lane)));
  }
  if (!lane && !runs_between_stages(op)) {
    problems.push_back(fmt::format("{}: a {} queues on a lane of transfers in its direction, not {}",
                                   place_of(block, op), kind_name(op.kind), name_of(op.lane)));
  }
  if (is_kernel(op) && (op.after_compute || op.blocks_compute || op.pipelined || op.prefetch_blocks)) {
    problems.push_back(fmt::format("{}: a kernel has no edges to compute of its own", place_of(block, op)));
  }
  const bool awaits_other =
      op.host_awaits && std::none_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
        return operand.tensor == *op.host_awaits;
      });
  if (awaits_other)
    problems.push_back(
        fmt::format("{}: the host can only wait for one of its operands", place_of(block, op)));
}

}  // namespace

void check_operations(const StepProgram& program, Problems& problems) {
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      check_lane(block, op, problems);
      const std::string accesses = accesses_of(op);
      const auto form = form_of(op);
      if (form ? matches(accesses, form->letters)
               : is_collective_form(std::get<Collective>(op.kind), accesses)) {
        check_operand_sizes(program, block, op, problems);
        continue;
      }
      problems.push_back(
          fmt::format("{}: its operands are accessed as \"{}\", but a {} takes {}", place_of(block, op),
                      accesses, kind_name(op.kind),
                      form ? form->words : "what changes in place, or what is sent and what arrives"));
    }
  }
}

}  // namespace foreshard
