// Prints the step time of every job in a file, and whether it fits: the planner as a library.
//
//   step_time JOB.yaml

#include <cstdio>
#include <exception>

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/load/load.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: step_time JOB.yaml\n", stderr);
    return 2;
  }
  try {
    for (const foreshard::JobSpec& job : foreshard::load_jobs(argv[1])) {
      const foreshard::Estimate estimate = foreshard::estimate(job);
      std::printf("%s: a step takes %.2f s on %lld devices; it %s\n", job.name.c_str(),
                  estimate.step.time.value(), static_cast<long long>(job.cluster.devices()),
                  estimate.memory.fits ? "fits" : "does not fit");
    }
  } catch (const foreshard::SpecError& error) {
    std::fputs(foreshard::format_diagnostics(error.diagnostics()).c_str(), stderr);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "step_time: %s\n", error.what());
    return 3;
  }
  return 0;
}
