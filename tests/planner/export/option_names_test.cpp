#include <set>
#include <sstream>

#include "tests/planner/export/round_trip.hpp"

using namespace foreshard;
using namespace foreshard::test;

// Every option that is written is one that its framework documents. Sources, as of August 2026: nanotron
// src/nanotron/config; Automodel nemo_automodel/recipes/_dist_utils.py and examples; accelerate
// src/accelerate/commands/launch.py and config_args.py; DeepSpeed docs/_pages/config-json.md; Megatron-Bridge
// src/megatron/bridge/training/config.py and Megatron-LM's configs that it holds.
namespace {

const std::string kDense =
    "model: llama3-70b\ncluster: {name: dgx-h100, nodes: 8}\nparallelism: {tp: 8, pp: 4}\n"
    "training: {sequence_length: 8192, micro_batch: 1, global_batch: 64}\n";
const std::string kExperts =
    "model: qwen3-30b-a3b\ncluster: {name: dgx-h100, nodes: 4}\nparallelism: {ep: 8, etp: 1, zero: 3, "
    "dp_shard: 8}\n"
    "training: {sequence_length: 4096, micro_batch: 1, global_batch: 64, recompute: full, dispatcher: "
    "deepep}\n";

/// The keys of block-style YAML, without their places: "tp_size".
std::set<std::string> yaml_keys(const std::string& text) {
  std::set<std::string> keys;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line[begin] == '#') continue;
    keys.insert(line.substr(begin, line.find(':') - begin));
  }
  return keys;
}

void check_known(const std::set<std::string>& written, const std::set<std::string>& documented) {
  REQUIRE_FALSE(written.empty());
  for (const std::string& key : written) {
    INFO(key);
    CHECK(documented.contains(key));
  }
}

}  // namespace

TEST_CASE("nanotron's file has only its own keys") {
  const std::set<std::string> documented{"general",
                                         "project",
                                         "run",
                                         "model",
                                         "dtype",
                                         "make_vocab_size_divisible_by",
                                         "model_config",
                                         "is_llama_config",
                                         "hidden_size",
                                         "intermediate_size",
                                         "num_hidden_layers",
                                         "num_attention_heads",
                                         "num_key_value_heads",
                                         "vocab_size",
                                         "max_position_embeddings",
                                         "tie_word_embeddings",
                                         "parallelism",
                                         "dp",
                                         "pp",
                                         "tp",
                                         "pp_engine",
                                         "tp_mode",
                                         "tp_linear_async_communication",
                                         "recompute_layer",
                                         "expert_parallel_size",
                                         "context_parallel_size",
                                         "tokens",
                                         "sequence_length",
                                         "micro_batch_size",
                                         "batch_accumulation_per_replica",
                                         "train_steps",
                                         "optimizer",
                                         "zero_stage",
                                         "accumulate_grad_in_fp32",
                                         "optimizer_factory",
                                         "name"};
  check_known(yaml_keys(export_job(job_of(kDense), ExportTarget::nanotron)), documented);
  check_known(yaml_keys(export_job(job_of(kExperts), ExportTarget::nanotron)), documented);
}

TEST_CASE("Automodel's file has only its own keys") {
  const std::set<std::string> documented{"step_scheduler",
                                         "global_batch_size",
                                         "local_batch_size",
                                         "max_steps",
                                         "model",
                                         "_target_",
                                         "backend",
                                         "dispatcher",
                                         "distributed",
                                         "strategy",
                                         "tp_size",
                                         "cp_size",
                                         "pp_size",
                                         "ep_size",
                                         "dp_replicate_size",
                                         "sequence_parallel",
                                         "activation_checkpointing",
                                         "pipeline",
                                         "pp_schedule",
                                         "pp_microbatch_size",
                                         "layers_per_stage",
                                         "loss_fn",
                                         "packed_sequence",
                                         "packed_sequence_size"};
  check_known(yaml_keys(export_job(job_of(kDense), ExportTarget::automodel)), documented);
  check_known(yaml_keys(export_job(job_of(kExperts), ExportTarget::automodel)), documented);
}

