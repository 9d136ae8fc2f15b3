#pragma once

#include <string>

#include "planner/score/scored_case.hpp"

/// Cases filled by hand.
namespace foreshard {

struct SampleCase {
  std::string name = "case";
  std::string source = "paper";
  double predicted = 1.0;  ///< s
  double measured = 1.0;   ///< s
  double spread = 0.0;     ///< the band reaches so far to both sides
  std::int64_t devices = 8;
  std::string plan{};  ///< unsaid, one of its own
  double width = 1.0;  ///< of the band, over the usual one
};

inline ScoredCase sample_case(const SampleCase& sample) {
  ScoredCase scored;
  scored.name = sample.name;
  scored.source = sample.source;
  scored.question.model = "GPT";
  scored.question.devices = sample.devices;
  scored.predicted = Seconds(sample.predicted);
  scored.width = sample.width;
  scored.plan = sample.plan;
  if (sample.plan.empty())
    scored.plan = std::to_string(sample.predicted) + " for " + std::to_string(sample.measured);
  scored.low = Seconds(sample.predicted * (1.0 - sample.spread));
  scored.high = Seconds(sample.predicted * (1.0 + sample.spread));
  scored.measured = Seconds(sample.measured);
  scored.error = sample.predicted / sample.measured - 1.0;
  return scored;
}

}  // namespace foreshard
