#include "sim/trace/chrome_trace.hpp"

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::hand;

namespace {

using nlohmann::json;

PipelineShape small_pipeline() {
  return {.schedule = {.kind = ScheduleKind::interleaved, .stages = 2, .chunks = 2, .micro_batches = 4},
          .forward_ns = 1000,
          .backward_ns = 2000,
          .transfer_ns = 300};
}

std::string trace_of(const HandProgram& hand, ChromeTraceOptions options = {}) {
  std::ostringstream out;
  ChromeTrace trace(out, hand.program, options);
  simulate(hand, trace);
  trace.finish();
  return out.str();
}

/// Checks a document against the trace-event format: each phase has its required fields, time does not run
/// backwards within a thread, every process and thread has a name, and every flow starts once and ends once.
void validate(const json& document) {
  using Thread = std::pair<std::int64_t, std::int64_t>;
  std::map<Thread, double> last_end;
  std::set<std::int64_t> named_processes;
  std::set<Thread> named_threads;
  std::map<std::int64_t, std::pair<int, int>> flows;  // by id: starts, ends
  std::map<std::int64_t, double> flow_start;
  std::map<std::int64_t, double> last_sample;
  REQUIRE(document.at("traceEvents").is_array());
  for (const json& event : document.at("traceEvents")) {
    const std::string phase = event.at("ph").get<std::string>();
    const auto process = event.at("pid").get<std::int64_t>();
    REQUIRE(event.at("name").is_string());
    if (phase == "M") {
      if (event.at("name") == "process_name") named_processes.insert(process);
      if (event.at("name") == "thread_name")
        named_threads.insert({process, event.at("tid").get<std::int64_t>()});
      REQUIRE(event.at("args").is_object());
      continue;
    }
    const double time = event.at("ts").get<double>();
    REQUIRE(time >= 0.0);
    REQUIRE(named_processes.count(process) == 1);
    if (phase == "C") {
      REQUIRE(event.at("args").at("bytes").is_number_integer());
      REQUIRE(time >= last_sample[process]);
      last_sample[process] = time;
      continue;
    }
    const Thread thread{process, event.at("tid").get<std::int64_t>()};
    REQUIRE(named_threads.count(thread) == 1);
    if (phase == "X") {
      REQUIRE(event.at("dur").get<double>() >= 0.0);
      REQUIRE(time >= last_end[thread] - 1e-7);  // precision of microseconds in double
      last_end[thread] = time + event.at("dur").get<double>();
      REQUIRE(event.at("args").at("layer").is_number_integer());
    } else if (phase == "s") {
      ++flows[event.at("id").get<std::int64_t>()].first;
      flow_start[event.at("id").get<std::int64_t>()] = time;
    } else {
      REQUIRE(phase == "f");
      REQUIRE(event.at("bp") == "e");
      ++flows[event.at("id").get<std::int64_t>()].second;
      REQUIRE(time >= flow_start.at(event.at("id").get<std::int64_t>()));
    }
  }
  for (const auto& [id, ends] : flows) {
    INFO("flow " << id);
    REQUIRE(ends == std::pair{1, 1});
  }
}

std::map<std::string, int> count_phases(const json& document) {
  std::map<std::string, int> count;
  for (const json& event : document.at("traceEvents")) ++count[event.at("ph").get<std::string>()];
  return count;
}

}  // namespace

TEST_CASE("a trace is valid and complete") {
  const HandProgram hand = make_pipeline(small_pipeline());
  const json document = json::parse(trace_of(hand));
  validate(document);
  auto phases = count_phases(document);
  // 2 stages × 2 chunks × 4 micro-batches, forward and backward: 32 kernels. 3 boundaries between 4 pieces,
  // both ways, 4 micro-batches: 24 transfers, each with two ends.
  CHECK(phases["X"] == 32 + 48);
  CHECK(phases["s"] == 24);
  CHECK(phases["f"] == 24);
  CHECK(phases["C"] == 32 + 48);  // each block call has one operation
}

