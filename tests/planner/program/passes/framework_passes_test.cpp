// The passes over gradients and gathered weights that frameworks make, as operations of the program.
#include <algorithm>
#include <string>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// Two layers, hidden 8, FFN 16, 4 heads and 4 kv heads of 2, on `dp` devices.
StepProgram program_of(Framework framework, std::int64_t dp, int zero) {
  JobSpec job;
  job.name = "passes";
  job.framework = framework;
  job.model = llama_shaped(2, 8, 16, 4, 4, 32);
  job.model.vocab_multiple = 8;
  job.cluster = round_cluster(1, dp);
  job.parallelism.dp = dp;
  job.parallelism.zero = zero;
  const FrameworkConventions usual = framework_conventions(framework);
  job.training.sequence_length = 4;
  job.training.micro_batch = 1;
  job.training.global_batch = 2 * dp;
  job.training.gradient_dtype = usual.gradient_dtype;
  job.training.overlap = usual.overlap;
  return build_step_program(job);
}

/// The same model on two tp ranks, with sequence parallelism.
JobSpec on_two_tp_ranks(Framework framework) {
  JobSpec job;
  job.framework = framework;
  job.model = llama_shaped(2, 8, 16, 4, 4, 32);
  job.model.vocab_multiple = 8;
  job.cluster = round_cluster(1, 2);
  job.parallelism.tp = 2;
  job.parallelism.sequence_parallel = true;
  job.training.sequence_length = 4;
  job.training.micro_batch = 1;
  job.training.global_batch = 2;
  return job;
}

/// The operations of one block whose names end with this suffix.
std::vector<Op> ops_ending(const StepProgram& program, const std::string& block, const std::string& end) {
  std::vector<Op> found;
  for (const Block& candidate : program.blocks) {
    if (candidate.name != block) continue;
    std::copy_if(candidate.ops.begin(), candidate.ops.end(), std::back_inserter(found),
                 [&](const Op& op) { return op.name.ends_with(end); });
  }
  return found;
}

Bytes traffic_of(const std::vector<Op>& ops, const StepProgram& program) {
  Bytes sum;
  for (const Op& op : ops) sum += op_traffic(op, program);
  return sum;
}

/// Weights of a layer that products have: qkv 3·8·8, out 8·8, gate and up 2·16·8, down 8·16; norms 2·8.
constexpr std::int64_t kProducts = 192 + 64 + 256 + 128;
constexpr std::int64_t kLayer = kProducts + 16;

}  // namespace

TEST_CASE("gradients of products are added in a pass of their own where the framework does not fuse it") {
  const auto accumulations = [](Framework framework) {
    const StepProgram program = program_of(framework, 2, 0);
    CHECK(check_program(program) == std::vector<std::string>{});
    const std::vector<Op> ops = ops_ending(program, "dense_layer backward", " accumulate");
    return std::pair(ops.size(), traffic_of(ops, program));
  };
  CHECK(accumulations(Framework::foreshard).first == 0);
  CHECK(accumulations(Framework::megatron).first == 0);
  // Four products. bf16 gradients of one micro-batch, r2, onto fp32 ones, r4 w4.
  CHECK(accumulations(Framework::nanotron) == std::pair<std::size_t, Bytes>(4, Bytes(10 * kProducts)));
  // Onto 16-bit ones, r2 w2.
  CHECK(accumulations(Framework::megatron_deepspeed) ==
        std::pair<std::size_t, Bytes>(4, Bytes(6 * kProducts)));
}

TEST_CASE("FSDP copies gathered weights out of a buffer and gradients into one") {
  const StepProgram program = program_of(Framework::torch_fsdp, 2, 3);
  CHECK(check_program(program) == std::vector<std::string>{});
  // A layer's bf16 weights, r2 w2, in forward and in backward.
  for (const char* block : {"dense_layer forward", "dense_layer backward"}) {
    CHECK(traffic_of(ops_ending(program, block, "copy weights out"), program) == Bytes(4 * kLayer));
  }
  // Its fp32 gradients, r4 w4, before they are scattered.
  CHECK(traffic_of(ops_ending(program, "dense_layer backward", "copy gradients in"), program) ==
        Bytes(8 * kLayer));
  CHECK(
      ops_ending(program_of(Framework::foreshard, 2, 3), "dense_layer forward", "copy weights out").empty());
}

TEST_CASE("gradients are divided by the replicas in a pass of its own, where there are replicas") {
  const StepProgram megatron = program_of(Framework::megatron, 2, 1);
  // fp32, r4 w4.
  CHECK(traffic_of(ops_ending(megatron, "dense_layer norm", "average gradients"), megatron) ==
        Bytes(8 * kLayer));
  CHECK(ops_ending(program_of(Framework::megatron, 1, 0), "dense_layer norm", "average gradients").empty());
  CHECK(ops_ending(program_of(Framework::foreshard, 2, 1), "dense_layer norm", "average gradients").empty());
}

