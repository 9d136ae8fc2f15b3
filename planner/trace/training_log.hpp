#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// What a line of a training log says of one step.
struct LoggedStep {
  std::int64_t step = 0;
  std::optional<Seconds> time;         ///< Megatron-LM: elapsed time per iteration
  std::optional<double> tokens_per_s;  ///< torchtitan: tps, of one device
  std::optional<Bytes> memory;         ///< torchtitan: the most that the allocator reserved
};

/// Reads the lines of Megatron-LM (" iteration  10/ 100 | … | elapsed time per iteration (ms): 1234.5 | …") and of
/// torchtitan ("step: 10  loss: … memory: 40.1GiB(50.5%)  tps: 7,100 …"); all other lines are passed over. Escape
/// sequences of colours are left out. Sources: NVIDIA/Megatron-LM megatron/training/training.py, training_log;
/// pytorch/torchtitan torchtitan/components/metrics.py.
std::vector<LoggedStep> read_training_log(std::istream& in);

/// Step times of a log.
struct LoggedTimes {
  std::int64_t steps = 0;
  Seconds median;
  Seconds lower_quartile;
  Seconds upper_quartile;
  std::int64_t outliers =
      0;               ///< steps beyond the quartiles by more than 1.5 times their distance (Tukey 1977)
  double drift = 0.0;  ///< median of the last third over that of the first third, less 1; 0 below 6 steps
  std::optional<Bytes> memory;  ///< the most of any step
};

/// @param tokens_per_step of one device: turns tokens per second into times
/// @returns none if no line has a time
std::optional<LoggedTimes> logged_times(const std::vector<LoggedStep>& steps, double tokens_per_step);

}  // namespace foreshard