TEST_CASE("all ranks of a stage are written out, with their own transfers") {
  HandProgram hand = make_pipeline(small_pipeline());
  hand.program.groups[static_cast<std::size_t>(GroupKind::world)].size = 6;  // three ranks per stage
  const json folded = json::parse(trace_of(hand));
  const json unfolded = json::parse(trace_of(hand, {.all_ranks = true}));
  validate(unfolded);
  auto one = count_phases(folded);
  auto all = count_phases(unfolded);
  for (const char* phase : {"X", "s", "f", "C", "M"}) CHECK(all[phase] == 3 * one[phase]);
  std::set<int> processes;
  for (const json& event : unfolded.at("traceEvents")) processes.insert(event.at("pid").get<int>());
  CHECK(processes == std::set<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a trace of the first micro-batches has theirs and says so") {
  const HandProgram hand = make_pipeline(small_pipeline());
  const json document = json::parse(trace_of(hand, {.micro_batches = 1}));
  validate(document);
  auto phases = count_phases(document);
  // A quarter of the events of four micro-batches.
  CHECK(phases["X"] == (32 + 48) / 4);
  CHECK(phases["s"] == 24 / 4);
  CHECK(phases["f"] == 24 / 4);
  CHECK(phases["C"] == (32 + 48) / 4);
  for (const json& event : document.at("traceEvents")) {
    if (event.at("ph") == "X") CHECK(event.at("args").at("micro_batch") == 0);
  }
  CHECK(document.at("otherData") == json{{"micro_batches_written", 1}, {"micro_batches_of_the_step", 4}});
  CHECK(json::parse(trace_of(hand, {.micro_batches = 9})).at("otherData").at("micro_batches_written") == 4);
  CHECK_FALSE(json::parse(trace_of(hand)).contains("otherData"));
}

TEST_CASE("two runs write the same bytes") {
  const HandProgram hand = make_pipeline(small_pipeline());
  CHECK(trace_of(hand) == trace_of(hand));
}

TEST_CASE("an event says what ran, where and when, to the picosecond") {
  HandProgram hand;
  TimedOp op = kernel("say \"hi\"\\\n", 0, {});
  op.op.component = Component::attention;
  op.op.phase = Phase::recompute;
  hand.run_once(0, hand.block("block", {op}), 5);
  hand.times[0][0].time = Seconds(1.234567890123e-3);
  const std::string text = trace_of(hand);
  CHECK_THAT(text,
             ContainsSubstring(
                 "{\"pid\":0,\"tid\":0,\"ph\":\"X\",\"name\":\"say \\\"hi\\\"\\\\\\u000a\","
                 "\"cat\":\"attention,recompute\",\"args\":{\"block\":\"block\",\"layer\":5,\"chunk\":0,"
                 "\"micro_batch\":0},\"ts\":0.000000,\"dur\":1234.567890}"));
  validate(json::parse(text));
}

TEST_CASE("a stream that fails is reported") {
  const HandProgram hand = make_pipeline(small_pipeline());
  std::ostringstream out;
  ChromeTrace trace(out, hand.program);
  simulate(hand, trace);
  out.setstate(std::ios::badbit);
  CHECK_THROWS_AS(trace.finish(), std::runtime_error);
}

TEST_CASE("two timelines stand in one document, one above the other") {
  const HandProgram hand = make_pipeline(small_pipeline());
  std::ostringstream out;
  ChromeTrace trace(out, hand.program, {.title = "predicted"});
  simulate(hand, trace);
  const std::int64_t events_of_one = trace.events();
  trace.begin_another("measured");
  simulate(hand, trace);
  trace.finish();
  CHECK(trace.events() == 2 * events_of_one);
  const json document = json::parse(out.str());
  validate(document);
  std::map<std::int64_t, std::string> names;
  for (const json& event : document.at("traceEvents")) {
    if (event.at("name") == "process_name") names[event.at("pid")] = event.at("args").at("name");
  }
  const std::map<std::int64_t, std::string> expected{{0, "predicted: stage 0"},
                                                     {1, "predicted: stage 1"},
                                                     {2, "measured: stage 0"},
                                                     {3, "measured: stage 1"}};
  CHECK(names == expected);
}
