#include <algorithm>
#include <string>
#include <vector>

#include "tests/planner/report/sample_plan.hpp"
#include "tests/planner/report/written.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// A reader of CSV (RFC 4180), independent of the writer. Returns rows of cells.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool inside_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& cell = rows.back().back();
    if (inside_quotes) {
      if (c != '"') {
        cell += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cell += text[++i];
      } else {
        inside_quotes = false;
      }
    } else if (c == '"') {
      inside_quotes = true;
    } else if (c == ',') {
      rows.back().emplace_back();
    } else if (c == '\n') {
      rows.emplace_back(1);
    } else {
      cell += c;
    }
  }
  rows.pop_back();
  return rows;
}

std::string cell(const std::vector<std::vector<std::string>>& rows, std::size_t row, const std::string& key) {
  const auto at = std::find(rows[0].begin(), rows[0].end(), key);
  REQUIRE(at != rows[0].end());
  return rows[row].at(static_cast<std::size_t>(at - rows[0].begin()));
}

}  // namespace

TEST_CASE("one header, then one row per job with as many cells") {
  std::vector<PlannedJob> jobs{sample_plan(), sample_plan()};
  jobs[1].job.name = "other";
  const auto rows = parse_csv(estimate_csv(jobs));
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].size() == rows[0].size());
  CHECK(rows[2].size() == rows[0].size());
  CHECK(rows[0].front() == "model.parameters.total");
  CHECK(cell(rows, 1, "job.name") == "sample");
  CHECK(cell(rows, 2, "job.name") == "other");
}

TEST_CASE("cells hold what the JSON holds") {
  const std::vector<PlannedJob> jobs{sample_plan()};
  const auto rows = parse_csv(estimate_csv(jobs));
  CHECK(cell(rows, 1, "model.parameters.total") == "70553706496");
  CHECK(cell(rows, 1, "step.time_s") == "8");
  CHECK(cell(rows, 1, "step.model_flops") == "9.5e+18");
  CHECK(cell(rows, 1, "step.breakdown_s.tp_exposed") == "1.25");
  CHECK(cell(rows, 1, "memory.fits") == "true");
  // 54 · 2^30 and 55 · 2^30
  CHECK(cell(rows, 1, "memory.peak_by_stage_bytes") == "57982058496;59055800320");
  CHECK(cell(rows, 1, "communication.ep.calls") == "15");
}

TEST_CASE("an unsaid value is an empty cell") {
  std::vector<PlannedJob> jobs{sample_plan()};
  jobs[0].estimate.training.cost.reset();
  CHECK(cell(parse_csv(estimate_csv(jobs)), 1, "training.dollars").empty());
}

TEST_CASE("commas, quotes and line ends stand in quotes, quotes doubled") {
  std::vector<PlannedJob> jobs{sample_plan()};
  jobs[0].job.name = "two\nlines";
  jobs[0].job.cluster.name = "a,b";
  const std::string csv = estimate_csv(jobs);
  CHECK_THAT(csv, ContainsSubstring(R"("the kv heads, ""8"", are one per rank;second note")"));
  const auto rows = parse_csv(csv);
  CHECK(cell(rows, 1, "job.name") == "two\nlines");
  CHECK(cell(rows, 1, "job.cluster") == "a,b");
}

TEST_CASE("a short CSV has the figures that people compare") {
  const std::vector<PlannedJob> jobs{sample_plan()};
  const auto rows = parse_csv(estimate_short_csv(jobs));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].size() == rows[1].size());
  CHECK(rows[0].size() < 30);
  CHECK(cell(rows, 1, "job.tp") == "8");
  CHECK(cell(rows, 1, "step.time_s") == "8");
  CHECK(cell(rows, 1, "memory.fits") == "true");
  CHECK(std::find(rows[0].begin(), rows[0].end(), "communication.ep.calls") == rows[0].end());
}

TEST_CASE("no jobs, no text") { CHECK(estimate_csv({}).empty()); }