TEST_CASE("accelerate's file has only its own keys") {
  const std::set<std::string> documented{"compute_environment",
                                         "distributed_type",
                                         "mixed_precision",
                                         "num_machines",
                                         "num_processes",
                                         "fsdp_config",
                                         "fsdp_version",
                                         "fsdp_reshard_after_forward",
                                         "fsdp_auto_wrap_policy",
                                         "fsdp_activation_checkpointing",
                                         "fsdp_offload_params",
                                         "fsdp_state_dict_type",
                                         "fsdp_cpu_ram_efficient_loading",
                                         "parallelism_config",
                                         "parallelism_config_dp_replicate_size",
                                         "parallelism_config_dp_shard_size",
                                         "parallelism_config_tp_size",
                                         "parallelism_config_cp_size",
                                         "parallelism_config_cp_comm_strategy",
                                         "dynamo_config",
                                         "dynamo_backend"};
  check_known(yaml_keys(export_job(job_of(kDense), ExportTarget::accelerate)), documented);
  check_known(yaml_keys(export_job(job_of(kExperts), ExportTarget::accelerate)), documented);
}

TEST_CASE("hybrid sharding is two degrees in accelerate's file") {
  // 32 devices, shards over 8: 4 copies.
  const std::string yaml = export_job(job_of(kExperts), ExportTarget::accelerate);
  CHECK(yaml.find("parallelism_config_dp_replicate_size: 4\n") != std::string::npos);
  CHECK(yaml.find("parallelism_config_dp_shard_size: 8\n") != std::string::npos);
}

TEST_CASE("DeepSpeed's batch sizes multiply up to the batch of a step") {
  // 64 sequences on 2 replicas in micro-batches of 1: 32 are accumulated.
  const std::string json = export_job(job_of(kDense), ExportTarget::deepspeed);
  CHECK(json.find("\"train_batch_size\": 64,") != std::string::npos);
  CHECK(json.find("\"train_micro_batch_size_per_gpu\": 1,") != std::string::npos);
  CHECK(json.find("\"gradient_accumulation_steps\": 32,") != std::string::npos);
  CHECK(json.find("\"parallelism.pp: 4\"") != std::string::npos);
}

TEST_CASE("Megatron-Bridge's overrides name the degrees") {
  const std::string overrides = export_job(job_of(kExperts), ExportTarget::megatron_bridge);
  CHECK(overrides.find("model.expert_model_parallel_size=8\n") != std::string::npos);
  CHECK(overrides.find("model.expert_tensor_parallel_size=1\n") != std::string::npos);
  CHECK(overrides.find("model.moe_flex_dispatcher_backend=deepep\n") != std::string::npos);
}

TEST_CASE("nccl-tests' commands have the sizes of the plan's collectives") {
  // Sequence parallelism gathers a layer's input: 8192 tokens · 8192 · 2 bytes = 134,217,728.
  const std::string script = export_job(job_of(kDense), ExportTarget::nccl_tests);
  CHECK(script.find("mpirun -n 8 --map-by ppr:8:node all_gather_perf -b 134217728 -e 134217728 -g 1\n") !=
        std::string::npos);
  // Two replicas that are 8 ranks apart: 16 ranks in 8 groups.
  CHECK(script.find("mpirun -n 16 --map-by ppr:8:node -x NCCL_TESTS_SPLIT=\"MOD 8\"") != std::string::npos);
}

TEST_CASE("a batch script launches what the job's framework is launched with") {
  const std::string megatron = export_job(job_of(kDense), ExportTarget::slurm);
  CHECK(megatron.find("#SBATCH --nodes=8\n") != std::string::npos);
  CHECK(megatron.find("--tensor-model-parallel-size 8\n") != std::string::npos);
  const std::string titan = export_job(job_of("framework: torch-fsdp\n" + kDense), ExportTarget::slurm);
  CHECK(titan.find("-m torchtitan.train --job.config_file job.toml") != std::string::npos);
}
