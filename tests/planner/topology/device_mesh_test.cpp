#include "planner/topology/device_mesh.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

ParallelismSpec degrees(std::int64_t tp, std::int64_t cp, std::int64_t dp, std::int64_t pp,
                        std::int64_t ep = 1) {
  ParallelismSpec parallelism;
  parallelism.tp = tp;
  parallelism.cp = cp;
  parallelism.dp = dp;
  parallelism.pp = pp;
  parallelism.ep = ep;
  return parallelism;
}

std::vector<std::int32_t> members_of(const DeviceMesh& mesh, GroupKind kind, std::int32_t rank) {
  std::vector<std::int32_t> values;
  for (const Rank member : mesh.members(kind, Rank(rank))) values.push_back(member.value());
  return values;
}

using Ranks = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("coordinates: tp innermost, then cp, dp, pp") {
  const DeviceMesh mesh(degrees(2, 2, 2, 2));
  CHECK(mesh.devices() == 16);
  // 13 = 1 + 2·(0 + 2·(1 + 2·1))
  CHECK(mesh.coordinates(Rank(13)) == Coordinates{.tp = 1, .cp = 0, .dp = 1, .pp = 1});
  CHECK(mesh.rank({.tp = 1, .cp = 0, .dp = 1, .pp = 1}) == Rank(13));
  CHECK(mesh.stage(Rank(13)) == StageId(1));
  CHECK(mesh.stage(Rank(7)) == StageId(0));
}

TEST_CASE("groups of one rank in a tp 2, cp 2, dp 2, pp 2 mesh with ep 2") {
  const DeviceMesh mesh(degrees(2, 2, 2, 2, 2));
  CHECK(members_of(mesh, GroupKind::tp, 13) == Ranks{12, 13});
  CHECK(members_of(mesh, GroupKind::cp, 13) == Ranks{13, 15});
  CHECK(members_of(mesh, GroupKind::dp, 13) == Ranks{9, 13});
  CHECK(members_of(mesh, GroupKind::dp_cp, 13) == Ranks{9, 11, 13, 15});
  CHECK(members_of(mesh, GroupKind::ep, 13) == Ranks{13, 15});
  CHECK(members_of(mesh, GroupKind::expert_dp, 13) == Ranks{9, 13});
  CHECK(members_of(mesh, GroupKind::pp, 13) == Ranks{5, 13});
  CHECK(members_of(mesh, GroupKind::tied, 13) == Ranks{5, 13});
  CHECK(members_of(mesh, GroupKind::world, 13).size() == 16);
}

TEST_CASE("dp x cp is one evenly spaced group: cp ranks side by side, then dp") {
  const DeviceMesh mesh(degrees(4, 2, 3, 2));
  CHECK(mesh.group(GroupKind::dp_cp) == Group{GroupKind::dp_cp, 6, 4});
  CHECK(mesh.group(GroupKind::cp) == Group{GroupKind::cp, 2, 4});
  CHECK(mesh.group(GroupKind::dp) == Group{GroupKind::dp, 3, 8});
  CHECK(mesh.group(GroupKind::pp) == Group{GroupKind::pp, 2, 24});
  // Rank 25: stage 1, tp 1. Its dp × cp group is every fourth rank of the stage's 24 … 47.
  CHECK(members_of(mesh, GroupKind::dp_cp, 25) == Ranks{25, 29, 33, 37, 41, 45});
}

TEST_CASE("ep groups are consecutive members of dp x cp, experts replicate across them") {
  // dp·cp = 8, ep 4: two ep groups per tp rank; ep spans cp 2 and two dp ranks.
  const DeviceMesh mesh(degrees(2, 2, 4, 1, 4));
  CHECK(mesh.group(GroupKind::ep) == Group{GroupKind::ep, 4, 2});
  CHECK(mesh.group(GroupKind::expert_dp) == Group{GroupKind::expert_dp, 2, 8});
  CHECK(members_of(mesh, GroupKind::ep, 3) == Ranks{1, 3, 5, 7});
  CHECK(members_of(mesh, GroupKind::ep, 9) == Ranks{9, 11, 13, 15});
  CHECK(members_of(mesh, GroupKind::expert_dp, 3) == Ranks{3, 11});
}

