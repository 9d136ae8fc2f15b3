#pragma once

#include <functional>
#include <span>

#include "planner/spec/job/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/calibrate/measured_kernel.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// Of a device's memory, what steps may take while they are measured.
inline constexpr double kMeasuringShare = 0.8;

/// How long to measure, and who is told how far it is.
struct KernelBudget {
  Seconds time{5.0};     ///< of one probe; kept where the fewest steps fit into it
  int fewest_steps = 3;  ///< after one that warms up
  int most_steps = 30;
  double steady = 0.02;  ///< enough steps, once the middle half of them lies this close to the median
  Bytes memory{};        ///< that one rank may take; a probe that needs more is left out
  std::function<void(int done, int of)> progress{};  ///< on every rank; may be empty
};

/// Measures the kernels of these jobs, each inside steps of its whole job, on the device. All ranks together,
/// each its own copy of the job at the same time, as they share caches and memory in a real step. A kernel's
/// time is the median over its layers and steps, and the mean of that over ranks.
/// @param wide  a communicator for fp64, to bring times together
/// @pre the jobs run on one device, and the runtime executes them
/// @throws std::runtime_error where not even one probe has the memory it needs
KernelMeasurements measure_kernels(std::span<const JobSpec> probes, Device& device, Communicator& wide,
                                   const KernelBudget& budget);

}  // namespace foreshard
