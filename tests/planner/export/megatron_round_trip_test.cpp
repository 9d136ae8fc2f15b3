#include "tests/planner/export/round_trip.hpp"

using namespace foreshard;
using namespace foreshard::test;

// A job that is written for Megatron-LM and read back by the reader of its launch scripts is the same job.
namespace {

void check_comes_back(const std::string& yaml, const std::string& cluster) {
  const JobSpec job = job_of(yaml);
  const std::string script = export_job(job, ExportTarget::megatron);
  INFO(script);
  const JobSpec again = parse_jobs(script, "run.sh", {{"cluster", cluster}}).front();
  CHECK(again.framework == Framework::megatron);
  CHECK_FALSE(leaves_out(again, "not known"));
  check_plans_alike(job, again);
}

}  // namespace

TEST_CASE(
    "a dense model with tensor, pipeline and interleaved stages comes back from Megatron-LM's arguments") {
  check_comes_back(
      "model: llama3-70b\ncluster: {name: dgx-h100, nodes: 16}\nframework: megatron\n"
      "parallelism: {tp: 8, pp: 4, vp: 5, zero: 1}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 256, recompute: selective}\n",
      "dgx-h100");
}

TEST_CASE("GPT-3 with learned positions, biases and full recomputation comes back") {
  check_comes_back(
      "model: gpt3-175b\ncluster: {name: dgx-a100-40gb, nodes: 16}\nframework: megatron\n"
      "parallelism: {tp: 8, pp: 16, zero: 0, sequence_parallel: false}\n"
      "training: {sequence_length: 2048, micro_batch: 1, global_batch: 256, precision: fp16, recompute: "
      "full}\n",
      "dgx-a100-40gb");
}

TEST_CASE("layers recomputed in part, and gradients in bf16, come back") {
  check_comes_back(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nframework: megatron\n"
      "parallelism: {tp: 2, pp: 2, zero: 1}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 128, recompute: full, "
      "recompute_layers: 4,\n"
      "  gradient_dtype: bf16}\n",
      "dgx-h100");
}

TEST_CASE("fp8 with its gathers, and layers in bf16, come back") {
  check_comes_back(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nframework: megatron\n"
      "parallelism: {tp: 1, zero: 1}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 128, precision: fp8,\n"
      "  fp8_scaling: delayed, fp8_parameter_gather: true, bf16_layers: {first: 1, last: 1}}\n",
      "dgx-h100");
}

TEST_CASE("a mixture of experts with folding, DeepEP and shared experts comes back") {
  check_comes_back(
      "model: deepseek-v3\ncluster: {name: dgx-h100, nodes: 32}\nframework: megatron\n"
      "parallelism: {tp: 2, pp: 8, ep: 32, etp: 1, zero: 1}\n"
      "training: {sequence_length: 4096, micro_batch: 1, global_batch: 512, dispatcher: deepep,\n"
      "  recompute: [mla_up_proj, moe_act], overlap: {ep: shared}}\n",
      "dgx-h100");
}

TEST_CASE("experts with a capacity come back") {
  check_comes_back(
      "model: mixtral-8x7b\ncluster: {name: dgx-h100, nodes: 8}\nframework: megatron\n"
      "parallelism: {tp: 1, pp: 4, ep: 8, zero: 1}\n"
      "training: {sequence_length: 4096, micro_batch: 1, global_batch: 256,\n"
      "  expert_capacity: {factor: 1.25, pad: true}}\n",
      "dgx-h100");
}

TEST_CASE("windows in some layers, and sinks, come back") {
  check_comes_back(
      "model: gpt-oss-20b\ncluster: {name: dgx-h100, nodes: 1}\nframework: megatron\n"
      "parallelism: {tp: 2, ep: 4, etp: 1, zero: 1}\n"
      "training: {sequence_length: 16384, micro_batch: 1, global_batch: 64, recompute: full}\n",
      "dgx-h100");
}

TEST_CASE("context parallelism comes back") {
  check_comes_back(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 4}\nframework: megatron\n"
      "parallelism: {tp: 2, cp: 4, cp_style: all-gather, zero: 1}\n"
      "training: {sequence_length: 65536, micro_batch: 1, global_batch: 32}\n",
      "dgx-h100");
}

TEST_CASE("listed stages come back as a layout") {
  check_comes_back(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nframework: megatron\n"
      "parallelism: {tp: 1, pp: 4, stages: [7, 9, 9, 7], zero: 1}\n"
      "training: {sequence_length: 4096, micro_batch: 1, global_batch: 64}\n",
      "dgx-h100");
}

TEST_CASE("Mamba-2 and attention in layers of their own come back as a hybrid pattern") {
  check_comes_back(
      "model: nemotron-h-56b\ncluster: {name: dgx-h100, nodes: 8}\nframework: megatron\n"
      "parallelism: {tp: 8, zero: 1}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 64}\n",
      "dgx-h100");
}

TEST_CASE("what Megatron-LM has no option for stands in comments") {
  const JobSpec job = job_of(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nframework: megatron\n"
      "parallelism: {pp: 4}\n"
      "training: {sequence_length: 4096, micro_batch: 1, global_batch: 64, schedule: zero-bubble,\n"
      "  optimizer: adafactor}\n");
  const std::string script = export_job(job, ExportTarget::megatron);
  CHECK(script.find("#   training.schedule: zero-bubble\n") != std::string::npos);
  CHECK(script.find("#   training.optimizer: adafactor\n") != std::string::npos);
}
