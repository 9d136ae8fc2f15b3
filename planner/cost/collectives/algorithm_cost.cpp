#include "planner/cost/collectives/algorithm_cost.hpp"

#include <stdexcept>
#include <string_view>

#include "planner/cost/collectives/nccl_tuning.hpp"

namespace foreshard {

namespace {

std::string_view name_of(CollectiveAlgorithm algorithm) {
  switch (algorithm) {
    case CollectiveAlgorithm::ring: return "ring";
    case CollectiveAlgorithm::tree: return "tree";
    case CollectiveAlgorithm::nvls: return "NVLS";
    case CollectiveAlgorithm::nvls_tree: return "NVLS tree";
    case CollectiveAlgorithm::pat: return "PAT";
    case CollectiveAlgorithm::pairwise: return "pairwise";
  }
  return "";
}

std::string_view name_of(CollectiveProtocol protocol) {
  switch (protocol) {
    case CollectiveProtocol::none: return "";
    case CollectiveProtocol::ll: return "LL";
    case CollectiveProtocol::ll128: return "LL128";
    case CollectiveProtocol::simple: return "Simple";
  }
  return "";
}

double ramp_at(SizeRamp ramp, Bytes payload, std::int64_t sharers) {
  switch (ramp) {
    case SizeRamp::none: return 1.0;
    case SizeRamp::tree_ll: return nccl::tree_correction(CollectiveProtocol::ll, payload);
    case SizeRamp::tree_ll128: return nccl::tree_correction(CollectiveProtocol::ll128, payload);
    case SizeRamp::tree_simple: return nccl::tree_correction(CollectiveProtocol::simple, payload);
    case SizeRamp::node_ring: return nccl::share_at(nccl::kNodeRingMediumShare, payload, sharers);
    case SizeRamp::nvls: return nccl::share_at(nccl::kNvlsMediumShare, payload, sharers);
  }
  return 1.0;
}

}  // namespace

std::string to_string(const CollectiveChoice& choice) {
  std::string text(name_of(choice.algorithm));
  if (choice.protocol != CollectiveProtocol::none) text.append(", ").append(name_of(choice.protocol));
  return text;
}

BytesPerSecond AlgorithmCost::rate(Bytes payload) const {
  return ramp_at(ramp, payload, sharers) * bandwidth;
}

void AlgorithmCosts::add(const AlgorithmCost& cost) {
  if (count_ == costs_.size()) throw std::logic_error("a collective has more ways than there is room for");
  costs_[count_++] = cost;
}

const AlgorithmCost& AlgorithmCosts::fastest(Bytes payload) const {
  if (count_ == 0) throw std::logic_error("there is no way to run this collective");
  const AlgorithmCost* best = costs_.data();
  Seconds least = best->time(payload);
  for (std::size_t i = 1; i < count_; ++i) {
    const Seconds time = costs_[i].time(payload);
    if (time < least) {
      least = time;
      best = &costs_[i];
    }
  }
  return *best;
}

}  // namespace foreshard