TEST_CASE("experts fold over all ranks of a stage: etp innermost, then ep, then replicas") {
  // Megatron-LM's order tp-ep-dp-pp of the experts' ranks. 8 ranks per stage; etp 1, ep 4: two replicas.
  ParallelismSpec folded = degrees(4, 1, 2, 2, 4);
  folded.etp = 1;
  const DeviceMesh mesh(folded);
  CHECK(members_of(mesh, GroupKind::ep, 13) == Ranks{12, 13, 14, 15});
  CHECK(members_of(mesh, GroupKind::expert_dp, 13) == Ranks{9, 13});
  CHECK(members_of(mesh, GroupKind::etp, 13) == Ranks{13});
  CHECK(mesh.expert_coordinates(Rank(13)) == ExpertCoordinates{.etp = 0, .ep = 1, .edp = 1});
  // etp 2, ep 2: ranks 8 and 9 hold the two halves of the same experts, ranks 8 and 10 exchange tokens.
  folded.etp = folded.ep = 2;
  const DeviceMesh halves(folded);
  CHECK(members_of(halves, GroupKind::etp, 13) == Ranks{12, 13});
  CHECK(members_of(halves, GroupKind::ep, 13) == Ranks{13, 15});
  CHECK(members_of(halves, GroupKind::expert_dp, 13) == Ranks{9, 13});
  CHECK(halves.expert_coordinates(Rank(13)) == ExpertCoordinates{.etp = 1, .ep = 0, .edp = 1});
}

TEST_CASE("first and last stage share a tied embedding") {
  const DeviceMesh mesh(degrees(2, 1, 2, 4));  // 4 ranks per stage
  CHECK(mesh.group(GroupKind::tied) == Group{GroupKind::tied, 2, 12});
  CHECK(members_of(mesh, GroupKind::tied, 1) == Ranks{1, 13});
  CHECK(members_of(mesh, GroupKind::tied, 15) == Ranks{3, 15});
  CHECK(members_of(mesh, GroupKind::tied, 5).empty());  // a middle stage has no embedding
  const DeviceMesh one_stage(degrees(2, 1, 2, 1));
  CHECK(one_stage.group(GroupKind::tied).size == 1);
  CHECK(members_of(one_stage, GroupKind::tied, 3) == Ranks{3});
}

TEST_CASE("every kind of group but tied splits the devices into disjoint groups of its size") {
  const DeviceMesh mesh(degrees(3, 2, 4, 2, 4));
  for (const Group& group : mesh.groups()) {
    if (group.kind == GroupKind::tied) continue;
    CAPTURE(static_cast<int>(group.kind));
    std::set<Ranks> distinct;
    for (std::int32_t rank = 0; rank < mesh.devices(); ++rank) {
      CHECK(mesh.rank(mesh.coordinates(Rank(rank))) == Rank(rank));
      const Ranks members = members_of(mesh, group.kind, rank);
      CHECK(members.size() == static_cast<std::size_t>(group.size));
      CHECK(std::count(members.begin(), members.end(), rank) == 1);
      distinct.insert(members);
    }
    CHECK(static_cast<std::int64_t>(distinct.size()) == mesh.devices() / group.size);
  }
  CHECK(mesh.groups().size() == kGroupKindCount);
}

