#include <filesystem>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

JobSpec titan_job(const std::string& name, std::vector<Override> overrides) {
  const std::string file =
      (std::filesystem::path(FORESHARD_SOURCE_DIR) / "tests/data/launch" / name).string();
  return load_jobs(file, overrides).front();
}

std::string complaints_about_toml(const std::string& text, const std::vector<Override>& overrides) {
  std::string found;
  try {
    (void)parse_jobs(text, "x.toml", overrides);
  } catch (const SpecError& error) {
    for (const Diagnostic& d : error.diagnostics())
      found += std::to_string(d.mark.line) + ":" + std::to_string(d.mark.column) + " " + d.path + ": " +
               d.message + "; " + d.allowed + "\n";
  }
  return found;
}

bool leaves_out(const JobSpec& job, const std::string& part) {
  for (const std::string& note : job.left_out) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
}

const std::vector<Override> kOnDgx{{"cluster", "dgx-h100"}};

}  // namespace

TEST_CASE("Llama 3 8B: weights sharded over all devices, operations recomputed by choice") {
  const JobSpec job = titan_job("llama3_8b.toml", kOnDgx);
  CHECK(job.framework == Framework::torch_fsdp);
  CHECK(job.model.layers == 32);
  CHECK(job.model.vocab == 128256);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.parallelism.zero == 3);
  CHECK(job.training.sequence_length == 8192);
  CHECK(job.training.micro_batch == 1);
  CHECK(job.training.global_batch == 8);
  CHECK(job.training.precision == Precision::bf16);
  CHECK(job.training.recompute == Recompute::selective_ops);
  CHECK_FALSE(job.training.compiled);
  CHECK(job.training.gradient_dtype == DType::fp32);
  CHECK(job.training.steps() == 1000.0);
  CHECK(leaves_out(job, "[checkpoint]"));
  CHECK_FALSE(leaves_out(job, "not known"));
}

TEST_CASE("Llama 3 70B: tensor parallelism, float8, everything recomputed") {
  const JobSpec job = titan_job("llama3_70b.toml", {{"cluster", "dgx-h100"}, {"cluster.nodes", "8"}});
  CHECK(job.model.layers == 80);
  CHECK(job.parallelism.tp == 8);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.training.global_batch == 64);
  CHECK(job.training.micro_batch == 8);
  CHECK(job.training.precision == Precision::fp8);
  CHECK(job.training.fp8_scaling == Fp8Scaling::tensorwise);
  CHECK(job.training.recompute == Recompute::full);
  CHECK(job.training.overlap.tp == TpOverlap::full);
  CHECK(job.training.compiled);
}

TEST_CASE("Llama 3 405B: pipeline stages keep gathered weights; a batch is cut into micro-batches") {
  const JobSpec job = titan_job("llama3_405b.toml", {{"cluster", "dgx-h100"}, {"cluster.nodes", "64"}});
  CHECK(job.model.layers == 126);
  CHECK(job.parallelism.pp == 8);
  CHECK(job.parallelism.vp == 2);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.parallelism.zero >= 2);  // gathered weights are kept from forward to backward
  CHECK(job.training.schedule == ScheduleKind::interleaved);
  CHECK(job.training.micro_batch == 2);
  CHECK(job.training.global_batch == 128);
  CHECK(job.training.recompute == Recompute::none);
}

TEST_CASE("a file of 2024 has its degrees under [training]") {
  const JobSpec job = titan_job("llama2_13b_old.toml", kOnDgx);
  CHECK(job.model.layers == 40);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.training.micro_batch == 2);
  CHECK(job.training.global_batch == 16);
  CHECK(job.training.compiled);
}

TEST_CASE("a TOML that cannot be a job is refused with its place") {
  CHECK_THAT(complaints_about_toml("[model]\nname = \"llama9\"\nflavor = \"1B\"\n", kOnDgx),
             ContainsSubstring("2:8 name: the model llama9 1B is not known"));
  CHECK_THAT(complaints_about_toml("[model]\nname = llama3\n", kOnDgx),
             ContainsSubstring("2:8 : this is not TOML"));
  CHECK_THAT(complaints_about_toml("a = 1\na = 2\n", kOnDgx),
             ContainsSubstring("2:1 : the key 'a' is given twice"));
  CHECK_THAT(complaints_about_toml(
                 "[model]\nname = \"llama3\"\nflavor = \"8B\"\n[training]\nlocal_batch_size = 1\n", {}),
             ContainsSubstring("the number of devices, which is not known"));
  CHECK_THAT(
      complaints_about_toml(
          "[model]\nname = \"llama3\"\nflavor = \"8B\"\n[activation_checkpoint]\nmode = \"x\"\n", kOnDgx),
      ContainsSubstring("this mode cannot be planned"));
  const JobSpec job = parse_jobs(
                          "[model]\nname = \"llama3\"\nflavor = \"8B\"\n[training]\nlocal_batch_size = 1\n"
                          "[new]\nthing = 3\n",
                          "x.toml", kOnDgx)
                          .front();
  CHECK(leaves_out(job, "keys that are not known: new.thing"));
}
