#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/spec/yaml/figure_sources.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Where something was measured.
enum class CalibratedPlace : std::uint8_t { device, within_host, across_hosts };

/// Kernels of one family, or one operation on a link, and how well the fitted constants reproduce them.
struct CalibratedFamily {
  std::string name;  ///< "matrix products", "norm backward", "all-reduce"
  CalibratedPlace place = CalibratedPlace::device;
  std::int64_t measured = 0;                  ///< number of kernels, or of message sizes
  std::optional<FlopsPerSecond> rate{};       ///< reached by large kernels; for matrix products and attention
  std::optional<BytesPerSecond> bandwidth{};  ///< reached by large sizes; for all others
  double mean_error = 0.0;                    ///< mean of |predicted/measured − 1|
  double residual = 0.0;                      ///< standard deviation of log(predicted/measured)
  double unsteadiness = 0.0;                  ///< median over the measurements of spread / median
};

/// The result of `calibrate`: a machine as a cluster spec for the planner, and what was measured on it.
struct CalibrationResult {
  ClusterSpec cluster;
  FigureSources sources;  ///< of the cluster's figures, for its file
  std::string comment;    ///< for the top of the file: host, date, versions, ranks
  std::vector<CalibratedFamily> families;
  std::vector<std::string> remarks{};

  /// The dtype of the measured matrix products: fp32 if a CPU was measured with it, else bf16.
  [[nodiscard]] DType products() const {
    const bool has_fp32 = cluster.accelerator.gemm[static_cast<std::size_t>(DType::fp32)].has_value();
    return cluster.accelerator.is_cpu && has_fp32 ? DType::fp32 : DType::bf16;
  }
};

}  // namespace foreshard
