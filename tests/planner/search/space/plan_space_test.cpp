#include "planner/search/space/plan_space.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/test_host.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

/// Four layers on four devices: every rule of legality meets some combination.
JobSpec small_job() {
  JobSpec job;
  job.model = test::llama_shaped(4, 64, 96, 4, 2, 128);
  job.cluster = test::round_cluster(1, 4);
  job.parallelism.dp = 4;
  job.training.sequence_length = 64;
  job.training.global_batch = 8;
  job.training.micro_batch = 1;
  return job;
}

JobSpec small_moe_job() {
  JobSpec job = small_job();
  job.framework = Framework::megatron;
  job.model.experts = ExpertsSpec{.count = 4, .per_token = 2, .hidden = 32};
  return job;
}

/// All combinations of a space, in order.
std::vector<PlanPoint> combinations(const AxisValues& values) {
  std::vector<PlanPoint> all{PlanPoint{}};
  for (std::size_t axis = 0; axis < kSearchAxisCount; ++axis) {
    std::vector<PlanPoint> more;
    for (const PlanPoint& point : all) {
      for (std::size_t place = 0; place < values.count(kSearchAxes[axis]); ++place) {
        more.push_back(point);
        more.back().at[axis] = static_cast<std::uint8_t>(place);
      }
    }
    all = std::move(more);
  }
  return all;
}

struct Walked {
  std::vector<PlanPoint> plans;
  Refusals refusals;
};

Walked walk_all(const PlanSpace& space) {
  Walked walked;
  for (std::size_t part = 0; part < space.parts(); ++part) {
    walked.refusals.add(space.walk(part, [&](const PlanPoint& point, const JobSpec&) {
      walked.plans.push_back(point);
      return true;
    }));
  }
  return walked;
}

/// True if two plans are the same job in other words: what has no effect is set to its plain value.
JobSpec plainly(JobSpec job) {
  ParallelismSpec& p = job.parallelism;
  if (p.tp == 1) p.sequence_parallel = false;
  if (p.pp == 1) p.stage_policy = StagePolicy::even;
  const bool has_replicas = p.dp * p.cp > 1 || (job.model.experts && p.expert_replicas() > 1);
  if (!has_replicas && job.training.offload.weights == 0.0) p.zero = 0;
  if (p.zero == 0 || p.dp_shard == p.dp) p.dp_shard.reset();
  OverlapSpec& overlap = job.training.overlap;
  if (p.tp == 1 && (!job.model.experts || p.expert_tp() == 1)) overlap.tp = TpOverlap::none;
  if (p.pp == 1) overlap.pp = false;
  if (!has_replicas) overlap.dp = overlap.gather = false;
  if (p.zero == 0 || p.zero == 3) overlap.gather = false;
  const std::int64_t etp = p.expert_tp();
  p.etp.reset();
  // Where a framework allows ep only with an etp that is said, the plain form says it.
  if (p.expert_tp() != etp || !find_illegalities(job).empty()) p.etp = etp;
  return job;
}

bool says_the_same(const JobSpec& a, const JobSpec& b) {
  const ParallelismSpec& p = a.parallelism;
  const ParallelismSpec& q = b.parallelism;
  return p.tp == q.tp && p.pp == q.pp && p.vp == q.vp && p.cp == q.cp && p.ep == q.ep && p.etp == q.etp &&
         p.dp == q.dp && p.zero == q.zero && p.dp_shard == q.dp_shard && p.stage_policy == q.stage_policy &&
         p.sequence_parallel == q.sequence_parallel && a.training.overlap.tp == b.training.overlap.tp &&
         a.training.overlap.pp == b.training.overlap.pp && a.training.overlap.dp == b.training.overlap.dp &&
         a.training.overlap.gather == b.training.overlap.gather &&
         a.training.precision == b.training.precision && a.training.offload == b.training.offload &&
         a.training.micro_batch == b.training.micro_batch && a.training.recompute == b.training.recompute &&
         a.training.schedule == b.training.schedule &&
         a.training.recompute_modules == b.training.recompute_modules;
}

void check_space(const JobSpec& job, std::vector<SearchAxis> free) {
  const PlanSpace space(job, free);
  const Walked walked = walk_all(space);
  const std::set<PlanPoint> plans(walked.plans.begin(), walked.plans.end());
  std::int64_t repeated = 0;
  std::int64_t number = 0;
  for (const PlanPoint& point : combinations(space.values())) {
    ++number;
    const JobSpec plan = space.values().job(point);
    const bool is_legal = find_illegalities(plan).empty();
    if (plans.contains(point)) {
      CHECK(is_legal);
      continue;
    }
    if (!is_legal) continue;
    // A legal combination is left out only if its plain form is there.
    const JobSpec plain = plainly(plan);
    CHECK(std::any_of(plans.begin(), plans.end(), [&](const PlanPoint& other) {
      return says_the_same(space.values().job(other), plain);
    }));
    ++repeated;
  }
  CHECK(number == space.combinations());
  CHECK(static_cast<std::int64_t>(plans.size()) + walked.refusals.total() == number);
  CHECK(!plans.empty());
  CHECK(repeated > 0);
}

}  // namespace

