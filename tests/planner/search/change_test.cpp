#include "planner/search/change.hpp"

#include <algorithm>
#include <array>

#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// Eight layers and heads, 16 devices: tp 2 · pp 2 · dp 4, without sequence parallelism.
JobSpec two_nodes() {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(2);
  job.parallelism.tp = 2;
  job.parallelism.pp = 2;
  job.parallelism.dp = 4;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 4;
  job.training.global_batch = 64;
  return job;
}

/// 8 experts on ep 4 of dp 8, tp 1.
JobSpec with_experts() {
  JobSpec job = two_nodes();
  job.parallelism = ParallelismSpec{};
  job.parallelism.pp = 2;
  job.parallelism.ep = 4;
  job.parallelism.dp = 8;
  job.training.micro_batch = 1;
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 512};
  return job;
}

template <class Value>
std::size_t count_of(const std::vector<Change>& changes, std::optional<Value> Change::*member) {
  return static_cast<std::size_t>(std::count_if(
      changes.begin(), changes.end(), [&](const Change& change) { return (change.*member).has_value(); }));
}

}  // namespace

TEST_CASE("an expert's changes, those that cost nothing first") {
  const std::vector<Change> changes = single_changes(two_nodes(), {});
  CHECK(changes[0].gradient_dtype == DType::bf16);
  CHECK(changes[1].zero == 1);
  CHECK(std::is_sorted(changes.begin(), changes.end(),
                       [](const Change& a, const Change& b) { return place_of(a) < place_of(b); }));
  CHECK(count_of(changes, &Change::zero) == 3);
  CHECK(count_of(changes, &Change::gradient_dtype) == 1);
  // The attention core, the FFN, single operations, half of the layers, all layers.
  CHECK(count_of(changes, &Change::recompute) == 5);
  CHECK(count_of(changes, &Change::loss_chunks) == 1);
  CHECK(count_of(changes, &Change::moments) == 1);
  CHECK(count_of(changes, &Change::sequence_parallel) == 1);
  CHECK(count_of(changes, &Change::micro_batch) == 2);  // 2 and 1
  CHECK(count_of(changes, &Change::tp) == 2);           // 4 and 8: the node ends
  CHECK(count_of(changes, &Change::pp) == 2);           // 4 and 8: the layers end
  CHECK(count_of(changes, &Change::ep) == 0);
  CHECK(count_of(changes, &Change::nodes) == 0);
}

TEST_CASE("what the job does already is no change, nor what is fixed") {
  JobSpec job = two_nodes();
  job.parallelism.zero = 2;
  job.parallelism.sequence_parallel = true;
  job.training.gradient_dtype = DType::bf16;
  job.training.recompute = Recompute::full;
  job.training.micro_batch = 1;
  const std::array fixed{Axis::tp, Axis::cp};
  const std::vector<Change> changes = single_changes(job, fixed);
  CHECK(changes.front().zero == 3);
  CHECK(count_of(changes, &Change::zero) == 1);
  CHECK(count_of(changes, &Change::gradient_dtype) == 0);
  CHECK(count_of(changes, &Change::recompute) == 0);
  CHECK(count_of(changes, &Change::sequence_parallel) == 0);
  CHECK(count_of(changes, &Change::micro_batch) == 0);
  CHECK(count_of(changes, &Change::tp) == 0);
  CHECK(count_of(changes, &Change::cp) == 0);
}

TEST_CASE("modules of models that have them, under Megatron-LM") {
  JobSpec job = with_experts();
  job.framework = Framework::megatron;
  // The attention core, norms and activations, all of the experts, single operations, half, all.
  CHECK(count_of(single_changes(job, {}), &Change::recompute) == 6);
  job.model.mla = MlaSpec{.kv_rank = 64, .nope_head_dim = 32, .rope_head_dim = 16, .v_head_dim = 32};
  CHECK(count_of(single_changes(job, {}), &Change::recompute) == 8);
  job.framework = Framework::torch_fsdp;
  CHECK(count_of(single_changes(job, {}), &Change::recompute) == 4);
}

