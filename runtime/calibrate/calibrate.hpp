#pragma once

#include <functional>
#include <string>
#include <vector>

#include "planner/fit/fit_kernels.hpp"
#include "planner/fit/fit_link.hpp"
#include "planner/spec/types/cluster_spec.hpp"
#include "planner/spec/yaml/figure_sources.hpp"
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
  Precision precision = Precision::fp32;  ///< of the CPU's kernels: fp32 or bf16
  int threads = 1;                        ///< per rank
  /// Called on every rank with the progress; may be empty.
  std::function<void(const std::string& what, int done, int of)> progress{};
};

/// What the planner needs to know about the machine on which the ranks run.
struct Calibration {
  ClusterSpec cluster;
  FigureSources sources;
  std::string comment;  ///< for the top of the file: host, date, versions, ranks
  std::vector<FamilyFit> kernels;
  std::vector<LinkFit> link;     ///< between ranks of one host; empty if each rank has a host of its own
  std::vector<LinkFit> network;  ///< between hosts; empty if there is one host
};

/// Measures the kernels of GPUs in bf16, one rank per GPU, and fits the constants of the accelerator of
/// `like` to them. With several ranks it also measures NCCL's collectives and transfers of 64 KiB to 256 MiB,
/// and fits the links of `like`. Peak rate, memory, price, power, and links that connect no two of the ranks,
/// stay those of `like`. Takes under a minute. All ranks call it together, and all get the same result.
/// @param ends  each rank's GPU, of the kind in `like`, and how the ranks communicate
/// @throws std::runtime_error if there is not enough memory; CommunicationError
/// @pre host_layout_complaint(session.hosts()) is empty
Calibration calibrate_gpu(const MpiSession& session, const LinkEnds& ends, const ClusterSpec& like,
                          const CalibrationOptions& options);

/// Measures kernels of one precision, and links, with all ranks of the run, and fits the cost model's
/// constants to them. Each rank is one device of accelerator `cpu`, each host is one node. Takes under a
/// minute, or under 15 s with quick effort, on cores that do nothing else. All ranks call it together, and
/// all get the same result.
/// @throws std::runtime_error if there is not enough memory; CommunicationError
/// @pre host_layout_complaint(session.hosts()) is empty
Calibration calibrate(const MpiSession& session, const CalibrationOptions& options);

}  // namespace foreshard
