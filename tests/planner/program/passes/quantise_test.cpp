#include "planner/program/passes/quantise.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t kTokens = 32;
constexpr std::size_t index_of(DType type) { return static_cast<std::size_t>(type); }

/// One layer: width 64, FFN 128 (gated), 4 query and 2 kv heads of 16. One device that multiplies only
/// operands whose rows it sums over.
JobSpec small_job(Framework framework, Precision precision, Fp8Scaling scaling = Fp8Scaling::tensorwise) {
  JobSpec job;
  job.model = llama_shaped(1, 64, 128, 4, 2, 64);
  job.cluster = round_cluster(1, 1);
  job.framework = framework;
  job.training.sequence_length = kTokens;
  job.training.micro_batch = 1;
  job.training.global_batch = 1;
  job.training.precision = precision;
  job.training.fp8_scaling = scaling;
  return job;
}

/// The same on a device that takes operands of any layout, and has units for mxfp8 and nvfp4.
JobSpec with_block_units(JobSpec job) {
  for (const DType type : {DType::mxfp8, DType::nvfp4})
    job.cluster.accelerator.gemm[index_of(type)] = GemmRate{FlopsPerSecond(1e15), 1.0};
  return job;
}

/// Bytes of a layer's activations that backward reads of one micro-batch.
std::int64_t kept(const JobSpec& job) {
  Bytes bytes;
  for (const Tensor& tensor : build_step_program(job).tensors) {
    if (tensor.lifetime == Lifetime::micro_batch && tensor.role == TensorRole::activation)
      bytes += tensor.local_bytes();
  }
  return bytes.value();
}

/// Bytes of weights and of their copies that live for the whole step, of one layer's four products.
std::int64_t of_weights(const JobSpec& job) {
  Bytes bytes;
  for (const Tensor& tensor : build_step_program(job).tensors) {
    const bool is_product = tensor.dims.size() == 2 && is_of_layer(tensor.meaning);
    if (tensor.role == TensorRole::weight && tensor.lifetime == Lifetime::step && is_product)
      bytes += tensor.local_bytes();
  }
  return bytes.value();
}

const Block& layer_block(const StepProgram& program, Pass pass) {
  return *std::find_if(program.blocks.begin(), program.blocks.end(),
                       [&](const Block& block) { return is_layer(block.kind) && block.pass == pass; });
}

std::int64_t count(const Block& block, PointwiseKind kind) {
  return std::count_if(block.ops.begin(), block.ops.end(), [&](const Op& op) {
    const auto* pointwise = std::get_if<Pointwise>(&op.kind);
    return pointwise != nullptr && pointwise->kind == kind;
  });
}

/// How often a layer runs each pass: {quantise, amax, transpose}.
std::vector<std::int64_t> passes(const JobSpec& job, Pass pass) {
  const StepProgram program = build_step_program(job);
  const Block& block = layer_block(program, pass);
  return {count(block, PointwiseKind::quantise), count(block, PointwiseKind::amax),
          count(block, PointwiseKind::transpose)};
}
using Counts = std::vector<std::int64_t>;

const Block& named(const StepProgram& program, const std::string& name) {
  return *std::find_if(program.blocks.begin(), program.blocks.end(),
                       [&](const Block& block) { return block.name == name; });
}

}  // namespace

TEST_CASE("backward keeps one byte per element of a product's input where it kept two") {
  // Inputs per token: qkv 64, out 64, gate and up 64, down 128. In bf16 backward keeps 2 bytes of each. In
  // fp8 it keeps 1; with delayed scaling also of the output projection's input, whose 2 bytes attention keeps
  // as well: 64 more.
  const std::int64_t bf16 = kept(small_job(Framework::megatron, Precision::bf16));
  CHECK(bf16 - kept(small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed)) ==
        kTokens * (64 - 64 + 64 + 128));
  CHECK(bf16 - kept(small_job(Framework::megatron, Precision::fp8, Fp8Scaling::tensorwise)) ==
        kTokens * (64 + 64 + 128));
  // One byte more for each 32 elements, or 4 for each 128.
  const JobSpec mxfp8 = with_block_units(small_job(Framework::megatron, Precision::mxfp8));
  CHECK(bf16 - kept(mxfp8) == kTokens * (64 - 2 + 64 - 2 + 128 - 4));
  CHECK(kept(small_job(Framework::megatron, Precision::fp8, Fp8Scaling::block)) == kept(mxfp8));
  // 4 bits, and one byte for each 16 elements: 9/16 bytes instead of 2.
  const JobSpec nvfp4 = with_block_units(small_job(Framework::megatron, Precision::nvfp4));
  CHECK(bf16 - kept(nvfp4) == kTokens * (64 + 64 + 128) * 23 / 16);
  // torchao keeps the inputs themselves.
  CHECK(kept(small_job(Framework::torch_fsdp, Precision::fp8)) ==
        kept(small_job(Framework::torch_fsdp, Precision::bf16)));
}

