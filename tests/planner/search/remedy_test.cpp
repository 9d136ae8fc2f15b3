#include "planner/search/remedy.hpp"

#include <array>
#include <random>
#include <string>

#include <fmt/format.h>

#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

JobSpec eight_replicas() {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(1);
  job.parallelism.dp = 8;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 4;
  job.training.global_batch = 64;
  return job;
}

Bytes needed(const Estimate& answer) { return answer.memory.reserved + answer.memory.context; }

JobSpec with_capacity(JobSpec job, Bytes capacity) {
  job.cluster.accelerator.memory_capacity = capacity;
  return job;
}

Advice advice_for(const JobSpec& job, std::span<const Axis> fixed = {}) {
  return advise(job, estimate(job), fixed);
}

/// Draws job files, many of them too large; the same seed draws the same files.
class FileDraw {
 public:
  std::string next() {
    const std::string model = pick("llama3-8b", "llama3-70b", "mixtral-8x7b", "qwen3-30b-a3b");
    const std::string framework = pick("foreshard", "megatron", "torch-fsdp", "nanotron");
    std::string text = fmt::format(
        "model: {}\n"
        "cluster: {{name: {}, nodes: {}}}\n"
        "framework: {}\n"
        "parallelism: {{tp: {}, pp: {}, cp: {}, ep: {}, zero: {}{}}}\n",
        model, pick("dgx-a100", "dgx-h100"), pick("1", "2", "4"), framework, pick("1", "2", "4"),
        pick("1", "2"), pick("1", "1", "2"), pick("1", "2"), pick("0", "1", "2", "3"),
        // Keys that a file fixes must not make a remedy illegal.
        pick("", ", sequence_parallel: false", ", stages: by-cost", ", vp: 2"));
    text +=
        fmt::format("training: {{sequence_length: {}, global_batch: 64, micro_batch: {}, recompute: {}{}}}\n",
                    pick("4096", "8192", "32768"), pick("1", "2", "4"), pick("none", "selective"),
                    pick("", ", gradient_dtype: fp32", ", schedule: gpipe"));
    return text;
  }

 private:
  template <class... Words>
  std::string pick(Words... words) {
    const std::array<const char*, sizeof...(words)> list{words...};
    return list[engine_() % list.size()];
  }
  std::mt19937_64 engine_{20261130};
};

}  // namespace

TEST_CASE("a job that fits needs no advice") {
  const Advice advice = advice_for(eight_replicas());
  CHECK(advice.remedies.empty());
  CHECK(advice.plans == 0);
}

TEST_CASE("sharding the optimizer alone is advised where it is enough, with what was planned") {
  JobSpec sharded = eight_replicas();
  sharded.parallelism.zero = 1;
  const Estimate after = estimate(sharded);
  REQUIRE(needed(after) < needed(estimate(eight_replicas())));
  const Advice advice = advice_for(with_capacity(eight_replicas(), needed(after)));
  REQUIRE_FALSE(advice.remedies.empty());
  bool found = false;
  for (const Remedy& remedy : advice.remedies) {
    if (remedy.settings != std::vector<Setting>{{"parallelism.zero", "1"}}) continue;
    found = true;
    CHECK(remedy.needed == needed(after));
    CHECK(remedy.step == after.step.time);
    CHECK(remedy.slowdown ==
          Approx(after.step.time / estimate(eight_replicas()).step.time - 1.0).margin(1e-12));
  }
  CHECK(found);
}

TEST_CASE("remedies come in an expert's order, and all of them fit") {
  const JobSpec job = with_capacity(eight_replicas(), Bytes(std::int64_t{4} << 30));
  const Advice advice = advice_for(job);
  REQUIRE(advice.remedies.size() == kMostRemedies);
  for (std::size_t i = 0; i < advice.remedies.size(); ++i) {
    CHECK(advice.remedies[i].needed <= job.cluster.accelerator.memory_capacity);
  }
  // Gradients in bf16 cost nothing: where they are enough or help, they are named first.
  CHECK(advice.remedies.front().settings.front().key != "training.micro_batch");
}

