#include "planner/export/export_job.hpp"

#include <fmt/core.h>

#include "planner/export/exporters.hpp"

namespace foreshard {

std::string export_job(const JobSpec& job, ExportTarget target) {
  using namespace detail;
  Unsaid unsaid;
  std::string text;
  switch (target) {
    case ExportTarget::megatron: text = megatron_script(job, unsaid); break;
    case ExportTarget::megatron_bridge: text = megatron_bridge_overrides(job, unsaid); break;
    case ExportTarget::torchtitan: text = torchtitan_toml(job, unsaid); break;
    case ExportTarget::deepspeed: return deepspeed_json(job, unsaid);
    case ExportTarget::nanotron: text = nanotron_yaml(job, unsaid); break;
    case ExportTarget::automodel: text = automodel_yaml(job, unsaid); break;
    case ExportTarget::accelerate: text = accelerate_yaml(job, unsaid); break;
    case ExportTarget::nccl_tests: return nccl_tests_commands(job);
    case ExportTarget::slurm: text = slurm_script(job, unsaid); break;
  }
  return text + unsaid.comments("#");
}

}  // namespace foreshard
