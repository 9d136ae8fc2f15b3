#include "runtime/execute/routing.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

#include "runtime/shard/shard_map.hpp"

namespace foreshard {

namespace {

/// True for the tensor of the rows that arrive at a rank's experts. If nothing is exchanged, these are the
/// rows of the rank's own tokens.
bool holds_arriving_rows(const Tensor& tensor, bool exchanges) {
  return tensor.is({ModelPart::experts, exchanges ? TensorItem::arrived : TensorItem::sent});
}

}  // namespace

std::optional<RoutedShape> routed_shape(const StepProgram& program, const Block& forward,
                                        const Coordinates& at) {
  std::optional<RoutedShape> shape;
  for (const Op& op : forward.ops) {
    const auto* route = std::get_if<Route>(&op.kind);
    if (route == nullptr || op.phase != Phase::forward) continue;
    shape = RoutedShape{.tokens = route->tokens,
                        .per_token = route->per_token,
                        .experts = route->experts,
                        .etp = program.group(GroupKind::etp).size,
                        .ep = program.group(GroupKind::ep).size,
                        .etp_rank = shard_of(program, at).etp,
                        .ep_rank = shard_of(program, at).ep,
                        .imbalance = route->imbalance};
  }
  if (!shape) return std::nullopt;
  for (const Op& op : forward.ops) {
    for (const Operand& operand : op.operands) {
      const Tensor& tensor = program.tensor(operand.tensor);
      if (!holds_arriving_rows(tensor, shape->ep > 1)) continue;
      shape->room = tensor.dims[0].local();
      shape->hidden = tensor.dims[1].size;
    }
  }
  return shape;
}

Routing::Routing(const RoutedShape& shape, LayerId layer)
    : tokens_(shape.tokens),
      per_token_(shape.per_token),
      experts_(shape.experts),
      hidden_(shape.hidden),
      etp_(shape.etp),
      ep_(shape.ep),
      etp_rank_(shape.etp_rank),
      ep_rank_(shape.ep_rank),
      room_(shape.room),
      imbalance_(shape.imbalance),
      layer_(layer),
      places_(static_cast<std::size_t>(tokens_ * per_token_)),
      own_counts_(static_cast<std::size_t>(experts_)),
      ep_counts_(static_cast<std::size_t>(ep_ * experts_)),
      etp_counts_(static_cast<std::size_t>(etp_ * experts_)),
      sent_(static_cast<std::size_t>(ep_)),
      arrived_(static_cast<std::size_t>(ep_)),
      of_etp_(static_cast<std::size_t>(etp_)),
      next_(static_cast<std::size_t>(experts_)) {
  rows_.runs.resize(static_cast<std::size_t>(etp_ * experts_));
}

void Routing::take(std::span<const double> routes) {
  const auto expert_of = [&](std::int64_t token, std::int64_t choice) {
    return static_cast<std::size_t>(routes[static_cast<std::size_t>(token * 2 * per_token_ + choice)]);
  };
  std::fill(own_counts_.begin(), own_counts_.end(), 0);
  for (std::int64_t token = 0; token < tokens_; ++token) {
    for (std::int64_t choice = 0; choice < per_token_; ++choice) ++own_counts_[expert_of(token, choice)];
  }
  std::exclusive_scan(own_counts_.begin(), own_counts_.end(), next_.begin(), std::int64_t{0});
  for (std::int64_t token = 0; token < tokens_; ++token) {
    for (std::int64_t choice = 0; choice < per_token_; ++choice)
      places_[static_cast<std::size_t>(token * per_token_ + choice)] = next_[expert_of(token, choice)]++;
  }
}

void Routing::exchange(Communicator& communicator) {
  const std::int64_t local = experts_ / ep_;
  const auto at = [](std::int64_t index) { return static_cast<std::ptrdiff_t>(index); };
  std::copy(own_counts_.begin(), own_counts_.end(), ep_counts_.begin() + at(ep_rank_ * experts_));
  gather(communicator, GroupKind::ep, ep_counts_, ep_rank_);
  for (std::int64_t member = 0; member < ep_; ++member) {
    const auto from = ep_counts_.begin() + at(member * experts_ + ep_rank_ * local);
    std::copy(from, from + at(local), etp_counts_.begin() + at(etp_rank_ * experts_ + member * local));
    arrived_[static_cast<std::size_t>(member)] =
        hidden_ * std::accumulate(from, from + at(local), std::int64_t{0});
    const auto to = own_counts_.begin() + at(member * local);
    sent_[static_cast<std::size_t>(member)] = hidden_ * std::accumulate(to, to + at(local), std::int64_t{0});
  }
  check_room();
  gather(communicator, GroupKind::etp, etp_counts_, etp_rank_);
  for (std::int64_t rank = 0; rank < etp_; ++rank) {
    const auto from = etp_counts_.begin() + at(rank * experts_);
    of_etp_[static_cast<std::size_t>(rank)] =
        hidden_ * std::accumulate(from, from + at(experts_), std::int64_t{0});
  }
  list_rows();
}

void Routing::gather(Communicator& communicator, GroupKind group, std::vector<std::int32_t>& all,
                     std::int64_t own) const {
  if (communicator.group_size(group) == 1) return;
  auto* data = reinterpret_cast<std::byte*>(all.data());
  const Buffer whole{data, static_cast<std::int64_t>(all.size()), DType::int32};
  const Piece piece{whole.part(own * experts_, experts_), whole};
  CollectiveCall call{.kind = CollectiveKind::all_gather, .group = group};
  call.in_place = true;
  call.bookkeeping = true;
  call.pieces = std::span(&piece, 1);
  communicator.run(call);
}

void Routing::check_room() const {
  const std::int64_t rows = std::accumulate(arrived_.begin(), arrived_.end(), std::int64_t{0}) / hidden_;
  if (rows <= room_) return;
  const double mean = static_cast<double>(tokens_ * per_token_);
  throw std::runtime_error(fmt::format(
      "layer {} routes {} rows to one rank's experts, but model.experts.imbalance {} makes room for {}: "
      "say {:.2f} or more (at most {}, where all tokens meet on one rank)",
      layer_.value(), rows, imbalance_, room_, std::ceil(100.0 * static_cast<double>(rows) / mean) / 100.0,
      ep_));
}

/// Lists the rows of this rank's experts. In memory, rows are ordered by tensor-parallel rank, then by the
/// member that sent them, then by expert.
void Routing::list_rows() {
  const std::int64_t local = experts_ / ep_;
  rows_.total = 0;
  for (std::size_t i = 0; i < rows_.runs.size(); ++i) {
    const std::int64_t rows = etp_counts_[i];
    rows_.runs[i] = {.expert = static_cast<std::int64_t>(i) % local, .first = rows_.total, .rows = rows};
    rows_.total += rows;
  }
}

}  // namespace foreshard
