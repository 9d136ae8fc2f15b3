#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <nlohmann/json.hpp>

#include "planner/export/chakra/chakra_traces.hpp"
#include "planner/export/chakra/protobuf_message.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "planner/units/result_error.hpp"
#include "tests/planner/export/round_trip.hpp"

// Traces are read back by a parser that knows the published schema (github.com/mlcommons/chakra,
// schema/protobuf/et_def.proto) and protobuf's encoding, and none of the writer's code.
namespace foreshard {
namespace {

struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // of a varint
  std::string bytes;        // of what has a length
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool is_done() const { return rest_.empty(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      REQUIRE_FALSE(rest_.empty());
      REQUIRE(shift < 64);
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
  }
  std::string bytes() {
    const std::uint64_t size = varint();
    REQUIRE(size <= rest_.size());
    std::string taken(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return taken;
  }
  Field field() {
    const std::uint64_t tag = varint();
    Field read{.number = tag >> 3U, .value = 0, .bytes = {}};
    if ((tag & 7U) == 0) {
      read.value = varint();
    } else {
      REQUIRE((tag & 7U) == 2);
      read.bytes = bytes();
    }
    return read;
  }

 private:
  std::string_view rest_;
};

struct TraceNode {
  std::uint64_t id = 0;
  std::string name;
  std::uint64_t type = 0;
  std::uint64_t duration = 0;
  std::vector<std::uint64_t> awaited;
  std::map<std::string, std::uint64_t> numbers;
  std::map<std::string, std::string> texts;
};

/// The field of AttributeProto in which Chakra's own feeder (src/feeder/et_feeder_node.cpp) looks for each attribute. It
/// reads 0 where a value is in another one; ASTRA-sim's feeder takes any.
const std::map<std::string, std::uint64_t> kFieldOfAttribute{
    {"is_cpu_op", 27},                                        // bool_val
    {"num_ops", 9},      {"comm_type", 9}, {"comm_size", 9},  // int64_val
    {"tensor_size", 13},                                      // uint64_val
    {"comm_src", 7},     {"comm_dst", 7},  {"comm_tag", 7},   // int32_val
    {"pg_name", 29}};                                         // string_val

void read_attribute(const std::string& bytes, TraceNode& node) {
  std::string name;
  for (Reader reader(bytes); !reader.is_done();) {
    const Field field = reader.field();
    if (field.number == 1) {
      name = field.bytes;
      continue;
    }
    CHECK(field.number == kFieldOfAttribute.at(name));
    if (field.number == 29)
      node.texts[name] = field.bytes;
    else
      node.numbers[name] = field.value;
  }
  CHECK(node.numbers.count(name) + node.texts.count(name) == 1);
}

TraceNode read_node(const std::string& bytes) {
  TraceNode node;
  for (Reader reader(bytes); !reader.is_done();) {
    const Field field = reader.field();
    switch (field.number) {
      case 1: node.id = field.value; break;
      case 2: node.name = field.bytes; break;
      case 3: node.type = field.value; break;
      case 5:
        for (Reader packed(field.bytes); !packed.is_done();) node.awaited.push_back(packed.varint());
        break;
      case 7: node.duration = field.value; break;
      case 10: read_attribute(field.bytes, node); break;
      default: FAIL("a node has field " << field.number);
    }
  }
  return node;
}

std::vector<TraceNode> read_trace(const ChakraTraces& traces, std::int64_t rank) {
  std::ostringstream out;
  traces.write(Rank(static_cast<std::size_t>(rank)), out);
  const std::string text = out.str();
  Reader messages(text);
  const std::string head = messages.bytes();
  Reader metadata(head);
  CHECK(metadata.field().bytes == "0.0.4");
  std::vector<TraceNode> nodes;
  while (!messages.is_done()) nodes.push_back(read_node(messages.bytes()));
  return nodes;
}

constexpr std::uint64_t kComputation = 4, kSend = 5, kReceive = 6, kCollective = 7;

/// Sixteen ranks: tensor parallel within eight, two stages, four micro-batches.
JobSpec small_job() {
  return test::job_of(
      "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 2}\nparallelism: {tp: 4, pp: 2, dp: 2, zero: 1}\n"
      "training: {sequence_length: 4096, micro_batch: 1, global_batch: 8}\n");
}

TEST_CASE("a message is encoded as protobuf has it", "[export]") {
  // The examples of protobuf.dev, "Encoding": 150 in field 1, "testing" in field 2, 3, 270 and 86942 packed in field 6.
  detail::ProtobufMessage message;
  message.add_number(1, 150);
  CHECK(message.bytes() == "\x08\x96\x01");
  detail::ProtobufMessage texts;
  texts.add_text(2, "testing");
  CHECK(texts.bytes() == "\x12\x07testing");
  detail::ProtobufMessage packed;
  packed.add_numbers(6, std::vector<std::uint64_t>{3, 270, 86942});
  CHECK(packed.bytes() == "\x32\x06\x03\x8e\x02\x9e\xa7\x05");
  detail::ProtobufMessage outer;
  outer.add_message(3, message);
  CHECK(outer.with_length() == "\x05\x1a\x03\x08\x96\x01");
}

TEST_CASE("every rank has a trace whose nodes wait for nodes of it", "[export]") {
  const ChakraTraces traces(small_job());
  REQUIRE(traces.ranks() == 16);
  for (std::int64_t rank = 0; rank < traces.ranks(); rank += 5) {
    const std::vector<TraceNode> nodes = read_trace(traces, rank);
    CHECK(nodes.size() == static_cast<std::size_t>(traces.nodes(Rank(static_cast<std::size_t>(rank)))));
    std::set<std::uint64_t> done;
    for (std::size_t i = 0; i < nodes.size(); ++i) CHECK(nodes[i].id == i);
    // All of them can run: each round runs those whose predecessors have.
    for (bool is_moving = true; is_moving;) {
      is_moving = false;
      for (const TraceNode& node : nodes) {
        if (done.count(node.id) > 0) continue;
        const bool is_ready = std::all_of(node.awaited.begin(), node.awaited.end(),
                                          [&](std::uint64_t id) { return done.count(id) > 0; });
        if (is_ready) is_moving = done.insert(node.id).second;
      }
    }
    CHECK(done.size() == nodes.size());
  }
}

TEST_CASE("a trace computes what the program computes", "[export]") {
  const JobSpec job = small_job();
  const StepProgram program = build_step_program(job);
  const std::vector<std::int64_t> calls = count_block_calls(program, StageId(std::size_t{0}));
  double expected = 0.0;
  for (std::size_t block = 0; block < calls.size(); ++block)
    for (const Op& op : program.blocks[block].ops)
      expected += static_cast<double>(calls[block]) * static_cast<double>(op_flops(op).executed.value());
  double written = 0.0;
  for (const TraceNode& node : read_trace(ChakraTraces(job), 0)) {
    if (node.type != kComputation) continue;
    CHECK(node.numbers.at("num_ops") >= 1);
    CHECK(node.numbers.at("tensor_size") >= 1);
    if (node.numbers.at("num_ops") > 1) written += static_cast<double>(node.numbers.at("num_ops"));
  }
  CHECK(written == Approx(expected).epsilon(1e-9));
}

TEST_CASE("every send has its receive, and every collective its group", "[export]") {
  const ChakraTraces traces(small_job());
  const auto groups = nlohmann::json::parse(traces.groups_json());
  // (from, to, tag) → bytes, of sends less those of receives
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, std::int64_t> open;
  std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> calls_of_groups;
  std::map<std::string, std::size_t> callers;
  std::size_t transfers = 0;
  for (std::uint64_t rank = 0; rank < 16; ++rank) {
    std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> calls;
    for (const TraceNode& node : read_trace(traces, static_cast<std::int64_t>(rank))) {
      const auto bytes = [&] { return static_cast<std::int64_t>(node.numbers.at("comm_size")); };
      if (node.type == kSend) {
        open[{rank, node.numbers.at("comm_dst"), node.numbers.at("comm_tag")}] += bytes();
        ++transfers;
      } else if (node.type == kReceive) {
        open[{node.numbers.at("comm_src"), rank, node.numbers.at("comm_tag")}] -= bytes();
      } else if (node.type == kCollective) {
        calls[node.texts.at("pg_name")].emplace_back(node.numbers.at("comm_type"),
                                                     node.numbers.at("comm_size"));
      }
    }
    for (const auto& [group, list] : calls) {
      const std::vector<std::uint64_t> members = groups.at(group);
      CHECK(std::find(members.begin(), members.end(), rank) != members.end());
      const auto [first, is_new] = calls_of_groups.try_emplace(group, list);
      CHECK(first->second == list);  // all members call the same, in the same order
      ++callers[group];
    }
  }
  for (const auto& [pair, bytes] : open) CHECK(bytes == 0);
  // Four micro-batches a replica, forward and backward, over eight pairs of ranks.
  CHECK(transfers == 4 * 2 * 8);
  for (const auto& [group, count] : callers) CHECK(groups.at(group).size() == count);
}

TEST_CASE("traces that would fill a disk are refused", "[export]") {
  const JobSpec job = test::job_of(
      "model: llama3.1-405b\ncluster: {name: dgx-h100, nodes: 2048}\nparallelism: {tp: 8, pp: 16}\n"
      "training: {sequence_length: 8192, micro_batch: 1, global_batch: 2048}\n");
  CHECK_THROWS_AS(ChakraTraces(job), ResultError);
}

}  // namespace
}  // namespace foreshard
