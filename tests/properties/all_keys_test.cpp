// Random legal jobs over all keys drive the checker, the plan, the simulation and the search against each other.
//
// A hundred jobs in every run of the tests; FORESHARD_DRAWN_JOBS and FORESHARD_DRAWN_SEED ask for more and for others.
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/search/best/plan_search.hpp"
#include "sim/step/simulate_step.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_key_jobs.hpp"
#include "tests/support/totals_only.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t usual) {
  const char* const value = std::getenv(name);
  return value == nullptr ? usual : std::strtoull(value, nullptr, 10);
}

std::uint64_t drawn_jobs() { return from_environment("FORESHARD_DRAWN_JOBS", 100); }
std::uint64_t drawn_seed() { return from_environment("FORESHARD_DRAWN_SEED", 28); }

double simulated_step(const StepProgram& program, const CostModel& cost) {
  NoTimeline nothing;
  return simulate_step(program, cost, nothing, test::totals_only(cost)).step_time.seconds().value();
}

void check_figures(const Estimate& found) {
  const StepFigures& step = found.step;
  CHECK(std::isfinite(step.time.value()));
  CHECK(step.time.value() > 0.0);
  CHECK(step.time_low <= step.time);
  CHECK(step.time <= step.time_high);
  CHECK(step.hardware_flops >= step.model_flops);
  for (const StageMemory& stage : found.memory.stages) {
    CHECK(stage.weights.value() >= 0);
    CHECK(stage.optimizer.value() >= 0);
  }
}

}  // namespace

TEST_CASE("all keys: programs that the draw found unsound once are sound") {
  constexpr const char* kTail =
      "training: {sequence_length: 4096, global_batch: 64, micro_batch: 1, recompute: selective-ops}\n";
  const auto problems = [](const std::string& text, const std::vector<Override>& overrides) {
    return check_program(build_step_program(parse_jobs(text, "found.yaml", overrides).front()));
  };
  // Half of gate and up runs again: its 16-bit weights must be made again before.
  CHECK(
      problems(std::string("model: qwen3-8b\ncluster: {name: dgx-h100, nodes: 1}\nframework: torch-fsdp\n") +
                   kTail,
               {{"lora", "{rank: 16, targets: [q, v], base: nf4}"}}) == std::vector<std::string>{});
  // A layer's gradients are freed by its update: copies of shards are summed in place, in no older gradient.
  CHECK(
      problems("model: llama3-8b\ncluster: {name: dgx-h100, nodes: 2}\nparallelism: {zero: 2, dp_shard: 8}\n"
               "training: {sequence_length: 4096, global_batch: 16, micro_batch: 1}\n",
               {{"training.optimizer_in_backward", "true"}}) == std::vector<std::string>{});
  // Of a matrix of 16 rows and 32 ranks some have none, and with ZeRO++ ranks of dp_replicate hold no copies.
  CHECK(problems("model: llama3-8b\ncluster: {name: dgx-h100, nodes: 4}\nframework: deepspeed\n"
                 "parallelism: {zero: 3, zero_hpz: 8}\n"
                 "training: {sequence_length: 4096, global_batch: 32, micro_batch: 1}\n",
                 {{"lora", "{rank: 16, targets: [attention]}"}}) == std::vector<std::string>{});
  // The statistics of a head's norm without weights are dropped where the norm runs again.
  CHECK(problems(
            "model: deepseek-v4-flash\ncluster: {name: dgx-h200, nodes: 8}\nparallelism: {ep: 8}\n"
            "training: {sequence_length: 2048, global_batch: 64, micro_batch: 1, recompute: selective-ops}\n",
            {}) == std::vector<std::string>{});
  // Copies of weights that are not sharded are summed on the device: their gradients are not on the host before.
  CHECK(problems("model: llama3-8b\ncluster: {name: dgx-2, nodes: 1}\nframework: torch-fsdp\n"
                 "parallelism: {zero: 3, dp_shard: 1}\n"
                 "training: {sequence_length: 2048, global_batch: 32, micro_batch: 2, precision: fp16}\n",
                 {{"lora", "{rank: 16, targets: [attention]}"}, {"training.offload", "{optimizer: 1}"}}) ==
        std::vector<std::string>{});
  // A rank keeps its share of the 8-bit copies of frozen weights, too.
  CHECK(problems("model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nparallelism: {zero: 3}\n"
                 "training: {sequence_length: 4096, global_batch: 64, micro_batch: 1, recompute: full, "
                 "precision: fp8, "
                 "fp8_parameter_gather: true}\nlora: {rank: 16, targets: [attention]}\n",
                 {}) == std::vector<std::string>{});
  // Of Kimi delta attention some products read the tokens of one rank, others those of all: the norm writes one 8-bit copy.
  CHECK(problems("model: kimi-linear-48b-a3b\ncluster: {name: dgx-h200, nodes: 8}\nframework: megatron\n"
                 "parallelism: {tp: 4, pp: 8, ep: 2, sequence_parallel: true}\n"
                 "training: {sequence_length: 8192, global_batch: 8, micro_batch: 1, precision: fp8}\n"
                 "lora: {rank: 16, targets: [attention]}\n",
                 {}) == std::vector<std::string>{});
  // With few tokens in a window, a rank gets the gradients of these keys alone back from its neighbour.
  CHECK(problems(std::string("model: deepseek-v4-flash\ncluster: {name: dgx-h200, nodes: 8}\n"
                             "parallelism: {ep: 8, cp: 2}\n") +
                     kTail,
                 {}) == std::vector<std::string>{});
}

