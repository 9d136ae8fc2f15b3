#include "planner/fit/fit_link.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/ops/minimise.hpp"

namespace foreshard {
namespace {

/// The cost model of a job that uses only this link: one tensor-parallel group, or one pipeline, of `members`
/// devices.
CostModel model_of(const LinkSpec& link, const LinkPlace& place, std::int64_t members, bool pipeline) {
  JobSpec job;
  job.training.precision = Precision::fp32;
  (pipeline ? job.parallelism.pp : job.parallelism.tp) = members;
  job.cluster.devices_per_node = place.across_nodes ? place.per_node : members;
  job.cluster.nodes = place.across_nodes ? members / place.per_node : 1;
  job.cluster.fabric = place.fabric;
  job.cluster.nccl = place.nccl;
  job.cluster.link = place.across_nodes ? place.inside.value_or(link) : link;
  job.cluster.network.link = link;
  AcceleratorSpec& accelerator = job.cluster.accelerator;
  accelerator.memory_bandwidth = BytesPerSecond(1.0);
  accelerator.kernels.memory_efficiency = 1.0;
  accelerator.gemm[static_cast<std::size_t>(DType::fp32)] = GemmRate{FlopsPerSecond(1.0), 1.0};
  return CostModel(job);
}

Bytes bytes_sent(const MeasuredLink& measured) {
  if (measured.operation == LinkOperation::transfer) return measured.payload;
  return ring_bytes_sent(collective_of(measured.operation), measured.payload, measured.time.ranks);
}

}  // namespace

CollectiveKind collective_of(LinkOperation operation) {
  switch (operation) {
    case LinkOperation::all_reduce: return CollectiveKind::all_reduce;
    case LinkOperation::all_gather: return CollectiveKind::all_gather;
    case LinkOperation::reduce_scatter: return CollectiveKind::reduce_scatter;
    case LinkOperation::all_to_all: return CollectiveKind::all_to_all;
    case LinkOperation::transfer:
    case LinkOperation::exchange: break;
  }
  throw std::invalid_argument("this operation is not a collective");
}

Seconds predicted(const MeasuredLink& measured, const LinkSpec& link, const LinkPlace& place) {
  const bool is_transfer = measured.operation == LinkOperation::transfer;
  const CostModel model = model_of(link, place, measured.time.ranks, is_transfer);
  if (is_transfer) return model.transfer_time(measured.payload);
  return model.collective_time(collective_of(measured.operation), measured.payload, GroupKind::tp);
}

BytesPerSecond bus_bandwidth(const MeasuredLink& measured, Seconds time) {
  return bytes_sent(measured) / time;
}

namespace {

double log_ratio(const MeasuredLink& measured, const LinkSpec& link, const LinkPlace& place) {
  return std::log(predicted(measured, link, place) / measured.time.median);
}

std::vector<LinkFit> judge(const std::vector<MeasuredLink>& all, const LinkSpec& link,
                           const LinkPlace& place) {
  std::map<LinkOperation, std::vector<const MeasuredLink*>> by_operation;
  for (const MeasuredLink& measured : all) by_operation[measured.operation].push_back(&measured);
  std::vector<LinkFit> fits;
  for (const auto& [operation, sizes] : by_operation) {
    LinkFit fit{.operation = operation, .sizes = static_cast<std::int64_t>(sizes.size())};
    const auto count = static_cast<double>(sizes.size());
    double sum = 0.0;
    double squares = 0.0;
    std::vector<double> spreads;
    for (const MeasuredLink* measured : sizes) {
      const LinkTime& time = measured->time;
      const double ratio = log_ratio(*measured, link, place);
      fit.best = std::max(fit.best, bytes_sent(*measured) / time.median);
      fit.mean_error += std::abs(std::exp(ratio) - 1.0) / count;
      sum += ratio / count;
      squares += ratio * ratio / count;
      spreads.push_back((time.upper_quartile - time.lower_quartile) / (2.0 * time.median));
    }
    fit.residual = std::sqrt(std::max(0.0, squares - sum * sum));
    std::sort(spreads.begin(), spreads.end());
    fit.unsteadiness = spreads[spreads.size() / 2];
    fits.push_back(fit);
  }
  return fits;
}

/// Narrows a coordinate to these bounds.
void bound(Coordinate& coordinate, double least, double most) {
  coordinate.most = std::min(coordinate.most, most);
  coordinate.least = std::min(std::max(coordinate.least, least), coordinate.most);
  coordinate.start = std::clamp(coordinate.start, coordinate.least, coordinate.most);
}

}  // namespace

BytesPerSecond fit_nvls(const std::vector<MeasuredLink>& measured, const LinkSpec& link, LinkPlace place) {
  BytesPerSecond best;
  for (const MeasuredLink& each : measured) best = std::max(best, each.payload / each.time.median);
  const double start = std::log(best.value());
  const auto rate_at = [](const std::vector<double>& at) {
    return BytesPerSecond(rounded(std::exp(at[0]), kFittedDigits));
  };
  return rate_at(minimise({{.start = start, .step = 0.5, .least = start - 5.0, .most = start + 5.0}},
                          [&](const std::vector<double>& at) {
                            place.nccl->nvls_bandwidth = rate_at(at);
                            double sum = 0.0;
                            for (const MeasuredLink& each : measured)
                              sum += std::abs(log_ratio(each, link, place));
                            return sum;
                          }));
}

FittedLink fit_link(const std::vector<MeasuredLink>& measured, const LinkPlace& place) {
  // The search starts at the time of the fastest message and at the best rate.
  Seconds quickest = measured.front().time.median;
  BytesPerSecond best;
  for (const MeasuredLink& each : measured) {
    quickest = std::min(quickest, each.time.median);
    best = std::max(best, bytes_sent(each) / each.time.median);
  }
  const auto logarithmic = [](double start) {
    constexpr double kWide = 10.0;  // e¹⁰: four orders of magnitude in each direction
    const double middle = std::log(start);
    return Coordinate{.start = middle, .step = 0.5, .least = middle - kWide, .most = middle + kWide};
  };
  const auto link_at = [](const std::vector<double>& at) {
    return LinkSpec{.bandwidth = BytesPerSecond(rounded(std::exp(at[0]), kFittedDigits)),
                    .efficiency = 1.0,
                    .latency = Seconds(rounded(std::exp(at[1]), kFittedDigits))};
  };
  std::vector<Coordinate> space = {logarithmic(best.value()), logarithmic(quickest.value())};
  if (place.nominal) {
    bound(space[0], space[0].least, std::log(place.nominal->bandwidth.value()));
    const Seconds latency = place.nominal->latency;
    constexpr double kFactor = 10.0;
    if (latency > Seconds())
      bound(space[1], std::log(latency.value() / kFactor), std::log(latency.value() * kFactor));
  }
  FittedLink fitted;
  fitted.link = link_at(minimise(space, [&](const std::vector<double>& at) {
    const LinkSpec link = link_at(at);
    double sum = 0.0;
    for (const MeasuredLink& each : measured) sum += std::abs(log_ratio(each, link, place));
    return sum / static_cast<double>(measured.size());
  }));
  fitted.fits = judge(measured, fitted.link, place);
  return fitted;
}

}  // namespace foreshard
