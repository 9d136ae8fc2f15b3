#include "planner/export/chakra/chakra_traces.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/export/chakra/protobuf_message.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/dependencies/task_graph.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/units/overloaded.hpp"
#include "planner/units/result_error.hpp"

namespace foreshard {
namespace {

using detail::ProtobufMessage;

// Numbers of the schema's fields and enumerations, as et_def.proto has them.
namespace schema {
constexpr std::uint32_t kVersion = 1;  // of GlobalMetadata
constexpr std::uint32_t kId = 1, kName = 2, kType = 3, kDataDeps = 5, kDuration = 7,
                        kAttribute = 10;  // of Node
constexpr std::uint32_t kAttributeName = 1, kInt32 = 7, kInt64 = 9, kUint64 = 13, kBool = 27,
                        kString = 29;  // of AttributeProto
enum class NodeType : std::uint8_t {
  load = 2,
  store = 3,
  computation = 4,
  send = 5,
  receive = 6,
  collective = 7
};
}  // namespace schema

std::uint64_t number_of(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_reduce: return 0;
    case CollectiveKind::all_gather: return 2;
    case CollectiveKind::all_to_all: return 6;
    case CollectiveKind::reduce_scatter: return 7;
  }
  return 0;
}

void add_attribute(ProtobufMessage& node, std::string_view name, std::uint32_t field, std::uint64_t value) {
  ProtobufMessage attribute;
  attribute.add_text(schema::kAttributeName, name);
  attribute.add_number(field, value);
  node.add_message(schema::kAttribute, attribute);
}
void add_attribute(ProtobufMessage& node, std::string_view name, std::string_view value) {
  ProtobufMessage attribute;
  attribute.add_text(schema::kAttributeName, name);
  attribute.add_text(schema::kString, value);
  node.add_message(schema::kAttribute, attribute);
}

std::uint64_t whole(Bytes bytes) { return static_cast<std::uint64_t>(std::llround(bytes.value())); }

/// ASTRA-sim's size of a collective: what a rank holds before it. Of an all-gather that is its own part.
std::uint64_t size_before(const Collective& collective, const Group& group) {
  const auto payload = whole(collective.payload);
  return collective.kind == CollectiveKind::all_gather ? payload / static_cast<std::uint64_t>(group.size)
                                                       : payload;
}

/// Turns times into whole microseconds whose sums are right.
class Microseconds {
 public:
  std::uint64_t next(Seconds time) {
    exact_ += 1e6 * time.value();
    const auto until = static_cast<std::uint64_t>(std::llround(exact_));
    const std::uint64_t taken = until - given_;
    given_ = until;
    return taken;
  }

 private:
  double exact_ = 0.0;
  std::uint64_t given_ = 0;
};

bool is_next(const Op& op) {
  if (const auto* const send = std::get_if<Send>(&op.kind)) return send->peer == Peer::next_stage;
  return std::get<Recv>(op.kind).peer == Peer::next_stage;
}

/// Numbers the transfers between two neighbours: the k-th send of a lane meets the k-th receive. Those that take
/// activations have even tags, the others odd ones.
class TransferTags {
 public:
  std::uint64_t next(const Op& op) {
    constexpr std::uint64_t kLanes = kTransferLanes.size();
    const std::uint64_t lane = transfer_place(op.lane).value();
    return kLanes * counts_.at(2 * lane + (std::holds_alternative<Send>(op.kind) ? 1U : 0U))++ + lane;
  }

 private:
  std::array<std::uint64_t, 2 * kTransferLanes.size()> counts_{};
};

std::string name_of(const Op& op, const TaskRef& task) {
  return fmt::format("{} {}, layer {}, micro-batch {}", to_string(op.phase), op.name, task.layer.value(),
                     task.micro_batch.value());
}

}  // namespace

ChakraTraces::ChakraTraces(const JobSpec& job) : program_(build_step_program(job)), mesh_(mesh_of(program_)) {
  check_size();
  build_nodes(job);
  number_groups();
}

void ChakraTraces::check_size() const {
  double nodes = 0.0;
  const double ranks_per_stage =
      static_cast<double>(mesh_.devices()) / static_cast<double>(program_.stages.size());
  for (std::size_t stage = 0; stage < program_.stages.size(); ++stage) {
    const std::vector<std::int64_t> calls = count_block_calls(program_, StageId(stage));
    for (std::size_t block = 0; block < calls.size(); ++block)
      nodes += ranks_per_stage * static_cast<double>(calls[block]) *
               static_cast<double>(program_.blocks[block].ops.size());
  }
  if (nodes <= static_cast<double>(kMostNodes)) return;
  throw ResultError(
      fmt::format("the traces of {} ranks would have {:.0f} million nodes, of which {} million are the most "
                  "that are written: "
                  "export fewer micro-batches (training.global_batch) or fewer ranks",
                  mesh_.devices(), nodes / 1e6, kMostNodes / 1'000'000));
}

