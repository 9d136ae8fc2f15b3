#include <cmath>

#include "runtime/device/cpu/cpu_device.hpp"
#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::cross_entropy_kernel {

namespace {

/// One rank's columns of the logits.
struct Shard {
  std::int64_t tokens, columns, first_column, vocab;
};

CrossEntropyCall call_of(Shard s, CrossEntropyPart part, bool backward = false) {
  return {.backward = backward,
          .part = part,
          .tokens = s.tokens,
          .columns = s.columns,
          .first_column = s.first_column,
          .vocab = s.vocab,
          .scale = 0.25};
}

/// All three parts and the backward of one shard. Each uses the reference's results of the one before; the
/// other ranks' contributions are left out.
struct Parts {
  Case<CrossEntropyCall> row_max, exp_sum, loss, backward;
};

Parts parts_of(Shard s) {
  using Call = CrossEntropyCall;
  Draw draw(11);
  ReferenceDevice reference;
  const Bound<Call> logits = {&Call::logits, draw.numbers(s.tokens * s.columns, 8.0)};
  const Bound<Call> labels = {&Call::labels, draw.integers(s.tokens, 0, s.vocab - 1), DType::int32};
  Parts parts;
  parts.row_max = {call_of(s, CrossEntropyPart::row_max), {logits, {&Call::max, draw.numbers(s.tokens)}}};
  const Bound<Call> max = {&Call::max, run_case(reference, parts.row_max)[1]};
  parts.exp_sum = {call_of(s, CrossEntropyPart::exp_sum),
                   {logits, labels, max, {&Call::sums, draw.numbers(2 * s.tokens)}}};
  const Bound<Call> sums = {&Call::sums, run_case(reference, parts.exp_sum)[3]};
  parts.loss = {call_of(s, CrossEntropyPart::loss), {sums, {&Call::loss, {9.0}}}};
  parts.backward = {call_of(s, CrossEntropyPart::loss, true),
                    {logits, labels, max, sums, {&Call::d_logits, draw.numbers(s.tokens * s.columns)}}};
  return parts;
}

const std::vector<Shard> kShards = {
    {1, 1, 0, 1},       {3, 17, 0, 17}, {40, 64, 0, 128},  // labels of the other half
    {40, 64, 64, 100},                                     // 28 columns of padding
    {9, 301, 301, 603},
};

}  // namespace

TEST_CASE("cross-entropy of two tokens over two ranks, computed by hand") {
  // Vocabulary 3 over 2 ranks with 2 columns each: rank 1 has column 2 and one column of padding. Token 0:
  // logits ln 1, ln 2, ln 5 with label 2; token 1: ln 4, ln 1, ln 3 with label 0. Sums of exp(logit − max):
  // 8/5 and 8/4.
  using Call = CrossEntropyCall;
  const double huge = 1e6;  // in the padding: must not be seen
  const Numbers on_rank_0 = {0, std::log(2.0), std::log(4.0), 0};
  const Numbers on_rank_1 = {std::log(5.0), huge, std::log(3.0), huge};
  const Bound<Call> labels = {&Call::labels, {2, 0}, DType::int32};
  const Bound<Call> max = {&Call::max, {std::log(5.0), std::log(4.0)}};  // as all-reduced
  const Shard first = {2, 2, 0, 3};
  const Shard second = {2, 2, 2, 3};
  const auto row_max = [](Shard s, const Numbers& logits) {
    return Case<Call>{call_of(s, CrossEntropyPart::row_max),
                      {{&Call::max, Numbers(2)}, {&Call::logits, logits}}};
  };
  check_values(row_max(first, on_rank_0), {{std::log(2.0), std::log(4.0)}});
  check_values(row_max(second, on_rank_1), {{std::log(5.0), std::log(3.0)}});
  const auto exp_sum = [&](Shard s, const Numbers& logits) {
    return Case<Call>{call_of(s, CrossEntropyPart::exp_sum),
                      {{&Call::sums, Numbers(4)}, {&Call::logits, logits}, labels, max}};
  };
  check_values(exp_sum(first, on_rank_0), {{3.0 / 5, 0, 5.0 / 4, 0}});
  check_values(exp_sum(second, on_rank_1), {{1, 0, 3.0 / 4, 0}});
  // all-reduced {8/5, 0, 2, 0}: the labels have the largest logits. Loss = ln(8/5) + ln 2, times the scale.
  const Bound<Call> sums = {&Call::sums, {8.0 / 5, 0, 2, 0}};
  check_values(Case<Call>{call_of(first, CrossEntropyPart::loss), {{&Call::loss, {9}}, sums}},
               {{0.25 * (std::log(8.0 / 5) + std::log(2.0))}});
  const auto backward = [&](Shard s, const Numbers& logits) {
    return Case<Call>{call_of(s, CrossEntropyPart::loss, true),
                      {{&Call::d_logits, Numbers(4, 9.0)}, {&Call::logits, logits}, labels, max, sums}};
  };
  check_values(backward(first, on_rank_0), {{0.25 / 8, 0.25 * 2 / 8, 0.25 * (0.5 - 1), 0.25 / 8}});
  check_values(backward(second, on_rank_1), {{0.25 * (5.0 / 8 - 1), 0, 0.25 * 3 / 8, 0}});
}

