#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Predicted against measured peak memory of one device.
struct ScoredMemory {
  MemoryKind kind = MemoryKind::other;
  Bytes predicted;  ///< allocated if that was measured; else reserved, which is nearest to what tools show
  Bytes measured;
  double error = 0.0;  ///< predicted / measured − 1
};

/// Whether a job ran, and what the plan says of it.
struct ScoredVerdict {
  RunOutcome outcome = RunOutcome::ran;
  MemoryVerdict verdict = MemoryVerdict::fits;
  Bytes needed;  ///< reserved + context
  Bytes capacity;

  [[nodiscard]] bool says_it_runs() const {
    return verdict == MemoryVerdict::fits || verdict == MemoryVerdict::likely_fits;
  }
  [[nodiscard]] bool is_right() const { return says_it_runs() == (outcome == RunOutcome::ran); }
  /// True if the capacity lies within the band of what is uncertain.
  [[nodiscard]] bool is_close() const {
    return verdict == MemoryVerdict::likely_fits || verdict == MemoryVerdict::tight;
  }
};

/// The memory of one job whose step time may be unknown.
struct ScoredRun {
  std::string name;
  std::string source;
  std::optional<ScoredMemory> memory;
  std::optional<ScoredVerdict> verdict;
};

/// The question that several plans may answer: how to train the same model with the same batch on the same
/// devices.
struct Question {
  std::string model;
  Parameters parameters;
  std::string accelerator;
  std::int64_t devices = 0;
  std::int64_t global_batch = 0;     ///< sequences
  std::int64_t sequence_length = 0;  ///< tokens
  friend auto operator<=>(const Question&, const Question&) = default;
};

/// One measured job and the planner's prediction for it.
struct ScoredCase {
  std::string name;
  std::string source;  ///< where the measurement comes from: the name of its file
  Question question;
  Seconds predicted;
  double spread = 0.0;  ///< relative residual of the kernels' fit: their part of the band
  Seconds low;          ///< ends of the predicted band
  Seconds high;
  Seconds measured;
  double error = 0.0;  ///< predicted / measured − 1
  std::optional<ScoredMemory> memory;
  std::optional<ScoredVerdict> verdict;

  [[nodiscard]] bool in_band() const { return low <= measured && measured <= high; }
};

/// Scores the memory of one measured job: its peak if that was measured, and whether it ran. A job with a
/// measured step time or peak ran, if it does not say its outcome.
ScoredRun score_run(std::string source, const JobSpec& job, const Estimate& estimate);

/// Scores the step time of one measured job, and its memory.
/// @throws std::invalid_argument if no step time was measured for the job
ScoredCase score_case(std::string source, const JobSpec& job, const Estimate& estimate);

}  // namespace foreshard
