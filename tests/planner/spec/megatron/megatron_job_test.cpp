#include <cstdint>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/launch_files.hpp"

using namespace foreshard;

// Launch scripts in tests/data/launch, written after the options of public ones, and the jobs that they mean.
namespace {

JobSpec job_of(const std::string& name, const std::string& cluster, std::vector<Override> overrides = {}) {
  overrides.insert(overrides.begin(), {"cluster", cluster});
  return test::launch_job(name, overrides);
}

std::string complaints_about(const std::string& text, const std::vector<Override>& overrides = {}) {
  return test::launch_complaints("run.sh", text, overrides);
}

/// A small model on one device, as a command line that further flags follow.
const std::string kSmall =
    "torchrun --nproc_per_node 8 pretrain_gpt.py --num-layers 4 --hidden-size 64 --num-attention-heads 4 "
    "--seq-length 128 --max-position-embeddings 128 --vocab-size 256 --micro-batch-size 1 "
    "--global-batch-size 16 --bf16 ";
const std::vector<Override> kOn{{"cluster", "dgx-h100"}};

JobSpec small(const std::string& flags) { return parse_jobs(kSmall + flags, "run.sh", kOn).front(); }

}  // namespace

TEST_CASE("GPT-3 175B: Megatron-LM's own defaults fill what the script leaves out") {
  const JobSpec job = job_of("gpt3_175b.sh", "dgx-a100");
  CHECK(job.name == "gpt3_175b");
  CHECK(job.framework == Framework::megatron);
  CHECK(job.model.layers == 96);
  CHECK(job.model.hidden == 12288);
  CHECK(job.model.heads == 96);
  // 4 · 12288; GELU, LayerNorm, biases, learned positions, one table; the vocabulary of GPT-2's files.
  CHECK(job.model.ffn_hidden == 49152);
  CHECK(job.model.ffn == FfnKind::gelu);
  CHECK(job.model.norm == NormKind::layernorm);
  CHECK(job.model.biases == Biases::all);
  CHECK(job.model.positions == Positions::learned);
  CHECK(job.model.max_positions == 2048);
  CHECK(job.model.tied_embeddings);
  CHECK(job.model.vocab == 50257);
  // 128 nodes of 8; 1024 / (8 · 16) = 8 replicas.
  CHECK(job.cluster.nodes == 128);
  CHECK(job.parallelism.tp == 8);
  CHECK(job.parallelism.pp == 16);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.parallelism.zero == 0);
  CHECK_FALSE(job.parallelism.sequence_parallel);
  CHECK(job.training.precision == Precision::fp16);
  CHECK(job.training.sequence_length == 2048);
  CHECK(job.training.micro_batch == 1);
  CHECK(job.training.global_batch == 1536);
  CHECK(job.training.dropout);
  CHECK_FALSE(job.training.overlap.dp);
  CHECK(job.training.steps() == 500000.0);
  CHECK(test::leaves_out(job, "flags without meaning for a plan: --train-iters") == false);
  CHECK(test::leaves_out(job, "--weight-decay"));
}

TEST_CASE("Llama 3 8B in fp8: arrays, tests, and words with a flag and its value") {
  const JobSpec job = job_of("llama3_8b_fp8.sh", "dgx-h100");
  CHECK(job.cluster.nodes == 1);
  CHECK(job.model.layers == 32);
  CHECK(job.model.ffn_hidden == 14336);
  CHECK(job.model.ffn == FfnKind::swiglu);
  CHECK(job.model.kv_heads == 8);
  CHECK(job.model.head_dim == 128);
  CHECK(job.model.norm == NormKind::rmsnorm);
  CHECK(job.model.biases == Biases::none);
  CHECK_FALSE(job.model.tied_embeddings);
  CHECK(job.model.vocab == 128256);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.parallelism.pp == 1);
  CHECK(job.parallelism.zero == 1);
  CHECK(job.training.precision == Precision::fp8);
  CHECK(job.training.fp8_scaling == Fp8Scaling::tensorwise);
  CHECK(job.training.gradient_dtype == DType::bf16);
  CHECK(job.training.sequence_length == 8192);
  CHECK(job.training.overlap.dp);
  CHECK_FALSE(job.training.dropout);
}

