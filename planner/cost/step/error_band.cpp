#include "planner/cost/step/error_band.hpp"

#include <cstddef>
#include <optional>

namespace foreshard {

double width_of(const JobSpec& job) {
  const std::optional<Confidence> products =
      job.cluster.accelerator.confidence[static_cast<std::size_t>(ConstantGroup::products)];
  const bool is_measured =
      products == Confidence::measured_sustained || products == Confidence::measured_burst;
  return (job.model.experts ? kExpertsWidth : 1.0) * (is_measured ? 1.0 : kDerivedWidth);
}

Deviations widened(const Deviations& deviations, double width) {
  const auto wider = [&](double quantile) {
    return deviations.median + width * (quantile - deviations.median);
  };
  return {.tenth = wider(deviations.tenth),
          .quarter = wider(deviations.quarter),
          .median = deviations.median,
          .three_quarters = wider(deviations.three_quarters),
          .nine_tenths = wider(deviations.nine_tenths)};
}

}  // namespace foreshard