TEST_CASE("a rank squares its own share of the gradients") {
  for (const int zero : {0, 1, 2, 3}) {
    CAPTURE(zero);
    const StepProgram program = program_of(Framework::foreshard, 2, zero);
    CHECK(check_program(program) == std::vector<std::string>{});
    const std::vector<Op> sums = ops_ending(program, "dense_layer norm", "sum of squares");
    REQUIRE(sums.size() == 1);
    // All of a layer's gradients, or the half of each that is one of two ranks'; fp32, r4; the sum, r4 w4.
    const std::int64_t own = zero == 0 ? kLayer : kLayer / 2;
    CHECK(std::get<Pointwise>(sums[0].kind).elements == own);
    CHECK(traffic_of(sums, program) == Bytes(4 * own + 8));
  }
}

TEST_CASE("products fused with accumulation leave autograd one placeholder per weight shape") {
  const StepProgram megatron = program_of(Framework::megatron, 1, 0);
  CHECK(check_program(megatron) == std::vector<std::string>{});
  Bytes placeholders;
  for (const Tensor& tensor : megatron.tensors) {
    if (tensor.meaning.item == TensorItem::placeholder) placeholders += tensor.local_bytes();
  }
  // bf16: qkv 24 x 8, out 8 x 8, gate and up 32 x 8, down 8 x 16, and the head 32 x 8, which has the shape of
  // gate and up.
  CHECK(placeholders == Bytes(2 * kProducts));
  // They are allocated, but no operation fills them.
  const std::vector<Op> products = ops_ending(megatron, "dense_layer backward", "out");
  REQUIRE(products.size() == 2);
  CHECK(products[1].operands.size() == 4);
  // dY 4 x 8 and X 4 x 8 in bf16, dW 8 x 8 in fp32 read and written.
  CHECK(op_traffic(products[1], megatron) == Bytes(64 + 64 + 512));
}

TEST_CASE("sequences that are sharded token by token are copied around gathers and scatters") {
  const auto copies = [](Framework framework, TpOverlap overlap) {
    JobSpec job = on_two_tp_ranks(framework);
    job.training.overlap.tp = overlap;
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    const std::vector<Op> found = ops_ending(program, "dense_layer forward", " copy");
    // 4 tokens of hidden size 8 in bf16, read and written.
    for (const Op& op : found) CHECK(op_traffic(op, program) == Bytes(2 * 2 * 4 * 8));
    return found.size();
  };
  // Two gathers and two scatters in a layer.
  CHECK(copies(Framework::torch_fsdp, TpOverlap::none) == 4);
  CHECK(copies(Framework::torch_fsdp, TpOverlap::full) == 0);
  CHECK(copies(Framework::megatron, TpOverlap::none) == 0);
}

TEST_CASE("asynchronous tensor parallelism of PyTorch finds a scatter behind one product") {
  const auto job_of = [](Framework framework, Precision precision, Fp8Scaling scaling) {
    JobSpec job = on_two_tp_ranks(framework);
    job.training.precision = precision;
    job.training.fp8_scaling = scaling;
    job.training.overlap.tp = TpOverlap::full;
    return job;
  };
  /// The collectives of a layer's pass that overlap no product, by kind.
  const auto alone = [](const JobSpec& job, const std::string& block, CollectiveKind kind) {
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    std::size_t found = 0;
    for (const Op& op : ops_ending(program, block, "")) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      found += collective != nullptr && collective->kind == kind && !op.pipelined ? 1 : 0;
    }
    return found;
  };
  const JobSpec torch = job_of(Framework::torch_fsdp, Precision::bf16, Fp8Scaling::tensorwise);
  // Forward scatters what one product makes: the output projection, and down.
  CHECK(alone(torch, "dense_layer forward", CollectiveKind::reduce_scatter) == 0);
  // Backward scatters the sum over query, key and value, and over gate and up.
  CHECK(alone(torch, "dense_layer backward", CollectiveKind::reduce_scatter) == 2);
  CHECK(alone(torch, "dense_layer forward", CollectiveKind::all_gather) == 0);
  // Without a gate there is one product behind the FFN's norm.
  JobSpec plain = torch;
  plain.model.ffn = FfnKind::gelu;
  CHECK(alone(plain, "dense_layer backward", CollectiveKind::reduce_scatter) == 1);
  // Gathers before products with scales by rows.
  const JobSpec rows = job_of(Framework::torch_fsdp, Precision::fp8, Fp8Scaling::rowwise);
  CHECK(alone(rows, "dense_layer forward", CollectiveKind::all_gather) == 2);
  CHECK(alone(rows, "dense_layer forward", CollectiveKind::reduce_scatter) == 0);
  // Megatron-LM's products have weights in one.
  const JobSpec megatron = job_of(Framework::megatron, Precision::bf16, Fp8Scaling::tensorwise);
  CHECK(alone(megatron, "dense_layer backward", CollectiveKind::reduce_scatter) == 0);
}

