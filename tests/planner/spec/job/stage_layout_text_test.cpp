#include "planner/spec/job/stage_layout_text.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

using Counts = std::vector<std::int64_t>;

StageLayoutText layout_of(const std::string& text) {
  return std::get<StageLayoutText>(parse_stage_layout(text));
}

std::string complaint_about(const std::string& text) {
  const auto layout = parse_stage_layout(text);
  const auto* complaint = std::get_if<ParseComplaint>(&layout);
  return complaint != nullptr ? complaint->message : "";
}

}  // namespace

TEST_CASE("a layout lists the layers of each piece") {
  CHECK(layout_of("Ett|tt|tL").layers == Counts{2, 2, 1});
  CHECK(layout_of("E|t|t|L").layers == Counts{0, 1, 1, 0});
  CHECK(layout_of("Et*2,|,(t|)*2|L").layers == Counts{2, 1, 1, 0, 0});
  CHECK(layout_of("E(t*2|)*2L").layers == Counts{2, 2, 0});
  CHECK_FALSE(layout_of("Et|tL").mtp);
}

TEST_CASE("DeepSeek-V3's layout: 3 layers, 29 pieces of two, multi-token prediction, the loss") {
  // Et*3|(tt|)*29,m|L: the 29 repetitions end with |, so m has a piece of its own: 1 + 29 + 1 + 1 = 32 pieces.
  const StageLayoutText layout = layout_of("Et*3|(tt|)*29,m|L");
  Counts counts{3};
  counts.insert(counts.end(), 29, 2);
  counts.insert(counts.end(), 2, 0);
  CHECK(layout.layers == counts);
  CHECK(layout.mtp == MtpPlace{.piece = 30, .modules = 1});
  CHECK(layout_of("Ett|ttmmL").mtp == MtpPlace{.piece = 1, .modules = 2});
}

TEST_CASE("what is wrong with a layout is said") {
  CHECK(complaint_about("tt|tL") == "a layout begins with its only E");
  CHECK(complaint_about("Et|EtL") == "a layout begins with its only E");
  CHECK(complaint_about("Et|t") == "a layout ends with its only L");
  CHECK(complaint_about("Et|L|t") == "a layout ends with its only L");
  CHECK(complaint_about("Em|tL") == "m comes after all layers");
  CHECK(complaint_about("Et|m|mL") == "all m belong to one stage");
  CHECK(complaint_about("E(t|tL") == "a '(' without ')'");
  CHECK(complaint_about("Et)|tL") == "a ')' without '('");
  CHECK(complaint_about("Et*|tL") == "a '*' without a number behind it");
  CHECK(complaint_about("Ex|tL") == "'x' is no part of a layout");
  CHECK(complaint_about("Et*9999999|tL") == "it has too many layers");
}