TEST_CASE("updates with less memory, in PyTorch's training loops") {
  JobSpec job = two_nodes();
  job.framework = Framework::megatron;
  CHECK(count_of(single_changes(job, {}), &Change::optimizer) == 0);
  CHECK(count_of(single_changes(job, {}), &Change::master) == 0);
  job.framework = Framework::torch_fsdp;
  const std::vector<Change> changes = single_changes(job, {});
  CHECK(count_of(changes, &Change::optimizer) == 1);
  CHECK(count_of(changes, &Change::master) == 1);
  CHECK(count_of(changes, &Change::optimizer_in_backward) == 1);
  CHECK(std::is_sorted(changes.begin(), changes.end(),
                       [](const Change& a, const Change& b) { return place_of(a) < place_of(b); }));
  const std::optional<JobSpec> changed = changed_job(job, {.optimizer = OptimizerKind::adamw_8bit}, {});
  REQUIRE(changed);
  CHECK(changed->training.states.moments == MomentType::int8);
  job.training.optimizer = OptimizerKind::lion;
  job.training.states.master = MasterWeights::none;
  CHECK(count_of(single_changes(job, {}), &Change::optimizer) == 0);
  CHECK(count_of(single_changes(job, {}), &Change::master) == 0);
}

TEST_CASE("what is recomputed in some layers may be recomputed in all") {
  JobSpec job = two_nodes();
  job.training.recompute = Recompute::full;
  job.training.recompute_layers = FirstLayers{1};
  const std::vector<Change> changes = single_changes(job, {});
  CHECK(count_of(changes, &Change::recompute) == 1);
  const auto changed = changed_job(job, Change{.recompute = Recompute::full}, {});
  REQUIRE(changed);
  CHECK(changed->training.recompute_layers == RecomputeLayers{AllLayers{}});
}

TEST_CASE("two changes go together unless they set the same value") {
  const Change zero{.zero = 1};
  const Change full{.recompute = Recompute::full};
  const auto sum = both(zero, full);
  REQUIRE(sum);
  CHECK(sum->zero == 1);
  CHECK(sum->recompute == Recompute::full);
  CHECK_FALSE(both(zero, Change{.zero = 3}));
  CHECK(is_part_of(zero, *sum));
  CHECK_FALSE(is_part_of(*sum, zero));
  CHECK_FALSE(is_part_of(zero, zero));
  CHECK_FALSE(is_part_of(Change{.zero = 3}, *sum));
}

TEST_CASE("the other degrees follow a change") {
  const auto changed = changed_job(two_nodes(), {.tp = 4}, {});
  REQUIRE(changed);
  CHECK(changed->parallelism.dp == 2);
  CHECK_FALSE(changed->parallelism.sequence_parallel);  // off, as the job has it
  CHECK(changed->training.global_batch == 64);
  const std::array fixed{Axis::dp};
  CHECK_FALSE(changed_job(two_nodes(), {.tp = 4}, fixed));
  // 16 / (2 · 16) replicas: no such job.
  CHECK_FALSE(changed_job(two_nodes(), {.pp = 16}, {}));
}

TEST_CASE("experts follow what dp and cp can hold") {
  const auto changed = changed_job(with_experts(), {.pp = 8}, {});
  REQUIRE(changed);
  // dp falls from 8 to 2, and with it ep from 4 to 2.
  CHECK(changed->parallelism.dp == 2);
  CHECK(changed->parallelism.ep == 2);
  const std::array fixed{Axis::ep};
  CHECK_FALSE(changed_job(with_experts(), {.pp = 8}, fixed));
  // tp comes with the sequence parallelism that experts need.
  const auto tp = changed_job(with_experts(), {.tp = 2}, {});
  REQUIRE(tp);
  CHECK(tp->parallelism.sequence_parallel);
}

TEST_CASE("chunks shrink where layers do not fill them") {
  JobSpec job = two_nodes();
  job.parallelism.vp = 4;
  job.training.schedule = ScheduleKind::interleaved;
  job.training.micro_batch = 1;
  // 8 layers: pp 2 · vp 4; then pp 4 · vp 2.
  const auto changed = changed_job(job, {.pp = 4}, {});
  REQUIRE(changed);
  CHECK(changed->parallelism.vp == 2);
  CHECK(changed->training.schedule == ScheduleKind::interleaved);
  const auto flat = changed_job(job, {.pp = 8}, {});
  REQUIRE(flat);
  CHECK(flat->parallelism.vp == 1);
  CHECK(flat->training.schedule == ScheduleKind::one_f_one_b);
}
