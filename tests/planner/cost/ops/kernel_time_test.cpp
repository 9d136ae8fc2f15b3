#include <stdexcept>

#include "tests/planner/cost/hand_built.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {
OpTime price(const Op& op, const StepProgram& program, const JobSpec& job = round_job()) {
  return CostModel(job).kernel_time(op, program);
}
/// A pass over memory that reads `bytes` and writes nothing.
std::pair<Op, StepProgram> pass_over(std::int64_t bytes) {
  Tensors tensors;
  const TensorId x = tensors.add(DType::uint8, {bytes});
  return {make_op(Pointwise{PointwiseKind::sum_squares, bytes}, {read(x)}), tensors.program()};
}
}  // namespace

TEST_CASE("a large product runs at the sustained rate, with its prologue and fixed cost") {
  const auto [op, program] = bf16_product({.m = 10'000, .n = 10'000, .k = 9'872});
  // k + 128 = 10,000: 2e12 FLOPs at 1000 TFLOP/s · 0.5 = 4 ms, and 4 us. Memory: 0.6 GB at 800 GB/s is less.
  const OpTime time = price(op, program);
  CHECK(time.time.value() == Approx(4.004e-3));
  CHECK(time.limit == Limit::compute);
}

TEST_CASE("a product with a thin inner dimension is bound by its operands' bytes") {
  const auto [op, program] = bf16_product({.m = 10'000, .n = 10'000, .k = 20});
  // Bytes: 2·(10,000·20 + 20·10,000 + 10^8) = 200.8 MB; at 800 GB/s 251 us, + 4 us.
  // Compute: 2·10^8·148 FLOPs / 500 TFLOP/s = 59.2 us.
  const OpTime time = price(op, program);
  CHECK(time.time.value() == Approx(255e-6));
  CHECK(time.limit == Limit::memory);
}

TEST_CASE("a tiny product costs its fixed time") {
  JobSpec job = round_job();
  job.cluster.accelerator.kernels.memory_half_size = Bytes(0);
  const auto [op, program] = bf16_product({.m = 8, .n = 8, .k = 8});
  // 384 bytes / 800 GB/s = 0.48 ns; 2·64·136 FLOPs / 500 TFLOP/s = 0.035 ns.
  CHECK(price(op, program, job).time.value() == Approx(4e-6 + 0.48e-9));
  CHECK(price(op, program, job).limit == Limit::launch);

  SECTION("and never less than a launch") {
    job.cluster.accelerator.kernels.gemm_fixed = Seconds(0.5e-6);
    CHECK(price(op, program, job).time.value() == Approx(2e-6));
    CHECK(price(op, program, job).limit == Limit::launch);
  }
}

TEST_CASE("a batch of products is one kernel") {
  const auto [op, program] = bf16_product({.batch = 10, .m = 10'000, .n = 10'000, .k = 9'872});
  // 10 · 2e8 · 10,000 = 2e13 FLOPs: 40 ms, + 4 us once.
  CHECK(price(op, program).time.value() == Approx(40.004e-3));
}

TEST_CASE("a grouped product multiplies all its tokens in one kernel") {
  const Op op = make_op(GroupedGemm{.experts = 8, .tokens = 10'000, .n = 1'000, .k = 9'872});
  // 2e7 · 10,000 FLOPs = 400 us, + 4 us.
  CHECK(price(op, StepProgram{}).time.value() == Approx(404e-6));
}

TEST_CASE("each arithmetic has its own rate") {
  Gemm gemm{.m = 10'000, .n = 10'000, .k = 9'872};
  const auto time_in = [&](DType math) {
    gemm.math = math;
    return price(make_op(gemm), StepProgram{}).time.value() - 4e-6;
  };
  // 2e12 FLOPs at half of 2000, 1000, 400 and 100 TFLOP/s.
  CHECK(time_in(DType::fp8) == Approx(2e-3));
  CHECK(time_in(DType::bf16) == Approx(4e-3));
  CHECK(time_in(DType::tf32) == Approx(10e-3));
  CHECK(time_in(DType::fp32) == Approx(40e-3));
}

TEST_CASE("arithmetic for which the device has no unit runs on that of the nearest wider type") {
  JobSpec job = round_job();
  auto& rates = job.cluster.accelerator.gemm;
  const Op fp8 = make_op(Gemm{.m = 10'000, .n = 10'000, .k = 9'872, .math = DType::fp8});
  const Op bf16 = make_op(Gemm{.m = 10'000, .n = 10'000, .k = 9'872, .math = DType::bf16});
  const Op fp64 = make_op(Gemm{.m = 10'000, .n = 10'000, .k = 9'872, .math = DType::fp64});

  SECTION("fp8 as fp16 on an A100") {
    rates[index_of(DType::fp8)].reset();
    CHECK(price(fp8, {}, job).time.value() == Approx(4.004e-3));
  }
  SECTION("formats of 8 and 4 bits as fp8, unless the device says their rates") {
    Gemm gemm{.m = 10'000, .n = 10'000, .k = 9'872};
    const auto milliseconds = [&](DType math) {
      gemm.math = math;
      return 1e3 * (price(make_op(gemm), {}, job).time.value() - 4e-6);
    };
    for (const DType math : {DType::fp8_rowwise, DType::fp8_block, DType::mxfp8, DType::nvfp4})
      CHECK(milliseconds(math) == Approx(2.0));
    // 2e12 FLOPs at half of 1600, 2500 and 8000 TFLOP/s.
    rates[index_of(DType::fp8_block)] = GemmRate{FlopsPerSecond(1600e12), 0.5};
    rates[index_of(DType::mxfp8)] = GemmRate{FlopsPerSecond(2500e12), 0.5};
    CHECK(milliseconds(DType::nvfp4) == Approx(1.6));
    rates[index_of(DType::nvfp4)] = GemmRate{FlopsPerSecond(8000e12), 0.5};
    CHECK(milliseconds(DType::fp8_rowwise) == Approx(2.0));
    CHECK(milliseconds(DType::fp8_block) == Approx(2.5));
    CHECK(milliseconds(DType::mxfp8) == Approx(1.6));
    CHECK(milliseconds(DType::nvfp4) == Approx(0.5));
  }
  SECTION("bf16 as fp32 on a V100, which has fp16 units but no tf32") {
    rates[index_of(DType::bf16)].reset();
    rates[index_of(DType::tf32)].reset();
    job.training.precision = Precision::bf16;
    CHECK(price(bf16, {}, job).time.value() == Approx(40.004e-3));
    CHECK(CostModel(job).peak().value() == Approx(100e12));
  }
  SECTION("where nothing is wider, as the widest there is") {
    CHECK(price(fp64, {}, job).time.value() == Approx(40.004e-3));
  }
  SECTION("a rate of zero is none") {
    rates[index_of(DType::fp8)] = GemmRate{};
    CHECK(price(fp8, {}, job).time.value() == Approx(4.004e-3));
  }
}

TEST_CASE("an accelerator that cannot multiply or move bytes is refused by name") {
  JobSpec job = round_job();
  SECTION("no rate") {
    for (auto& rate : job.cluster.accelerator.gemm) rate.reset();
    CHECK_THROWS_WITH(CostModel(job), "accelerator round has no rate of matrix products for any data type");
  }
  SECTION("no memory bandwidth") {
    job.cluster.accelerator.memory_bandwidth = BytesPerSecond();
    CHECK_THROWS_WITH(CostModel(job), "accelerator round has no memory bandwidth");
  }
}

TEST_CASE("peak is the dense peak of the job's precision") {
  JobSpec job = round_job();
  const auto peak_in = [&](Precision precision) {
    job.training.precision = precision;
    return CostModel(job).peak().value();
  };
  CHECK(peak_in(Precision::fp32) == Approx(100e12));
  CHECK(peak_in(Precision::bf16) == Approx(1000e12));
  CHECK(peak_in(Precision::fp16) == Approx(1000e12));
  CHECK(peak_in(Precision::fp8) == Approx(2000e12));
}

TEST_CASE("flash attention runs at its own fraction of the peak, forward and backward") {
  Attention core{.batch = 1,
                 .query = 10'000,
                 .key = 10'000,
                 .heads = 10,
                 .kv_heads = 10,
                 .head_dim = 100,
                 .v_head_dim = 100,
                 .causal = false};
  // Forward 2 products of 2·10·10^8·100 = 2e11 FLOPs: 4e11 / (1000 TFLOP/s · 0.4) = 1 ms, + launch 2 us.
  CHECK(price(make_op(core), {}).time.value() == Approx(1.002e-3));
  CHECK(price(make_op(core), {}).limit == Limit::compute);
  // Backward 5 products: 1e12 / (1000 TFLOP/s · 0.25) = 4 ms.
  const Op backward = make_op(core, Phase::backward_input);
  CHECK(price(backward, {}).time.value() == Approx(4.002e-3));

  SECTION("half of it under a causal mask") {
    core.causal = true;
    CHECK(price(make_op(core), {}).time.value() == Approx(0.502e-3));
  }
  SECTION("recomputed as forward") {
    CHECK(price(make_op(core, Phase::recompute), {}).time.value() == Approx(1.002e-3));
  }
  SECTION("in fp8 its products run faster by the ratio of the peaks, here 2") {
    core.math = DType::fp8;
    CHECK(price(make_op(core), {}).time.value() == Approx(0.502e-3));
  }
  SECTION("as other products where nobody measured it") {
    JobSpec job = round_job();
    job.cluster.accelerator.kernels.attention[index_of(FlashVersion::fa2)].reset();
    // 4e11 / (1000 TFLOP/s · 0.5)
    CHECK(price(make_op(core), {}, job).time.value() == Approx(0.802e-3));
  }
}

TEST_CASE("a score costs its products, its exponential and the key prologue of its row") {
  JobSpec job = round_job();
  AttentionRate& rate = job.cluster.accelerator.kernels.attention[index_of(FlashVersion::fa2)]->forward;
  job.cluster.accelerator.multiprocessors = 100;
  Attention core{.batch = 1,
                 .query = 10'000,
                 .key = 10'000,
                 .heads = 10,
                 .kv_heads = 10,
                 .head_dim = 128,
                 .v_head_dim = 128,
                 .causal = false};
  // 10^5 rows · 10^4 keys · 2 · 256 elements = 5.12e11 FLOPs at 400 TFLOP/s: 1.28 ms, and 2 us.
  const auto time = [&] { return price(make_op(core), {}, job).time.value() - 2e-6; };
  CHECK(time() == Approx(1.28e-3));

  SECTION("at head dimension 128 the exponential is within the stated efficiency") {
    rate.score_cost = 32.0;
    CHECK(time() == Approx(1.28e-3));
    // At 64 it weighs more: (64 + 32) / (128 + 32) = 0.6 of the time, not 0.5.
    core.head_dim = core.v_head_dim = 64;
    CHECK(time() == Approx(0.6 * 1.28e-3));
  }
  SECTION("every row pays for as many keys more") {
    rate.key_prologue = 100.0;
    CHECK(time() == Approx(1.01 * 1.28e-3));
    // Under a causal mask a row sees 5,000 keys on average, and pays for 100 all the same.
    core.causal = true;
    CHECK(time() == Approx(0.51 * 1.28e-3));
  }
  SECTION("the last wave costs each multiprocessor rows of all keys") {
    rate.tail_rows = 50.0;
    // 100 · 50 = 5,000 rows in addition to 100,000.
    CHECK(time() == Approx(1.05 * 1.28e-3));
    core.causal = true;
    CHECK(time() == Approx((0.5 + 0.05) * 1.28e-3));
  }
  SECTION("inside a step all of it is slower") {
    job.cluster.accelerator.kernels.attention[index_of(FlashVersion::fa2)]->in_step = 0.8;
    CHECK(time() == Approx(1.6e-3));
  }
}

TEST_CASE("a job's flash version has its own rate where it was measured") {
  JobSpec job = round_job();
  job.cluster.accelerator.kernels.attention[index_of(FlashVersion::fa3)] =
      FlashAttention{.forward = {.efficiency = 0.8}, .backward = {.efficiency = 0.5}};
  // 4·10·10^8·100 FLOPs = 4e11: at 400 TFLOP/s 1 ms, at 800 half of it; and 2 us.
  const Op op = make_op(Attention{.batch = 1,
                                  .query = 10'000,
                                  .key = 10'000,
                                  .heads = 10,
                                  .kv_heads = 10,
                                  .head_dim = 100,
                                  .v_head_dim = 100,
                                  .causal = false});
  CHECK(price(op, {}, job).time.value() == Approx(1.002e-3));
  job.training.flash = FlashVersion::fa3;
  CHECK(price(op, {}, job).time.value() == Approx(0.502e-3));
  job.training.flash = FlashVersion::triton;  // not measured, so the default kernel is used
  CHECK(price(op, {}, job).time.value() == Approx(1.002e-3));
}

TEST_CASE("products that add into an fp32 result are slower") {
  JobSpec job = round_job();
  job.cluster.accelerator.kernels.gemm_accumulate = 0.8;
  const Gemm gemm{.m = 10'000, .n = 10'000, .k = 9'872};
  const auto time_into = [&](DType type, Access access) {
    Tensors tensors;
    const TensorId a = tensors.add(DType::bf16, {gemm.m, gemm.k});
    const TensorId b = tensors.add(DType::bf16, {gemm.k, gemm.n});
    const TensorId c = tensors.add(type, {gemm.m, gemm.n});
    const Op op = make_op(gemm, {read(a), read(b), {c, access}}, Phase::backward_weight);
    return price(op, tensors.program(), job).time.value() - 4e-6;
  };
  // 2e12 FLOPs at 500 TFLOP/s, or 0.8 of it.
  CHECK(time_into(DType::fp32, Access::accumulate) == Approx(5e-3));
  CHECK(time_into(DType::fp32, Access::write) == Approx(4e-3));
  CHECK(time_into(DType::bf16, Access::accumulate) == Approx(4e-3));
}

TEST_CASE("experts' products have their own rate and a fixed cost each") {
  JobSpec job = round_job();
  job.cluster.accelerator.kernels.grouped_efficiency = 0.8;
  job.cluster.accelerator.kernels.grouped_fixed = Seconds(3e-6);
  const GroupedGemm gemm{.experts = 8, .tokens = 10'000, .n = 1'000, .k = 9'872};
  // 2·10^4·10^3·10^4 = 2e11 FLOPs at 500·0.8 TFLOP/s = 500 us, + 4 us + 8·3 us.
  CHECK(price(make_op(gemm), {}, job).time.value() == Approx(528e-6));
  // dW (1,000 × 9,872) over the tokens of each expert: 2·1,000·9,872·(10,000 + 8·128) = 2.17658e11 FLOPs.
  CHECK(price(make_op(gemm, Phase::backward_weight), {}, job).time.value() == Approx(544.144e-6 + 28e-6));
}

TEST_CASE("each kind of pass reaches its own fraction of the bandwidth, forward and backward") {
  JobSpec job = round_job();
  job.cluster.accelerator.kernels.memory_half_size = Bytes(0);
  auto& fractions = job.cluster.accelerator.kernels.memory_fraction;
  Tensors tensors;
  const TensorId x = tensors.add(DType::uint8, {1'000'000'000});
  const auto time = [&](OpKind kind, Phase phase = Phase::forward) {
    return price(make_op(std::move(kind), {read(x)}, phase), tensors.program(), job).time.value() - 2e-6;
  };
  // 1 GB at 1000 GB/s times memory_efficiency 0.8, or times the efficiency given for the kind.
  CHECK(time(Norm{}) == Approx(1.25e-3));
  fractions[index_of(MemoryPass::norm)].forward = 0.5;
  CHECK(time(Norm{}) == Approx(2e-3));
  CHECK(time(Norm{}, Phase::backward_input) == Approx(2e-3));
  CHECK(time(Norm{}, Phase::recompute) == Approx(2e-3));
  fractions[index_of(MemoryPass::norm)].backward = 0.25;
  CHECK(time(Norm{}, Phase::backward_input) == Approx(4e-3));
  CHECK(time(CrossEntropy{}) == Approx(1.25e-3));
  fractions[index_of(MemoryPass::activation)].backward = 0.4;
  CHECK(time(Pointwise{PointwiseKind::swiglu, 1'000'000'000}, Phase::backward_input) == Approx(2.5e-3));
  CHECK(time(Pointwise{PointwiseKind::swiglu, 1'000'000'000}) == Approx(1.25e-3));
}

TEST_CASE("effective bandwidth ramps with size") {
  // x / (800 GB/s · x/(x + 8 MB)) + 2 us
  const auto [large, large_program] = pass_over(792'000'000);
  CHECK(price(large, large_program).time.value() == Approx(1.002e-3));
  CHECK(price(large, large_program).limit == Limit::memory);
  // At the half size, half of it: 8 MB at 400 GB/s = 20 us.
  const auto [half, half_program] = pass_over(8'000'000);
  CHECK(price(half, half_program).time.value() == Approx(22e-6));
}

TEST_CASE("a small pass over memory costs its launch") {
  JobSpec job = round_job();
  job.cluster.accelerator.kernels.memory_half_size = Bytes(0);
  const auto [op, program] = pass_over(8'000);
  // 8 kB at 800 GB/s = 10 ns
  CHECK(price(op, program, job).time.value() == Approx(2.01e-6));
  CHECK(price(op, program, job).limit == Limit::launch);

  const OpTime nothing = price(make_op(Route{}), StepProgram{});
  CHECK(nothing.time.value() == Approx(2e-6));
  CHECK(nothing.limit == Limit::launch);
}

// ---- Plausibility checks against published measurements. The constants are the published rates of the
// device class, not fits to the figures that they are compared with.

TEST_CASE("an A100's large fp16 product is predicted within 15%") {
  JobSpec job = round_job();
  auto& a100 = job.cluster.accelerator;
  a100.memory_bandwidth = BytesPerSecond(2039e9);
  // Peak: NVIDIA A100 datasheet. 0.77: sustained on A100-PCIe products in SimuMax's a100_pcie.json, 2025-12.
  a100.gemm[index_of(DType::fp16)] = GemmRate{FlopsPerSecond(312e12), 0.77};
  const auto [op, program] = bf16_product({.m = 8192, .n = 8192, .k = 8192, .math = DType::fp16});
  // 253.7 TFLOP/s: A100-SXM4-80GB, cuBLASLt of CUDA 12.5, random data, 10,000 warm-ups.
  // Azure/AI-benchmarking-guide, Azure_Results, 2024-09-27.
  const double measured_s = 2.0 * 8192.0 * 8192.0 * 8192.0 / 253.7e12;
  CHECK(price(op, program, job).time.value() == Approx(measured_s).epsilon(0.15));
}

TEST_CASE("an H100's long attention is predicted within 15%") {
  JobSpec job = round_job();
  auto& h100 = job.cluster.accelerator;
  h100.memory_bandwidth = BytesPerSecond(3350e9);
  // Peak: NVIDIA H100 datasheet, dense. 0.60: cuDNN forward at 16k (595 of 989.5 TFLOP/s), flash-attention
  // repository, assets/flash3_fp16_fwd.png, 2024-07-11.
  h100.gemm[index_of(DType::fp16)] = GemmRate{FlopsPerSecond(989.5e12), 0.70};
  h100.kernels.attention[index_of(FlashVersion::fa2)]->forward.efficiency = 0.60;
  const Op op = make_op(Attention{.batch = 1,
                                  .query = 16'384,
                                  .key = 16'384,
                                  .heads = 16,
                                  .kv_heads = 16,
                                  .head_dim = 128,
                                  .v_head_dim = 128,
                                  .causal = false,
                                  .math = DType::fp16});
  // 648 TFLOP/s: FlashAttention-3 forward, head dimension 128, the same figure.
  const double measured_s = 4.0 * 16'384.0 * 16'384.0 * 16.0 * 128.0 / 648e12;
  CHECK(price(op, StepProgram{}, job).time.value() == Approx(measured_s).epsilon(0.15));
}