void ChakraTraces::build_nodes(const JobSpec& job) {
  const TaskGraph graph(program_);
  const CostModel costs(job);
  std::vector<std::uint64_t> ids(graph.size());
  stages_.resize(program_.stages.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    std::vector<Node>& nodes = stages_[graph.task(i).stage.at()];
    ids[i] = nodes.size();
    nodes.push_back(
        {.op = &program_.block(graph.task(i).block).ops[graph.task(i).op.at()], .name = {}, .awaited = {}});
  }
  std::vector<Microseconds> clocks(stages_.size());
  std::vector<TransferTags> tags(stages_.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const TaskRef& task = graph.task(i);
    Node& node = stages_[task.stage.at()][ids[i]];
    node.name = name_of(*node.op, task);
    // What is awaited of other stages comes by transfers and collectives.
    for (const std::size_t other : graph.dependencies(i))
      if (graph.task(other).stage == task.stage) node.awaited.push_back(ids[other]);
    std::sort(node.awaited.begin(), node.awaited.end());
    node.awaited.erase(std::unique(node.awaited.begin(), node.awaited.end()), node.awaited.end());
    if (std::holds_alternative<Send>(node.op->kind) || std::holds_alternative<Recv>(node.op->kind)) {
      node.tag = tags[task.stage.at()].next(*node.op);
    } else if (!is_communication(*node.op)) {
      node.microseconds = clocks[task.stage.at()].next(costs.time(*node.op, program_).time);
      // ASTRA-sim's roofline divides by both.
      node.flops =
          std::max<std::uint64_t>(1, static_cast<std::uint64_t>(op_flops(*node.op).executed.value()));
      node.traffic = std::max<std::uint64_t>(1, whole(op_traffic(*node.op, program_)));
    }
  }
}

void ChakraTraces::number_groups() {
  for (std::int64_t r = 0; r < mesh_.devices(); ++r) {
    const Rank rank(static_cast<std::size_t>(r));
    for (const Node& node : stages_[mesh_.stage(rank).at()]) {
      const auto* const collective = std::get_if<Collective>(&node.op->kind);
      if (collective == nullptr || program_.group(collective->group).size == 1) continue;
      const GroupOfRank group{collective->group, mesh_.members(collective->group, rank).front()};
      group_ids_.try_emplace(group, group_ids_.size() + 1);  // ASTRA-sim's group 0 is all ranks
    }
  }
}

std::int64_t ChakraTraces::nodes(Rank rank) const {
  return static_cast<std::int64_t>(stages_[mesh_.stage(rank).at()].size());
}

Rank ChakraTraces::neighbour(Rank rank, bool is_next_stage) const {
  Coordinates at = mesh_.coordinates(rank);
  const auto stages = static_cast<std::int64_t>(stages_.size());
  at.pp = (at.pp + (is_next_stage ? 1 : stages - 1)) % stages;
  return mesh_.rank(at);
}

void ChakraTraces::write(Rank rank, std::ostream& out) const {
  using schema::NodeType;
  ProtobufMessage metadata;
  metadata.add_text(schema::kVersion, "0.0.4");  // as Chakra's own converters write it
  out << metadata.with_length();
  std::uint64_t id = 0;
  std::map<GroupKind, std::string> groups;  // ids of this rank's groups
  for (const Node& node : stages_[mesh_.stage(rank).at()]) {
    ProtobufMessage message;
    message.add_number(schema::kId, id++);
    message.add_text(schema::kName, node.name);
    const auto begin = [&](NodeType type) {
      message.add_number(schema::kType, static_cast<std::uint64_t>(type));
    };
    const auto transfer = [&](NodeType type, const char* peer, Bytes payload) {
      begin(type);
      add_attribute(message, "comm_size", schema::kInt64, whole(payload));
      add_attribute(message, peer, schema::kInt32, neighbour(rank, is_next(*node.op)).at());
      add_attribute(message, "comm_tag", schema::kInt32, node.tag);
    };
    std::visit(
        overloaded{[&](const Send& send) { transfer(NodeType::send, "comm_dst", send.payload); },
                   [&](const Recv& receive) { transfer(NodeType::receive, "comm_src", receive.payload); },
                   [&](const Collective& collective) {
                     const Group& group = program_.group(collective.group);
                     begin(NodeType::collective);
                     add_attribute(message, "comm_type", schema::kInt64, number_of(collective.kind));
                     add_attribute(message, "comm_size", schema::kInt64, size_before(collective, group));
                     if (group.size == 1) return;
                     std::string& name = groups[collective.group];
                     if (name.empty())
                       name = std::to_string(
                           group_ids_.at({collective.group, mesh_.members(collective.group, rank).front()}));
                     add_attribute(message, "pg_name", name);
                   },
                   [&](const HostCopy& copy) {
                     begin(copy.way == HostWay::to_host ? NodeType::store : NodeType::load);
                     message.add_number(schema::kDuration, node.microseconds);
                     add_attribute(message, "tensor_size", schema::kUint64, whole(copy.payload));
                   },
                   [&](const auto&) {
                     begin(NodeType::computation);
                     message.add_number(schema::kDuration, node.microseconds);
                     add_attribute(message, "num_ops", schema::kInt64, node.flops);
                     add_attribute(message, "tensor_size", schema::kUint64, node.traffic);
                   }},
        node.op->kind);
    message.add_numbers(schema::kDataDeps, node.awaited);
    add_attribute(message, "is_cpu_op", schema::kBool, 0);
    out << message.with_length();
  }
}

std::string ChakraTraces::groups_json() const {
  std::map<std::uint64_t, std::vector<std::size_t>> groups;
  for (const auto& [group, id] : group_ids_)
    for (const Rank member : mesh_.members(group.first, group.second)) groups[id].push_back(member.at());
  std::string text = "{";
  for (const auto& [id, members] : groups)
    text += fmt::format("{}\n  \"{}\": [{}]", id == 1 ? "" : ",", id, fmt::join(members, ", "));
  return text + "\n}\n";
}

}  // namespace foreshard
