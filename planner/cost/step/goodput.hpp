#pragma once

#include <cstdint>
#include <optional>

#include "planner/spec/types/failure_spec.hpp"

namespace foreshard {

/// A training run with failures. They are independent and exponentially distributed, at rate
/// devices/mtbf_per_device, and also strike while a checkpoint is written or the run restarts. After a
/// failure the run resumes from the last checkpoint. Source: Daly 2006, "A higher order estimate of the
/// optimum checkpoint interval for restart dumps", Future Generation Computer Systems 22, section 3.
struct FailureModel {
  Seconds mtbf;        ///< M: of the whole run, mtbf_per_device / devices
  Seconds checkpoint;  ///< δ: time to write one checkpoint
  Seconds restart;     ///< R: time to restart after a failure
};
/// @pre devices ≥ 1
FailureModel failure_model(const FailureSpec& failures, std::int64_t devices);

/// Goodput below which a run counts as making no progress.
inline constexpr double kLeastGoodput = 1e-6;

/// Share of the time spent on steps that are not lost to a failure, with a checkpoint after every τ =
/// `interval` of computing: τ / (M·e^(R/M)·(e^((τ+δ)/M) − 1)). Returns 0 below kLeastGoodput: the run makes
/// no progress.
double goodput(const FailureModel& model, Seconds interval);
/// The τ with the highest goodput, found numerically; at most 10·M.
Seconds best_interval(const FailureModel& model);
/// √(2δM). Source: Young 1974, "A first order approximation to the optimum checkpoint interval", CACM 17.
Seconds young_interval(const FailureModel& model);
/// √(2δM)·(1 + √(δ/2M)/3 + (δ/2M)/9) − δ if δ < 2M, else M. Source: Daly 2006, equation 37.
Seconds daly_interval(const FailureModel& model);

/// The smallest number of spare nodes with which 99 of 100 failed nodes can be replaced at once. The number
/// of nodes under repair is Poisson distributed with mean repair/M. Source: M/G/∞ queue, Palm's theorem.
std::int64_t spare_nodes(const FailureModel& model, Seconds repair);

/// The effect of failures on a whole training.
struct FailureFigures {
  Seconds mtbf;
  Seconds interval;      ///< of computing between checkpoints
  bool is_best = true;   ///< computed by best_interval(), not given by the job
  double goodput = 1.0;  ///< share of the time spent on steps that are not lost; 0: no progress
  // Of the whole training; none if it makes no progress:
  std::optional<double> failures{};      ///< expected number
  std::optional<Seconds> time{};         ///< with failures
  std::optional<double> device_hours{};  ///< without spare nodes
  std::optional<Dollars> cost{};
  std::optional<std::int64_t> spares{};  ///< if the job says how long a repair takes
};

/// @param computing  time of all steps without failures
/// @param price      per device, as the cluster states it; `devices` are all of the job's devices
FailureFigures failure_figures(const FailureSpec& failures, std::int64_t devices, Seconds computing,
                               const std::optional<DollarsPerSecond>& price);

}  // namespace foreshard
