#include "planner/report/validation_words.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

std::string_view word_of(Basis basis) { return basis == Basis::model ? "model" : "replay"; }

std::string mark(bool passed) { return passed ? "✓" : "✗"; }

std::string counted_words(const Counted& counted, std::string_view unit) {
  if (counted.equal()) return fmt::format("{} {}", grouped(counted.counted), unit);
  return fmt::format("{} {} (planned {})", grouped(counted.counted), unit, grouped(counted.planned));
}

}  // namespace

std::string numerics_words(const NumericsCheck& check) {
  const double worst = std::max({check.loss, check.outputs, check.gradients});
  if (check.passed()) {
    const std::string rerouted =
        check.tokens_rerouted > 0
            ? fmt::format(", {} sent to its experts", counted(check.tokens_rerouted, "token", "s"))
            : "";
    return fmt::format(
        "loss, outputs and {} gradients equal the unsharded run (worst {:.1e}, norm-wise{})  {}",
        check.gradients_compared, worst, rerouted, mark(true));
  }
  return fmt::format(
      "loss {:.1e}, outputs {:.1e}, gradients {:.1e} from the unsharded run; allowed {:.0e}, gradients "
      "{:.0e}  {}",
      check.loss, check.outputs, check.gradients, check.bound, check.gradients_bound, mark(false));
}

std::string counts_words(const CountCheck& counts) {
  return fmt::format("{}, {} in {}, {} at the peak{}  {}", counted_words(counts.flops, "FLOPs"),
                     counted_words(counts.payload_bytes, "bytes"), counted_words(counts.calls, "calls"),
                     counted_words(counts.peak_bytes, "bytes"), counts.passed() ? ": as planned" : "",
                     mark(counts.passed()));
}

std::string routing_words(const RoutingCheck& routing) {
  return fmt::format(
      "{} to {} rows per expert, {:.1f} if even; the busiest rank had {:.2f} of the mean, planned with "
      "{:.2f} "
      "({} FLOPs, {} bytes)",
      grouped(routing.fewest_rows), grouped(routing.most_rows), routing.mean_rows, routing.imbalance,
      routing.planned_imbalance, grouped(routing.planned_flops), grouped(routing.planned_payload));
}

std::string basis_words(const Validation& validation) {
  std::string words = fmt::format("Basis: {}", word_of(validation.basis));
  if (validation.other_step) {
    const Basis other = validation.basis == Basis::model ? Basis::replay : Basis::model;
    words += fmt::format("; {}: {} ({})", word_of(other), with_unit(*validation.other_step),
                         signed_percent(*validation.other_step / validation.step.measured - 1.0));
  }
  if (!validation.tolerance) return words + ".";
  const bool holds = std::abs(validation.step.error().value_or(1.0)) <= *validation.tolerance;
  return words + fmt::format(". The prediction {} within {}.", holds ? "holds" : "does not hold",
                             percent(*validation.tolerance));
}

}  // namespace foreshard::report
