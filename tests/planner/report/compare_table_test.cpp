#include "planner/report/compare_table.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "planner/report/table.hpp"
#include "tests/planner/report/sample_comparison.hpp"
#include "tests/planner/report/widest_line.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The part of the text before the verdict.
std::string before_verdict(const std::string& text) { return text.substr(0, text.find("\n  Best:")); }

/// Sixteen variants: tp 1, 2, 4, 8 by pp 1, 2, 4, 8.
Comparison square() {
  std::vector<ComparedVariant> variants;
  for (const std::int64_t tp : {1, 2, 4, 8}) {
    for (const std::int64_t pp : {1, 2, 4, 8}) {
      ComparedVariant compared = sample_variant(tp, 8.0);
      choose(compared, Axis::pp, pp);
      variants.push_back(compared);
    }
  }
  return rank_variants(variants);
}

}  // namespace

TEST_CASE("one column per variant, with what it has and what it has not") {
  // Bands of 6.25%: 0.25 of 4 s, 0.5 of 8 s, 0.625 of 10 s, all with one decimal, as 10 s needs.
  // Tokens: 4096 / 8 s / 64 = 8.00 and 6.40 per second and GPU. Shares of 8 and 10 s. Memory 58 + 3 GiB, and
  // 99 + 1. 15e12 tokens · 8 s / 4096 / 86,400 = 339,084 days, times 24 h · 64 · 2.5 USD/h = 1,302 M USD, and
  // a quarter more for 10 s.
  CHECK(before_verdict(compare_table(sample_comparison())) ==
        "sample: Llama 3 70B on 64 × NVIDIA H100 80GB SXM\n"
        "512 sequences of 8,192 tokens · micro-batch 1 · bf16\n"
        "Devices and batch are fixed: dp follows. ± is the kernels' error alone; the rest is common to all.\n"
        "\n"
        "                             tp 2  tp 3      tp 4       tp 8\n"
        "  pp × dp                   4 × 8     –     4 × 4      4 × 2\n"
        "  fits                         no     –       yes        yes\n"
        "  step, s               4.0 ±0.2*     ✗  8.0 ±0.5  10.0 ±0.6\n"
        "  tokens/s per GPU              –     –      8.00       6.40\n"
        "  MFU                           –     –     55.0%      44.0%\n"
        "  compute                       –     –     62.5%      50.0%\n"
        "  tp exposed                    –     –     15.6%      37.5%\n"
        "  cp exposed                    –     –      0.4%       0.3%\n"
        "  ep exposed                    –     –      0.2%       0.2%\n"
        "  pp exposed                    –     –      0.8%       0.6%\n"
        "  dp exposed                    –     –      9.4%       7.5%\n"
        "  bubble                        –     –      6.2%       0.0%\n"
        "  optimizer                     –     –      3.1%       2.5%\n"
        "  memory, GiB of 79.0       100.0     –      61.0       61.0\n"
        "  headroom, GiB             −21.0     –      18.0       18.0\n"
        "  largest micro-batch           –     –         2          2\n"
        "  longest sequence              –     –    12,288     12,288\n"
        "  days for 15 T tokens          –     –   339,084    423,855\n"
        "  USD for 15 T tokens           –     –   1,302 M    1,628 M\n"
        "\n"
        "  * does not fit: the step that it would take with enough memory.\n"
        "  ✗ tp 3: 3 does not divide the model's 64 heads.\n");
}

TEST_CASE("the verdict stands at the end") {
  CHECK_THAT(compare_table(sample_comparison()),
             ContainsSubstring("\n\n  Best: tp 4, by 25.0% over tp 8; with the kernels' error"));
}

TEST_CASE("a row that no variant has is no row") {
  Comparison comparison = sample_comparison();
  for (ComparedVariant& compared : comparison.variants) {
    compared.variant.job.cluster.price.reset();
    if (compared.estimate) compared.estimate->step.breakdown.dp_exposed = Seconds(0.0);
  }
  const std::string text = compare_table(rank_variants(comparison.variants));
  CHECK(text.find("USD") == std::string::npos);
  CHECK(text.find("dp exposed") == std::string::npos);
  CHECK(text.find("speed-up") == std::string::npos);
}

TEST_CASE("further axes have rows of their own") {
  const std::vector<std::string> lines = lines_of(compare_table(square()));
  const auto row = std::find_if(lines.begin(), lines.end(),
                                [](const std::string& line) { return line.starts_with("  pp  "); });
  REQUIRE(row != lines.end());
  CHECK_THAT(*(row - 1), ContainsSubstring("tp 1"));
  CHECK(row->substr(row->find_first_of("123456789"), 1) == "1");
}

TEST_CASE("more columns than fit stand in tables one below the other") {
  const std::string text = compare_table(square());
  CHECK(widest_line(text) <= 100);
  // A column is 10 wide ("8.00 ±0.50") after a gap of 2; row names take 21 with their indent: 6 columns of 12
  // fit into the remaining 79, so 16 variants make three tables.
  std::size_t tables = 0;
  std::size_t columns = 0;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("  MFU ")) continue;
    ++tables;
    columns += static_cast<std::size_t>(std::count(line.begin(), line.end(), '%'));
  }
  CHECK(tables == 3);
  CHECK(columns == 16);
}

TEST_CASE("long names do not widen the page") {
  std::vector<ComparedVariant> variants;
  for (const char end : {'a', 'b', 'c', 'd'}) {
    variants.push_back(sample_variant_with(Axis::cluster, std::string(120, 'c') + end, 8.0));
    variants.back().variant.job.model.name = std::string(150, 'm');
  }
  CHECK(widest_line(compare_table(rank_variants(variants))) <= 100);
}

TEST_CASE("nodes show devices, speed-up and efficiency") {
  const std::string text = compare_table(rank_variants(sample_nodes()));
  CHECK_THAT(text, ContainsSubstring("The batch is fixed and devices grow with the nodes: dp follows."));
  CHECK_THAT(text, ContainsSubstring("4 nodes"));
  // 12 / 8 on twice the devices
  CHECK_THAT(text, ContainsSubstring("  GPUs                         32        64\n"));
  CHECK_THAT(text, ContainsSubstring("1.00      1.50\n"));
  CHECK_THAT(text, ContainsSubstring("100.0%     75.0%\n"));
}

TEST_CASE("clusters of unlike memory tell it in each column") {
  std::vector<ComparedVariant> variants = {sample_variant_with(Axis::cluster, std::string("a"), 12.0),
                                           sample_variant_with(Axis::cluster, std::string("b"), 8.0)};
  variants[1].estimate->memory.capacity = gibibytes(180);
  const std::string text = compare_table(rank_variants(variants));
  CHECK_THAT(text, ContainsSubstring("61.0 of 79.0"));
  CHECK_THAT(text, ContainsSubstring("61.0 of 180.0"));
  CHECK_THAT(text, ContainsSubstring("sample: Llama 3 70B on 64 GPUs\n"));
}
