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
  double spread = 0.0;     ///< of the kernels; the band is this wide
  std::int64_t devices = 8;
};

inline ScoredCase sample_case(const SampleCase& sample) {
  ScoredCase scored;
  scored.name = sample.name;
  scored.source = sample.source;
  scored.question.model = "GPT";
  scored.question.devices = sample.devices;
  scored.predicted = Seconds(sample.predicted);
  scored.spread = sample.spread;
  scored.low = Seconds(sample.predicted * (1.0 - sample.spread));
  scored.high = Seconds(sample.predicted * (1.0 + sample.spread));
  scored.measured = Seconds(sample.measured);
  scored.error = sample.predicted / sample.measured - 1.0;
  return scored;
}

}  // namespace foreshard