TEST_CASE("DeepSpeed's ZeRO-3 of 2021 gathers and scatters weight by weight, with lists of shards") {
  const auto exchanges = [](const std::optional<Release>& release, Recompute recompute,
                            const std::string& block, const std::string& name, std::int64_t hidden = 512) {
    JobSpec job;
    job.framework = Framework::megatron_deepspeed;
    job.release = release;
    job.model = llama_shaped(2, hidden, 2 * hidden, 4, 4, 32);
    job.model.vocab_multiple = 8;
    job.cluster = round_cluster(1, 2);
    job.parallelism.dp = 2;
    job.parallelism.zero = 3;
    job.training.sequence_length = 4;
    job.training.micro_batch = 1;
    job.training.global_batch = 2;
    job.training.recompute = recompute;
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    return ops_ending(program, block, name);
  };
  const Release early{2021, 4};
  const std::vector<Op> gathers = exchanges(early, Recompute::none, "dense_layer forward", "gather weights");
  REQUIRE(gathers.size() == 1);
  // Four matrices of more than 100,000 elements: qkv, output, gate and up, down. The norms' weights stay whole.
  CHECK(gathers[0].calls == 4);
  CHECK(std::get<Collective>(gathers[0].kind).lists_shards);
  CHECK(gathers[0].blocks_compute);
  // The gradients of all six.
  const std::vector<Op> scatters =
      exchanges(early, Recompute::none, "dense_layer backward", "scatter gradients");
  REQUIRE(scatters.size() == 1);
  CHECK(scatters[0].calls == 6);
  CHECK(std::get<Collective>(scatters[0].kind).lists_shards);
  // A module that is computed again releases its weights before backward needs them, where twice the layer's elements,
  // 2 · (4 + 3·2) · hidden², are at least 10⁹: from a hidden size of 7,072 on.
  const std::string backward = "dense_layer backward";
  CHECK(exchanges(early, Recompute::none, backward, "gather weights", 7200).size() == 1);
  CHECK(exchanges(early, Recompute::full, backward, "gather weights", 7200).size() == 2);
  CHECK(exchanges(early, Recompute::full, backward, "gather weights", 6800).size() == 1);
  // From January 2022 on a layer's weights are one buffer.
  const std::vector<Op> later =
      exchanges(Release{2022, 1}, Recompute::full, "dense_layer backward", "gather weights");
  REQUIRE(later.size() == 1);
  CHECK(later[0].calls == 1);
  CHECK_FALSE(std::get<Collective>(later[0].kind).lists_shards);
}

TEST_CASE("nanotron's ZeRO-1 gathers all updated weights in one call, with a list of shards") {
  JobSpec job;
  job.framework = Framework::nanotron;
  job.model = llama_shaped(2, 512, 1024, 4, 4, 32);
  job.model.vocab_multiple = 8;
  job.cluster = round_cluster(1, 2);
  job.cluster.accelerator.kernels.submit = Seconds(5e-6);
  job.parallelism.dp = 2;
  job.parallelism.zero = 1;
  job.training.overlap = job.conventions().overlap;
  job.training.sequence_length = 4;
  job.training.micro_batch = 1;
  job.training.global_batch = 2;
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  std::vector<Op> gathers;
  std::vector<Op> scatters;
  for (const BlockCall& call : program.stages[0].epilogue) {
    for (const Op& op : program.block(call.block).ops) {
      const auto* const collective = std::get_if<Collective>(&op.kind);
      if (collective != nullptr && collective->kind == CollectiveKind::all_gather) gathers.push_back(op);
    }
  }
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      const auto* const collective = std::get_if<Collective>(&op.kind);
      if (collective != nullptr && collective->kind == CollectiveKind::reduce_scatter) scatters.push_back(op);
    }
  }
  // Qkv, output, gate and up, down and two norms of two layers, the table, the head's product and its norm.
  REQUIRE(gathers.size() == 1);
  CHECK(gathers[0].operands.size() == 2 * 6 + 3);
  CHECK(std::get<Collective>(gathers[0].kind).lists_shards);
  // Buckets of 50 MiB end with a layer and hold no more than what is alike: the head, the layers, the table.
  CHECK(scatters.size() == 3);
  CHECK(std::get<Collective>(scatters[0].kind).lists_shards);
  // The host makes two views and a copy for each weight and rank.
  const CostModel cost(job);
  const OpTime gather = cost.time(gathers[0], program);
  Op plain = gathers[0];
  std::get<Collective>(plain.kind).lists_shards = false;
  CHECK((gather.host - cost.time(plain, program).host).value() == Approx(2 * 15 * (2 * 2.6e-6 + 5e-6)));
  CHECK(gather.time == cost.time(plain, program).time);
}
