// Bytes that one device sends along each axis in a step, and how often it calls, against closed formulas.
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

// L 4, D 64, F 128, A 8, G 8, V 512, s 32, b 2; every size divides by t = 4 and d = 4.
constexpr std::int64_t L = 4, D = 64, F = 128, V = 512, T = 2 * 32, t = 4, d = 4;
constexpr std::int64_t kStream = T * D * 2;  // a micro-batch's activations between layers, bf16

// Parameters on one of n tensor-parallel ranks: a layer's matrices are cut, its two norms are not.
constexpr std::int64_t layer_parameters(std::int64_t n) { return (4 * D * D + 3 * D * F) / n + 2 * D; }
constexpr std::int64_t table_parameters(std::int64_t n) { return V * D / n; }
constexpr std::int64_t parameters(std::int64_t n) {
  return L * layer_parameters(n) + 2 * table_parameters(n) + D;
}

JobSpec llama(std::int64_t global_batch = 24) {
  return llama_job(llama_shaped(L, D, F, 8, 8, V),
                   {.sequence = 32, .micro_batch = 2, .global_batch = global_batch});
}

AxisTraffic traffic(const JobSpec& job, CommAxis axis) {
  return estimate(job).communication[static_cast<std::size_t>(axis)];
}

// Bytes that each of n members sends: nccl-tests, doc/PERFORMANCE.md.
constexpr std::int64_t all_reduce(std::int64_t payload, std::int64_t n) { return 2 * (n - 1) * payload / n; }
constexpr std::int64_t one_way(std::int64_t payload, std::int64_t n) { return (n - 1) * payload / n; }

// The vocabulary-parallel loss: maximum (4 bytes), then sum and target logit (8 bytes) of every token.
constexpr std::int64_t kLoss = all_reduce(4 * T, t) + all_reduce(8 * T, t);
// The all-reduce of the global gradient norm runs on the dp axis, over n devices.
constexpr std::int64_t norm_bytes(std::int64_t n) { return (2 * (n - 1) * 4 + n - 1) / n; }

}  // namespace

// ---- Tensor parallelism. Shoeybi et al. 2019, arXiv:1909.08053; Korthikanti et al. 2022, arXiv:2205.05198.

TEST_CASE("tp: four all-reduces per layer and micro-batch") {
  const Estimate found = estimate(sharded(llama(), {.tp = t}));
  CHECK(found.attention.tp_bytes == Bytes(2 * all_reduce(kStream, t)));
  CHECK(found.ffn.tp_bytes == found.attention.tp_bytes);

  // 12 micro-batches; the embedding's all-reduce forward, the head's backward, and the loss.
  const AxisTraffic tp = found.communication[static_cast<std::size_t>(CommAxis::tp)];
  CHECK(tp.bytes_per_device == Bytes(12 * ((4 * L + 2) * all_reduce(kStream, t) + kLoss)));
  CHECK(tp.calls == 12 * (4 * L + 2 + 2));
}

TEST_CASE("tp: sequence parallelism sends as much, and gathers inputs again") {
  JobSpec job = sharded(llama(), {.tp = t, .sequence_parallel = true});
  // Attention and FFN each: gather and scatter forward, the same backward, and one gather of the input again.
  const Estimate again = estimate(job);
  CHECK(again.attention.tp_bytes == Bytes(5 * one_way(kStream, t)));
  CHECK(again.ffn.tp_bytes == again.attention.tp_bytes);
  // Once per step the norms' fp32 gradients are summed: two of each layer in a call, and the last one.
  const std::int64_t norms = L * all_reduce(2 * D * 4, t) + all_reduce(D * 4, t);
  // Embedding: scatter and gather. Head: gather, scatter, and gather again.
  CHECK(traffic(job, CommAxis::tp).bytes_per_device ==
        Bytes(12 * ((10 * L + 2 + 3) * one_way(kStream, t) + kLoss) + norms));
  CHECK(traffic(job, CommAxis::tp).calls == 12 * (10 * L + 2 + 3 + 2) + L + 1);

  job.framework = Framework::nanotron;  // keeps gathered tensors: the bytes of plain tensor parallelism
  const Estimate kept = estimate(job);
  CHECK(kept.attention.tp_bytes == Bytes(2 * all_reduce(kStream, t)));
  CHECK(traffic(job, CommAxis::tp).bytes_per_device ==
        Bytes(12 * ((4 * L + 2) * all_reduce(kStream, t) + kLoss) + norms));
}

