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

  [[nodiscard]] bool in_band() const { return low <= measured && measured <= high; }
};

/// Scores one measured job. Does not check whether the job fits by the planner: it ran.
/// @throws std::invalid_argument if no step time was measured for the job
ScoredCase score_case(std::string source, const JobSpec& job, const Estimate& estimate);

}  // namespace foreshard