TEST_CASE("a shard that is all padding has maximum −∞ and sum 0") {
  using Call = CrossEntropyCall;
  const Shard padding = {1, 2, 4, 4};
  const double none = -std::numeric_limits<double>::infinity();
  ReferenceDevice reference;
  CpuDevice processor;
  const Case<Call> row_max = {call_of(padding, CrossEntropyPart::row_max),
                              {{&Call::logits, {1, 2}}, {&Call::max, {9}}}};
  CHECK(run_case(reference, row_max)[1] == Numbers{none});
  CHECK(run_case(processor, row_max)[1] == Numbers{none});
  check_values(Case<Call>{call_of(padding, CrossEntropyPart::exp_sum),
                          {{&Call::sums, {9, 9}},
                           {&Call::logits, {1, 2}},
                           {&Call::labels, {3}, DType::int32},
                           {&Call::max, {5}}}},
               {{0, 0}});
}

TEST_CASE("cross-entropy agrees with the reference") {
  for (const Shard& shard : kShards) {
    INFO(shard.tokens << " tokens, columns " << shard.first_column << " to "
                      << shard.first_column + shard.columns << " of " << shard.vocab);
    const Parts parts = parts_of(shard);
    check_against_reference(parts.row_max, 0.0);
    check_against_reference(parts.exp_sum, 1e-6);
    check_against_reference(parts.loss, 1e-6);
    check_against_reference(parts.backward, 1e-6);
    Case<CrossEntropyCall> in_place = parts.backward;
    in_place.operands.pop_back();
    in_place.same = {{&CrossEntropyCall::logits, &CrossEntropyCall::d_logits}};
    check_against_reference(in_place, 1e-6);
  }
}

TEST_CASE("bf16 gradients of fp32 logits agree with the reference") {
  using Call = CrossEntropyCall;
  for (const Shard& shard : kShards) {
    INFO(shard.tokens << " tokens, columns from " << shard.first_column);
    Case<Call> one = parts_of(shard).backward;
    one.operands.back().type = DType::bf16;
    check_in_own_dtypes(one);
  }
}

TEST_CASE("cross-entropy's backward is the gradient of its loss") {
  // The loss as a function of the logits, through all three parts, on one rank that has every column.
  const Shard shard = {3, 9, 0, 7};
  Parts parts = parts_of(shard);
  ReferenceDevice reference;
  const auto loss_of = [&](const Numbers& logits) {
    for (Case<CrossEntropyCall>* part : {&parts.row_max, &parts.exp_sum}) part->operands[0].values = logits;
    parts.exp_sum.operands[2].values = run_case(reference, parts.row_max)[1];
    parts.loss.operands[0].values = run_case(reference, parts.exp_sum)[3];
    return run_case(reference, parts.loss)[1][0];
  };
  const Numbers gradient = run_case(reference, parts.backward)[4];
  Numbers logits = parts.backward.operands[0].values;
  Numbers differences;
  for (double& logit : logits) {
    const double before = logit;
    logit = before + 1e-5;
    const double above = loss_of(logits);
    logit = before - 1e-5;
    differences.push_back((above - loss_of(logits)) / 2e-5);
    logit = before;
  }
  CHECK(distance(gradient, differences) <= 1e-7);
}

}  // namespace foreshard::test::cross_entropy_kernel
