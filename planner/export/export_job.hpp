#pragma once

#include <cstdint>
#include <string>

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard {

/// What a job can be written for.
enum class ExportTarget : std::uint8_t {
  megatron,         ///< a shell script that launches Megatron-LM
  megatron_bridge,  ///< overrides of a recipe of Megatron-Bridge, KEY=VALUE
  torchtitan,       ///< a TOML file of torchtitan (releases of 2025)
  deepspeed,        ///< DeepSpeed's JSON configuration
  nanotron,         ///< a YAML file of nanotron
  automodel,        ///< a YAML file of NeMo Automodel
  accelerate,       ///< Hugging Face accelerate's YAML configuration for FSDP2
  nccl_tests,       ///< commands of nccl-tests that measure the plan's collectives at their sizes
  slurm             ///< a batch script of Slurm around the launch by the job's own framework
};

template <>
inline constexpr auto kWords<ExportTarget> =
    std::to_array<Named<ExportTarget>>({{ExportTarget::megatron, "megatron"},
                                        {ExportTarget::megatron_bridge, "megatron-bridge"},
                                        {ExportTarget::torchtitan, "torchtitan"},
                                        {ExportTarget::deepspeed, "deepspeed"},
                                        {ExportTarget::nanotron, "nanotron"},
                                        {ExportTarget::automodel, "automodel"},
                                        {ExportTarget::accelerate, "accelerate"},
                                        {ExportTarget::nccl_tests, "nccl-tests"},
                                        {ExportTarget::slurm, "slurm"}});

/// The job as arguments or configuration of the target, as one text. Comments name what the job says and the
/// target has no option for; nothing is left out in silence. Data, tokenizer, learning rates and paths are the
/// user's to add. Sources of the option names: docs/export.md.
std::string export_job(const JobSpec& job, ExportTarget target);

}  // namespace foreshard