TEST_CASE("what is fixed does not change") {
  JobSpec sharded = eight_replicas();
  sharded.parallelism.zero = 1;
  const JobSpec job = with_capacity(eight_replicas(), needed(estimate(sharded)));
  const std::array zero_alone{Axis::zero};
  const Advice other = advice_for(job, zero_alone);
  REQUIRE_FALSE(other.remedies.empty());
  for (const Remedy& remedy : other.remedies) CHECK(remedy.job.parallelism.zero == 0);
}

TEST_CASE("more devices are the last resort, and as few as were found to do") {
  // 1.7 G parameters of 18 bytes: 31 GB in all, and 8 devices of 3 GiB are 26 GB.
  JobSpec job = eight_replicas();
  job.model = llama_shaped(32, 2048, 5632, 16, 8, 32'000);
  job.training.micro_batch = 1;
  job = with_capacity(job, Bytes(std::int64_t{3} << 30));
  const Advice advice = advice_for(job);
  REQUIRE_FALSE(advice.remedies.empty());
  CHECK(advice.needs_more_devices(job));
  for (const Remedy& remedy : advice.remedies) {
    CHECK(remedy.settings.front().key == "cluster.nodes");
    CHECK(remedy.job.cluster.devices() == advice.remedies.front().job.cluster.devices());
  }
  // If clusters are compared, they determine the devices.
  const std::array nodes{Axis::nodes};
  CHECK(advice_for(job, nodes).remedies.empty());
}

TEST_CASE("where not even the largest cluster helps there is no remedy, and an end of trying") {
  const Advice advice = advice_for(with_capacity(eight_replicas(), Bytes(1 << 20)));
  CHECK(advice.remedies.empty());
  // 27 single changes at most, 48 pairs, 64 triples, 15 numbers of nodes with 18 plans each.
  CHECK(advice.plans <= 27 + 48 + 64 + 15 * 18);
}

TEST_CASE("one device takes many changes before it takes more devices") {
  // The 8.03 B weights of Llama 3 8B are 15.0 GiB in bf16. One card of 24 GiB holds little more: gradients, 15.0, must be
  // freed layer by layer, and moments, 15.0 in 8 bits, lie on the host.
  const JobSpec job =
      parse_jobs(
          "model: llama3-8b\n"
          "cluster: {name: rtx4090-box, nodes: 1, devices_per_node: 1, host: {memory: 128 GiB,"
          " memory_bandwidth: 80 GB/s, link: {bandwidth: 32 GB/s, latency: 10 us}}}\n"
          "framework: torch-fsdp\n"
          "training: {sequence_length: 2048, global_batch: 1, micro_batch: 1}\n",
          "job.yaml")
          .front();
  const Advice advice = advice_for(job);
  REQUIRE_FALSE(advice.remedies.empty());
  for (const Remedy& remedy : advice.remedies) {
    CHECK(remedy.job.cluster.devices() == 1);
    CHECK(remedy.job.training.optimizer_in_backward);
    CHECK((remedy.job.training.states.paged || remedy.job.training.offload.optimizer > 0.0));
    CHECK(estimate(remedy.job).memory.fits);
  }
}

TEST_CASE("every remedy, set in the job's file, plans and fits as was said") {
  FileDraw draw;
  int advised = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string text = draw.next();
    std::vector<JobSpec> jobs;
    try {
      jobs = parse_jobs(text, "drawn.yaml");
    } catch (const SpecError&) {
      continue;  // not legal
    }
    const Advice advice = advice_for(jobs.front());
    for (const Remedy& remedy : advice.remedies) {
      std::vector<Override> overrides;
      std::string words;
      for (const Setting& setting : remedy.settings) {
        overrides.push_back({setting.key, setting.value});
        words += setting.key + "=" + setting.value + " ";
      }
      INFO(text << words);
      const JobSpec read = parse_jobs(text, "drawn.yaml", overrides).front();
      const Estimate answer = estimate(read);
      CHECK(answer.memory.fits);
      CHECK(needed(answer) == remedy.needed);
      CHECK(answer.step.time == remedy.step);
      ++advised;
    }
  }
  CHECK(advised >= 10);
}
