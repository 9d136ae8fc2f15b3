#include "planner/search/best/plan_search.hpp"

#include <atomic>
#include <vector>

#include "planner/search/best/plan_race.hpp"
#include "planner/search/best/site.hpp"
#include "planner/search/best/workers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_host.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

JobSpec small_job() {
  JobSpec job;
  job.model = test::llama_shaped(8, 2048, 8192, 16, 8, 32000);
  job.cluster = test::round_cluster(1, 8);
  job.cluster.price = DollarsPerSecond(1.0 / 3600.0);
  job.parallelism.dp = 8;
  job.training.sequence_length = 2048;
  job.training.global_batch = 16;
  job.training.micro_batch = 1;
  return job;
}

SearchRequest request_for(const JobSpec& job, std::vector<SearchAxis> free) {
  SearchRequest request;
  request.sites = {job};
  request.free = std::move(free);
  request.top = 5;
  return request;
}

void check_same(const SiteResult& a, const SiteResult& b) {
  REQUIRE(a.best.size() == b.best.size());
  for (std::size_t i = 0; i < a.best.size(); ++i) {
    CHECK(a.best[i].point == b.best[i].point);
    CHECK(a.best[i].estimate().step.time == b.best[i].estimate().step.time);
  }
  REQUIRE(a.values.size() == b.values.size());
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    REQUIRE(a.values[i].best.has_value() == b.values[i].best.has_value());
    if (a.values[i].best)
      CHECK(a.values[i].best->estimate().step.time == b.values[i].best->estimate().step.time);
  }
}

}  // namespace

TEST_CASE("a search with floors finds what estimating every plan finds") {
  using enum SearchAxis;
  JobSpec job = small_job();
  SearchRequest request = request_for(job, {tp, pp, micro_batch, recompute, schedule, zero, stages});
  const SiteResult found = search_plans(request).sites.front();
  request.prunes = false;
  const SiteResult all = search_plans(request).sites.front();
  check_same(found, all);
  // Every plan that was estimated in full and fits was decided in one of three ways.
  CHECK(found.counts.plans == all.counts.plans);
  CHECK(found.counts.plans == found.counts.too_large + found.counts.slower + found.counts.estimated);
  CHECK(all.counts.plans == all.counts.too_large + all.counts.estimated);
  CHECK(found.counts.combinations == found.counts.plans + found.counts.refusals());
  CHECK(found.counts.estimated < all.counts.estimated);
  // Each plan of the true front is on the front that was found, or one that is as fast and needs no more than 2% of
  // the device's memory in addition.
  const double slack = PlanRace::kFrontStep * job.cluster.accelerator.memory_capacity.as_double();
  for (const FoundPlan& plan : all.front) {
    CHECK(std::any_of(found.front.begin(), found.front.end(), [&](const FoundPlan& other) {
      return other.estimate().step.time <= plan.estimate().step.time &&
             needed_by(other.estimate()).as_double() <= needed_by(plan.estimate()).as_double() + slack;
    }));
  }
}

TEST_CASE("overlaps are searched as all plans are") {
  using enum SearchAxis;
  SearchRequest request =
      request_for(small_job(), {tp, pp, sequence_parallel, overlap_tp, overlap_pp, overlap_dp, zero});
  const SiteResult found = search_plans(request).sites.front();
  request.prunes = false;
  check_same(found, search_plans(request).sites.front());
}

TEST_CASE("precision and offload are searched as all plans are") {
  using enum SearchAxis;
  JobSpec job = small_job();
  job.cluster.host = test::round_host();
  // 634 million parameters of 18 bytes are 10.6 GiB: without a host, ZeRO and tp they do not fit.
  job.cluster.accelerator.memory_capacity = Bytes(std::int64_t{9} << 30);
  SearchRequest request = request_for(job, {precision, offload, tp, micro_batch, zero});
  request.top = 100;
  const SearchResult found = search_plans(request);
  request.prunes = false;
  check_same(found.sites.front(), search_plans(request).sites.front());
  // Each plan is `plan`'s, whatever its precision and whatever is on the host.
  const std::vector<FoundPlan>& best = found.sites.front().best;
  const auto any = [&](auto is_so) {
    return std::any_of(best.begin(), best.end(),
                       [&](const FoundPlan& plan) { return is_so(plan.job().training); });
  };
  CHECK(any([](const TrainingSpec& training) { return training.precision == Precision::fp8; }));
  CHECK(any([](const TrainingSpec& training) { return training.precision == Precision::bf16; }));
  CHECK(any([](const TrainingSpec& training) { return training.offload.any(); }));
  CHECK(any([](const TrainingSpec& training) { return !training.offload.any(); }));
  for (const FoundPlan& plan : best) {
    const Estimate again = estimate(plan.job());
    CHECK(plan.estimate().step.time == again.step.time);
    CHECK(plan.estimate().memory.reserved == again.memory.reserved);
    CHECK(again.memory.fits);
  }
}

