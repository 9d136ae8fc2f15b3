#include "planner/diagnose/group_axis.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "planner/topology/device_mesh.hpp"

namespace foreshard {
namespace {

struct GroupWord {
  std::string_view text;  ///< in small letters
  CommAxis axis;
};
/// The first that stands in a description decides.
constexpr auto kWordsOfGroups = std::to_array<GroupWord>({{"expert_data", CommAxis::dp},
                                                          {"expert_tensor", CommAxis::tp},
                                                          {"expert", CommAxis::ep},
                                                          {"pipeline", CommAxis::pp},
                                                          {"data_parallel", CommAxis::dp},
                                                          {"context", CommAxis::cp},
                                                          {"tensor", CommAxis::tp},
                                                          {"fsdp", CommAxis::dp},
                                                          {"mesh_dp", CommAxis::dp},
                                                          {"mesh_tp", CommAxis::tp},
                                                          {"mesh_pp", CommAxis::pp},
                                                          {"mesh_cp", CommAxis::cp},
                                                          {"mesh_ep", CommAxis::ep}});

/// The kinds that a process group may be, the usual ones first.
constexpr std::array kTracedKinds{
    GroupKind::tp, GroupKind::cp,  GroupKind::dp_cp,     GroupKind::dp,       GroupKind::ep,
    GroupKind::pp, GroupKind::etp, GroupKind::expert_dp, GroupKind::dp_shard, GroupKind::dp_replicate};

std::optional<CommAxis> axis_in(std::string description) {
  std::transform(description.begin(), description.end(), description.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const GroupWord& word : kWordsOfGroups)
    if (description.find(word.text) != std::string::npos) return word.axis;
  return std::nullopt;
}

bool has_members(const DeviceMesh& mesh, GroupKind kind, const std::vector<std::int64_t>& ranks) {
  if (ranks.front() < 0 || ranks.front() >= mesh.devices()) return false;
  const std::vector<Rank> members = mesh.members(kind, Rank(static_cast<std::size_t>(ranks.front())));
  return std::equal(members.begin(), members.end(), ranks.begin(), ranks.end(),
                    [](Rank a, std::int64_t b) { return static_cast<std::int64_t>(a.value()) == b; });
}

}  // namespace

std::optional<GroupKind> group_of(const TracedCollective& collective, const JobSpec& job) {
  const DeviceMesh mesh(job.parallelism);
  const std::optional<CommAxis> said = axis_in(collective.description);
  std::optional<GroupKind> by_size;
  std::set<CommAxis> axes;
  std::optional<GroupKind> of_axis;
  for (const GroupKind kind : kTracedKinds) {
    const Group group = mesh.group(kind);
    if (said && axis_of(kind) != *said) continue;
    if (said && !of_axis) of_axis = kind;
    if (group.size < 2 || group.size != collective.members) continue;
    if (!collective.ranks.empty() && has_members(mesh, kind, collective.ranks)) return kind;
    if (!by_size) by_size = kind;
    axes.insert(axis_of(kind));
  }
  if (by_size && axes.size() == 1 && (said || collective.ranks.empty())) return by_size;
  return of_axis;
}

}  // namespace foreshard