TEST_CASE("spans of groups on nodes of 8 devices") {
  const auto span = [](GroupKind kind, const ParallelismSpec& parallelism) {
    return span_of(DeviceMesh(parallelism).group(kind), 8);
  };
  CHECK(span(GroupKind::tp, degrees(8, 1, 2, 4)) == GroupSpan{8, 1});
  CHECK(span(GroupKind::tp, degrees(16, 1, 1, 4)) == GroupSpan{8, 2});
  CHECK(span(GroupKind::dp, degrees(8, 1, 2, 4)) == GroupSpan{1, 2});
  CHECK(span(GroupKind::dp, degrees(1, 1, 8, 1)) == GroupSpan{8, 1});
  // Every fourth rank: 0 and 4 on one node, 8 and 12 on the next.
  CHECK(span(GroupKind::dp, degrees(4, 1, 4, 1)) == GroupSpan{2, 2});
  CHECK(span(GroupKind::pp, degrees(2, 1, 1, 4)) == GroupSpan{4, 1});
  CHECK(span(GroupKind::pp, degrees(8, 1, 2, 4)) == GroupSpan{1, 4});
  CHECK(span(GroupKind::world, degrees(8, 1, 2, 4)) == GroupSpan{8, 8});
  // Groups of 6 on nodes of 8: ranks 6 … 11 lie 2 + 4, so three per node at best on two nodes.
  CHECK(span(GroupKind::tp, degrees(6, 1, 4, 1)) == GroupSpan{3, 2});
  // First and last stage are in one node, or four nodes apart.
  CHECK(span(GroupKind::tied, degrees(2, 1, 1, 4)) == GroupSpan{2, 1});
  CHECK(span(GroupKind::tied, degrees(8, 1, 1, 4)) == GroupSpan{1, 2});
}

TEST_CASE("span: nodes of the widest group, counted member by member") {
  for (const std::int64_t per_node : {1, 2, 4, 6, 8}) {
    for (const ParallelismSpec& parallelism :
         {degrees(1, 1, 24, 2, 3), degrees(2, 2, 6, 2, 4), degrees(3, 1, 8, 2, 2), degrees(6, 2, 2, 2, 2),
          degrees(4, 3, 2, 2, 3), degrees(12, 1, 2, 2, 1), degrees(1, 1, 3, 16, 1),
          degrees(2, 1, 1, 24, 1)}) {
      const DeviceMesh mesh(parallelism);
      REQUIRE(mesh.devices() == 48);
      for (const Group& group : mesh.groups()) {
        std::size_t widest = 0;
        for (std::int32_t rank = 0; rank < mesh.devices(); ++rank) {
          std::set<std::int64_t> nodes;
          for (const Rank member : mesh.members(group.kind, Rank(rank)))
            nodes.insert(member.value() / per_node);
          widest = std::max(widest, nodes.size());
        }
        CAPTURE(per_node, parallelism.tp, parallelism.dp, parallelism.pp, static_cast<int>(group.kind));
        const GroupSpan span = span_of(group, per_node);
        CHECK(span.nodes == static_cast<std::int64_t>(widest));
        CHECK(span.per_node * span.nodes >= group.size);
        CHECK((span.per_node - 1) * span.nodes < group.size);
      }
    }
  }
}

TEST_CASE("names of groups, axes and lanes are distinct") {
  std::set<std::string_view> names;
  for (std::size_t kind = 0; kind < kGroupKindCount; ++kind)
    names.insert(to_string(static_cast<GroupKind>(kind)));
  CHECK(names.size() == kGroupKindCount);
  names.clear();
  for (std::size_t axis = 0; axis < kCommAxisCount; ++axis)
    names.insert(to_string(static_cast<CommAxis>(axis)));
  CHECK(names.size() == kCommAxisCount);
  names.clear();
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) names.insert(to_string(static_cast<Lane>(lane)));
  CHECK(names.size() == kLaneCount);
  CHECK(to_string(GroupKind::expert_dp) == "expert-dp");
  CHECK(to_string(axis_of(GroupKind::world)) == "dp");
  CHECK(to_string(axis_of(GroupKind::tied)) == "pp");
}