TEST_CASE("Llama 3 70B under Slurm: variables with defaults, #SBATCH, a text of options") {
  const JobSpec job = job_of("llama3_70b.slurm", "dgx-h100");
  CHECK(job.cluster.nodes == 16);
  CHECK(job.model.layers == 80);
  CHECK(job.model.heads == 64);
  CHECK(job.model.vocab == 128256);
  CHECK(job.model.vocab_multiple == 16);
  CHECK(job.parallelism.tp == 8);
  CHECK(job.parallelism.pp == 4);
  // 80 layers in 4 stages of chunks of 5: 4 chunks. 128 / (8 · 4) = 4 replicas.
  CHECK(job.parallelism.vp == 4);
  CHECK(job.parallelism.dp == 4);
  CHECK(job.parallelism.sequence_parallel);
  CHECK(job.training.schedule == ScheduleKind::interleaved);
  CHECK(job.training.recompute == Recompute::selective);
  CHECK(job.training.overlap.tp == TpOverlap::full);
  CHECK(job.training.overlap.pp);
  CHECK(test::leaves_out(job,
                         "the vocabulary is taken to be that of meta-llama/Meta-Llama-3-70B: 128256 tokens"));
}

TEST_CASE("Mixtral 8x7B: experts, and a test of a variable that is not set") {
  const JobSpec job = job_of("mixtral_8x7b.sh", "dgx-h100");
  REQUIRE(job.model.experts);
  CHECK(job.model.experts->count == 8);
  CHECK(job.model.experts->per_token == 2);
  CHECK(job.model.experts->hidden == 14336);
  CHECK(job.model.vocab == 32000);
  CHECK(job.model.positions == Positions::rope);
  CHECK(job.cluster.nodes == 4);
  CHECK(job.parallelism.pp == 4);
  CHECK(job.parallelism.ep == 8);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.parallelism.zero == 1);
  CHECK_FALSE(test::leaves_out(job, "--wandb-project"));
}

TEST_CASE("DeepSeek-V3: a command inside a here-document, latent attention, stages of unlike length") {
  const JobSpec job = job_of("deepseek_v3.sh", "dgx-h100", {{"cluster.nodes", "128"}});
  REQUIRE(job.model.mla);
  CHECK(job.model.mla->q_rank == 1536);
  CHECK(job.model.mla->kv_rank == 512);
  CHECK(job.model.mla->nope_head_dim == 128);
  CHECK(job.model.mla->rope_head_dim == 64);
  CHECK(job.model.vocab == 129280);
  REQUIRE(job.model.experts);
  CHECK(job.model.experts->count == 256);
  CHECK(job.model.experts->hidden == 2048);
  CHECK(job.model.experts->shared_hidden == 2048);
  CHECK(job.model.experts->dense_layers == 3);
  CHECK(job.model.experts->score_bias);
  REQUIRE(job.model.mtp);
  CHECK(job.model.mtp->modules == 1);
  CHECK(job.parallelism.ep == 64);
  CHECK(job.parallelism.pp == 16);
  CHECK(job.parallelism.dp == 64);
  // 4 in the first stage, 1 in the last, 56 / 14 in the others.
  std::vector<std::int64_t> layers(16, 4);
  layers.back() = 1;
  CHECK(job.parallelism.stage_layers == layers);
  CHECK(job.training.recompute == Recompute::selective);
  CHECK(job.training.global_batch == 8192);
}

TEST_CASE("gpt-oss 20B: a case, windows in every second layer, sinks") {
  const JobSpec job = job_of("gpt_oss_20b.sh", "dgx-h100");
  CHECK(job.model.layers == 24);
  REQUIRE(job.model.experts);
  CHECK(job.model.experts->count == 32);
  CHECK(job.model.vocab == 201088);
  CHECK(job.model.attention_sinks);
  CHECK(job.parallelism.ep == 8);
  const LayerPattern pattern = layer_pattern(job.model, job.training.sequence_length);
  // 127 tokens before the query and the query itself; every second layer sees all.
  CHECK(window_of(pattern.kind(0).mixer) == 128);
  CHECK_FALSE(window_of(pattern.kind(1).mixer).has_value());
  CHECK(pattern.layers_of_kind == std::vector<std::int64_t>{12, 12});
  CHECK(job.training.recompute == Recompute::full);
}

