// Products in 8 bits. In fp64 a sharded run rounds to the codes of the unsharded run: scales are powers of two, so that
// another scale changes only numbers that are subnormal with one of them.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Two scales round numbers differently that are subnormal with one of them. In e4m3 these lie 2⁻⁹ apart where the largest
/// magnitude is at least 224: an error of up to 2⁻¹⁷·⁸ of the largest magnitude, which here is at most about ten times the
/// root mean square. 10 · 2⁻¹⁷·⁸ = 4.4e-5.
constexpr double kSubnormal = 5e-5;

struct Scaling {
  Precision precision;
  Fp8Scaling scaling;
};
constexpr Scaling kByTensor[] = {{Precision::fp8, Fp8Scaling::tensorwise},
                                 {Precision::fp8, Fp8Scaling::delayed},
                                 {Precision::fp8, Fp8Scaling::rowwise}};

JobSpec coded_job(const Degrees& degrees, const Scaling& scaling, bool gpt = false) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.model.layers = 2;
  job.training.global_batch = 8;
  job.training.precision = scaling.precision;
  job.training.fp8_scaling = scaling.scaling;
  return job;
}

/// Of sizes that `block` divides on two ranks.
JobSpec block_job(const Degrees& degrees, const Scaling& scaling, std::int64_t block) {
  JobSpec job = coded_job(degrees, scaling);
  job.model = llama_shaped(degrees.pp, 2 * block, 2 * block, 4, 2, 30);
  job.model.vocab_multiple = 8;
  job.training.sequence_length = block;
  job.training.global_batch = 4;
  return job;
}

/// Every kind of parallelism in one of them.
std::vector<Degrees> some_degrees() {
  switch (mpi_session().size()) {
    case 2: return {{.tp = 2, .sequence_parallel = true}, {.dp = 2, .zero = 1}};
    case 4: return {{.tp = 2, .pp = 2, .sequence_parallel = true}, {.tp = 2, .dp = 2, .zero = 1}};
    default: return {{}};
  }
}

void check_close_to_unsharded(const JobSpec& job, int steps = 2) {
  REQUIRE(what_the_runtime_lacks(job).empty());
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  const ShardingErrors errors = compare_with_unsharded(job, device, communicator, steps);
  CAPTURE(errors.worst_gradient);
  CHECK(errors.loss <= kSubnormal);
  CHECK(errors.outputs <= kSubnormal);
  CHECK(errors.gradients <= kSubnormal);
  CHECK(errors.weights <= kSubnormal);
  CHECK(errors.gradients_compared > 0);
}

TEST_CASE("one scale for a tensor: every sharding equals the unsharded run") {
  for (const Degrees& degrees : degrees_of(mpi_session().size())) {
    if (degrees.pp > 2) continue;  // there are two layers
    CAPTURE(degrees.name());
    check_close_to_unsharded(coded_job(degrees, kByTensor[0]));
  }
}

TEST_CASE("scales of earlier steps, scales for rows, biases and layer norms") {
  for (const Scaling& scaling : kByTensor) {
    const bool gpt = scaling.scaling == Fp8Scaling::tensorwise;
    for (const Degrees& degrees : some_degrees()) {
      CAPTURE(word_of(scaling.scaling), degrees.name());
      check_close_to_unsharded(coded_job(degrees, scaling, gpt));
      check_counted_as_planned(coded_job(degrees, scaling, gpt));
    }
  }
}

TEST_CASE("units that take any layout need no transposed copies: the numbers are the same") {
  JobSpec job = coded_job(some_degrees().front(), kByTensor[0]);
  job.cluster.accelerator.gemm[static_cast<std::size_t>(DType::mxfp8)] = GemmRate{};
  check_close_to_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("recomputed layers make their copies again") {
  for (const Scaling& scaling : kByTensor) {
    CAPTURE(word_of(scaling.scaling));
    JobSpec job = coded_job(some_degrees().front(), scaling);
    job.training.recompute = Recompute::full;
    check_close_to_unsharded(job, 1);
    check_counted_as_planned(job);
  }
}

TEST_CASE("ZeRO 2 and 3: copies are made of what is gathered") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks == 1) return;
  for (const int zero : {2, 3}) {
    for (const Scaling& scaling : kByTensor) {
      CAPTURE(zero, word_of(scaling.scaling));
      const JobSpec job =
          coded_job({.tp = ranks / 2, .dp = 2, .sequence_parallel = ranks > 2, .zero = zero}, scaling);
      check_close_to_unsharded(job);
      check_counted_as_planned(job);
    }
  }
}

