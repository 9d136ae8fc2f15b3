// The fast kernels in fp32 and bf16, and the counters of devices and communicators.
#include "planner/program/build/build_step_program.hpp"
#include "runtime/verify/step_counts.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("in fp32 and bf16 outputs and gradients equal the unsharded run's up to rounding") {
  for (const Precision precision : kFastPrecisions) {
    for (const bool gpt : {false, true}) {
      for (const Degrees& degrees : degrees_of(mpi_session().size())) {
        CAPTURE(word_of(precision), gpt, degrees.name());
        JobSpec job = sharded(tiny_job(gpt), degrees);
        job.training.precision = precision;
        check_fast_kernels(job);
      }
    }
  }
}

TEST_CASE("FLOPs, payload, calls and peak bytes are counted as planned, exactly") {
  for (const Precision precision : kFastPrecisions) {
    for (const bool gpt : {false, true}) {
      for (const Degrees& degrees : degrees_of(mpi_session().size())) {
        for (const Recompute recompute : {Recompute::none, Recompute::full}) {
          CAPTURE(word_of(precision), gpt, degrees.name(), static_cast<int>(recompute));
          JobSpec job = sharded(tiny_job(gpt), degrees);
          job.training.precision = precision;
          job.training.recompute = recompute;
          const CountCheck check = check_counted_as_planned(job);
          CHECK((degrees.devices() == 1) == (check.calls.counted == 0));
        }
      }
    }
  }
}

TEST_CASE("activations travel in two bytes instead of four, by hand") {
  // A micro-batch of 2 × 8 tokens with 32 columns has 512 numbers. In each of 4 layers, attention and FFN are
  // all-reduced in forward and backward; so are the embedding's rows and the gradient of the head's input.
  // Statistics of the cross-entropy and the norm of the gradients stay fp32.
  const std::int64_t ranks = mpi_session().size();
  JobSpec job = sharded(tiny_job(false), {.tp = ranks});
  const std::int64_t wide = check_counted_as_planned(job).payload_bytes.counted;
  job.training.precision = Precision::bf16;
  const std::int64_t narrow = check_counted_as_planned(job).payload_bytes.counted;
  constexpr std::int64_t kMicroBatches = 8;
  const std::int64_t of_a_rank = 2 * kMicroBatches * (4 * 4 + 2) * 512;
  CHECK(wide - narrow == (ranks > 1 ? ranks * of_a_rank : 0));  // counts are of all ranks
}

TEST_CASE("the FLOPs of a step of one layer, by hand") {
  // One rank, one micro-batch of 2 × 8 = 16 tokens, D = 32, F = 48, 8 heads of 4, 4 kv heads, one layer, V =
  // 32 padded.
  JobSpec job = sharded(tiny_job(false), {.dp = mpi_session().size()});
  job.model.layers = 1;
  job.training.global_batch = 2 * mpi_session().size();
  const StepProgram program = build_step_program(job);
  // Products of one token: qkv 32·64, out 32·32, gate and up 32·96, down 48·32, logits 32·32; each 2 FLOPs,
  // three times.
  const std::int64_t products = 3 * 2 * 16 * (32 * 64 + 32 * 32 + 32 * 96 + 48 * 32 + 32 * 32);
  // Attention: 2 products forward, 5 backward, of 2 sequences × 8 heads × 8 × 8 scores × 4.
  const std::int64_t core = 7 * 2 * (2 * 8 * 8 * 8 * 4);
  CHECK(planned_counts(program, StageId(0)).flops == Flops(products + core));
}

}  // namespace
}  // namespace foreshard::test
