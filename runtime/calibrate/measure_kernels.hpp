#pragma once

#include <functional>
#include <span>

#include "planner/fit/measured_kernel.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// The share of a device's memory that steps may use while they are measured.
inline constexpr double kMeasuringShare = 0.8;

/// How long kernels are measured.
struct KernelBudget {
  Seconds time{5.0};     ///< for one probe; longer if fewest_steps need it
  int fewest_steps = 3;  ///< after one warm-up step
  int most_steps = 30;
  double steady = 0.02;  ///< stop when spread/median of the steps' times is below this
  Bytes memory{};        ///< limit for one rank; a probe that needs more is left out
  std::function<void(int done, int of)> progress{};  ///< called on every rank; may be empty
};

/// Measures the kernels of these jobs inside whole steps. All ranks call it together; each runs its own copy
/// of the job at the same time as the others, because ranks share caches and memory in a real step too. A
/// kernel's time is the median over its layers and steps, averaged over the ranks.
/// @param wide  a communicator that supports fp64, to combine times
/// @pre the jobs run on one device, and the runtime can execute them
/// @throws std::runtime_error if there is not enough memory for any probe
KernelMeasurements measure_kernels(std::span<const JobSpec> probes, Device& device, Communicator& wide,
                                   const KernelBudget& budget);

}  // namespace foreshard