TEST_CASE("Qwen 3 30B-A3B: a file of arguments alone") {
  const JobSpec job = job_of("qwen3_30b_a3b.args", "dgx-h100", {{"cluster.nodes", "2"}});
  CHECK(job.model.layers == 48);
  CHECK(job.model.qk_norm);
  CHECK(job.model.kv_heads == 4);
  CHECK(job.model.head_dim == 128);
  CHECK(job.model.vocab == 151936);
  CHECK(job.model.experts->count == 128);
  CHECK(job.model.experts->hidden == 768);
  CHECK(job.parallelism.ep == 8);
  CHECK(job.parallelism.dp == 16);
}

TEST_CASE("arguments alone may stand several on a line, on several lines") {
  const JobSpec job =
      parse_jobs(
          "--num-layers 4 --hidden-size 64 --num-attention-heads 4 --seq-length 128 --vocab-size 256\n"
          "--max-position-embeddings 128 --micro-batch-size 1\n--global-batch-size 16 --bf16\n",
          "arguments.txt", kOn)
          .front();
  CHECK(job.model.layers == 4);
  CHECK(job.training.sequence_length == 128);
  CHECK(job.training.global_batch == 16);
}

TEST_CASE("Llama 2 7B with Megatron-FSDP: an array that grows, and nodes from the command line") {
  const JobSpec job = job_of("llama2_7b_fsdp.sh", "dgx-a100", {{"cluster.nodes", "4"}});
  CHECK(job.parallelism.zero == 3);
  CHECK(job.parallelism.cp == 2);
  CHECK(job.parallelism.cp_style == CpStyle::ulysses);
  CHECK(job.parallelism.dp == 16);
  CHECK(job.training.micro_batch == 2);
  CHECK(test::leaves_out(job, "flags that are not known: --a-flag-of-tomorrow"));
  CHECK(test::leaves_out(job, "--no-gradient-accumulation-fusion"));
}

TEST_CASE("flags mean what Megatron-LM makes of them") {
  // Gated, unsaid: two thirds of 4 · 64 = 170.67, in steps of 64.
  CHECK(small("--swiglu").model.ffn_hidden == 128);
  CHECK(small("--squared-relu").model.ffn == FfnKind::sqrelu);
  CHECK(small("").training.global_batch == 16);
  CHECK(small("--tensor_model_parallel_size=2").parallelism.tp == 2);
  CHECK(small("--disable-bias-linear --add-qkv-bias").model.biases == Biases::qkv);
  CHECK(small("--attention-backend fused").training.flash == FlashVersion::cudnn);
  CHECK(small("--attention-backend unfused").training.attention == AttentionKind::unfused);
  CHECK(small("--recompute-granularity full --recompute-method uniform").training.recompute ==
        Recompute::full);
  const JobSpec stages = small(
      "--pipeline-model-parallel-size 2 --num-layers 7 "
      "--account-for-loss-in-pipeline-split");
  CHECK(stages.parallelism.stage_layers == std::vector<std::int64_t>{4, 3});
  // Unsaid, one micro-batch of every replica; the cluster says that there are 8.
  CHECK(
      parse_jobs("--num-layers 2 --hidden-size 64 --num-attention-heads 4 --seq-length 128 --vocab-size 256 "
                 "--max-position-embeddings 128 --micro-batch-size 2 --bf16",
                 "x.args", kOn)
          .front()
          .training.global_batch == 16);
  // What the command line changes leaves other replicas.
  const JobSpec changed =
      parse_jobs(kSmall, "run.sh", {{"cluster", "dgx-h100"}, {"parallelism.tp", "4"}}).front();
  CHECK(changed.parallelism.tp == 4);
  CHECK(changed.parallelism.dp == 2);
  // One layer in two has experts, from the first on.
  const JobSpec moe = small("--num-experts 4 --moe-layer-freq 2 --disable-bias-linear");
  const LayerPattern pattern = layer_pattern(moe.model, 128);
  CHECK(pattern.kind(0).ffn == FeedForward::experts);
  CHECK(pattern.kind(1).ffn == FeedForward::dense);
  CHECK(pattern.kind(2).ffn == FeedForward::experts);
}