TEST_CASE("tp: full recomputation runs the forward's all-reduces again") {
  JobSpec job = sharded(llama(), {.tp = t});
  job.training.recompute = Recompute::full;
  CHECK(traffic(job, CommAxis::tp).bytes_per_device ==
        Bytes(12 * ((6 * L + 2) * all_reduce(kStream, t) + kLoss)));
}

TEST_CASE("tp: each rank norms its own heads of q and k, so the norm's gradient is a sum over ranks") {
  JobSpec job = sharded(llama(), {.tp = t});
  const AxisTraffic without = traffic(job, CommAxis::tp);
  job.model.qk_norm = true;
  const AxisTraffic with = traffic(job, CommAxis::tp);
  // Two weights of 8 elements per layer, once per step.
  CHECK(with.bytes_per_device - without.bytes_per_device == Bytes(L * all_reduce(2 * 8 * 4, t)));
  CHECK(with.calls - without.calls == L);
}

TEST_CASE("tp: one rank sends nothing") {
  const AxisTraffic tp = traffic(llama(), CommAxis::tp);
  CHECK(tp.bytes_per_device == Bytes(0));
  CHECK(tp.calls == 0);
}

// ---- Data parallelism. Rajbhandari et al. 2020, arXiv:1910.02054, section 7.

TEST_CASE("dp: one all-reduce of the gradients per step, whatever the number of micro-batches") {
  for (const std::int64_t global_batch : {8, 24}) {
    for (const std::int64_t n : {std::int64_t{1}, t}) {
      JobSpec job = sharded(llama(global_batch), {.tp = n, .dp = d});
      CHECK(traffic(job, CommAxis::dp).bytes_per_device ==
            Bytes(all_reduce(4 * parameters(n), d) + norm_bytes(n * d)));
      job.training.gradient_dtype = DType::bf16;
      CHECK(traffic(job, CommAxis::dp).bytes_per_device ==
            Bytes(all_reduce(2 * parameters(n), d) + norm_bytes(n * d)));
    }
  }
}

TEST_CASE("dp: ZeRO-1 scatters fp32 gradients and gathers bf16 weights, once per step") {
  const JobSpec job = sharded(llama(), {.dp = d, .zero = 1});
  CHECK(traffic(job, CommAxis::dp).bytes_per_device ==
        Bytes(one_way(4 * parameters(1), d) + one_way(2 * parameters(1), d) + norm_bytes(d)));
}

TEST_CASE("dp: ZeRO-2 scatters the gradients of every micro-batch") {
  const JobSpec job = sharded(llama(), {.dp = d, .zero = 2});  // three micro-batches
  CHECK(traffic(job, CommAxis::dp).bytes_per_device ==
        Bytes(3 * one_way(4 * parameters(1), d) + one_way(2 * parameters(1), d) + norm_bytes(d)));
}

TEST_CASE("dp: ZeRO-3 gathers the weights of every micro-batch forward and backward") {
  const JobSpec job = sharded(llama(), {.dp = d, .zero = 3});
  // Backward needs no look-up table.
  const std::int64_t gathered = 2 * (2 * parameters(1) - table_parameters(1));
  CHECK(traffic(job, CommAxis::dp).bytes_per_device ==
        Bytes(3 * (one_way(gathered, d) + one_way(4 * parameters(1), d)) + norm_bytes(d)));
  // Embedding, four layers and head: a gather each way but one, and a scatter; then the norm.
  CHECK(traffic(job, CommAxis::dp).calls == 3 * (11 + 6) + 1);
}

TEST_CASE("dp: calls follow the framework's bucket") {
  JobSpec job = sharded(llama(), {.dp = d});
  // All gradients of a group fit into one bucket: embedding, four layers together, head; and the norm.
  CHECK(traffic(job, CommAxis::dp).calls == 3 + 1);
  job.framework = Framework::megatron_deepspeed;  // everything at once
  CHECK(traffic(job, CommAxis::dp).calls == 1 + 1);

  // D 2048, F 4096: q, k, v 48 MiB, output 16 MiB, gate and up 64 MiB, down 32 MiB and 8 KiB of norms in
  // fp32. A bucket of 25 MiB takes the norm; then every matrix has its own bucket, and the second norm shares
  // that of output.
  JobSpec large = llama_job(llama_shaped(4, 2048, 4096, 16, 16, 512),
                            {.sequence = 32, .micro_batch = 1, .global_batch = 4});
  large = sharded(large, {.dp = 4});
  // norm | qkv | output + norm | gate and up | down; embedding 4 MiB; final norm and head; gradient norm
  CHECK(traffic(large, CommAxis::dp).calls == 4 * 5 + 1 + 1 + 1);
}

