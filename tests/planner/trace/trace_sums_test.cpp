#include "planner/trace/trace_sums.hpp"

#include <numeric>

#include "planner/spec/yaml/diagnostic.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_traces.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

double micros(Seconds time) { return time.value() * 1e6; }
double part(const TracedSteps& steps, TracePart which) {
  return micros(steps.parts[static_cast<std::size_t>(which)]);
}

Seconds all_of(const TracedSteps& steps) {
  return std::accumulate(steps.parts.begin(), steps.parts.end(), steps.host + steps.other);
}

}  // namespace

TEST_CASE("one step: kernels, exposed communication, late host and idleness by hand") {
  const ReadTrace read = read_trace(kOneStep);
  CHECK(read.header.rank == 2);
  CHECK(read.header.world_size == 8);
  CHECK(read.header.device == "NVIDIA H100 80GB HBM3");
  const TracedSteps& steps = read.steps;
  CHECK(steps.are_marked);
  REQUIRE(steps.steps.size() == 1);
  CHECK(micros(steps.window) == Approx(1000));
  CHECK(part(steps, TracePart::products) == Approx(400));
  CHECK(part(steps, TracePart::attention) == Approx(100));
  CHECK(part(steps, TracePart::passes) == Approx(20));
  CHECK(part(steps, TracePart::collective) == Approx(130));
  CHECK(micros(steps.host) == Approx(140));
  CHECK(micros(steps.other) == Approx(210));
  CHECK(micros(all_of(steps)) == Approx(1000));
  CHECK(steps.kernels == 4);
  REQUIRE(steps.collectives.size() == 1);
  const TracedCollective& collective = steps.collectives.front();
  CHECK(collective.kind == "all-reduce");
  CHECK(collective.payload == Bytes(2'000'000));
  CHECK(collective.members == 4);
  CHECK(collective.ranks == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(collective.calls == 1);
  CHECK(micros(collective.time) == Approx(200));
  CHECK(micros(collective.exposed) == Approx(130));
}

TEST_CASE("two steps: experts, copies, the optimizer, and a group named at the top") {
  const TracedSteps steps = read_trace(kTwoSteps).steps;
  REQUIRE(steps.steps.size() == 2);
  CHECK(micros(steps.window) == Approx(200));
  CHECK(part(steps, TracePart::experts) == Approx(60));
  CHECK(part(steps, TracePart::copies) == Approx(20));
  CHECK(part(steps, TracePart::optimizer) == Approx(80));
  CHECK(part(steps, TracePart::products) == 0.0);  // only on the other device
  // Only the 5 µs before the last step's end count.
  CHECK(part(steps, TracePart::collective) == Approx(5));
  CHECK(micros(steps.other) == Approx(35));
  CHECK(steps.host == Seconds());
  CHECK(micros(all_of(steps)) == Approx(200));
  REQUIRE(steps.collectives.size() == 1);
  CHECK(steps.collectives.front().kind == "reduce-scatter");
  CHECK(steps.collectives.front().description == "mesh_dp");
  CHECK(steps.collectives.front().members == 2);
  CHECK(steps.collectives.front().payload == Bytes(2000));
}

TEST_CASE("a trace without steps is one step from the first kernel to the last") {
  const TracedSteps steps = read_trace(kUnmarked).steps;
  CHECK_FALSE(steps.are_marked);
  CHECK(micros(steps.window) == Approx(90));
  CHECK(part(steps, TracePart::products) == Approx(50));
  CHECK(part(steps, TracePart::collective) == Approx(40));
  CHECK(steps.collectives.front().members == 0);
  CHECK(steps.collectives.front().payload == Bytes());
}

TEST_CASE("what is no trace is refused") {
  CHECK_THROWS_AS(read_trace("hello"), SpecError);
  CHECK_THROWS_AS(read_trace("{\"traceEvents\": [{\"ph\": \"X\""), SpecError);
  CHECK_THROWS_AS(read_trace("{\"events\": []}"), SpecError);
  CHECK(read_trace("{\"traceEvents\": []}").steps.kernels == 0);
}

TEST_CASE("lists of ranks") {
  CHECK(ranks_in("[0, 8, 16]") == std::vector<std::int64_t>{0, 8, 16});
  CHECK(ranks_in("[0, 1, ...]").empty());
  CHECK(ranks_in("").empty());
}
