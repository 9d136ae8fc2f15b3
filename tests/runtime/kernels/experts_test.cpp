#include <cmath>

#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::experts_kernel {

TEST_CASE("two of four experts are chosen, computed by hand") {
  // Token 0: the largest is expert 1; 2 and 3 tie, and the first of them is taken. Weights softmax(ln 3, 0).
  // Token 1: experts 3 and 0, a difference of 0 between them.
  const double ln3 = std::log(3.0);
  const Case<RouteCall> one = {
      {.tokens = 2, .experts = 4, .per_token = 2},
      {{&RouteCall::routes, Numbers(8, 9.0)}, {&RouteCall::logits, {-1, ln3, 0, 0, 5, 1, 2, 5}}}};
  check_values(one, {{1, 2, 0.75, 0.25, 0, 3, 0.5, 0.5}});
}

TEST_CASE("an expert whose logit is NaN is chosen last") {
  const Case<RouteCall> one = {{.tokens = 1, .experts = 3, .per_token = 2},
                               {{&RouteCall::routes, Numbers(4, 9.0)}, {&RouteCall::logits, {NAN, 1, 1}}}};
  check_values(one, {{1, 2, 0.5, 0.5}});
}

TEST_CASE("the gradient of the chosen experts' weights is that of a softmax") {
  Draw draw(7);
  const Numbers logits = draw.numbers(3 * 5);
  const Case<RouteCall> forward = {{.tokens = 3, .experts = 5, .per_token = 2},
                                   {{&RouteCall::routes, Numbers(12)}, {&RouteCall::logits, logits}}};
  ReferenceDevice reference;
  const Numbers routes = run_case(reference, forward)[0];
  Numbers d_routes = draw.numbers(12);
  for (const std::size_t expert : {0U, 1U, 4U, 5U, 8U, 9U}) d_routes[expert] = 0.0;  // numbers of experts
  const Case<RouteCall> backward = {{.backward = true, .tokens = 3, .experts = 5, .per_token = 2},
                                    {{&RouteCall::routes, routes},
                                     {&RouteCall::d_routes, d_routes},
                                     {&RouteCall::d_logits, Numbers(15, 9.0)}}};
  check_gradient(forward, 1, 0, d_routes, run_case(reference, backward)[2]);
}

TEST_CASE("dispatch and combine of two tokens, computed by hand") {
  // Two tokens of two numbers; token 0's choices have rows 2 and 0, token 1's rows 1 and 3.
  const std::vector<std::int64_t> places = {2, 0, 1, 3};
  const Numbers routes = {0, 0, 0.25, 0.75, 0, 0, 0.5, 0.5};
  PermuteCall call{.tokens = 2, .per_token = 2, .width = 2, .places = &places};
  SECTION("dispatch") {
    check_values<PermuteCall>({call,
                               {{&PermuteCall::expert_rows, Numbers(8, 9.0)},
                                {&PermuteCall::token_rows, {1, 2, 3, 4}},
                                {&PermuteCall::routes, routes}}},
                              {{1, 2, 3, 4, 1, 2, 3, 4}});
  }
  SECTION("dispatch, backward: choices add up") {
    call.backward = true;
    check_values<PermuteCall>({call,
                               {{&PermuteCall::token_rows, Numbers(4, 9.0)},
                                {&PermuteCall::expert_rows, {1, 2, 3, 4, 5, 6, 7, 8}},
                                {&PermuteCall::routes, routes}}},
                              {{5 + 1, 6 + 2, 3 + 7, 4 + 8}});
  }
  SECTION("combine") {
    call.weighted = true;
    check_values<PermuteCall>(
        {call,
         {{&PermuteCall::token_rows, Numbers(4, 9.0)},
          {&PermuteCall::expert_rows, {1, 2, 3, 4, 5, 6, 7, 8}},
          {&PermuteCall::routes, routes}}},
        {{0.25 * 5 + 0.75 * 1, 0.25 * 6 + 0.75 * 2, 0.5 * 3 + 0.5 * 7, 0.5 * 4 + 0.5 * 8}});
  }
  SECTION("combine, backward") {
    call.weighted = call.backward = true;
    check_values<PermuteCall>(
        {call,
         {{&PermuteCall::d_expert_rows, Numbers(8, 9.0)},
          {&PermuteCall::d_routes, Numbers(8, 9.0)},
          {&PermuteCall::token_rows, {10, 20, 30, 40}},
          {&PermuteCall::expert_rows, {1, 2, 3, 4, 5, 6, 7, 8}},
          {&PermuteCall::routes, routes}}},
        {{7.5, 15, 15, 20, 2.5, 5, 15, 20},
         {0, 0, 5 * 10 + 6 * 20, 1 * 10 + 2 * 20, 0, 0, 3 * 30 + 4 * 40, 7 * 30 + 8 * 40}});
  }
}

