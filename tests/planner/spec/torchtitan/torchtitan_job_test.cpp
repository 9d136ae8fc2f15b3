#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/launch_files.hpp"

using namespace foreshard;

namespace {

const std::vector<Override> kOnDgx{{"cluster", "dgx-h100"}};

}  // namespace

TEST_CASE("Llama 3 8B: weights sharded over all devices, operations recomputed by choice") {
  const JobSpec job = test::launch_job("llama3_8b.toml", kOnDgx);
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
  CHECK(test::leaves_out(job, "[checkpoint]"));
  CHECK_FALSE(test::leaves_out(job, "not known"));
}

TEST_CASE("Llama 3 70B: tensor parallelism, float8, everything recomputed") {
  const JobSpec job = test::launch_job("llama3_70b.toml", {{"cluster", "dgx-h100"}, {"cluster.nodes", "8"}});
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
  const JobSpec job =
      test::launch_job("llama3_405b.toml", {{"cluster", "dgx-h100"}, {"cluster.nodes", "64"}});
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
  const JobSpec job = test::launch_job("llama2_13b_old.toml", kOnDgx);
  CHECK(job.model.layers == 40);
  CHECK(job.parallelism.dp == 8);
  CHECK(job.training.micro_batch == 2);
  CHECK(job.training.global_batch == 16);
  CHECK(job.training.compiled);
}

TEST_CASE("a TOML that cannot be a job is refused with its place") {
  CHECK_THAT(test::launch_complaints("x.toml", "[model]\nname = \"llama9\"\nflavor = \"1B\"\n", kOnDgx),
             ContainsSubstring("2:8 name: the model llama9 1B is not known"));
  CHECK_THAT(test::launch_complaints("x.toml", "[model]\nname = llama3\n", kOnDgx),
             ContainsSubstring("2:8 : this is not TOML"));
  CHECK_THAT(test::launch_complaints("x.toml", "a = 1\na = 2\n", kOnDgx),
             ContainsSubstring("2:1 : the key 'a' is given twice"));
  CHECK_THAT(
      test::launch_complaints(
          "x.toml", "[model]\nname = \"llama3\"\nflavor = \"8B\"\n[training]\nlocal_batch_size = 1\n", {}),
      ContainsSubstring("the number of devices, which is not known"));
  CHECK_THAT(
      test::launch_complaints(
          "x.toml", "[model]\nname = \"llama3\"\nflavor = \"8B\"\n[activation_checkpoint]\nmode = \"x\"\n",
          kOnDgx),
      ContainsSubstring("this mode cannot be planned"));
  const JobSpec job = parse_jobs(
                          "[model]\nname = \"llama3\"\nflavor = \"8B\"\n[training]\nlocal_batch_size = 1\n"
                          "[new]\nthing = 3\n",
                          "x.toml", kOnDgx)
                          .front();
  CHECK(test::leaves_out(job, "keys that are not known: new.thing"));
}
