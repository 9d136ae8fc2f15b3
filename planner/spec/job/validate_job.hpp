#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// One reason why a job cannot run as written.
struct Illegality {
  std::string path;     ///< the key to change: "parallelism.tp"
  std::string message;  ///< "6 does not divide the model's 64 heads"
  std::string allowed;  ///< "allowed here: 1, 2, 4, 8"; may be empty
};

/// Returns all reasons why a job cannot run; empty if it is legal. Checks heads and kv heads under tp, layers
/// and stages, batch divisibility, schedules' own conditions, devices = tp·pp·cp·dp, etp·ep within tp·cp·dp.
std::vector<Illegality> find_illegalities(const JobSpec& job);

}  // namespace foreshard
