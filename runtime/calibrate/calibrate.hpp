#pragma once

#include <functional>
#include <string>
#include <vector>

#include "planner/spec/cluster/cluster_spec.hpp"
#include "planner/spec/yaml/figure_sources.hpp"
#include "runtime/calibrate/fit_kernels.hpp"
#include "runtime/calibrate/fit_link.hpp"
#include "runtime/calibrate/kernel_probes.hpp"
#include "runtime/calibrate/measure_links.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

struct CalibrationOptions {
  std::string name;     ///< of the cluster
  std::string date;     ///< of the measurement, YYYY-MM-DD
  std::string version;  ///< of foreshard
  CalibrationEffort effort = CalibrationEffort::usual;
  Precision precision = Precision::fp32;  ///< of a processor's kernels: fp32 or bf16
  int threads = 1;                        ///< per rank
  /// Told on every rank how far it is; may be empty.
  std::function<void(const std::string& what, int done, int of)> progress{};
};

/// The machine that the ranks run on, as the planner wants to know it.
struct Calibration {
  ClusterSpec cluster;
  FigureSources sources;
  std::string comment;  ///< for the top of the file: host, date, versions, ranks
  std::vector<FamilyFit> kernels;
  std::vector<LinkFit> link;     ///< between ranks of a host; empty where each has one
  std::vector<LinkFit> network;  ///< between hosts; empty where there is one
};

/// Measures the kernels of GPUs in bf16, one rank on each, and fits the constants of `like`'s accelerator to
/// them; of several ranks also NCCL's collectives and transfers of 64 KiB to 256 MiB, and fits the links of
/// `like`. Its peak, memory, price and power stay, and links that lie between no two of the ranks. Takes
/// under a minute. All ranks together; all get the same.
/// @param ends  each rank's GPU of `like`'s kind, and how they talk
/// @throws std::runtime_error where memory does not suffice; CommunicationError
/// @pre host_layout_complaint finds nothing wrong with the session's hosts
Calibration calibrate_gpu(const MpiSession& session, const LinkEnds& ends, const ClusterSpec& like,
                          const CalibrationOptions& options);

/// Measures kernels of one precision and links with all ranks of the run, and fits the cost model's constants
/// to them. One rank is one device of accelerator `cpu`, one host a node. Takes under a minute, with quick
/// effort under 15 s, on cores that do nothing else. All ranks together; all get the same.
/// @throws std::runtime_error where memory does not suffice; CommunicationError
/// @pre host_layout_complaint finds nothing wrong with the session's hosts
Calibration calibrate(const MpiSession& session, const CalibrationOptions& options);

}  // namespace foreshard
