// How fast plans are bounded and searched. Not a test; timings decide nothing.
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "planner/search/best/plan_search.hpp"
#include "planner/search/price/plan_floor.hpp"
#include "planner/search/space/plan_space.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/bench/cpu_time.hpp"

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

/// The walk over all combinations, and the floor of each plan, on one thread: processor time, with and without what
/// building the layers and states takes that plans share.
void measure_floors(const JobSpec& job, const std::vector<SearchAxis>& free) {
  const PlanSpace space(job, free);
  const Bytes capacity = job.cluster.accelerator.memory_capacity;
  std::int64_t plans = 0;
  std::int64_t too_large = 0;
  std::int64_t programs = 0;
  double again = 0.0;  // seconds, once everything that plans share is built
  const double begin = bench::thread_seconds();
  for (std::size_t part = 0; part < space.parts(); ++part) {
    PlanFloors floors(space.values().base(), capacity);
    const auto walk = [&] {
      space.walk(part, [&](const PlanPoint& point, const JobSpec& plan) {
        ++plans;
        const std::optional<PlanFloor> floor = floors.floor(point, plan);
        if (floor && floor->needed > capacity) ++too_large;
        return true;
      });
    };
    walk();
    programs += floors.programs();
    const double middle = bench::thread_seconds();
    walk();
    again += bench::thread_seconds() - middle;
  }
  const double first = bench::thread_seconds() - begin - again;
  const auto combinations = static_cast<double>(space.combinations());
  std::printf(
      "  combinations %.0f, plans %lld, of these too large by their floors %lld, step programs %lld\n",
      combinations, static_cast<long long>(plans / 2), static_cast<long long>(too_large / 2),
      static_cast<long long>(programs));
  const auto rates = [&](const char* what, double seconds) {
    std::printf("  %s: %.2f s of one core, %.0f plans per second, %.0f combinations per second\n", what,
                seconds, static_cast<double>(plans) / 2.0 / seconds, combinations / seconds);
  };
  rates("walk and floors", first);
  rates("the same with layers and states at hand", again);
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

void measure_section(const char* name, const JobSpec& job, const std::vector<SearchAxis>& free) {
  std::printf("%s\n", name);
  measure_floors(job, free);
  measure_search(job, free);
}

}  // namespace

/// Measures the sections whose names contain the word; all without one.
int main(int count, char** arguments) {
  using enum SearchAxis;
  const std::string_view wanted = count > 1 ? arguments[1] : "";
  const auto measure = [&](const char* name, const JobSpec& job, const std::vector<SearchAxis>& free) {
    if (std::string_view(name).find(wanted) != std::string_view::npos) measure_section(name, job, free);
  };
  const JobSpec llama =
      load_jobs(std::string(FORESHARD_SOURCE_DIR) + "/configs/jobs/llama3-70b-64h100.yaml").front();
  measure("Llama 3 70B, 64 H100, all axes", llama, all_axes(false));
  const JobSpec gpt3 =
      job_of("gpt3-175b", "dgx-a100", 64, "sequence_length: 2048, global_batch: 3072, micro_batch: 1");
  measure("GPT-3 175B, 512 A100, without cp", gpt3,
          {tp, pp, micro_batch, sequence_parallel, recompute, vp, schedule, stages, zero, dp_shard});
  // The axes of Calculon's search (calculon/llm/optimal_execution.py) that foreshard has. Its own space for this model and
  // machine has 15.4 million combinations with batches of 3,072.
  measure("GPT-3 175B, 512 A100, Calculon's axes", gpt3,
          {tp, pp, vp, schedule, micro_batch, sequence_parallel, overlap_tp, overlap_dp, recompute, zero,
           stages});
  const JobSpec deepseek =
      job_of("deepseek-v3", "gb200-nvl72", 8, "sequence_length: 4096, global_batch: 9216, micro_batch: 1");
  measure("DeepSeek-V3, 576 GB200, all axes", deepseek, all_axes(true));
}
