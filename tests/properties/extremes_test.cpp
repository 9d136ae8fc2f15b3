// Every key of a job with values at and beyond the ends of what can be counted: an answer whose figures are numbers, or
// a complaint; never an exception of another kind.
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/report/key_reference.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/units/count.hpp"
#include "planner/units/result_error.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// Whole numbers, real numbers, and quantities of each unit of job files. 2³¹ is one more than 32 bits hold, 2⁵³ + 1 is
/// no double, 2⁶³ one more than 64 bits hold.
const std::vector<const char*>& extreme_values() {
  static const std::vector<const char*> values{"0",
                                               "1000000",
                                               "2147483648",
                                               "9007199254740993",
                                               "9223372036854775808",
                                               "-1",
                                               "1e-320",
                                               "1e308",
                                               ".nan",
                                               "0x7f",
                                               "1 B/s",
                                               "1e6 TB/s",
                                               "1e-6 ns",
                                               "1e12 s",
                                               "1 B",
                                               "1e9 TiB",
                                               "1 FLOP/s",
                                               "1e30 FLOP/s",
                                               "1000000T"};
  return values;
}

constexpr const char* kDense =
    "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nparallelism: {tp: 2, pp: 2}\n"
    "training: {sequence_length: 4096, global_batch: 64, micro_batch: 1, tokens: 1T,\n"
    "  failures: {mtbf_per_device: 50000 h, checkpoint_write: 60 s, restart: 10 min}}\n";
constexpr const char* kExperts =
    "model: qwen3-30b-a3b\ncluster: {name: dgx-h100, nodes: 1}\nparallelism: {ep: 8}\n"
    "training: {sequence_length: 4096, global_batch: 64, micro_batch: 1}\n";

/// What becomes of a job: "" if every figure is a number, else what is wrong. Complaints are right.
std::string outcome(const std::string& text, const Override& override) {
  try {
    for (const JobSpec& job : parse_jobs(text, "job.yaml", {override})) {
      const Estimate found = estimate(job);
      const StepFigures& step = found.step;
      if (!std::isfinite(step.time.value()) || step.time.value() <= 0.0)
        return "the step's time is no positive number";
      if (!std::isfinite(step.time_high.value())) return "the band has no end";
    }
  } catch (const SpecError&) {
  } catch (const ResultError&) {
  } catch (const CountOverflow&) {
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

}  // namespace

namespace {

/// Whether a key's value is text, in which nothing can be out of range.
bool is_text(const std::string& key) {
  for (const char* const end : {"source", "notes", "name", "derived", "assumed", "not_judged", "left_out"})
    if (key.ends_with(end)) return true;
  return false;
}

}  // namespace

// One value in four in every run of the tests; all with FORESHARD_ALL_EXTREMES=1.
TEST_CASE("extremes: every key with every value gives numbers or a complaint") {
  const bool has_all = std::getenv("FORESHARD_ALL_EXTREMES") != nullptr;
  std::size_t turn = 0;
  for (const JobKey& key : job_keys_with_words()) {
    if (is_text(key.path)) continue;
    const bool of_experts = key.path.find("expert") != std::string::npos || key.path.ends_with("ep");
    for (const char* const value : extreme_values()) {
      if (turn++ % 4 != 0 && !has_all) continue;
      INFO(key.path << "=" << value);
      CHECK(outcome(of_experts ? kExperts : kDense, {key.path, value}) == "");
    }
  }
}
