#include "planner/explain/explanation.hpp"

#include "planner/program/build/build_step_program.hpp"

namespace foreshard {

Explanation explain(const JobSpec& job, const Estimate& estimate) {
  return {.waterfall = waterfall(job, build_step_program(job), estimate),
          .worth = hardware_worth(job, estimate)};
}

}  // namespace foreshard
