#include "planner/report/explain/loss_check.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace foreshard::report {
namespace {

/// Half of a degree, the degree and twice, at least 1 and at most `most`: "2,4,8".
std::string around(std::int64_t degree, std::int64_t most) {
  std::vector<std::int64_t> values;
  if (degree > 1) values.push_back(degree / 2);
  values.push_back(degree);
  if (2 * degree <= most) values.push_back(2 * degree);
  return fmt::format("{}", fmt::join(values, ","));
}

}  // namespace

std::string loss_check(StepPart part, const JobSpec& job, const std::string& arguments) {
  const ParallelismSpec& p = job.parallelism;
  const std::string plan = "foreshard plan " + arguments;
  const std::string compare = "foreshard compare " + arguments;
  switch (part) {
    case StepPart::tp: return fmt::format("{} --tp {}", compare, around(p.tp, job.cluster.devices_per_node));
    case StepPart::cp: return fmt::format("{} --cp {}", compare, around(p.cp, p.cp));
    case StepPart::ep: return fmt::format("{} --ep {}", compare, around(p.ep, p.ep));
    case StepPart::pp: return fmt::format("{} --pp {}", compare, around(p.pp, job.model.layers));
    case StepPart::dp:
      return fmt::format("{} --batch {},{}", compare, job.training.global_batch,
                         checked_product(2, job.training.global_batch));
    case StepPart::bubble: return fmt::format("{} --pp {}", compare, around(p.pp, job.model.layers));
    case StepPart::imbalance:
      return p.stage_policy == StagePolicy::by_cost ? plan : plan + " --set parallelism.stages=by-cost";
    case StepPart::recompute: return compare + " --recompute none,selective,full";
    case StepPart::host: return plan + " --set training.graphs=full";
    case StepPart::shapes:
      return fmt::format("{} --micro-batch {}", compare,
                         around(job.training.micro_batch, 2 * job.training.micro_batch));
    case StepPart::sustained:
    case StepPart::attention:
    case StepPart::slowest: return "foreshard show accelerators/" + job.cluster.accelerator.name;
    default: return plan;
  }
}

}  // namespace foreshard::report
