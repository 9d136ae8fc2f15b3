#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/spec/types/accelerator_spec.hpp"
#include "tools/fit_kernels/measured_kernels.hpp"

namespace foreshard::fit {

/// What a table of residuals would change on one set of measured kernels. Errors: mean of |predicted/measured − 1|.
struct ResidualGain {
  std::string data;  ///< name of the set
  bool fitted = false;
  std::int64_t kernels = 0;
  double error = 0.0;  ///< of the closed form
  /// With a table of every second shape of the set, on the shapes that it lacks; then the other way round.
  double left_out = 0.0;
  /// With tables of the accelerator's fitted sets of the same family, all shapes: how the sweeps of other people fare. None
  /// for sets that are fitted themselves, and where no set of the family is.
  std::optional<double> from_fitted{};
};

/// For every set of products, experts' products and attention that the accelerator's `fits` name.
std::vector<ResidualGain> judge_residuals(const AcceleratorSpec& accelerator,
                                          const std::map<std::string, MeasuredSet>& sets);

}  // namespace foreshard::fit