TEST_CASE("each tensor is quantised where and as often as the framework does it") {
  SECTION("delayed: the norms write their copies, and a transpose follows") {
    const JobSpec job = small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed);
    // Forward: inputs of out and down. Backward: gradients of the four products' results.
    CHECK(passes(job, Pass::forward) == Counts{2, 0, 2});
    CHECK(passes(job, Pass::backward) == Counts{4, 0, 0});
  }
  SECTION("delayed, any layout: no transposes") {
    const JobSpec job = with_block_units(small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed));
    CHECK(passes(job, Pass::forward) == Counts{2, 0, 0});
    CHECK(passes(job, Pass::backward) == Counts{4, 0, 0});
  }
  SECTION("tensorwise: the norms find their largest magnitudes, others take a pass for that") {
    const JobSpec job = small_job(Framework::megatron, Precision::fp8, Fp8Scaling::tensorwise);
    // Backward quantises the output projection's input once more, for its weight gradient.
    CHECK(passes(job, Pass::forward) == Counts{4, 2, 0});
    CHECK(passes(job, Pass::backward) == Counts{5, 4, 0});
  }
  SECTION("mxfp8: scales are found on the way") {
    const JobSpec job = with_block_units(small_job(Framework::megatron, Precision::mxfp8));
    CHECK(passes(job, Pass::forward) == Counts{2, 0, 0});
    CHECK(passes(job, Pass::backward) == Counts{5, 0, 0});
  }
  SECTION("nvfp4: every tensor takes a pass for its scale") {
    const JobSpec job = with_block_units(small_job(Framework::megatron, Precision::nvfp4));
    CHECK(passes(job, Pass::forward) == Counts{4, 4, 0});
    CHECK(passes(job, Pass::backward) == Counts{5, 4, 0});
  }
  SECTION("torchao: inputs and weights in forward; gradients, inputs and weights in backward") {
    const JobSpec job = small_job(Framework::torch_fsdp, Precision::fp8);
    CHECK(passes(job, Pass::forward) == Counts{8, 8, 0});
    CHECK(passes(job, Pass::backward) == Counts{12, 4, 0});
  }
  SECTION("torchao by rows: columns take a pass for their scales") {
    const JobSpec job = small_job(Framework::torch_fsdp, Precision::fp8, Fp8Scaling::rowwise);
    CHECK(passes(job, Pass::forward) == Counts{8, 0, 0});
    // Backward: gradients by rows and by columns, inputs and weights by columns.
    CHECK(passes(job, Pass::backward) == Counts{16, 12, 0});
  }
  SECTION("fused: whoever makes a tensor writes its copies") {
    const JobSpec job = with_block_units(small_job(Framework::foreshard, Precision::mxfp8));
    // Forward: the input of out. Backward: its copy across, and the gradients but that of gate and up.
    CHECK(passes(job, Pass::forward) == Counts{1, 0, 0});
    CHECK(passes(job, Pass::backward) == Counts{4, 0, 0});
  }
}

TEST_CASE("copies of weights are made once per step and kept") {
  // Elements: qkv 128·64, out 64·64, gate and up 256·64, down 64·128.
  constexpr std::int64_t kElements = 8192 + 4096 + 16384 + 8192;
  const auto bytes = [](Precision precision, Fp8Scaling scaling, bool any_layout, bool gather) {
    JobSpec job = small_job(Framework::megatron, precision, scaling);
    job.parallelism.zero = 1;
    job.training.low_precision.parameter_gather = gather;
    return of_weights(any_layout ? with_block_units(job) : job);
  };
  CHECK(bytes(Precision::bf16, Fp8Scaling::delayed, false, false) == 2 * kElements);
  // A copy and its transpose besides.
  CHECK(bytes(Precision::fp8, Fp8Scaling::delayed, false, false) == (2 + 1 + 1) * kElements);
  CHECK(bytes(Precision::fp8, Fp8Scaling::delayed, true, false) == (2 + 1) * kElements);
  CHECK(bytes(Precision::mxfp8, Fp8Scaling::mx, true, false) == (2 + 2) * kElements + kElements / 16);
  // Parameters kept in fp8.
  CHECK(bytes(Precision::fp8, Fp8Scaling::delayed, false, true) == 2 * kElements);
  CHECK(bytes(Precision::fp8, Fp8Scaling::delayed, true, true) == kElements);
  CHECK(bytes(Precision::mxfp8, Fp8Scaling::mx, true, true) == 2 * kElements + kElements / 16);
}

