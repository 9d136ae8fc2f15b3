#pragma once

#include <cstdint>
#include <optional>

#include "planner/spec/types/failure_spec.hpp"

namespace foreshard {

/// A run on many devices that fails now and then: independent exponential failures at rate devices/mtbf, also
/// while a checkpoint is written and while the run restarts; after each the run begins again where the last
/// checkpoint was written. Source: Daly 2006, "A higher order estimate of the optimum checkpoint interval for
/// restart dumps", Future Generation Computer Systems 22, section 3.
struct FailureModel {
  Seconds mtbf;        ///< of the whole run: mtbf_per_device / devices
  Seconds checkpoint;  ///< δ: to write one
  Seconds restart;     ///< R
};
/// @pre devices ≥ 1
FailureModel failure_model(const FailureSpec& failures, std::int64_t devices);

/// Of a run that gets less than this share of its time into steps that count, nobody waits for the end.
inline constexpr double kLeastGoodput = 1e-6;

/// Share of the time that goes into steps that count, with τ of computing between checkpoints:
/// τ / (M·e^(R/M)·(e^((τ+δ)/M) − 1)). 0 where that is less than kLeastGoodput: the run makes no progress.
double goodput(const FailureModel& model, Seconds interval);
/// The τ of the most goodput, found numerically; at most 10·M.
Seconds best_interval(const FailureModel& model);
/// √(2δM). Source: Young 1974, "A first order approximation to the optimum checkpoint interval", CACM 17.
Seconds young_interval(const FailureModel& model);
/// √(2δM)·(1 + √(δ/2M)/3 + (δ/2M)/9) − δ where δ < 2M, else M. Source: Daly 2006, equation 37.
Seconds daly_interval(const FailureModel& model);

/// The fewest spare nodes with which a failed one can be replaced at once 99 times in 100: failed nodes under
/// repair are Poisson distributed, on average repair/M. Source: M/G/∞, Palm's theorem.
std::int64_t spare_nodes(const FailureModel& model, Seconds repair);

/// What failures do to a whole training.
struct FailureFigures {
  Seconds mtbf;
  Seconds interval;      ///< of computing between checkpoints
  bool is_best = true;   ///< found here, not said by the job
  double goodput = 1.0;  ///< share of the time that goes into steps that count; 0: no progress
  // Of the whole training; none where it makes no progress:
  std::optional<double> failures{};      ///< expected
  std::optional<Seconds> time{};         ///< with them
  std::optional<double> device_hours{};  ///< spare nodes not counted
  std::optional<Dollars> cost{};
  std::optional<std::int64_t> spares{};  ///< where the job says how long a repair takes
};

/// @param computing  time of all steps; `price` and `devices` as of the cluster
FailureFigures failure_figures(const FailureSpec& failures, std::int64_t devices, Seconds computing,
                               const std::optional<DollarsPerSecond>& price);

}  // namespace foreshard
