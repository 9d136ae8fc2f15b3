#include <array>
#include <random>

#include "tests/planner/cost/count_allocations.hpp"
#include "tests/planner/cost/hand_built.hpp"
#include "tests/support/catch.hpp"

// Properties of every cost model, tested on many shapes and jobs drawn with a fixed seed.

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// Draws sizes evenly over their magnitudes: 1 … 2^bits.
class Sizes {
 public:
  std::int64_t up_to(int bits) {
    const int magnitude = std::uniform_int_distribution<int>(0, bits)(engine_);
    return std::uniform_int_distribution<std::int64_t>(1, std::int64_t{1} << magnitude)(engine_);
  }

 private:
  std::mt19937_64 engine_{20260101};
};

constexpr std::array kGroups{GroupKind::tp, GroupKind::cp, GroupKind::dp,   GroupKind::dp_cp,
                             GroupKind::ep, GroupKind::pp, GroupKind::tied, GroupKind::world};
constexpr std::array kCollectives{CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                  CollectiveKind::reduce_scatter, CollectiveKind::all_to_all};

/// A job whose degrees are powers of two, on as many nodes as it needs.
JobSpec random_job(Sizes& sizes) {
  const auto degree = [&sizes] { return std::int64_t{1} << (sizes.up_to(2) - 1); };
  Degrees degrees{.tp = degree(), .cp = degree(), .dp = degree(), .pp = degree()};
  degrees.ep = degrees.dp;
  return round_job(degrees);
}

/// Every kernel of a random size: product, attention, and a pass over memory.
std::vector<std::pair<Op, StepProgram>> random_kernels(Sizes& sizes) {
  Tensors tensors;
  const TensorId x = tensors.add(DType::bf16, {sizes.up_to(30)});
  const std::int64_t sequence = sizes.up_to(15);
  const Attention core{.batch = sizes.up_to(3),
                       .query = sequence,
                       .key = sequence,
                       .heads = sizes.up_to(6),
                       .kv_heads = 1,
                       .head_dim = 128,
                       .v_head_dim = 128};
  return {bf16_product({.m = sizes.up_to(15), .n = sizes.up_to(15), .k = sizes.up_to(15)}),
          {make_op(core, {read(x)}), tensors.program()},
          {make_op(core, {read(x)}, Phase::backward_input), tensors.program()},
          {make_op(Pointwise{PointwiseKind::gelu, 1}, {accumulate(x)}), tensors.program()}};
}

/// Checks that no operation is slower in job `better` than in `job`.
void check_never_slower(const JobSpec& better, const JobSpec& job, Sizes& sizes) {
  const CostModel fast(better);
  const CostModel slow(job);
  for (const auto& [op, program] : random_kernels(sizes))
    CHECK(fast.time(op, program).time <= slow.time(op, program).time);
  const Bytes payload(sizes.up_to(33));
  for (const GroupKind group : kGroups)
    for (const CollectiveKind kind : kCollectives)
      CHECK(fast.collective_time(kind, payload, group) <= slow.collective_time(kind, payload, group));
  CHECK(fast.transfer_time(payload) <= slow.transfer_time(payload));
}

}  // namespace

TEST_CASE("more bandwidth or FLOP/s, or less latency, never makes an operation slower") {
  Sizes sizes;
  for (int round = 0; round < 100; ++round) {
    const JobSpec job = random_job(sizes);
    const double factor = 1.0 + static_cast<double>(sizes.up_to(10)) / 64.0;

    JobSpec faster_math = job;
    for (auto& rate : faster_math.cluster.accelerator.gemm)
      if (rate) rate->peak *= factor;
    check_never_slower(faster_math, job, sizes);

    JobSpec faster_memory = job;
    faster_memory.cluster.accelerator.memory_bandwidth *= factor;
    check_never_slower(faster_memory, job, sizes);

    JobSpec shorter_launch = job;
    shorter_launch.cluster.accelerator.kernels.launch /= factor;
    check_never_slower(shorter_launch, job, sizes);

    JobSpec faster_link = job;
    faster_link.cluster.link.bandwidth *= factor;
    check_never_slower(faster_link, job, sizes);

    JobSpec faster_network = job;
    faster_network.cluster.network.link.bandwidth *= factor;
    check_never_slower(faster_network, job, sizes);

    JobSpec shorter_link = job;
    shorter_link.cluster.link.latency /= factor;
    check_never_slower(shorter_link, job, sizes);

    JobSpec shorter_network = job;
    shorter_network.cluster.network.link.latency /= factor;
    check_never_slower(shorter_network, job, sizes);
  }
}

