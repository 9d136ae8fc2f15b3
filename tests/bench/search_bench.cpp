// How fast plans are bounded and searched. Not a test; timings decide nothing.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "planner/search/best/plan_search.hpp"
#include "planner/search/price/plan_floor.hpp"
#include "planner/search/space/plan_space.hpp"
#include "planner/spec/load/load.hpp"

using namespace foreshard;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// A job of a bundled model on a bundled cluster; its degrees are those from which a search starts.
JobSpec job_of(const std::string& model, const std::string& cluster, int nodes, const std::string& training) {
  return parse_jobs("model: " + model + "\ncluster: {name: " + cluster + ", nodes: " + std::to_string(nodes) +
                        "}\nframework: megatron\ntraining: {" + training + "}\n",
                    model)
      .front();
}

/// The walk over all combinations, and the floor of each plan, on one thread.
void measure_floors(const JobSpec& job, const std::vector<SearchAxis>& free) {
  const PlanSpace space(job, free);
  std::int64_t plans = 0;
  std::int64_t programs = 0;
  double sum = 0.0;
  const auto begin = Clock::now();
  for (std::size_t part = 0; part < space.parts(); ++part) {
    PlanFloors floors(space.values().base());
    space.walk(part, [&](const PlanPoint& point, const JobSpec& plan) {
      ++plans;
      if (const auto floor = floors.floor(point, plan)) sum += floor->step.value();
      return true;
    });
    programs += floors.programs();
  }
  const double seconds = seconds_since(begin);
  std::printf("  combinations %lld, plans %lld, step programs %lld\n",
              static_cast<long long>(space.combinations()), static_cast<long long>(plans),
              static_cast<long long>(programs));
  std::printf(
      "  floors on one thread: %.2f s, %.0f plans per second, %.0f combinations per second (sum %.3g)\n",
      seconds, static_cast<double>(plans) / seconds, static_cast<double>(space.combinations()) / seconds,
      sum);
}

void measure_search(const JobSpec& job, const std::vector<SearchAxis>& free) {
  SearchRequest request;
  request.sites = {job};
  request.free = free;
  request.threads = std::max(1U, std::thread::hardware_concurrency());
  const auto begin = Clock::now();
  const SearchResult result = search_plans(request);
  const double seconds = seconds_since(begin);
  const SearchCounts& counts = result.sites.front().counts;
  std::printf("  search on %zu threads: %.2f s, %lld plans estimated, %.0f plans per second\n",
              request.threads, seconds, static_cast<long long>(counts.estimated),
              static_cast<double>(counts.plans) / seconds);
  if (!result.sites.front().best.empty())
    std::printf("  best step %.4f s\n", result.sites.front().best.front().estimate().step.time.value());
}

void measure(const char* name, const JobSpec& job, const std::vector<SearchAxis>& free) {
  std::printf("%s\n", name);
  measure_floors(job, free);
  measure_search(job, free);
}

}  // namespace

int main() {
  using enum SearchAxis;
  const JobSpec llama =
      load_jobs(std::string(FORESHARD_SOURCE_DIR) + "/configs/jobs/llama3-70b-64h100.yaml").front();
  measure("Llama 3 70B, 64 H100, all axes", llama, all_axes(false));
  const JobSpec gpt3 =
      job_of("gpt3-175b", "dgx-a100", 64, "sequence_length: 2048, global_batch: 3072, micro_batch: 1");
  measure("GPT-3 175B, 512 A100, without cp", gpt3,
          {tp, pp, micro_batch, sequence_parallel, recompute, vp, schedule, stages, zero, dp_shard});
  const JobSpec deepseek =
      job_of("deepseek-v3", "gb200-nvl72", 8, "sequence_length: 4096, global_batch: 9216, micro_batch: 1");
  measure("DeepSeek-V3, 576 GB200, all axes", deepseek, all_axes(true));
}
