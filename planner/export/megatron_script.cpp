#include <fmt/core.h>

#include "planner/export/exporters.hpp"
#include "planner/export/megatron_arguments.hpp"

namespace foreshard::detail {

std::string megatron_script(const JobSpec& job, Unsaid& unsaid) {
  const std::string model = megatron_model_arguments(job, unsaid).as_array("MODEL_ARGS");
  const std::string training = megatron_training_arguments(job, unsaid).as_array("TRAINING_ARGS");
  // Data, tokenizer, learning rate and checkpoints are the user's: they come after the script's name.
  return fmt::format(
      "#!/usr/bin/env bash\n"
      "# Run on every node, with NODE_RANK and MASTER_ADDR. Further arguments of Megatron-LM follow the "
      "script's\n"
      "# name: data, tokenizer, learning rate, checkpoints. Without them it trains on mock data:\n"
      "#   ./run.sh --mock-data --lr 1e-4\n"
      "{}\n{}\n"
      "torchrun --nnodes {} --nproc-per-node {} --node-rank \"${{NODE_RANK:-0}}\" \\\n"
      "  --master-addr \"${{MASTER_ADDR:-localhost}}\" --master-port \"${{MASTER_PORT:-6000}}\" \\\n"
      "  pretrain_gpt.py \"${{MODEL_ARGS[@]}}\" \"${{TRAINING_ARGS[@]}}\" \"$@\"\n",
      model, training, job.cluster.nodes, job.cluster.devices_per_node);
}

}  // namespace foreshard::detail