TEST_CASE("a larger operation never takes less time") {
  Sizes sizes;
  const CostModel model(round_job({.tp = 8, .dp = 4}));
  for (int round = 0; round < 300; ++round) {
    const Gemm gemm{.m = sizes.up_to(14), .n = sizes.up_to(14), .k = sizes.up_to(14)};
    Gemm larger = gemm;
    larger.m += sizes.up_to(10);
    larger.k += sizes.up_to(10);
    const auto [small_op, small_program] = bf16_product(gemm);
    const auto [large_op, large_program] = bf16_product(larger);
    CHECK(model.time(small_op, small_program).time <= model.time(large_op, large_program).time);

    const Bytes payload(sizes.up_to(33));
    const Bytes more = payload + Bytes(sizes.up_to(33));
    for (const CollectiveKind kind : kCollectives)
      CHECK(model.collective_time(kind, payload, GroupKind::dp) <=
            model.collective_time(kind, more, GroupKind::dp));
  }
}

TEST_CASE("a kernel is never faster than its launch, its products at peak, and its bytes at full bandwidth") {
  Sizes sizes;
  const JobSpec job = round_job();
  const CostModel model(job);
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  for (int round = 0; round < 300; ++round) {
    for (const auto& [op, program] : random_kernels(sizes)) {
      const Seconds time = model.time(op, program).time;
      CHECK(time >= accelerator.kernels.launch);
      CHECK(time >= op_flops(op).executed / model.peak());
      CHECK(time >= op_traffic(op, program) / accelerator.memory_bandwidth);
    }
  }
}

TEST_CASE("scaling all rates by k and all fixed times by 1/k scales every operation by 1/k") {
  Sizes sizes;
  for (int round = 0; round < 50; ++round) {
    const JobSpec job = random_job(sizes);
    const double k = 1.0 + static_cast<double>(sizes.up_to(10)) / 64.0;
    JobSpec scaled = job;
    AcceleratorSpec& accelerator = scaled.cluster.accelerator;
    for (auto& rate : accelerator.gemm)
      if (rate) rate->peak *= k;
    accelerator.memory_bandwidth *= k;
    accelerator.kernels.gemm_fixed /= k;
    accelerator.kernels.launch /= k;
    for (LinkSpec* link : {&scaled.cluster.link, &scaled.cluster.network.link}) {
      link->bandwidth *= k;
      link->latency /= k;
    }
    const CostModel before(job);
    const CostModel after(scaled);
    for (const auto& [op, program] : random_kernels(sizes))
      CHECK(after.time(op, program).time.value() * k == Approx(before.time(op, program).time.value()));
    const Bytes payload(sizes.up_to(33));
    for (const GroupKind group : kGroups)
      CHECK(after.collective_time(CollectiveKind::all_reduce, payload, group).value() * k ==
            Approx(before.collective_time(CollectiveKind::all_reduce, payload, group).value()));
  }
}

TEST_CASE("pricing an operation allocates nothing") {
  Sizes sizes;
  JobSpec job = round_job({.tp = 8, .dp = 4, .pp = 2});
  job.cluster.nccl = NcclSpec{};  // so that NCCL's algorithm is chosen among several
  const CostModel model(job);
  auto priced = random_kernels(sizes);
  priced.emplace_back(make_op(Collective{.group = GroupKind::dp, .payload = Bytes(1000)}), StepProgram{});
  priced.emplace_back(make_op(Send{.payload = Bytes(1000)}), StepProgram{});
  Tensors tensors;
  const TensorId gradient = tensors.add(DType::fp32, {100}, TensorRole::gradient);
  priced.emplace_back(make_op(OptimizerUpdate{OptimizerKind::sgd, 100}, {read(gradient)}, Phase::optimizer),
                      tensors.program());

  const std::size_t before = allocations_so_far();
  REQUIRE(before > 0);  // the count counts
  Seconds total;
  for (const auto& [op, program] : priced) total += model.time(op, program).time;
  const std::size_t after = allocations_so_far();
  CHECK(after == before);
  CHECK(total > Seconds());
}
