#include <fmt/core.h>

#include "planner/export/exporters.hpp"
#include "planner/export/megatron_arguments.hpp"

namespace foreshard::detail {

namespace {

std::string batch_header(const JobSpec& job) {
  return fmt::format(
      "#!/usr/bin/env bash\n"
      "#SBATCH --job-name=foreshard\n"
      "#SBATCH --nodes={}\n"
      "#SBATCH --ntasks-per-node=1\n"
      "#SBATCH --gpus-per-node={}\n"
      "#SBATCH --exclusive\n"
      "\n"
      "export MASTER_ADDR=$(scontrol show hostnames \"$SLURM_JOB_NODELIST\" | head -n 1)\n"
      "export MASTER_PORT=6000\n\n",
      job.cluster.nodes, job.cluster.devices_per_node);
}

std::string torchrun(const JobSpec& job) {
  return fmt::format(
      "srun bash -c 'torchrun --nnodes {} --nproc-per-node {} --node-rank \"$SLURM_NODEID\" \\\n"
      "  --master-addr \"$MASTER_ADDR\" --master-port \"$MASTER_PORT\" \"$@\"' --",
      job.cluster.nodes, job.cluster.devices_per_node);
}

}  // namespace

std::string slurm_script(const JobSpec& job, Unsaid& unsaid) {
  switch (job.framework) {
    case Framework::torch_fsdp:
      return batch_header(job) + torchrun(job) +
             " \\\n  -m torchtitan.train --job.config_file job.toml \"$@\"\n"
             "# job.toml: foreshard export JOB --to torchtitan\n";
    case Framework::deepspeed:
    case Framework::megatron_deepspeed:
      return batch_header(job) + torchrun(job) +
             " \\\n  train.py --deepspeed_config deepspeed.json \"$@\"\n"
             "# deepspeed.json: foreshard export JOB --to deepspeed\n";
    case Framework::nanotron:
      return batch_header(job) + torchrun(job) +
             " \\\n  run_train.py --config-file job.yaml \"$@\"\n"
             "# job.yaml: foreshard export JOB --to nanotron\n";
    case Framework::megatron:
    case Framework::foreshard: break;
  }
  return batch_header(job) + megatron_model_arguments(job, unsaid).as_array("MODEL_ARGS") + "\n" +
         megatron_training_arguments(job, unsaid).as_array("TRAINING_ARGS") + "\n" + torchrun(job) +
         " \\\n  pretrain_gpt.py \"${MODEL_ARGS[@]}\" \"${TRAINING_ARGS[@]}\" \"$@\"\n";
}

}  // namespace foreshard::detail