TEST_CASE("blocks of 32 and of 128") {
  const Degrees degrees = some_degrees().front();
  const JobSpec mx = block_job(degrees, {Precision::mxfp8, Fp8Scaling::mx}, 32);
  check_close_to_unsharded(mx, 1);
  check_counted_as_planned(mx);
  check_fast_kernels(mx);
  if (degrees.pp > 1) return;
  const JobSpec blocks = block_job(degrees, {Precision::fp8, Fp8Scaling::block}, 128);
  check_counted_as_planned(blocks);
}

TEST_CASE("experts: rows that nobody sent have no part in scales") {
  const std::int64_t ranks = mpi_session().size();
  for (const Scaling& scaling : kByTensor) {
    CAPTURE(word_of(scaling.scaling));
    JobSpec job = coded_job({.tp = ranks > 2 ? 2 : 1,
                             .dp = std::min<std::int64_t>(ranks, 2),
                             .sequence_parallel = ranks > 2,
                             .ep = std::min<std::int64_t>(ranks, 2)},
                            scaling);
    job.model.experts =
        ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16, .dense_layers = 1};
    job.model.experts->imbalance = static_cast<double>(job.parallelism.ep);
    check_close_to_unsharded(job);
    check_counted_as_planned(job);
  }
}

TEST_CASE("in bf16 and 8 bits outputs and gradients equal the unsharded run's up to roundings") {
  for (const Scaling& scaling : kByTensor) {
    CAPTURE(word_of(scaling.scaling));
    check_fast_kernels(coded_job(some_degrees().front(), scaling));
  }
}

TEST_CASE("layers at the ends stay in bf16") {
  JobSpec job = coded_job({.tp = mpi_session().size()}, kByTensor[0]);
  job.model.layers = 3;
  job.training.low_precision.bf16_first = job.training.low_precision.bf16_last = 1;
  check_close_to_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("activations that backward keeps of a product's input take one byte instead of two, by hand") {
  // A rank with 2 × 8 tokens, hidden 32, FFN 48, in units that take any layout. Backward of each layer needs the
  // inputs of qkv and of gate and up (32 columns each) and of down (48): as copies they take a byte less each. Attention's
  // output (32) is kept by attention itself. The copies of weights, with one byte for each of qkv (64·32), out (32·32),
  // gate and up (96·32) and down (32·48), are there for the whole step.
  const std::int64_t ranks = mpi_session().size();
  JobSpec job = coded_job({.dp = ranks}, kByTensor[0]);
  job.training.global_batch = 2 * ranks;
  job.cluster.accelerator.gemm[static_cast<std::size_t>(DType::mxfp8)] = GemmRate{};
  const StepProgram program = build_step_program(job);
  std::int64_t weights = 0;
  std::int64_t inputs = 0;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.dtype != DType::fp8) continue;
    if (tensor.role == TensorRole::weight) weights += tensor.local_bytes().value();
    if (tensor.role == TensorRole::activation) inputs += tensor.local_bytes().value();
  }
  CHECK(weights == 64 * 32 + 32 * 32 + 96 * 32 + 32 * 48);
  // Forward also makes one of attention's output, and backward makes it again.
  CHECK(inputs == 16 * (32 + 32 + 48) + 2 * 16 * 32);
}

TEST_CASE("the loss falls over 8 steps with scales of earlier steps") {
  const std::int64_t ranks = mpi_session().size();
  const JobSpec job = coded_job(ranks == 4 ? Degrees{2, 1, 2} : Degrees{1, 1, ranks}, kByTensor[1]);
  CpuDevice device(1);
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  const StepProgram program = build_step_program(job);
  RankPlan plan(program, device, communicator);
  Executor executor(plan, device, communicator);
  executor.initialize();
  plan.optimizer().learning_rate = 1e-2;
  const bool counts = plan.coordinates().tp == 0;
  std::vector<double> losses;
  for (int step = 0; step < 8; ++step)
    losses.push_back(communicator.sum_over_world(counts ? executor.run_step() : (executor.run_step(), 0.0)));
  // Untrained, every token is about as likely as any other of the 30: log 30 = 3.4.
  CHECK(losses.front() == Approx(std::log(30.0)).margin(1.0));
  CHECK(losses.back() < 0.9 * losses.front());
}

}  // namespace
}  // namespace foreshard::test