TEST_CASE("routing and its gradients agree with the reference, in bf16 too") {
  Draw draw(9);
  constexpr std::int64_t kTokens = 37;
  constexpr std::int64_t kExperts = 8;
  constexpr std::int64_t kChosen = 2;
  const Case<RouteCall> forward = {{.tokens = kTokens, .experts = kExperts, .per_token = kChosen},
                                   {{&RouteCall::logits, draw.numbers(kTokens * kExperts, 4.0)},
                                    {&RouteCall::routes, Numbers(kTokens * 2 * kChosen, 9.0)}}};
  check_against_reference(forward, 1e-6);
  ReferenceDevice reference;
  const Numbers routes = run_case(reference, forward)[1];
  for (const bool accumulate : {false, true}) {
    INFO("accumulate " << accumulate);
    const Case<RouteCall> backward = {{.backward = true,
                                       .accumulate = accumulate,
                                       .tokens = kTokens,
                                       .experts = kExperts,
                                       .per_token = kChosen},
                                      {{&RouteCall::routes, routes},
                                       {&RouteCall::d_routes, draw.numbers(kTokens * 2 * kChosen)},
                                       {&RouteCall::d_logits, draw.numbers(kTokens * kExperts)}}};
    check_against_reference(backward, 1e-6);
  }
}

TEST_CASE("dispatch and combine agree with the reference, in bf16 too") {
  // Rows are longer than a block of the sums. The places are a permutation of 111 rows, because 7 and 111 are
  // coprime.
  constexpr std::int64_t kTokens = 37;
  constexpr std::int64_t kChosen = 3;
  constexpr std::int64_t kWidth = 700;
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < kTokens * kChosen; ++i) places.push_back(7 * i % (kTokens * kChosen));
  Draw draw(10);
  for (const bool weighted : {false, true}) {
    for (const bool backward : {false, true}) {
      for (const bool accumulate : {false, true}) {
        INFO("weighted " << weighted << " backward " << backward << " accumulate " << accumulate);
        const bool has_gradients = weighted && backward;
        const auto if_needed = [&](std::int64_t count) {
          return has_gradients ? draw.numbers(count) : Numbers{};
        };
        check_against_reference<PermuteCall>(
            {{.backward = backward,
              .weighted = weighted,
              .accumulate = accumulate && weighted != backward,
              .tokens = kTokens,
              .per_token = kChosen,
              .width = kWidth,
              .places = &places},
             {{&PermuteCall::token_rows, draw.numbers(kTokens * kWidth)},
              {&PermuteCall::expert_rows, draw.numbers(kTokens * kChosen * kWidth)},
              {&PermuteCall::routes, draw.numbers(kTokens * 2 * kChosen)},
              {&PermuteCall::d_expert_rows, if_needed(kTokens * kChosen * kWidth)},
              {&PermuteCall::d_routes, if_needed(kTokens * 2 * kChosen)}}},
            1e-6);
      }
    }
  }
}

TEST_CASE("grouped products agree with the reference and do not touch unused rows") {
  // Three experts in five runs, one of them empty: 70 rows in a buffer of 80.
  const RoutedRows routed{.runs = {{2, 0, 20}, {0, 20, 7}, {1, 27, 0}, {2, 27, 13}, {1, 40, 30}},
                          .total = 70};
  Draw draw(8);
  const Numbers x = draw.numbers(80 * 24);
  const Numbers w = draw.numbers(3 * 40 * 24);
  const Numbers y = draw.numbers(80 * 40);
  for (const GroupedPart part :
       {GroupedPart::forward, GroupedPart::input_gradient, GroupedPart::weight_gradient}) {
    for (const bool accumulate : {false, true}) {
      INFO("part " << static_cast<int>(part) << " accumulate " << accumulate);
      const Case<GroupedGemmCall> one = {
          {.part = part,
           .accumulate = accumulate && part != GroupedPart::forward,
           .experts = 3,
           .room = 80,
           .out = 40,
           .in = 24,
           .routed = &routed},
          {{&GroupedGemmCall::x, x}, {&GroupedGemmCall::weight, w}, {&GroupedGemmCall::y, y}}};
      check_against_reference(one, 2e-6);
      ReferenceDevice reference;
      const std::vector<Numbers> after = run_case(reference, one);
      const std::size_t written = part == GroupedPart::forward ? 2 : 0;
      const std::vector<Numbers> before = {x, w, y};
      const std::size_t columns = written == 2 ? 40 : 24;
      for (std::size_t i = 70 * columns; i < 80 * columns; ++i)
        CHECK(after[written][i] == before[written][i]);
    }
  }
}

