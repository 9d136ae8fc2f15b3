#include "runtime/execute/zero_shares.hpp"

#include <numeric>

#include "planner/program/build/build_step_program.hpp"
#include "runtime/comm/solo_communicator.hpp"
#include "runtime/device/reference/reference_device.hpp"
#include "runtime/execute/rank_plan.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

Tensor weight_of(std::int64_t rows, std::int64_t columns, std::int64_t update_parts) {
  Tensor weight;
  weight.update_parts = update_parts;
  weight.dims = {{.name = DimName::flat, .size = rows}, {.name = DimName::flat, .size = columns}};
  return weight;
}

TEST_CASE("a weight is dealt out in stretches, the last ones short or empty") {
  // 7 elements for 3 ranks: 3, 3 and 1; 4 for 3: 2, 2 and none.
  const StepProgram program = build_step_program(sharded(tiny_job(false), {.dp = 3, .zero = 1}));
  std::int64_t parts = 3;
  const auto share = [&](std::int64_t elements, std::int64_t rank) {
    return optimizer_share(program, {.dp = rank}, weight_of(elements, 1, parts));
  };
  CHECK(share(7, 0) == Share{0, 3});
  CHECK(share(7, 1) == Share{3, 3});
  CHECK(share(7, 2) == Share{6, 1});
  CHECK(share(4, 2).elements == 0);
  parts = 1;  // without ZeRO
  CHECK(share(7, 2) == Share{0, 7});
}

TEST_CASE("where a tensor is cut, its memory begins with the rank's stretch") {
  const StepProgram program = build_step_program(sharded(tiny_job(false), {.dp = 3, .zero = 3}));
  // 4 rows of 5: a rank has room for 2 rows, and 7 of the 20 elements.
  Tensor cut = weight_of(4, 5, 3);
  cut.dims[0].dp = 3;
  CHECK(whole_elements(cut) == 20);
  CHECK(cut.local_elements() == 10);
  const Buffer memory{nullptr, 10, DType::fp32};
  CHECK(own_part(program, {.dp = 2}, cut, memory) == memory.part(0, 6));
  CHECK(held_share(program, {.dp = 2}, cut) == Share{14, 6});
  const Buffer whole{nullptr, 20, DType::fp32};
  CHECK(own_part(program, {.dp = 2}, weight_of(4, 5, 3), whole) == whole.part(14, 6));
  CHECK(held_share(program, {.dp = 2}, weight_of(4, 5, 3)) == Share{0, 20});
}

/// Elements that an operation's calls work on.
std::int64_t elements_of(const RankPlan& plan, const PlannedOp& op) {
  std::int64_t elements = 0;
  for (std::uint32_t i = op.calls.begin; i < op.calls.end; ++i) {
    const KernelCall& call = plan.kernels()[i];
    if (const auto* pointwise = std::get_if<PointwiseCall>(&call)) elements += pointwise->elements;
    if (const auto* update = std::get_if<UpdateCall>(&call)) elements += update->elements;
  }
  return elements;
}

TEST_CASE("squares are summed and weights updated as many as the program counts") {
  for (const std::int64_t dp : {1, 2, 3}) {
    for (const int zero : {0, 1, 2, 3}) {
      for (const std::int64_t ep : {1, 2}) {
        if (dp == 1 && zero > 0) continue;
        if (dp % ep != 0) continue;
        CAPTURE(dp, zero, ep);
        JobSpec job = sharded(tiny_job(false), {.dp = dp, .zero = zero, .ep = ep});
        job.training.global_batch = 2 * dp;
        if (ep > 1)
          job.model.experts = ExpertsSpec{.count = 4, .per_token = 1, .hidden = 12, .imbalance = 2.0};
        const StepProgram program = build_step_program(job);
        ReferenceDevice device;
        // The first rank's shares are the largest.
        const SoloCommunicator solo(DeviceMesh(job.parallelism), Rank(0), device);
        const RankPlan plan(program, device, solo);
        int compared = 0;
        for (const PlannedOp& planned : plan.ops()) {
          const OpKind& kind = plan.op(planned.at).kind;
          const auto* sum = std::get_if<Pointwise>(&kind);
          const auto* update = std::get_if<OptimizerUpdate>(&kind);
          if (sum != nullptr && sum->kind == PointwiseKind::sum_squares) {
            CHECK(elements_of(plan, planned) == sum->elements);
          } else if (update != nullptr) {
            CHECK(elements_of(plan, planned) == update->parameters);
          } else {
            continue;
          }
          ++compared;
        }
        // Squares and updates of the table, the head and four layers, whose experts are a group of their own.
        CHECK(compared == 2 * (ep > 1 ? 10 : 6));
      }
    }
  }
}

}  // namespace
}  // namespace foreshard::test
