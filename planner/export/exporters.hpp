#pragma once

#include <string>

#include "planner/export/unsaid.hpp"
#include "planner/spec/types/job_spec.hpp"

// One function for each target of export_job(). Each adds to `unsaid` what its target has no option for.
namespace foreshard::detail {

std::string megatron_script(const JobSpec& job, Unsaid& unsaid);
std::string megatron_bridge_overrides(const JobSpec& job, Unsaid& unsaid);
std::string torchtitan_toml(const JobSpec& job, Unsaid& unsaid);
std::string deepspeed_json(const JobSpec& job, Unsaid& unsaid);
std::string nanotron_yaml(const JobSpec& job, Unsaid& unsaid);
std::string automodel_yaml(const JobSpec& job, Unsaid& unsaid);
std::string accelerate_yaml(const JobSpec& job, Unsaid& unsaid);
std::string nccl_tests_commands(const JobSpec& job);
std::string slurm_script(const JobSpec& job, Unsaid& unsaid);

}  // namespace foreshard::detail