TEST_CASE("grouped products of short and long runs agree with the reference") {
  const RoutedRows routed{.runs = {{0, 0, 520}, {1, 520, 3}, {1, 523, 2050}, {0, 2573, 5}, {1, 2578, 7}},
                          .total = 2585};
  Draw draw(9);
  const Numbers x = draw.numbers(2585 * 16);
  const Numbers w = draw.numbers(2 * 8 * 16);
  const Numbers y = draw.numbers(2585 * 8);
  for (const GroupedPart part :
       {GroupedPart::forward, GroupedPart::input_gradient, GroupedPart::weight_gradient}) {
    INFO("part " << static_cast<int>(part));
    check_against_reference(
        Case<GroupedGemmCall>{
            {.part = part,
             .accumulate = part != GroupedPart::forward,
             .experts = 2,
             .room = 2585,
             .out = 8,
             .in = 16,
             .routed = &routed},
            {{&GroupedGemmCall::x, x}, {&GroupedGemmCall::weight, w}, {&GroupedGemmCall::y, y}}},
        2e-6);
  }
}

TEST_CASE("a grouped product of two experts, computed by hand") {
  // Row 0 belongs to expert 1 (weights {3, 4}ᵀ), row 1 to expert 0 ({1, 2}ᵀ): y = x·W_eᵀ of one number each.
  const RoutedRows routed{.runs = {{1, 0, 1}, {0, 1, 1}}, .total = 2};
  const Case<GroupedGemmCall> one = {{.experts = 2, .room = 2, .out = 2, .in = 1, .routed = &routed},
                                     {{&GroupedGemmCall::y, Numbers(4, 9.0)},
                                      {&GroupedGemmCall::x, {10, 100}},
                                      {&GroupedGemmCall::weight, {1, 2, 3, 4}}}};
  check_values(one, {{30, 40, 100, 200}});
}

TEST_CASE("biases of experts and their gradients, computed by hand") {
  // As above, with the biases {1, 2} of expert 0 and {3, 4} of expert 1.
  const RoutedRows routed{.runs = {{1, 0, 1}, {0, 1, 1}}, .total = 2};
  check_values<GroupedGemmCall>({{.experts = 2, .room = 2, .out = 2, .in = 1, .routed = &routed},
                                 {{&GroupedGemmCall::y, Numbers(4, 9.0)},
                                  {&GroupedGemmCall::x, {10, 100}},
                                  {&GroupedGemmCall::weight, {1, 2, 3, 4}},
                                  {&GroupedGemmCall::bias, {1, 2, 3, 4}}}},
                                {{33, 44, 101, 202}});
  // Expert 1 has the rows {1, 2} and {100, 200}, expert 0 the row {10, 20}; the row {7, 7} is not used.
  const RoutedRows three{.runs = {{1, 0, 1}, {0, 1, 1}, {1, 2, 1}}, .total = 3};
  check_values<GroupedBiasCall>({{.experts = 2, .room = 4, .width = 2, .routed = &three},
                                 {{&GroupedBiasCall::d_bias, {0.5, 0.5, 1000, 2000}},
                                  {&GroupedBiasCall::dy, {1, 2, 10, 20, 100, 200, 7, 7}}}},
                                {{10.5, 20.5, 1101, 2202}});
}

TEST_CASE("biases of experts agree with the reference") {
  const RoutedRows routed{.runs = {{2, 0, 20}, {0, 20, 7}, {1, 27, 0}, {2, 27, 13}, {1, 40, 30}},
                          .total = 70};
  Draw draw(10);
  check_against_reference<GroupedGemmCall>(
      {{.experts = 3, .room = 80, .out = 40, .in = 24, .routed = &routed},
       {{&GroupedGemmCall::x, draw.numbers(80 * 24)},
        {&GroupedGemmCall::weight, draw.numbers(3 * 40 * 24)},
        {&GroupedGemmCall::y, draw.numbers(80 * 40)},
        {&GroupedGemmCall::bias, draw.numbers(3 * 40)}}},
      2e-6);
  check_against_reference<GroupedBiasCall>(
      {{.experts = 3, .room = 80, .width = 40, .routed = &routed},
       {{&GroupedBiasCall::dy, draw.numbers(80 * 40)}, {&GroupedBiasCall::d_bias, draw.numbers(3 * 40)}}},
      2e-6);
}

}  // namespace foreshard::test::experts_kernel