TEST_CASE("data parallelism gathers fp8 parameters byte by byte") {
  JobSpec job = small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed);
  job.cluster = round_cluster(1, 2);
  job.parallelism.dp = 2;
  job.parallelism.zero = 1;
  job.training.global_batch = 2;
  const auto gathered = [&] {
    Bytes payload;
    for (const Block& block : build_step_program(job).blocks) {
      for (const Op& op : block.ops) {
        const auto* collective = std::get_if<Collective>(&op.kind);
        if (collective != nullptr && collective->kind == CollectiveKind::all_gather)
          payload += collective->payload;
      }
    }
    return payload.value();
  };
  const std::int64_t bf16 = gathered();
  job.training.low_precision.parameter_gather = true;
  // The four products' weights: 36,864 elements.
  CHECK(bf16 - gathered() == 36'864);
  // mxfp8 has other scales across: what is gathered has 16 bits.
  job = with_block_units(job);
  job.training.precision = Precision::mxfp8;
  CHECK(gathered() == bf16);
}

TEST_CASE("frozen weights in 8 bits are not kept transposed as well") {
  JobSpec job = small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed);
  job.parallelism.zero = 1;
  job.training.low_precision.parameter_gather = true;
  const auto kept_across = [&] {
    std::int64_t elements = 0;
    const StepProgram program = build_step_program(job);
    CHECK(check_program(program) == std::vector<std::string>{});
    for (const Tensor& tensor : program.tensors) {
      const bool is_across = tensor.derivation == Derivation::quantised_across;
      if (tensor.role == TensorRole::weight && tensor.lifetime == Lifetime::step && is_across)
        elements += tensor.local_elements();
    }
    return elements;
  };
  CHECK(kept_across() == 36'864);  // trained: the four products' weights
  job.lora = LoraSpec{.rank = 2, .attention = true, .ffn = true};
  CHECK(kept_across() == 0);
  // Frozen weights have no gradients, so what backward transposes is the four weights.
  CHECK(count(layer_block(build_step_program(job), Pass::backward), PointwiseKind::transpose) == 4);
}

TEST_CASE("sequence parallelism gathers copies") {
  JobSpec job = small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed);
  job.cluster = round_cluster(1, 2);
  job.parallelism.tp = 2;
  job.parallelism.sequence_parallel = true;
  const auto payloads = [&](CollectiveKind kind) {
    const StepProgram program = build_step_program(job);
    Bytes payload;
    for (const Pass pass : {Pass::forward, Pass::backward}) {
      for (const Op& op : layer_block(program, pass).ops) {
        const auto* collective = std::get_if<Collective>(&op.kind);
        if (collective != nullptr && collective->kind == kind) payload += collective->payload;
      }
    }
    return payload.value();
  };
  // Forward: inputs of qkv and of gate and up. Backward: the same again, and gradients of out and down. Each
  // (tokens, 64), one byte. The four sums that are scattered have two.
  CHECK(payloads(CollectiveKind::all_gather) == 6 * kTokens * 64);
  CHECK(payloads(CollectiveKind::reduce_scatter) == 4 * kTokens * 64 * 2);
  // mxfp8: gradients are gathered along the rows and across them.
  job = with_block_units(job);
  job.training.precision = Precision::mxfp8;
  CHECK(payloads(CollectiveKind::all_gather) == 8 * kTokens * 64 * 33 / 32);
  job.training.precision = Precision::bf16;
  CHECK(payloads(CollectiveKind::all_gather) == 6 * kTokens * 64 * 2);
}

TEST_CASE("delayed scaling reduces magnitudes after each pass over tp and the replicas") {
  JobSpec job = small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed);
  job.cluster = round_cluster(1, 4);
  job.parallelism.tp = 2;
  job.parallelism.dp = 2;
  job.training.global_batch = 2;
  const StepProgram program = build_step_program(job);
  const Block& reduce = named(program, "reduce magnitudes");
  REQUIRE(reduce.ops.size() == 2);
  for (const Op& op : reduce.ops) {
    const auto& collective = std::get<Collective>(op.kind);
    CHECK(collective.reduction == Reduction::max);
    CHECK(collective.payload == Bytes(4 * 5 * 4));  // fp32, 5 for each of 4 products
  }
  const auto calls = [&](const std::vector<BlockCall>& list) {
    return std::count_if(list.begin(), list.end(), [&](const BlockCall& call) {
      return program.block(call.block).name == "reduce magnitudes";
    });
  };
  const Chunk& chunk = program.stages[0].chunks[0];
  CHECK(calls(chunk.forward) == 1);
  CHECK(calls(chunk.backward) == 1);
}