TEST_CASE("exchanges in turns and fused kernels of experts are the job's keys") {
  const std::string experts =
      " --disable-bias-linear --num-experts 8 --moe-router-topk 2 --expert-model-parallel-size 8 "
      "--moe-token-dispatcher-type "
      "alltoall";
  const JobSpec plain = small(experts + " --delay-wgrad-compute");
  CHECK(plain.training.overlap.ep == EpOverlap::none);
  CHECK_FALSE(plain.training.delay_wgrad);
  CHECK_FALSE(plain.training.fused_routing);
  const JobSpec turns =
      small(experts + " --overlap-moe-expert-parallel-comm --delay-wgrad-compute --moe-router-fusion");
  CHECK(turns.training.overlap.ep == EpOverlap::in_turns);
  CHECK(turns.training.delay_wgrad);
  CHECK(turns.training.fused_routing);
  CHECK_FALSE(turns.training.dispatcher_sms);
  const std::string flex =
      " --disable-bias-linear --num-experts 8 --moe-router-topk 2 --expert-model-parallel-size 8 "
      "--moe-token-dispatcher-type flex --moe-flex-dispatcher-backend hybridep ";
  CHECK(small(flex + "--moe-hybridep-num-sms 32").training.dispatcher_sms == 32);
  CHECK(small(flex + "--moe-flex-dispatcher-num-sms 8 --moe-deepep-num-sms 24").training.dispatcher_sms == 8);
}

TEST_CASE("a YAML file with a map of arguments is a job too") {
  const JobSpec job = parse_jobs(
                          "ENV_VARS:\n  CUDA_DEVICE_MAX_CONNECTIONS: 1\nMODEL_ARGS:\n  --num-layers: 12\n"
                          "  --hidden-size: 512\n  --num-attention-heads: 8\n  --seq-length: 1024\n"
                          "  --max-position-embeddings: 1024\n  --vocab-size: 50257\n"
                          "  --micro-batch-size: 4\n  --global-batch-size: 32\n  --bf16: true\n"
                          "  --swiglu: false\n  --tensor-model-parallel-size: 2\n",
                          "model_config.yaml", kOn)
                          .front();
  CHECK(job.model.layers == 12);
  CHECK(job.model.ffn == FfnKind::gelu);
  CHECK(job.parallelism.tp == 2);
  CHECK(job.parallelism.dp == 4);
  CHECK(job.training.precision == Precision::bf16);
}

TEST_CASE("what a launch file lacks is said with its place") {
  CHECK_THAT(complaints_about(kSmall), ContainsSubstring("a launch file does not say what it runs on; --on"));
  CHECK_THAT(complaints_about("echo nothing\n"),
             ContainsSubstring("no command with arguments of Megatron-LM"));
  // The value is in line 2, after 31 characters.
  const std::string unset =
      "torchrun pretrain_gpt.py --hidden-size 64 --num-attention-heads 4 \\\n"
      "  --tensor-model-parallel-size ${TP} --num-layers 4 --seq-length 128 --vocab-size 256 "
      "--micro-batch-size 1 --global-batch-size 8\n";
  CHECK_THAT(complaints_about(unset, kOn),
             ContainsSubstring(
                 "2:32 --tensor-model-parallel-size: its value depends on $TP, which the file does not "
                 "set; set TP in the file, or --set parallelism.tp=…"));
  CHECK(parse_jobs(unset, "run.sh", {{"cluster", "dgx-h100"}, {"parallelism.tp", "2"}})
            .front()
            .parallelism.tp == 2);
  CHECK_THAT(complaints_about(kSmall + "--num-layers x", kOn),
             ContainsSubstring("expected a whole number, found 'x'"));
  CHECK_THAT(complaints_about("torchrun pretrain_gpt.py --num-layers 2 --hidden-size 64", kOn),
             ContainsSubstring("the flag --num-attention-heads is missing"));
  CHECK_THAT(
      complaints_about("torchrun pretrain_gpt.py --num-layers 2 --hidden-size 64 --num-attention-heads 4 "
                       "--tokenizer-type HuggingFaceTokenizer --tokenizer-model /mine",
                       kOn),
      ContainsSubstring("--set model.vocab=128256"));
  CHECK_THAT(complaints_about(kSmall + "--rl-offload-optimizer-during-inference", kOn),
             ContainsSubstring("foreshard has no notion of reinforcement learning"));
  CHECK_THAT(complaints_about(kSmall + "--use-checkpoint-args", kOn), ContainsSubstring("in the checkpoint"));
  // A number of devices that the cluster has not.
  CHECK_THAT(complaints_about(
                 "torchrun --nproc_per_node 4 --nnodes 1 " + kSmall.substr(kSmall.find("pretrain")), kOn),
             !ContainsSubstring("is missing"));
}
