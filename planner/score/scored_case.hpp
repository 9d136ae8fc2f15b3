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
  /// The source says everything that the job says: nothing is assumed, nothing left out.
  bool facts_known = false;
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
  friend std::strong_ordering operator<=>(const Question&, const Question&) = default;
};

/// What a job uses, by which statistics are split.
struct CaseTraits {
  bool has_experts = false;
  std::string precision;
  std::string accelerator;  ///< its generation: the first word of its name, as in h100
  std::string framework;
  bool leaves_out = false;  ///< the job says that the run did something that no key expresses
};

/// One measured job and the planner's prediction for it.
struct ScoredCase {
  std::string name;
  std::string source;  ///< where the measurement comes from: the name of its file
  Question question;
  /// What the plan does, in words: equal for runs that are repeats of one job, whatever their release.
  std::string plan;
  CaseTraits traits;
  Seconds predicted;
  double width = 1.0;  ///< of its band, over that of a dense model on a measured accelerator (width_of)
  Seconds low;         ///< ends of the predicted band
  Seconds high;
  Seconds measured;
  double error = 0.0;  ///< predicted / measured − 1
  std::optional<ScoredMemory> memory;
  std::optional<ScoredVerdict> verdict;
  std::string not_judged;  ///< why no prediction is judged by this run (measured.not_judged); empty: it is

  [[nodiscard]] bool in_band() const { return low <= measured && measured <= high; }
};

/// Scores the memory of one measured job: its peak if that was measured, and whether it ran. A job with a
/// measured step time or peak ran, if it does not say its outcome.
ScoredRun score_run(std::string source, const JobSpec& job, const Estimate& estimate);

/// Scores the step time of one measured job, and its memory.
/// @throws std::invalid_argument if no step time was measured for the job
ScoredCase score_case(std::string source, const JobSpec& job, const Estimate& estimate);

}  // namespace foreshard
