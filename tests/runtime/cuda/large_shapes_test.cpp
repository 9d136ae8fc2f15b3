// Shapes of Llama 3 with their full width and few rows. They reach code that small shapes do not.
#include "tests/runtime/cuda/gpu_checks.hpp"

namespace foreshard::test::large_shapes_kernel {

namespace {

template <class Call>
void check(const Case<Call>& one) {
  check_on_gpu(in_bf16(one), kBf16Bound);
}

Numbers nines(std::int64_t count) { return Numbers(static_cast<std::size_t>(count), 9.0); }

}  // namespace

TEST_CASE("products of a layer: forward, input gradient, weight gradient") {
  Draw draw(1);
  constexpr std::int64_t kTokens = 96;
  constexpr std::int64_t kIn = 512;
  constexpr std::int64_t kOut = 768;
  const Numbers x = draw.numbers(kTokens * kIn);
  const Numbers w = draw.numbers(kOut * kIn);
  const Numbers dy = draw.numbers(kTokens * kOut);
  check(Case<GemmCall>{{.m = kTokens, .n = kOut, .k = kIn, .transpose_b = true},
                       {{&GemmCall::a, x}, {&GemmCall::b, w}, {&GemmCall::c, nines(kTokens * kOut)}}});
  check(Case<GemmCall>{{.m = kTokens, .n = kIn, .k = kOut},
                       {{&GemmCall::a, dy}, {&GemmCall::b, w}, {&GemmCall::c, nines(kTokens * kIn)}}});
  Case<GemmCall> weight{{.m = kOut, .n = kIn, .k = kTokens, .transpose_a = true, .accumulate = true},
                        {{&GemmCall::a, dy}, {&GemmCall::b, x}, {&GemmCall::c, draw.numbers(kOut * kIn)}}};
  check(weight);
  // bf16 factors, summed into an fp32 gradient.
  Case<GemmCall> mixed = in_bf16(weight);
  mixed.operands[2].type = DType::fp32;
  check_on_gpu(mixed, kFp32Bound);
}

TEST_CASE("norms of wide rows") {
  for (const std::int64_t width : {4096, 8192, 16384}) {
    for (const NormKind kind : {NormKind::rmsnorm, NormKind::layernorm}) {
      CAPTURE(width, static_cast<int>(kind));
      const bool layer = kind == NormKind::layernorm;
      Draw draw(2);
      constexpr std::int64_t kRows = 37;
      const Case<NormCall> forward{{.kind = kind, .rows = kRows, .width = width},
                                   {{&NormCall::x, draw.numbers(kRows * width)},
                                    {&NormCall::weight, draw.numbers(width)},
                                    {&NormCall::bias, layer ? draw.numbers(width) : Numbers{}},
                                    {&NormCall::y, nines(kRows * width)},
                                    {&NormCall::stats, nines(kRows * (layer ? 2 : 1))}}};
      check(forward);
      ReferenceDevice reference;
      const std::vector<Numbers> after = run_case(reference, in_bf16(forward));
      NormCall call = forward.call;
      call.backward = true;
      check(Case<NormCall>{call,
                           {{&NormCall::x, after[0]},
                            {&NormCall::weight, after[1]},
                            {&NormCall::stats, after[4]},
                            {&NormCall::dy, draw.numbers(kRows * width)},
                            {&NormCall::residual, draw.numbers(kRows * width)},
                            {&NormCall::dx, nines(kRows * width)},
                            {&NormCall::d_weight, draw.numbers(width)},
                            {&NormCall::d_bias, layer ? draw.numbers(width) : Numbers{}}}});
    }
  }
}

TEST_CASE("a gated layer, forward and backward") {
  Draw draw(3);
  constexpr std::int64_t kRows = 19;
  constexpr std::int64_t kWidth = 14336;
  PointwiseCall call{.kind = PointwiseKind::swiglu, .elements = kRows * kWidth, .width = kWidth};
  const Numbers x = draw.numbers(2 * kRows * kWidth, 4.0);
  check(Case<PointwiseCall>{call, {{&PointwiseCall::a, x}, {&PointwiseCall::y, nines(kRows * kWidth)}}});
  call.backward = true;
  check(Case<PointwiseCall>{call,
                            {{&PointwiseCall::a, x},
                             {&PointwiseCall::b, draw.numbers(kRows * kWidth)},
                             {&PointwiseCall::y, nines(2 * kRows * kWidth)}}});
}

TEST_CASE("the loss over a whole vocabulary, the last columns padding") {
  Draw draw(4);
  constexpr std::int64_t kTokens = 11;
  constexpr std::int64_t kColumns = 128256;
  ReferenceDevice reference;
  CrossEntropyCall call{.part = CrossEntropyPart::row_max,
                        .tokens = kTokens,
                        .columns = kColumns,
                        .vocab = kColumns - 250,
                        .scale = 1.0 / kTokens};
  const Numbers logits = draw.numbers(kTokens * kColumns, 8.0);
  const Numbers labels = draw.integers(kTokens, 0, kColumns - 251);
  const Case<CrossEntropyCall> max{
      call, {{&CrossEntropyCall::logits, logits}, {&CrossEntropyCall::max, nines(kTokens)}}};
  check(max);
  call.part = CrossEntropyPart::exp_sum;
  const Case<CrossEntropyCall> sums{call,
                                    {{&CrossEntropyCall::logits, logits},
                                     {&CrossEntropyCall::labels, labels, DType::int32},
                                     {&CrossEntropyCall::max, run_case(reference, in_bf16(max))[1]},
                                     {&CrossEntropyCall::sums, nines(2 * kTokens)}}};
  check(sums);
  call.part = CrossEntropyPart::loss;
  call.backward = true;
  const std::vector<Numbers> after = run_case(reference, in_bf16(sums));
  // In a step the logits are fp32 and their gradient is bf16.
  for (const DType gradient : {DType::fp32, DType::bf16}) {
    const Case<CrossEntropyCall> backward{
        call,
        {{&CrossEntropyCall::logits, after[0]},
         {&CrossEntropyCall::labels, labels, DType::int32},
         {&CrossEntropyCall::max, after[2]},
         {&CrossEntropyCall::sums, after[3]},
         {&CrossEntropyCall::d_logits, nines(kTokens * kColumns), gradient}}};
    check_on_gpu(backward, gradient == DType::bf16 ? kBf16Bound : kFp32Bound);
  }
}

TEST_CASE("attention with heads of 128, grouped, causal and not, forward and backward") {
  for (const bool causal : {true, false}) {
    CAPTURE(causal);
    Draw draw(5);
    constexpr std::int64_t kTokens = 2 * 320;
    AttentionCall call{
        .mask = {.causal = causal}, .batch = 2, .sequence = 320, .heads = 8, .kv_heads = 2, .head_dim = 128};
    const Case<AttentionCall> forward{call,
                                      {{&AttentionCall::qkv, draw.numbers(kTokens * 12 * 128, 2.0)},
                                       {&AttentionCall::out, nines(kTokens * 8 * 128)},
                                       {&AttentionCall::lse, nines(kTokens * 8)}}};
    check(forward);
    ReferenceDevice reference;
    const std::vector<Numbers> after = run_case(reference, in_bf16(forward));
    call.backward = true;
    check(Case<AttentionCall>{call,
                              {{&AttentionCall::qkv, after[0]},
                               {&AttentionCall::out, after[1]},
                               {&AttentionCall::lse, after[2]},
                               {&AttentionCall::d_out, draw.numbers(kTokens * 8 * 128)},
                               {&AttentionCall::d_qkv, nines(kTokens * 12 * 128)}}});
  }
}

}  // namespace foreshard::test::large_shapes_kernel
