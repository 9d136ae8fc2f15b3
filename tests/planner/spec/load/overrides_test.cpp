#include "planner/spec/load/overrides.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr const char* kJob =
    "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 2}\nparallelism: {tp: 2}\n"
    "training: {sequence_length: 8192, global_batch: 64, micro_batch: 1}\n";

JobSpec job_with(const std::vector<Override>& overrides) {
  return parse_jobs(kJob, "job.yaml", overrides).front();
}

std::string complaint_about(const std::vector<Override>& overrides) {
  try {
    job_with(overrides);
  } catch (const SpecError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("overrides replace, add and are read in order") {
  CHECK(job_with({{"parallelism.tp", "4"}}).parallelism.tp == 4);
  CHECK(job_with({{"parallelism.tp", "4"}, {"parallelism.tp", "8"}}).parallelism.tp == 8);
  CHECK(job_with({{"parallelism.pp", "2"}}).parallelism.pp == 2);
  CHECK(job_with({{"training.overlap.tp", "full"}}).training.overlap.tp == TpOverlap::full);
  CHECK(job_with({{"training.overlap", "{tp: wgrad}"}}).training.overlap.tp == TpOverlap::wgrad);
  CHECK(job_with({{"training.tokens", "15T"}}).training.tokens == Tokens(15'000'000'000'000));
  CHECK(job_with({{"name", "other"}}).name == "other");
}

TEST_CASE("overrides lead into models, clusters and accelerators that the job only names") {
  const JobSpec model = job_with({{"model.layers", "16"}});
  CHECK(model.model.layers == 16);
  CHECK(model.model.hidden == load_model("llama3-8b").hidden);
  CHECK(job_with({{"model", "llama2-7b"}}).model.vocab == 32000);

  CHECK(job_with({{"cluster.nodes", "4"}}).cluster.nodes == 4);
  CHECK(job_with({{"cluster", "dgx-a100"}, {"cluster.nodes", "4"}}).cluster.nodes == 4);
  CHECK(job_with({{"cluster.name", "dgx-a100"}}).cluster.accelerator.name == "a100-80gb-sxm");
  CHECK(job_with({{"cluster.network.latency", "3 us"}}).cluster.network.link.latency == Seconds(3e-6));

  const JobSpec exchanged = job_with({{"cluster.accelerator", "h200-141gb-sxm"}, {"cluster.name", "mine"}});
  CHECK(exchanged.cluster.accelerator.name == "h200-141gb-sxm");
  CHECK(exchanged.cluster.nodes == 2);
  CHECK_THAT(complaint_about({{"cluster.accelerator", "h200-141gb-sxm"}}),
             ContainsSubstring("h200-141gb-sxm is not what the bundled cluster 'dgx-h100' is made of"));
  const JobSpec larger = job_with({{"cluster.accelerator.memory.capacity", "90 GiB"}});
  CHECK(larger.cluster.accelerator.memory_capacity == Bytes(90LL << 30));
  CHECK(larger.cluster.accelerator.name == "h100-80gb-sxm");
}

TEST_CASE("complaints about an override name the option") {
  CHECK(complaint_about({{"parallelism.tpp", "4"}}) ==
        "--set parallelism.tpp=4: error: parallelism: unknown key 'tpp'; did you mean 'tp'?\n");
  CHECK(complaint_about({{"paralelism.tp", "4"}}) ==
        "--set paralelism.tp=4: error: unknown key 'paralelism'; did you mean 'parallelism'?\n");
  CHECK(complaint_about({{"training.micro_batch", "one"}}) ==
        "--set training.micro_batch=one: error: training.micro_batch: expected a whole number, found 'one'; "
        "a whole number, 1 or more\n");
  CHECK(complaint_about({{"training.micro_batch", ""}}) ==
        "--set training.micro_batch=: error: training.micro_batch: expected a value, found nothing\n");
  CHECK(complaint_about({{"training.micro_batch.x", "1"}}) ==
        "--set training.micro_batch.x=1: error: training.micro_batch: expected a map, found '1'\n");
  CHECK(complaint_about({{"parallelism..tp", "1"}}) ==
        "--set parallelism..tp=1: error: the path has an empty part; as in --set parallelism.tp=4\n");
  CHECK(complaint_about({{"parallelism", "{tp: 2"}}) ==
        "--set parallelism={tp: 2: error: this map has no closing '}'\n");
  CHECK_THAT(complaint_about({{"parallelism.tp", "3"}}),
             ContainsSubstring(
                 "--set parallelism.tp=3: error: parallelism.tp: 3 does not divide the model's 32 heads"));
}
