// What frameworks run as several kernels: bytes per element, counted kernel by kernel.
#include "planner/cost/ops/kernel_forms.hpp"

#include "planner/topology/device_mesh.hpp"
#include "tests/planner/cost/hand_built.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// A norm of 10 rows of 8, forward and backward; backward with or without a residual's gradient that passes
/// by.
struct NormOps {
  explicit NormOps(NormKind kind) : norm{.kind = kind, .rows = 10, .width = 8} {
    x = tensors.add(DType::bf16, {10, 8});
    weight = tensors.add(DType::bf16, {8}, TensorRole::weight);
    stats = tensors.add(DType::fp32, {10});
  }
  [[nodiscard]] FurtherPasses forward(const KernelForms& forms) const {
    const Op op = make_op(norm, {read(x), read(weight), write(x), write(stats)});
    return further_passes(op, tensors.program(), forms);
  }
  [[nodiscard]] FurtherPasses backward(const KernelForms& forms, bool residual) const {
    std::vector<Operand> operands{read(x), read(weight), read(stats), read(x)};
    if (residual) operands.push_back(read(x));
    operands.push_back(write(x));
    return further_passes(make_op(norm, operands, Phase::backward_input), tensors.program(), forms);
  }
  Tensors tensors;
  Norm norm;
  TensorId x, weight, stats;
};

FurtherPasses update_of(OptimizerKernels form, DType gradient_type, bool fp16) {
  Tensors tensors;
  const TensorId gradient = tensors.add(gradient_type, {1000}, TensorRole::gradient);
  const TensorId state = tensors.add(DType::fp32, {1000}, TensorRole::optimizer);
  const Op op = make_op(OptimizerUpdate{.kind = OptimizerKind::adamw, .parameters = 1000},
                        {read(gradient), accumulate(state)}, Phase::optimizer);
  return further_passes(op, tensors.program(), {.optimizer = form, .fp16 = fp16});
}

FurtherPasses loss_of(LossKernels form, CrossEntropyPart part, Phase phase) {
  const Op op = make_op(CrossEntropy{.part = part, .tokens = 5, .vocab = 100}, phase);
  return further_passes(op, StepProgram{}, {.loss = form});
}

}  // namespace

TEST_CASE("fused kernels need no further pass") {
  const NormOps norm(NormKind::rmsnorm);
  CHECK(norm.forward({}).kernels == 0);
  CHECK(norm.backward({}, true).traffic == Bytes());
  CHECK(update_of(OptimizerKernels::fused, DType::fp32, false).traffic == Bytes());
  CHECK(loss_of(LossKernels::fused, CrossEntropyPart::exp_sum, Phase::forward).kernels == 0);
}

TEST_CASE("RMSNorm composed of elementwise kernels") {
  const NormOps norm(NormKind::rmsnorm);
  const KernelForms eager{.fused_kernels = false, .autograd = true};
  // 6 + 8 + 4 + 8 + 6 + 4 = 36 bytes per element where one kernel moves 4; 80 elements.
  CHECK(norm.forward(eager).traffic == Bytes(80 * 32));
  // 4 + 6 + 2 + 6 + 8 + 12 + 4 + 4 + 8 + 12 + 12 + 6 = 84 where one moves 6.
  CHECK(norm.backward(eager, false).traffic == Bytes(80 * 78));
  // The residual's gradient: r2 r2 w2 where the norm would read 2.
  CHECK(norm.backward(eager, true).traffic == Bytes(80 * 82));
}

TEST_CASE("under autograd a norm's weights and the residual take passes of their own") {
  const NormOps norm(NormKind::layernorm);
  const KernelForms autograd{.autograd = true};
  CHECK(norm.forward(autograd).kernels == 0);
  // x and dy again: 4 bytes; the residual's sum 6 less 2.
  CHECK(norm.backward(autograd, false).traffic == Bytes(80 * 4));
  CHECK(norm.backward(autograd, false).kernels == 1);
  CHECK(norm.backward(autograd, true).traffic == Bytes(80 * 8));
  CHECK(norm.backward(autograd, true).kernels == 2);
}