TEST_CASE("dp: overlap changes when, not what") {
  JobSpec job = sharded(llama(), {.tp = 2, .pp = 2, .dp = d, .zero = 1});
  job.training.overlap.dp = true;
  const AxisTraffic hidden = traffic(job, CommAxis::dp);
  job.training.overlap.dp = false;
  const AxisTraffic shown = traffic(job, CommAxis::dp);
  CHECK(hidden.bytes_per_device == shown.bytes_per_device);
  CHECK(hidden.calls == shown.calls);
  CHECK(hidden.time.value() == Approx(shown.time.value()));  // added up in another order
}

// ---- Pipeline parallelism. Narayanan et al. 2021, arXiv:2104.04473, section 4.1.

TEST_CASE("pp: every boundary carries b·s·h each way for each micro-batch") {
  // With two stages, each sends in one direction; a stage in the middle sends in both.
  CHECK(traffic(sharded(llama(), {.pp = 2}), CommAxis::pp).bytes_per_device == Bytes(12 * kStream));
  CHECK(traffic(sharded(llama(), {.pp = 2}), CommAxis::pp).calls == 12);
  CHECK(traffic(sharded(llama(), {.pp = 4}), CommAxis::pp).bytes_per_device == Bytes(2 * 12 * kStream));
  CHECK(traffic(sharded(llama(), {.pp = 4}), CommAxis::pp).calls == 2 * 12);
}

TEST_CASE("pp: interleaved chunks cross boundaries v times as often") {
  JobSpec job = sharded(llama(), {.pp = 2});
  job.parallelism.vp = 2;
  job.training.schedule = ScheduleKind::interleaved;
  // Four pieces on two stages have three boundaries: 0→1, 1→0, 0→1. Each stage sends three times per
  // micro-batch.
  CHECK(traffic(job, CommAxis::pp).bytes_per_device == Bytes(3 * 12 * kStream));
}

TEST_CASE("pp: sequence parallelism and Megatron-LM's scatter send 1/t") {
  CHECK(traffic(sharded(llama(), {.tp = t, .pp = 2}), CommAxis::pp).bytes_per_device == Bytes(12 * kStream));
  CHECK(traffic(sharded(llama(), {.tp = t, .pp = 2, .sequence_parallel = true}), CommAxis::pp)
            .bytes_per_device == Bytes(12 * kStream / t));

  JobSpec job = sharded(llama(), {.tp = t, .pp = 2});
  const AxisTraffic plain = traffic(job, CommAxis::tp);
  job.framework = Framework::megatron;
  CHECK(traffic(job, CommAxis::pp).bytes_per_device == Bytes(12 * kStream / t));
  // The receiver gathers: in one direction on each of the two stages.
  CHECK(traffic(job, CommAxis::tp).bytes_per_device ==
        plain.bytes_per_device + Bytes(12 * one_way(kStream, t)));
}

TEST_CASE("pp: a tied table's gradient is summed over first and last stage") {
  JobSpec job = sharded(llama(), {.tp = 2, .pp = 4});
  const AxisTraffic untied = traffic(job, CommAxis::pp);
  job.model.tied_embeddings = true;
  // First and last stage send in one direction and all-reduce V/t rows in fp32 with one partner: 2·(2 − 1)/2
  // of them. With one micro-batch that is more than the two transfers of a middle stage.
  job.training.global_batch = 2;
  CHECK(traffic(job, CommAxis::pp).bytes_per_device == Bytes(kStream + V / 2 * D * 4));
  CHECK(traffic(job, CommAxis::pp).calls == 1 + 1);
  CHECK(untied.bytes_per_device == Bytes(2 * 12 * kStream));
  // On one stage there is nothing to sum.
  job = sharded(llama(), {.tp = 2});
  job.model.tied_embeddings = true;
  CHECK(traffic(job, CommAxis::pp).bytes_per_device == Bytes(0));
}