TEST_CASE("a plan's figures are those of its estimate") {
  using enum SearchAxis;
  const SearchResult result = search_plans(request_for(small_job(), {tp, pp, zero}));
  const FoundPlan& best = result.sites.front().best.front();
  const Estimate again = estimate(best.job());
  CHECK(best.estimate().step.time == again.step.time);
  CHECK(best.estimate().memory.reserved == again.memory.reserved);
}

TEST_CASE("the number of threads changes nothing") {
  using enum SearchAxis;
  SearchRequest request = request_for(small_job(), {tp, pp, micro_batch, zero});
  const SiteResult one = search_plans(request).sites.front();
  request.threads = 4;
  const SiteResult four = search_plans(request).sites.front();
  check_same(one, four);
  CHECK(one.counts.estimated == four.counts.estimated);
  CHECK(one.counts.slower == four.counts.slower);
}

TEST_CASE("a memory margin leaves out what needs the margin") {
  using enum SearchAxis;
  SearchRequest request = request_for(small_job(), {tp, micro_batch, recompute});
  const SearchResult whole = search_plans(request);
  const Bytes needed = needed_by(whole.sites.front().best.front().estimate());
  const double capacity = request.sites.front().cluster.accelerator.memory_capacity.as_double();
  request.memory_margin = 1.0 - 0.99 * needed.as_double() / capacity;
  const SearchResult half = search_plans(request);
  for (const FoundPlan& plan : half.sites.front().best)
    CHECK(needed_by(plan.estimate()).as_double() <= 0.99 * needed.as_double());
}

TEST_CASE("memory headroom as the objective puts the smallest plan first") {
  using enum SearchAxis;
  SearchRequest request = request_for(small_job(), {tp, pp, recompute, zero});
  request.objective = SearchObjective::memory_headroom;
  const SiteResult site = search_plans(request).sites.front();
  request.prunes = false;
  const SiteResult all = search_plans(request).sites.front();
  CHECK(needed_by(site.best.front().estimate()) == needed_by(all.best.front().estimate()));
}

TEST_CASE("sites are ranked by the objective") {
  using enum SearchAxis;
  const JobSpec job = small_job();
  SearchRequest request = request_for(job, {tp, zero});
  request.sites = {*job_on(job, job.cluster, 4, false), *job_on(job, job.cluster, 8, false)};
  CHECK(search_plans(request).ranking.front() == 1);  // eight devices are faster
  request.objective = SearchObjective::devices;
  CHECK(search_plans(request).ranking.front() == 0);
}

TEST_CASE("a search that is told to stop says that it is not complete") {
  using enum SearchAxis;
  const std::atomic<bool> stop{true};
  SearchRequest request = request_for(small_job(), {tp, zero});
  request.stop = &stop;
  CHECK_FALSE(search_plans(request).sites.front().complete);
}

TEST_CASE("a job moves to a share of a node, to whole nodes, and its batch with it") {
  const JobSpec job = small_job();
  const auto half = job_on(job, job.cluster, 4, true);
  REQUIRE(half);
  CHECK(half->cluster.devices() == 4);
  CHECK(half->cluster.idle_devices() == 4);
  CHECK(half->training.global_batch == 8);  // 16 · 4 / 8
  const auto two = job_on(job, job.cluster, 16, false);
  REQUIRE(two);
  CHECK(two->cluster.nodes == 2);
  CHECK(two->training.global_batch == 16);
  CHECK_FALSE(job_on(job, job.cluster, 12, false));  // a node and a half
  // Nodes of 72 with 64 in use: 57 nodes hold 4,096 devices, but only on 64 nodes each has equally many.
  ClusterSpec rack = job.cluster;
  rack.devices_per_node = 72;
  const auto racks = job_on(job, rack, 4096, false);
  REQUIRE(racks);
  CHECK(racks->cluster.nodes == 64);
  CHECK(racks->cluster.devices_per_node == 64);
  CHECK(racks->cluster.idle_per_node == 8);
  // What the cluster leaves idle stays idle.
  rack.devices_per_node = 64;
  rack.idle_per_node = 8;
  CHECK(job_on(job, rack, 128, false)->cluster.idle_per_node == 8);
  CHECK_FALSE(job_on(job, job.cluster, 1, true).value_or(job).training.global_batch == 16);
}

TEST_CASE("work on threads is done once each, and the first failure comes out") {
  std::vector<std::atomic<int>> done(100);
  run_on_threads(done.size(), 4, [&](std::size_t i) { ++done[i]; });
  for (const std::atomic<int>& count : done) CHECK(count == 1);
  CHECK_THROWS_WITH(run_on_threads(10, 4,
                                   [](std::size_t i) {
                                     if (i >= 3) throw std::runtime_error("call " + std::to_string(i));
                                   }),
                    "call 3");
}