TEST_CASE("all keys: a step that the draw found to differ between plan and simulation agrees") {
  // The host stops at every exchange of experts, and the interleaved schedule goes from a forward to a backward pass once
  // for every chunk: kernels of flash attention's backward pass begin late each time.
  const JobSpec job =
      parse_jobs(
          "model: qwen3-30b-a3b\ncluster: {name: h100-pcie-box, nodes: 8}\nframework: megatron-deepspeed\n"
          "parallelism: {pp: 8, vp: 3, cp: 2, zero: 2, cp_style: ring}\n"
          "training: {sequence_length: 8192, global_batch: 256, micro_batch: 1, compiled: false, dropout: "
          "true, "
          "recompute: selective-ops, fused_permutation: true, flash: fa1}\n"
          "lora: {rank: 16, targets: [attention]}\n",
          "found.yaml", {})
          .front();
  const StepProgram program = build_step_program(job);
  CHECK(estimate(job, program).step.time.value() ==
        Approx(simulated_step(program, CostModel(job))).epsilon(0.03));
}

namespace {

constexpr std::uint64_t kParts = 4;

/// A quarter of the jobs. The draws of the parts differ.
void check_drawn_jobs(std::uint64_t part) {
  KeyJobDraw draw(drawn_seed() * kParts + part);
  std::map<std::string, int> used;
  for (std::uint64_t i = 0; i < drawn_jobs() / kParts; ++i) {
    const KeyJob drawn = draw.next();
    INFO(drawn.words());
    for (const Override& override : drawn.overrides) ++used[override.path];
    const StepProgram program = build_step_program(drawn.job);
    CHECK(check_program(program) == std::vector<std::string>{});
    CHECK(to_json(program_from_json(to_json(program))) == to_json(program));
    const Estimate found = estimate(drawn.job, program);
    check_figures(found);
    CHECK(found.step.time.value() == Approx(simulated_step(program, CostModel(drawn.job))).epsilon(0.03));
  }
  // The draw reaches every key: none of them is refused in all jobs.
  if (drawn_jobs() < 4000) return;
  for (const KeyValues& key : further_keys()) {
    INFO(key.key);
    CHECK(used[key.key] > 0);
  }
}

}  // namespace

// In four parts, so that each ends in time on a busy machine.
TEST_CASE("all keys: programs are sound, and their simulation agrees with the plan, part 1") {
  check_drawn_jobs(0);
}
TEST_CASE("all keys: programs are sound, and their simulation agrees with the plan, part 2") {
  check_drawn_jobs(1);
}
TEST_CASE("all keys: programs are sound, and their simulation agrees with the plan, part 3") {
  check_drawn_jobs(2);
}
TEST_CASE("all keys: programs are sound, and their simulation agrees with the plan, part 4") {
  check_drawn_jobs(3);
}

TEST_CASE("all keys: a search prices the job's own plan as the plan does, and finds none worse") {
  KeyJobDraw draw(drawn_seed() + 1);
  for (std::uint64_t i = 0; i < drawn_jobs() / 10; ++i) {
    const KeyJob drawn = draw.next();
    if (drawn.job.cluster.devices() > 32) continue;
    INFO(drawn.words());
    SearchRequest request;
    request.sites = {drawn.job};
    request.free = {SearchAxis::micro_batch, SearchAxis::zero};
    const SiteResult found = search_plans(request).sites.front();
    REQUIRE(found.own.has_value());
    const Estimate own = estimate(drawn.job);
    CHECK(found.own->estimate->step.time == own.step.time);
    CHECK(found.own->estimate->memory.verdict == own.memory.verdict);
    if (own.memory.verdict != MemoryVerdict::fits) continue;
    REQUIRE_FALSE(found.best.empty());
    CHECK(found.best.front().estimate().step.time <= own.step.time);
  }
}
