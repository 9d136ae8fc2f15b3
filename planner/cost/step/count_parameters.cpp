#include "planner/cost/step/count_parameters.hpp"

#include <utility>

namespace foreshard {

// Builds the step program of one sequence of one token on one device. The step's time is not used, so all the
// device's rates are 1.
Parameters count_parameters(ModelSpec model) {
  JobSpec job;
  AcceleratorSpec& device = job.cluster.accelerator;
  device.memory_bandwidth = BytesPerSecond(1.0);
  device.gemm.fill(GemmRate{.peak = FlopsPerSecond(1.0), .efficiency = 1.0});
  device.kernels.memory_efficiency = 1.0;
  job.model = std::move(model);
  job.training.sequence_length = 1;
  job.training.global_batch = 1;
  job.training.micro_batch = 1;
  return estimate(job).parameters.total;
}

}  // namespace foreshard
