#include "planner/search/best/plan_settings.hpp"

#include <string>
#include <vector>

#include "planner/search/best/plan_search.hpp"
#include "planner/search/best/site.hpp"
#include "planner/spec/load/job_text.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/units/quantity.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr const char* kDense = R"(
# comments are lost
name: dense
model: llama3-8b
cluster: {name: dgx-h100, nodes: 2}
parallelism: {tp: 8, pp: 2, zero: 1, stages: [17, 15]}
training: {sequence_length: 2048, global_batch: 32, micro_batch: 1, recompute: full, recompute_layers: 4, tokens: 1T}
measured: {step_time: 1 s, source: "\"mine\""}
)";

// On eight devices only plans that leave something to the host fit, and others than the file's.
constexpr const char* kOffloaded = R"(
model: llama3-70b
cluster: {name: dgx-h100, nodes: 1}
framework: torch-fsdp
parallelism: {zero: 3}
training: {sequence_length: 2048, global_batch: 8, micro_batch: 1, recompute: full, offload: {optimizer: 0.5}}
)";

constexpr const char* kExperts = R"(
model: mixtral-8x7b
cluster: {name: dgx-h100, nodes: 4}
framework: megatron
parallelism: {tp: 2, ep: 4, etp: 2, zero: 1}
training:
  sequence_length: 2048
  global_batch: 32
  micro_batch: 1
  overlap: {dp: true}
)";

/// Reads back what is written for each of the best plans, and compares its figures with those of the search.
void check_emitted(const std::string& text, std::vector<SearchAxis> free, std::int64_t devices) {
  const JobSpec job = parse_jobs(text, "job").front();
  SearchRequest request;
  request.sites = {*job_on(job, job.cluster, devices, false)};
  request.sites.front().cluster.price = DollarsPerSecond(2.5 / 3600.0);
  request.free = std::move(free);
  request.top = 3;
  const SearchResult result = search_plans(request);
  REQUIRE_FALSE(result.sites.front().best.empty());
  for (const FoundPlan& plan : result.sites.front().best) {
    std::vector<Override> settings;
    for (const Setting& setting : plan_settings(plan.job())) settings.push_back({setting.key, setting.value});
    const std::string emitted = parse_job_text(text, "job", settings, keys_left_out(plan.job()));
    CAPTURE(emitted);
    const JobSpec again = parse_jobs(emitted, "emitted").front();
    const Estimate estimated = estimate(again);
    CHECK(estimated.step.time == plan.estimate().step.time);
    CHECK(estimated.memory.reserved == plan.estimate().memory.reserved);
    CHECK(estimated.memory.fits);
    CHECK_FALSE(again.measured);
    CHECK(again.cluster.price == plan.job().cluster.price);
  }
}

}  // namespace

TEST_CASE("a plan that is written as a job file plans as the search said") {
  using enum SearchAxis;
  check_emitted(kDense, {tp, pp, vp, schedule, stages, recompute}, 16);
  check_emitted(kDense, {tp, zero, recompute, dp_shard}, 4);
  check_emitted(kExperts, {tp, ep, etp, sequence_parallel, dispatcher}, 32);
  check_emitted(kDense, {tp, pp, overlap_tp, overlap_pp, overlap_dp, recompute}, 16);
  check_emitted(kDense, {precision, zero}, 16);
  check_emitted(kOffloaded, {offload, zero}, 8);
}

TEST_CASE("a job's text stands by itself") {
  const std::string text = parse_job_text(
      "model: \"models/mine.json\"\ncluster: {name: ./mine.yaml, nodes: 2}\ntraining: {tokens: 1T, lists: "
      "[a, [b, {c: d}]], empty: }\n",
      "job", {{"training.micro_batch", "2"}}, {"training.tokens"});
  // Paths are absolute and in quotes; the overridden key is there, the removed one is not.
  CHECK(text.find("models/mine.json\"\n") != std::string::npos);
  CHECK(text.find("model: \"/") != std::string::npos);
  CHECK(text.find("  name: \"/") != std::string::npos);
  CHECK(text.find("  micro_batch: 2\n") != std::string::npos);
  CHECK(text.find("tokens") == std::string::npos);
  CHECK(text.find("  lists:\n    - a\n    - [b, {c: d}]\n") != std::string::npos);
  CHECK(text.find("  empty: null\n") != std::string::npos);
}
