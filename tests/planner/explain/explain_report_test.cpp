#include <string>

#include "planner/report/explain/explain_record.hpp"
#include "planner/report/explain/explain_table.hpp"
#include "planner/report/explain/part_words.hpp"
#include "planner/report/explain/sentences.hpp"
#include "planner/report/table.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

ExplainedJob explained(bool has_price) {
  JobSpec job = golden_job();
  if (has_price) job.cluster.price = DollarsPerSecond(0.001);
  ExplainedJob result{
      .planned = plan_job(job), .why = {}, .path = {}, .path_time = {}, .arguments = "job.yaml"};
  result.why = explain(job, result.planned.estimate);
  result.path = {{.component = Component::ffn,
                  .kind = "gemm",
                  .phase = Phase::forward,
                  .operations = 4,
                  .time = result.planned.estimate.step.time * 0.5}};
  result.path_time = result.planned.estimate.step.time;
  return result;
}

}  // namespace

TEST_CASE("ten sentences, each with a command") {
  for (const bool has_price : {false, true}) {
    const auto sentences = report::explain_sentences(explained(has_price));
    CHECK(sentences.size() == 10);
    for (const report::CheckedSentence& sentence : sentences) {
      CHECK(sentence.text.ends_with('.'));
      CHECK(sentence.command.starts_with("foreshard "));
    }
  }
}

TEST_CASE("lines of the explanation fit the page, but for commands") {
  const std::string text = explain_table(explained(true));
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    const std::string line = text.substr(begin, end - begin);
    CAPTURE(line);
    if (line.find("$ foreshard") == std::string::npos)
      CHECK(report::display_width(line) <= report::PageWidth::columns());
    begin = end + 1;
  }
  CHECK(text.find("ideal at peak") != std::string::npos);
  CHECK(text.find("= step") != std::string::npos);
  CHECK(text.find("what 10% more is worth") != std::string::npos);
}

TEST_CASE("the record has every part and every lever") {
  const ExplainedJob one = explained(true);
  const std::string json = report::record_json(report::explain_record({&one, 1}));
  for (std::size_t part = 0; part < kStepPartCount; ++part)
    CHECK(json.find("\"" + std::string(report::part_key(static_cast<StepPart>(part))) + "\"") !=
          std::string::npos);
  for (const Lever lever : kLevers)
    CHECK(json.find("\"" + std::string(report::lever_key(lever)) + "\"") != std::string::npos);
}
