#include "sim/study/play_trainings.hpp"

#include <algorithm>
#include <cstdint>

#include "sim/failures/failure_run.hpp"

namespace foreshard {

std::optional<PlayedTrainings> play_trainings(const JobSpec& job, const TrainingFigures& training) {
  if (!training.failures || !training.failures->time || !training.time) return std::nullopt;
  constexpr double kMostSegments = 5e6;  // takes about a second
  constexpr double kFewestRuns = 20.0;
  constexpr double kMostRuns = 1000.0;
  constexpr std::uint64_t kSeed = 1;
  const double segments = *training.time / training.failures->interval;
  const auto runs = static_cast<std::int64_t>(std::clamp(kMostSegments / segments, kFewestRuns, kMostRuns));
  return play_failures(failure_model(*job.training.failures, job.cluster.devices()),
                       training.failures->interval, *training.time, runs, kSeed);
}

}  // namespace foreshard