TEST_CASE("the walk finds every legal plan and counts every other combination") {
  using enum SearchAxis;
  check_space(small_job(), {tp, cp, pp, micro_batch, sequence_parallel, vp, schedule, zero});
  check_space(small_job(), {tp, pp, recompute, stages, zero, dp_shard});
  check_space(small_job(), {tp, pp, overlap_tp, overlap_pp, overlap_dp, zero});
  check_space(small_moe_job(), {tp, cp, pp, ep, sequence_parallel, zero});
  JobSpec hosted = small_job();
  hosted.cluster.host = test::round_host();
  check_space(hosted, {precision, offload, tp, sequence_parallel, zero});
}

TEST_CASE("precision and offload are refused by rules of their own") {
  // The accelerator multiplies in bf16 and fp8, not in mxfp8 and nvfp4. Its host is not known, so nothing goes there.
  const PlanSpace space(small_job(), std::vector{SearchAxis::precision, SearchAxis::offload});
  CHECK(space.combinations() == 4 * 6);
  const Walked walked = walk_all(space);
  std::vector<std::string> found;
  for (const PlanPoint& plan : walked.plans) {
    const JobSpec job = space.values().job(plan);
    CHECK_FALSE(job.training.offload.any());
    found.push_back(space.values().word(SearchAxis::precision, plan[SearchAxis::precision]));
  }
  CHECK(found == std::vector<std::string>{"bf16", "fp8"});
  const auto refused = [&](std::string_view reason) {
    std::int64_t sum = 0;
    for (std::size_t rule = 0; rule < space.rules().size(); ++rule)
      if (space.rules()[rule] == reason) sum += walked.refusals.by_rule[rule];
    return sum;
  };
  // Of each precision five offload something; what is left of mxfp8 and nvfp4 has no units.
  CHECK(refused("what is offloaded does not run with this ZeRO, optimizer or precision, or the host is not "
                "known") == 4 * 5);
  CHECK(refused("the accelerator lacks the precision, or the job's keys for precisions do not suit it") == 2);
}

TEST_CASE("weights go to the host with ZeRO-3 alone, and the job's own share is a value, too") {
  JobSpec job = small_job();
  job.cluster.host = test::round_host();
  job.training.offload.activations = 0.25;
  const PlanSpace space(job, std::vector{SearchAxis::offload, SearchAxis::zero});
  std::set<std::string> with_weights;
  std::set<std::string> with_zero_1;
  for (const PlanPoint& plan : walk_all(space).plans) {
    const JobSpec found = space.values().job(plan);
    const std::string word = space.values().word(SearchAxis::offload, plan[SearchAxis::offload]);
    if (found.training.offload.weights > 0.0) {
      CHECK(found.parallelism.zero == 3);
      with_weights.insert(word);
    }
    if (found.parallelism.zero == 1) with_zero_1.insert(word);
  }
  CHECK(with_weights == std::set<std::string>{"optimizer + weights", "optimizer + weights + activations"});
  CHECK(with_zero_1 == std::set<std::string>{"activations 0.25", "none", "optimizer", "activations",
                                             "optimizer + activations"});
}

TEST_CASE("a job whose weights are not stored in bf16 keeps its precision") {
  JobSpec job = small_job();
  job.training.precision = Precision::fp32;
  const PlanSpace space(job, std::vector{SearchAxis::precision});
  CHECK(space.combinations() == 1);
  CHECK(space.values().word(SearchAxis::precision, 0) == "fp32");
}

TEST_CASE("the walk finds every legal plan with etp free") {
  using enum SearchAxis;
  // Megatron-LM wants an etp said where ep does not divide cp · dp; other frameworks take 1 there.
  check_space(small_moe_job(), {tp, cp, pp, ep, etp, sequence_parallel, zero});
  JobSpec job = small_moe_job();
  job.framework = Framework::foreshard;
  check_space(job, {tp, pp, ep, etp, sequence_parallel});
}

TEST_CASE("an etp that says what is unsaid counts once") {
  // tp 2 × dp 2 with ep 2: etp 2 is tp, so it says the same as none; etp 1 is another plan, and etp 4 has too few devices.
  JobSpec job = small_moe_job();
  job.parallelism.tp = 2;
  job.parallelism.dp = 2;
  job.parallelism.ep = 2;
  job.parallelism.sequence_parallel = true;
  const PlanSpace space(job, std::vector{SearchAxis::etp});
  std::vector<std::optional<std::int64_t>> found;
  for (const PlanPoint& point : walk_all(space).plans)
    found.push_back(space.values().job(point).parallelism.etp);
  CHECK(found == std::vector<std::optional<std::int64_t>>{std::nullopt, 1});
}

TEST_CASE("axes that are not free keep the job's value") {
  JobSpec job = small_job();
  job.parallelism.zero = 1;
  job.training.recompute = Recompute::full;
  const std::vector free{SearchAxis::tp};
  const PlanSpace space(job, free);
  // tp 1, 2 and 4 divide four devices and the two kv heads, or are a multiple of them; tp 4 leaves no replica to shard
  // over, but zero 0, which would say the same, is not among the values.
  const Walked walked = walk_all(space);
  REQUIRE(walked.plans.size() == 3);
  for (const PlanPoint& point : walked.plans) {
    const JobSpec plan = space.values().job(point);
    CHECK(plan.parallelism.zero == 1);
    CHECK(plan.training.recompute == Recompute::full);
    CHECK(plan.parallelism.dp == 4 / plan.parallelism.tp);
  }
}

TEST_CASE("a walk ends when it is told to") {
  const PlanSpace space(small_job(), std::vector{SearchAxis::pp, SearchAxis::zero});
  int visited = 0;
  space.walk(0, [&](const PlanPoint&, const JobSpec&) { return ++visited < 2; });
  CHECK(visited == 2);
}
