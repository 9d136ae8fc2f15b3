#include "planner/cost/collectives/nccl_tuning.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace foreshard::nccl {

namespace {

constexpr std::size_t kSizes = 24;  // 64 B, 128 B, … 512 MiB
using Corrections = std::array<double, kSizes>;

// clang-format off
constexpr Corrections kLl    {1,  1,  1,  1,  .9, .8, .7, .7, .7, .7, .6, .5, .4, .4, .5, .6, .7, .8, .9, 1,  1,  1, 1, 1};
constexpr Corrections kLl128 {1,  1,  1,  1,  1,  .9, .8, .8, .8, .7, .6, .6, .6, .6, .6, .6, .8, .9, .9, .9, .9, 1, 1, 1};
constexpr Corrections kSimple{.9, .9, .9, .9, .9, .9, .9, .8, .7, .6, .6, .5, .5, .5, .5, .6, .7, .8, .7, .7, .8, .9, .9, .9};
// clang-format on

const Corrections& corrections_of(CollectiveProtocol protocol) {
  if (protocol == CollectiveProtocol::ll) return kLl;
  return protocol == CollectiveProtocol::ll128 ? kLl128 : kSimple;
}

}  // namespace

BytesPerSecond most_of_ll(NcclGeneration generation, std::int64_t nodes) {
  constexpr std::array<std::array<double, 3>, 4> kMostGbps{
      {{39.0, 39.0, 20.4}, {87.7, 22.5, 19.0}, {141.0, 45.0, 35.0}, {282.0, 90.0, 70.0}}};
  const std::size_t scale = nodes <= 1 ? 0 : nodes == 2 ? 1 : 2;
  return BytesPerSecond(kMostGbps[static_cast<std::size_t>(generation)][scale] * 1e9);
}

double share_at(double medium_share, Bytes payload, std::int64_t sharers) {
  constexpr std::int64_t kUsual = 8;  // members of the nodes on which the shares were measured
  constexpr double kMedium = 2.0 * kMebi;
  constexpr double kDoublings = 6.0;  // to 128 MiB
  const auto members = static_cast<double>(std::max(kUsual, sharers));
  const double above = std::log2(std::max(1.0, static_cast<double>(payload.value()) / members / kMedium));
  return medium_share + (1.0 - medium_share) * std::min(1.0, above / kDoublings);
}

double tree_correction(CollectiveProtocol protocol, Bytes payload) {
  constexpr double kSmallest = 64.0;
  const Corrections& corrections = corrections_of(protocol);
  const auto bytes = static_cast<double>(payload.value());
  if (bytes <= kSmallest) return corrections.front();
  const double at = std::log2(bytes / kSmallest);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= kSizes) return corrections.back();
  const double share = at - static_cast<double>(below);
  return corrections[below] + share * (corrections[below + 1] - corrections[below]);
}

}  // namespace foreshard::nccl
