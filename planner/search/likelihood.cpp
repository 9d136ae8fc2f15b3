#include "planner/search/likelihood.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "planner/cost/step/error_band.hpp"

namespace foreshard {
namespace {

/// A normal variable lies within this many standard deviations with probability kBandShare, 80%: Φ⁻¹(0.9).
/// The half-width of a band divided by this is its standard deviation. Source: any table of the normal
/// distribution.
constexpr double kBandSigmas = 1.2816;

/// The part of the error variance of a kernel that depends on its size; the rest is common to kernels of its
/// kind. Not measured; one half is assumed.
constexpr double kOfSizes = 0.5;

enum Kind : std::size_t { gemms, attention, scans, passes, first_communication };
constexpr std::size_t kKernelKinds = first_communication;
constexpr std::size_t kKinds = kKernelKinds + kCommAxisCount + 2;  // the optimizer, the host

/// Shares of the step time without the bubble, by kind of work.
std::array<double, kKinds> shares_of(const StepFigures& step) {
  const StepBreakdown& parts = step.breakdown;
  const Seconds all = step.time - parts.bubble;
  std::array<double, kKinds> shares{};
  // The slowdown of kernels by overlapped communication is spread evenly over all kernels.
  const Seconds kernels =
      step.detail.gemms + step.detail.attention_core + step.detail.scans + step.detail.memory_bound;
  const double slowed = kernels > Seconds(0.0) ? parts.compute / kernels : 1.0;
  shares[gemms] = slowed * (step.detail.gemms / all);
  shares[attention] = slowed * (step.detail.attention_core / all);
  shares[scans] = slowed * (step.detail.scans / all);
  shares[passes] = slowed * (step.detail.memory_bound / all);
  std::size_t kind = first_communication;
  for (const Seconds time : {parts.tp_exposed, parts.pp_exposed, parts.dp_exposed, parts.cp_exposed,
                             parts.ep_exposed, parts.offload_exposed, parts.optimizer, parts.overhead})
    shares[kind++] = time / all;
  return shares;
}

/// True if two plans run kernels of the same sizes in the same precision.
bool have_same_sizes(const JobSpec& a, const JobSpec& b) {
  return a.parallelism.tp == b.parallelism.tp && a.parallelism.cp == b.parallelism.cp &&
         a.parallelism.ep == b.parallelism.ep && a.training.micro_batch == b.training.micro_batch &&
         a.training.sequence_length == b.training.sequence_length &&
         a.training.precision == b.training.precision;
}

/// The correlation ρ of the errors of two plans on one cluster.
double correlation(const ComparedVariant& a, const ComparedVariant& b) {
  const auto here = shares_of(a.estimate->step);
  const auto there = shares_of(b.estimate->step);
  const double of_kernels = have_same_sizes(a.variant.job, b.variant.job) ? 1.0 : 1.0 - kOfSizes;
  double shared = 0.0;
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    shared += (kind < kKernelKinds ? of_kernels : 1.0) * std::min(here[kind], there[kind]);
  return std::min(shared, 1.0);
}

bool on_one_cluster(const ClusterSpec& a, const ClusterSpec& b) {
  return a.name == b.name && a.accelerator.name == b.accelerator.name;
}

}  // namespace

double sigma_of_difference(const ComparedVariant& a, const ComparedVariant& b) {
  const double first = a.estimate->step.spread / kBandSigmas;
  const double second = b.estimate->step.spread / kBandSigmas;
  const bool share = on_one_cluster(a.variant.job.cluster, b.variant.job.cluster);
  const double rho = share ? correlation(a, b) : 0.0;
  return std::sqrt(std::max(0.0, first * first + second * second - 2.0 * rho * first * second));
}

double probability_faster(const ComparedVariant& a, const ComparedVariant& b) {
  const double lead = std::log(time_per_token(*b.estimate) / time_per_token(*a.estimate));
  const double sigma = sigma_of_difference(a, b);
  if (!(sigma > 0.0)) return lead > 0.0 ? 1.0 : lead < 0.0 ? 0.0 : 0.5;
  return 0.5 * std::erfc(-lead / (sigma * std::sqrt(2.0)));
}

}  // namespace foreshard
