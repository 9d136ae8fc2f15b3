#include "runtime/calibrate/kernel_probes.hpp"

#include <set>

#include "planner/fit/kernel_family.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "runtime/execute/runtime_limits.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

constexpr CalibrationEffort kEfforts[] = {CalibrationEffort::quick, CalibrationEffort::usual};

TEST_CASE("the runtime executes every probe, on one device") {
  for (const CalibrationEffort effort : kEfforts) {
    for (const JobSpec& job : kernel_probes(effort)) {
      INFO(job.name);
      CHECK(what_the_runtime_lacks(job).empty());
      CHECK(job.cluster.devices() == 1);
      CHECK(job.micro_batches() == 1);
    }
  }
}

TEST_CASE("probes together run every kind of kernel that the runtime has") {
  for (const CalibrationEffort effort : kEfforts) {
    std::set<std::string> met;
    for (const JobSpec& job : kernel_probes(effort)) {
      const StepProgram program = build_step_program(job);
      for (const Block& block : program.blocks)
        for (const Op& op : block.ops)
          if (!is_communication(op)) met.insert(to_string(family_of(op)));
    }
    for (const char* family :
         {"matrix products", "attention", "attention backward", "norm", "norm backward", "activation",
          "activation backward", "rope", "rope backward", "embedding", "embedding backward", "cross entropy",
          "cross entropy backward", "elementwise", "reduction", "optimizer"}) {
      INFO(family);
      // A bias gradient belongs to the backward pass, a sum of squares to neither pass.
      CHECK((met.count(family) == 1 || met.count(std::string(family) + " backward") == 1));
    }
  }
}

}  // namespace
}  // namespace foreshard::test
