#include "tests/planner/export/round_trip.hpp"

using namespace foreshard;
using namespace foreshard::test;

// A job that is written for torchtitan and read back by the reader of its files is the same job.
namespace {

void check_comes_back_from_toml(const std::string& yaml, const std::string& nodes) {
  const JobSpec job = job_of(yaml);
  const std::string toml = export_job(job, ExportTarget::torchtitan);
  INFO(toml);
  const JobSpec again =
      parse_jobs(toml, "job.toml", {{"cluster", "dgx-h100"}, {"cluster.nodes", nodes}}).front();
  CHECK(again.framework == Framework::torch_fsdp);
  CHECK_FALSE(leaves_out(again, "not known"));
  check_plans_alike(job, again);
}

}  // namespace

TEST_CASE("FSDP with operations recomputed comes back from torchtitan's file") {
  check_comes_back_from_toml(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nframework: torch-fsdp\nparallelism: {zero: 3}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 8, recompute: selective-ops}\n",
      "1");
}

TEST_CASE("FSDP with tensor parallelism and full recomputation comes back") {
  check_comes_back_from_toml(
      "model: llama3-70b\ncluster: {name: dgx-h100, nodes: 8}\nframework: torch-fsdp\n"
      "parallelism: {tp: 8, zero: 3}\n"
      "training: {sequence_length: 8192, micro_batch: 2, global_batch: 32, recompute: full}\n",
      "8");
}

TEST_CASE("float8 with its gathers comes back") {
  check_comes_back_from_toml(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nframework: torch-fsdp\nparallelism: {zero: 3}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 8, precision: fp8,\n"
      "  fp8_scaling: tensorwise, fp8_parameter_gather: true, recompute: selective-ops}\n",
      "1");
}

TEST_CASE("pipeline stages come back") {
  check_comes_back_from_toml(
      "model: llama3-70b\ncluster: {name: dgx-h100, nodes: 8}\nframework: torch-fsdp\n"
      "parallelism: {tp: 8, pp: 4, zero: 2}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 32, schedule: 1f1b, recompute: "
      "full}\n",
      "8");
}

TEST_CASE("schedules in a V come back") {
  for (const auto& [schedule, name] : {std::pair{"zb-v", "ZBVZeroBubble"}, {"dualpipe-v", "DualPipeV"}}) {
    const std::string text = std::string("model: llama3-70b\ncluster: {name: dgx-h100, nodes: 4}\n") +
                             "framework: torch-fsdp\nparallelism: {tp: 8, pp: 4, vp: 2, zero: 0}\n" +
                             "training: {sequence_length: 8192, micro_batch: 1, global_batch: 32, recompute: "
                             "full, schedule: " +
                             schedule + "}\n";
    check_comes_back_from_toml(text, "4");
    CHECK(export_job(job_of(text), ExportTarget::torchtitan)
              .find(std::string("pipeline_parallel_schedule = \"") + name + '"') != std::string::npos);
  }
}

TEST_CASE("hybrid sharding and context parallelism come back") {
  check_comes_back_from_toml(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 4}\nframework: torch-fsdp\n"
      "parallelism: {cp: 2, zero: 3, dp_shard: 8, cp_style: all-gather}\n"
      "training: {sequence_length: 16384, micro_batch: 1, global_batch: 16, recompute: selective-ops}\n",
      "4");
}

TEST_CASE("a model that torchtitan does not have stands in a comment") {
  const JobSpec job = job_of(
      "model: nemotron-h-56b\ncluster: {name: dgx-h100, nodes: 8}\nparallelism: {tp: 8}\n"
      "training: {sequence_length: 4096, micro_batch: 1, global_batch: 64}\n");
  const std::string toml = export_job(job, ExportTarget::torchtitan);
  CHECK(toml.find("name and flavor are yours to add") != std::string::npos);
}