TEST_CASE("the loss of Megatron-LM passes over the logits six times more, PyTorch's three times") {
  const auto megatron = [](CrossEntropyPart part, Phase phase) {
    return loss_of(LossKernels::vocab_parallel, part, phase);
  };
  // 500 logits. Difference, exponential, sum and quotient are 8 + 8 + 4 + 8 bytes where one pass reads 4.
  CHECK(megatron(CrossEntropyPart::exp_sum, Phase::forward).traffic == Bytes(500 * 24));
  CHECK(megatron(CrossEntropyPart::row_max, Phase::forward).kernels == 0);
  // Product r4 w4 and cast r4 w2, where one pass reads 4 and writes 2.
  CHECK(megatron(CrossEntropyPart::loss, Phase::backward_input).traffic == Bytes(500 * 8));

  CHECK(loss_of(LossKernels::torch, CrossEntropyPart::exp_sum, Phase::forward).traffic == Bytes(500 * 4));
  // w4, r12 w4, r4 w2 = 26 where one pass moves 6.
  CHECK(loss_of(LossKernels::torch, CrossEntropyPart::loss, Phase::backward_input).traffic ==
        Bytes(500 * 20));
}

TEST_CASE("optimizers in several passes") {
  // Clip r4 w4, masters to weights r4 w2 instead of w2.
  CHECK(update_of(OptimizerKernels::multi_tensor, DType::fp32, false).traffic == Bytes(12'000));
  // 16-bit gradients first go to fp32, r2 w4, and are read as 4 bytes twice, not as 2.
  CHECK(update_of(OptimizerKernels::multi_tensor, DType::bf16, false).traffic == Bytes(22'000));
  // fp16 unscales, r4 w4.
  CHECK(update_of(OptimizerKernels::multi_tensor, DType::fp16, true).traffic == Bytes(30'000));
  // 8 + 12 + 8 + 12 + 8 + 8 + 8 + 16 = 80 bytes where one kernel moves 28; clip 8.
  CHECK(update_of(OptimizerKernels::foreach, DType::fp32, false).traffic == Bytes(60'000));
}

TEST_CASE("latent attention assembles queries, keys and values, and ranks sort what they exchange") {
  Tensors tensors;
  StepProgram program = tensors.program();
  program.groups = DeviceMesh(round_job({.dp = 8, .ep = 4}).parallelism).groups();
  const Attention core{.batch = 1,
                       .query = 10,
                       .key = 10,
                       .heads = 2,
                       .kv_heads = 2,
                       .head_dim = 6,
                       .v_head_dim = 4,
                       .key_layout = KeyLayout::by_head};
  // 10 tokens of 2 heads of 6 + 6 + 4.
  CHECK(further_passes(make_op(core), program, {.autograd = true}).traffic == Bytes(10 * 2 * 16 * 4));
  CHECK(further_passes(make_op(core), program, {}).kernels == 0);
  // 30 rows of 8.
  const Op permute = make_op(Permute{.rows = 30, .width = 8});
  CHECK(further_passes(permute, program, {.sorted_rows = 1}).traffic == Bytes(30 * 8 * 4));
  // Rows are copied to a padded number, or back: r2 w2.
  CHECK(further_passes(permute, program, {.pads_rows = true}).traffic == Bytes(30 * 8 * 4));
  CHECK(further_passes(permute, program, {.sorted_rows = 1, .pads_rows = true}).kernels == 2);
}

TEST_CASE("a fused router chooses experts in a few kernels, and some dispatchers need no counts") {
  const Op forward = make_op(Route{.tokens = 10, .experts = 8, .per_token = 2}, Phase::forward);
  const Op backward = make_op(Route{.tokens = 10, .experts = 8, .per_token = 2}, Phase::backward_input);
  const KernelForms all_to_all{.routing = RoutingKernels::megatron, .fused_choice = true};
  // Scores for the auxiliary loss r2 w4 w1, the loss r4; counts for the exchange r1 in 11 kernels.
  CHECK(further_passes(forward, StepProgram{}, all_to_all).traffic == Bytes(80 * (7 + 4 + 1)));
  CHECK(further_passes(forward, StepProgram{}, all_to_all).kernels == 2 + 11);
  // Loss w4, scores r4 r4 w4, sum r4 r2 w2.
  CHECK(further_passes(backward, StepProgram{}, all_to_all).traffic == Bytes(80 * (4 + 12 + 8)));
  CHECK(further_passes(backward, StepProgram{}, all_to_all).kernels == 3);
  const KernelForms copies{
      .routing = RoutingKernels::megatron, .fused_choice = true, .counts_for_exchange = false};
  CHECK(further_passes(forward, StepProgram{}, copies).kernels == 2);
  CHECK(further_passes(forward, StepProgram{}, {.routing = RoutingKernels::torch, .fused_choice = true})
            .kernels == 0);
}

TEST_CASE("rows of experts are quantised expert by expert, other rows at once") {
  Tensors tensors;
  const TensorId rows = tensors.add(DType::bf16, {32, 8});
  Op quantise = make_op(Pointwise{PointwiseKind::quantise, 256}, {read(rows), write(rows)});
  quantise.component = Component::experts;
  StepProgram program = tensors.program();
  const KernelForms forms{.quantiser_kernels = 4};
  CHECK(further_passes(quantise, program, forms).kernels == 0);
  program.tensors[rows.at()].meaning.part = ModelPart::experts;
  CHECK(further_passes(quantise, program, forms).kernels == 3);
  CHECK(further_passes(quantise, program, forms).traffic == Bytes());
}

TEST_CASE("what another kernel does takes no time") {
  Op activation = make_op(Pointwise{PointwiseKind::swiglu, 256});
  const KernelForms forms{.exchange_permutes = true, .product_activates = true};
  CHECK_FALSE(is_done_by_another(activation, forms));  // of a dense FFN
  activation.component = Component::experts;
  CHECK(is_done_by_another(activation, forms));
  CHECK_FALSE(is_done_by_another(activation, {}));
  const Op permute = make_op(Permute{.rows = 30, .width = 8});
  CHECK(is_done_by_another(permute, forms));
  CHECK_FALSE(is_done_by_another(permute, {}));
}

TEST_CASE("rows of experts are padded for products of 8 bits where no dispatcher pads them") {
  JobSpec job = round_job();
  job.framework = Framework::megatron;
  CHECK_FALSE(kernel_forms(job).pads_rows);
  job.training.precision = Precision::fp8;
  CHECK(kernel_forms(job).pads_rows);
  job.training.dispatcher = Dispatcher::hybridep;
  CHECK_FALSE(kernel_forms(job).pads_rows);
}

TEST_CASE("a fused softmax is an elementwise kernel") {
  const Op softmax = make_op(Pointwise{PointwiseKind::softmax, 100});
  CHECK(further_passes(softmax, StepProgram{}, {}).elementwise);
  CHECK_FALSE(further_passes(softmax, StepProgram{}, {.fused_softmax = false}).elementwise);
}

TEST_CASE("a compiler fuses what an eager framework leaves apart") {
  JobSpec job = round_job();
  job.framework = Framework::torch_fsdp;
  job.training.compiled = false;
  CHECK_FALSE(kernel_forms(job).fused_kernels);
  CHECK(kernel_forms(job).loss == LossKernels::torch);
  job.training.compiled = true;
  CHECK(kernel_forms(job).fused_kernels);
  CHECK_FALSE(kernel_forms(job).autograd);
  // Loss and optimizer are outside of the compiled part.
  CHECK(kernel_forms(job).loss == LossKernels::torch);
  CHECK(kernel_forms(job).optimizer == OptimizerKernels::foreach);
  job.training.loss.fused = true;
  CHECK(kernel_forms(job).loss == LossKernels::fused);
  // Kernels of others, as Liger's, in code that is not compiled.
  job.training.compiled = false;
  CHECK_FALSE(kernel_forms(job).fused_kernels);
  job.training.fused_kernels = true;
  CHECK(kernel_forms(job).fused_kernels);
}

TEST_CASE("further passes take launches and memory time, and the host their submission") {
  JobSpec job = round_job();
  job.framework = Framework::megatron;
  const Op op = make_op(CrossEntropy{.part = CrossEntropyPart::exp_sum, .tokens = 1'000'000, .vocab = 1'000});
  // 1e9 logits, without operands: the launch alone, 2 us. Then 3 kernels of 8 GB each: 3 · (2 us + 8 MB + 8
  // GB at 800 GB/s) = 3 · 10.012 ms.
  const OpTime time = CostModel(job).kernel_time(op, StepProgram{});
  CHECK(time.time.value() == Approx(2e-6 + 3 * 10.012e-3));
  CHECK(time.kernels == 4);
}

TEST_CASE("a step waits for the slowest of its devices") {
  JobSpec job = round_job({.dp = 8});
  job.cluster.accelerator.kernels.device_spread = 0.02;
  const Op op = make_op(Gemm{.m = 10'000, .n = 10'000, .k = 9'872});
  // 2e12 FLOPs at 500 TFLOP/s: 4 ms, and 4 us fixed. The largest of 8 normal variables is expected at 1.42
  // standard deviations: Φ⁻¹(7.625/8.25) = 1.43.
  CHECK(CostModel(job).kernel_time(op, StepProgram{}).time.value() ==
        Approx(4.004e-3 * (1.0 + 0.02 * 1.43)).epsilon(1e-4));
  // A single device waits for no other.
  job.parallelism.dp = 1;
  CHECK(CostModel(job).kernel_time(op, StepProgram{}).time.value() == Approx(4.004e-3));
}

TEST_CASE("choosing experts in single operations: bytes per token and expert") {
  const auto route = [](RoutingKernels form, Phase phase) {
    const Op op = make_op(Route{.tokens = 10, .experts = 8, .per_token = 2}, phase);
    return further_passes(op, StepProgram{}, {.routing = form});
  };
  CHECK(route(RoutingKernels::fused, Phase::forward).kernels == 0);
  // PyTorch: to fp32 r2 w4, scores w4, top-k r4 of 80 numbers; 15 kernels, of which the first is the operation.
  CHECK(route(RoutingKernels::torch, Phase::forward).traffic == Bytes(80 * (6 + 4 + 4)));
  CHECK(route(RoutingKernels::torch, Phase::forward).kernels == 14);
  // Backward: a map of zeros w4 and the gradients in it r4 w4, scores r8 w4, cast r4 w2.
  CHECK(route(RoutingKernels::torch, Phase::backward_input).traffic == Bytes(80 * (12 + 12 + 6)));
  // Megatron-LM: two maps of what was chosen, 25 bytes each, ...
  const std::int64_t map = 4 + 8 + 8 + 5;
  const std::int64_t choice = 4 + 12 + map + 1;   // top-k, scores in a map, routing map, counts
  const std::int64_t loss = 8 + 4 + map + 1 + 4;  // softmax, top-k, routing map, counts, sum of scores
  CHECK(route(RoutingKernels::megatron, Phase::forward).traffic == Bytes(80 * (choice + loss + 1)));
  CHECK(route(RoutingKernels::megatron, Phase::forward).kernels == 11 + 14 + 11 - 1);
  CHECK(route(RoutingKernels::megatron, Phase::backward_input).kernels == 5 + 6 + 2 - 1);
}

TEST_CASE("experts' products that are launched one by one are as many kernels") {
  const Op op = make_op(GroupedGemm{.experts = 16, .tokens = 64, .n = 8, .k = 8});
  CHECK(further_passes(op, StepProgram{}, {.kernel_per_expert = true}).measured_together == 15);
  CHECK(further_passes(op, StepProgram{}, {}).measured_together == 0);
}

TEST_CASE("Megatron-LM's softmax kernel takes heads times sequences in fours, and 4096 keys") {
  JobSpec job = round_job({.tp = 8});
  job.framework = Framework::megatron_deepspeed;
  job.model.heads = 16;
  job.training.micro_batch = 2;
  job.training.sequence_length = 1024;
  CHECK(kernel_forms(job).fused_softmax);  // 2 sequences of 2 heads
  job.training.micro_batch = 1;
  CHECK_FALSE(kernel_forms(job).fused_softmax);  // 1 of 2
  job.parallelism.tp = 4;
  CHECK(kernel_forms(job).fused_softmax);  // 1 of 4
  job.training.sequence_length = 8192;
  CHECK_FALSE(kernel_forms(job).fused_softmax);
}

namespace {

/// The further passes of a permutation of 10 rows of 8.
FurtherPasses permute_of(const KernelForms& forms, bool weighted, Phase phase, bool weighs = true) {
  const Op op = make_op(Permute{.rows = 10, .width = 8, .weighted = weighted, .weighs = weighs}, {}, phase);
  return further_passes(op, StepProgram{}, forms);
}

JobSpec job_with_experts(std::int32_t tp, std::int32_t ep, std::int32_t etp) {
  JobSpec job;
  job.framework = Framework::megatron;
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 16};
  job.parallelism.tp = tp;
  job.parallelism.ep = ep;
  job.parallelism.etp = etp;
  return job;
}

}  // namespace

TEST_CASE("rows are sorted by expert behind the gather over etp, where a rank has several experts") {
  // r2 w2 of the 80 elements that each of 4 ranks sends.
  CHECK(permute_of({.sorted_rows = 4}, false, Phase::forward).traffic == Bytes(80 * 4 * 4));
  CHECK(permute_of({}, false, Phase::forward).kernels == 0);
  CHECK(kernel_forms(job_with_experts(4, 2, 4)).sorted_rows == 4);
  CHECK(kernel_forms(job_with_experts(4, 2, 1)).sorted_rows == 1);
  CHECK(kernel_forms(job_with_experts(4, 1, 4)).sorted_rows == 4);
  // One expert a rank: its rows need no order.
  CHECK(kernel_forms(job_with_experts(4, 8, 4)).sorted_rows == 0);
  JobSpec copies = job_with_experts(1, 2, 1);
  copies.training.dispatcher = Dispatcher::deepep;
  CHECK(kernel_forms(copies).sorted_rows == 0);
}

TEST_CASE("PyTorch permutes in single operations and sums by atomic additions") {
  const KernelForms torch{.permutes_in_torch = true};
  const FurtherPasses dispatch = permute_of(torch, false, Phase::forward);
  CHECK(dispatch.atomic_sums == 0);
  CHECK(dispatch.kernels == 5);
  // Its gradient adds the rows of a token.
  CHECK(permute_of(torch, false, Phase::backward_input).atomic_sums == 80);
  // Rows times weights, r2 w2, and zeros to which they are added.
  const FurtherPasses combine = permute_of(torch, true, Phase::forward);
  CHECK(combine.atomic_sums == 80);
  CHECK(combine.traffic == Bytes(80 * 4));
  CHECK(combine.kernels == 2);
  // Its gradient: rows w2; times weights r2 w2; times outputs r2, w2, and their sum r2.
  const FurtherPasses gradient = permute_of(torch, true, Phase::backward_input);
  CHECK(gradient.atomic_sums == 0);
  CHECK(gradient.traffic == Bytes(80 * 10));
  // Rows that were weighed before are only added.
  CHECK(permute_of(torch, true, Phase::forward, false).traffic == Bytes());
  CHECK(permute_of(torch, true, Phase::backward_input, false).kernels == 0);
}

TEST_CASE("who permutes in PyTorch") {
  JobSpec job = job_with_experts(1, 2, 1);
  job.training.fused_permutation = true;
  CHECK_FALSE(kernel_forms(job).permutes_in_torch);
  job.training.fused_permutation = false;
  CHECK(kernel_forms(job).permutes_in_torch);
  job.training.dispatcher = Dispatcher::hybridep;  // its kernels permute
  CHECK_FALSE(kernel_forms(job).permutes_in_torch);
  job.framework = Framework::torch_fsdp;
  job.training.dispatcher = Dispatcher::all_to_all;
  CHECK(kernel_forms(job).permutes_in_torch);
  job.training.dispatcher = Dispatcher::deepep;  // NeMo Automodel: fused
  CHECK_FALSE(kernel_forms(job).permutes_in_torch);
  job.framework = Framework::foreshard;
  job.training.dispatcher = Dispatcher::all_to_all;
  CHECK_FALSE(kernel_forms(job).permutes_in_torch);
}

TEST_CASE("quantising rows of experts: a kernel each, in one call; one scale per tensor takes two more") {
  Tensors tensors;
  const TensorId x = tensors.add(DType::bf16, {4, 8});
  const Op largest = make_op(Pointwise{PointwiseKind::amax, 32}, {read(x)});
  const FurtherPasses plain = further_passes(largest, tensors.program(), {.quantiser_kernels = 4});
  CHECK(plain.kernels == 0);  // no rows of experts
  const FurtherPasses scaled = further_passes(largest, tensors.program(), {.scale_kernels = 2});
  CHECK(scaled.kernels == 2);
  CHECK(scaled.traffic == Bytes());
  CHECK(scaled.by_one_call);
  const Op cast = make_op(Pointwise{PointwiseKind::quantise, 32}, {read(x)});
  CHECK(further_passes(cast, tensors.program(), {.scale_kernels = 2}).kernels == 0);
}
