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

/// Kernels of one family, or one operation of a link, with how well the fitted constants reproduce them.
struct CalibratedFamily {
  std::string name;  ///< "matrix products", "norm backward", "all-reduce"
  CalibratedPlace place = CalibratedPlace::device;
  std::int64_t measured = 0;                  ///< kernels, or sizes of messages
  std::optional<FlopsPerSecond> rate{};       ///< that large ones reach; of products and attention
  std::optional<BytesPerSecond> bandwidth{};  ///< that large ones reach; of all others
  double mean_error = 0.0;                    ///< mean of |predicted/measured − 1|
  double residual = 0.0;                      ///< standard deviation of log(predicted/measured)
  double unsteadiness = 0.0;                  ///< median spread of a measurement over its median
};

/// What `calibrate` answers: a machine as the planner wants to know it, and what was measured of it.
struct CalibrationResult {
  ClusterSpec cluster;
  FigureSources sources;  ///< of the cluster's figures, for its file
  std::string comment;    ///< for the top of the file: host, date, versions, ranks
  std::vector<CalibratedFamily> families;
  std::vector<std::string> remarks{};

  /// What the measured matrix products multiply: fp32 where a processor was measured in it, else bf16.
  [[nodiscard]] DType products() const {
    const bool has_fp32 = cluster.accelerator.gemm[static_cast<std::size_t>(DType::fp32)].has_value();
    return cluster.accelerator.is_cpu && has_fp32 ? DType::fp32 : DType::bf16;
  }
};

}  // namespace foreshard
