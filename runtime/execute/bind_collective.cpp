#include "runtime/execute/bind_collective.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "runtime/execute/bind_attention.hpp"
#include "runtime/execute/bind_codes.hpp"
#include "runtime/execute/bind_experts.hpp"
#include "runtime/execute/bind_update.hpp"
#include "runtime/execute/zero_shares.hpp"

namespace foreshard {
namespace {

class CollectiveBinding {
 public:
  CollectiveBinding(const RankView& rank, const Op& op, const Collective& collective,
                    std::span<const Buffer> operands)
      : rank_(rank), op_(op), operands_(operands) {
    bound_.call = {.kind = collective.kind, .group = collective.group, .reduction = collective.reduction};
  }

  BoundCollective run() && {
    const bool is_in_place = std::all_of(op_.operands.begin(), op_.operands.end(),
                                         [](const Operand& o) { return o.access == Access::accumulate; });
    if (is_in_place) {
      bound_.call.in_place = true;
      for (std::size_t i = 0; i < operands_.size(); ++i) bound_.pieces.push_back({reduced(i), reduced(i)});
    } else if (bound_.call.kind == CollectiveKind::all_reduce) {
      add_sums();
    } else {
      send();
    }
    return std::move(bound_);
  }

 private:
  [[nodiscard]] const Tensor& tensor(std::size_t index) const {
    return rank_.program.tensor(op_.operands[index].tensor);
  }

  /// The first tensor that is sent becomes the first that arrives, and so on.
  void send() {
    std::vector<std::size_t> sent;
    std::vector<std::size_t> arriving;
    for (std::size_t i = 0; i < operands_.size(); ++i)
      (op_.operands[i].access == Access::read ? sent : arriving).push_back(i);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (is_scaled(tensor(sent[i]).dtype)) {
        send_copy(sent[i], arriving[i]);
        continue;
      }
      bound_.pieces.push_back({held(sent[i]), held(arriving[i])});
      bound_.call.accumulate = op_.operands[arriving[i]].access == Access::accumulate;
    }
  }

  /// A copy in 8 bits.
  void send_copy(std::size_t from, std::size_t to) {
    const BoundCopy bound = bind_copy_exchange(coded_matrix(rank_.program, tensor(from), operands_[from]),
                                               coded_matrix(rank_.program, tensor(to), operands_[to]));
    bound_.pieces.insert(bound_.pieces.end(), bound.pieces.begin(), bound.pieces.end());
    bound_.after.insert(bound_.after.end(), bound.after.begin(), bound.after.end());
  }

  /// An all-reduce that adds its sums to gradients: it works in place on what is sent, and kernels add that.
  void add_sums() {
    bound_.call.in_place = true;
    const std::size_t count = operands_.size() / 2;
    for (std::size_t i = 0; i < count; ++i) {
      const Buffer sum = reduced(count + i);
      bound_.pieces.push_back({reduced(i), reduced(i)});
      bound_.after.emplace_back(PointwiseCall{
          .kind = PointwiseKind::accumulate, .elements = sum.elements, .a = reduced(i), .y = sum});
    }
  }

  /// What an in-place collective exchanges of an operand: ranks with copies of a shard sum that shard alone.
  [[nodiscard]] Buffer reduced(std::size_t index) const {
    if (bound_.call.group != GroupKind::dp_replicate) return operands_[index];
    return copied_part(rank_.program, rank_.at, tensor(index), operands_[index]);
  }

  /// The rank's share of a tensor that ZeRO shards; all of any other tensor.
  [[nodiscard]] Buffer held(std::size_t index) const {
    if (!is_cut_by_zero(tensor(index))) return operands_[index];
    return own_part(rank_.program, rank_.at, tensor(index), operands_[index]);
  }

  const RankView& rank_;
  const Op& op_;
  std::span<const Buffer> operands_;
  BoundCollective bound_;
};

}  // namespace

BoundCollective bind_collective(const RankView& rank, const Op& op, const Collective& collective,
                                std::span<const Buffer> operands, const Buffer& scratch) {
  if (collective.group == GroupKind::cp) {
    BoundExchange bound = bind_cp_exchange(rank, op, operands, scratch);
    return {.before = std::move(bound.before),
            .call = bound.call,
            .pieces = {bound.piece},
            .after = std::move(bound.after)};
  }
  if (carries_routed_rows(op))
    return {.call = bind_routed_exchange(rank, op), .pieces = {{operands[0], operands[1]}}};
  if (collective.kind == CollectiveKind::all_to_all && op.component == Component::optimizer)
    return bind_update_exchange(rank, op, collective, operands, scratch);
  return CollectiveBinding(rank, op, collective, operands).run();
}

std::int64_t scratch_elements(const StepProgram& program) {
  std::int64_t elements = 0;
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective == nullptr || collective->kind != CollectiveKind::all_to_all) continue;
      if (collective->group == GroupKind::cp)
        elements = std::max(elements, program.tensor(op.operands[0].tensor).local_elements());
      if (op.component == Component::optimizer)
        elements = std::max(elements, update_exchange_elements(program, op, *collective));
    }
  }
  return elements;
}

}  // namespace foreshard