TEST_CASE("layers kept in bf16 have blocks without copies") {
  JobSpec job = small_job(Framework::megatron, Precision::fp8, Fp8Scaling::delayed);
  job.model.layers = 4;
  job.training.low_precision.bf16_first = job.training.low_precision.bf16_last = 1;
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program).empty());
  std::int64_t low = 0;
  std::int64_t wide = 0;
  for (const BlockCall& call : program.stages[0].chunks[0].forward) {
    const Block& block = program.block(call.block);
    if (!is_layer(block.kind)) continue;
    std::any_of(block.ops.begin(), block.ops.end(), is_low_product) ? ++low : ++wide;
  }
  CHECK(low == 2);
  CHECK(wide == 2);
  JobSpec bf16 = job;
  bf16.training.precision = Precision::bf16;
  bf16.training.low_precision = {};
  CHECK(estimate(job).parameters.total == estimate(bf16).parameters.total);
}

TEST_CASE("precision changes neither parameters nor the FLOPs of the model") {
  const auto figures = [](const JobSpec& job) { return estimate(with_block_units(job)); };
  const Estimate bf16 = figures(small_job(Framework::megatron, Precision::bf16));
  for (const Precision precision : {Precision::fp8, Precision::mxfp8, Precision::nvfp4, Precision::tf32}) {
    const Estimate other = figures(small_job(Framework::megatron, precision));
    CHECK(other.parameters.total == bf16.parameters.total);
    CHECK(other.flops_per_token.training == bf16.flops_per_token.training);
  }
}

TEST_CASE("fewer bits never keep more") {
  for (const Framework framework : {Framework::megatron, Framework::torch_fsdp, Framework::foreshard}) {
    const std::int64_t bf16 = kept(small_job(framework, Precision::bf16));
    const std::int64_t mxfp8 = kept(with_block_units(small_job(framework, Precision::mxfp8)));
    const std::int64_t nvfp4 = kept(with_block_units(small_job(framework, Precision::nvfp4)));
    CHECK(mxfp8 <= bf16);
    CHECK(nvfp4 <= mxfp8);
  }
}

TEST_CASE("programs with products of 8 and 4 bits are sound") {
  struct Plan {
    std::int64_t tp = 1;
    std::int64_t dp = 1;
    std::int64_t pp = 1;
    int zero = 0;
  };
  for (const Framework framework : {Framework::megatron, Framework::torch_fsdp, Framework::deepspeed,
                                    Framework::nanotron, Framework::foreshard}) {
    for (const Plan& plan : {Plan{}, Plan{.tp = 2}, Plan{.dp = 2, .zero = 1}, Plan{.dp = 2, .zero = 2},
                             Plan{.tp = 2, .dp = 2, .zero = 3}, Plan{.pp = 2}}) {
      for (const Recompute recompute :
           {Recompute::none, Recompute::selective, Recompute::selective_ops, Recompute::full}) {
        for (const auto& [precision, scaling] :
             {std::pair{Precision::fp8, Fp8Scaling::delayed},
              std::pair{Precision::fp8, Fp8Scaling::tensorwise},
              std::pair{Precision::fp8, Fp8Scaling::rowwise}, std::pair{Precision::fp8, Fp8Scaling::block},
              std::pair{Precision::mxfp8, Fp8Scaling::mx},
              std::pair{Precision::nvfp4, Fp8Scaling::tensorwise}}) {
          for (const bool low : {false, true}) {
            JobSpec job = small_job(framework, precision, scaling);
            job.model.layers = 2;
            job.cluster = round_cluster(1, plan.tp * plan.dp * plan.pp);
            if (precision != Precision::fp8 || low) job = with_block_units(job);
            job.parallelism.tp = plan.tp;
            job.parallelism.dp = plan.dp;
            job.parallelism.pp = plan.pp;
            job.parallelism.zero = plan.zero;
            job.parallelism.sequence_parallel = plan.tp > 1;
            job.training.global_batch = 2 * plan.dp;
            job.training.recompute = recompute;
            job.training.low_precision.parameter_gather =
                low && plan.zero > 0 && scaling != Fp8Scaling::rowwise;
            if (low) job.training.low_precision.attention = AttentionPrecision::fp8;
            INFO(static_cast<int>(framework)
                 << " tp " << plan.tp << " dp " << plan.dp << " pp " << plan.pp << " zero " << plan.zero
                 << " recompute " << static_cast<int>(recompute) << " precision "
                 << static_cast<int>(precision) << " scaling " << static_cast<int>(scaling) << " low "
                 << low);
            const std::vector<std::string> problems = check_program(build_step_program(job));
            CHECK(problems == std::vector<std::string>{});
          }
        }
      }
    }
  }
}
