#include "runtime/comm/hang_report.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace foreshard {
namespace {

/// A large run hangs in many places for one cause: the report lists at most this many.
constexpr std::size_t kMostWaits = 8;
constexpr std::size_t kMostRanks = 16;

/// Ranks that wait in the same collective or transfer, and the ranks that they wait for.
struct Wait {
  Rank first{};  ///< the lowest rank that waits
  std::vector<Rank> waiting{};
  std::vector<Rank> missing{};
  bool is_cause = false;  ///< some missing rank does not wait itself
};

class Report {
 public:
  Report(std::span<const RankStatus> ranks, std::span<const std::string> hosts, const DeviceMesh& mesh,
         const HangLimits& limits)
      : ranks_(ranks), hosts_(hosts), mesh_(mesh), limits_(limits) {}

  [[nodiscard]] std::string text() const {
    std::string text = fmt::format("no progress for {:.0f} s; the run is ended\n", limits_.timeout.value());
    const std::vector<Wait> waits = find_waits();
    for (std::size_t i = 0; i < std::min(waits.size(), kMostWaits); ++i) text += describe(waits[i]);
    if (waits.size() > kMostWaits)
      text += fmt::format("… and {} more such waits\n", waits.size() - kMostWaits);
    if (waits.empty()) text += describe_stuck();
    return text +
           "hint: a rank that does not answer is stopped or its host is gone; one that computes may need a "
           "longer timeout";
  }

 private:
  [[nodiscard]] const RankStatus& at(Rank rank) const { return ranks_[rank.at()]; }
  [[nodiscard]] bool answers(Rank rank) const { return at(rank).heard && at(rank).silent < limits_.answer; }
  [[nodiscard]] bool waits(Rank rank) const {
    return answers(rank) && at(rank).activity.wire != WireState::none;
  }

  [[nodiscard]] std::vector<Wait> find_waits() const {
    std::vector<Wait> found;
    std::vector<bool> told(ranks_.size(), false);
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      const Rank rank(i);
      if (told[i] || !waits(rank)) continue;
      Wait wait = at(rank).activity.in_collective() ? collective_of(rank) : transfer_of(rank);
      for (const Rank other : wait.waiting) told[other.at()] = true;
      wait.is_cause =
          std::any_of(wait.missing.begin(), wait.missing.end(), [&](Rank r) { return !waits(r); });
      if (!wait.missing.empty()) found.push_back(std::move(wait));
    }
    std::stable_partition(found.begin(), found.end(), [](const Wait& wait) { return wait.is_cause; });
    return found;
  }

  [[nodiscard]] Wait transfer_of(Rank rank) const {
    return {.first = rank, .waiting = {rank}, .missing = {at(rank).activity.partner}};
  }

  [[nodiscard]] Wait collective_of(Rank rank) const {
    const RankActivity& activity = at(rank).activity;
    const auto group = static_cast<std::size_t>(activity.group);
    Wait wait{.first = rank};
    for (const Rank member : mesh_.members(activity.group, rank)) {
      const RankActivity& other = at(member).activity;
      const bool inside = waits(member) && other.in_collective() && other.group == activity.group &&
                          other.entered[group] == activity.entered[group];
      if (inside && other.wire == activity.wire) {
        wait.waiting.push_back(member);
      } else if (inside || !answers(member) || other.entered[group] < activity.entered[group]) {
        // Missing: in a collective of another kind, not answering, or not yet there. A member that has
        // entered more collectives of the group has already left this one.
        wait.missing.push_back(member);
      }
    }
    return wait;
  }

  [[nodiscard]] std::string describe(const Wait& wait) const {
    const RankActivity& activity = at(wait.first).activity;
    std::string text =
        fmt::format("waiting in {}, for {}:\n", wire_words(activity), operation_words(activity));
    text += list(wait.waiting,
                 [&](Rank rank) { return fmt::format("for {:.0f} s", at(rank).unchanged.value()); });
    text += activity.in_collective() ? "not there:\n" : "the other side:\n";
    return text + list(wait.missing, [&](Rank rank) { return doing(rank); });
  }

  [[nodiscard]] std::string describe_stuck() const {
    std::vector<Rank> stuck;
    for (std::size_t i = 0; i < ranks_.size(); ++i)
      if (find_hang(ranks_.subspan(i, 1), limits_)) stuck.emplace_back(i);
    return list(stuck, [&](Rank rank) { return doing(rank); });
  }

  template <class Words>
  [[nodiscard]] std::string list(const std::vector<Rank>& ranks, Words words) const {
    std::string text;
    for (std::size_t i = 0; i < std::min(ranks.size(), kMostRanks); ++i)
      text +=
          fmt::format("  rank {} on host {}: {}\n", ranks[i].value(), hosts_[ranks[i].at()], words(ranks[i]));
    if (ranks.size() > kMostRanks) text += fmt::format("  … and {} more\n", ranks.size() - kMostRanks);
    return text;
  }

  [[nodiscard]] std::string doing(Rank rank) const {
    const RankStatus& status = at(rank);
    if (!status.heard) return "was never heard: UDP between the hosts may be blocked";
    if (!answers(rank)) {
      return fmt::format("does not answer since {:.0f} s; last seen {}", status.silent.value(),
                         words_for(status.activity));
    }
    return fmt::format("{}, for {:.0f} s", words_for(status.activity), status.unchanged.value());
  }

  [[nodiscard]] static std::string words_for(const RankActivity& activity) {
    if (activity.wire != WireState::none) return "waiting in " + wire_words(activity);
    if (activity.name.front() == '\0') return "outside the step";
    return "computing " + operation_words(activity);
  }

  std::span<const RankStatus> ranks_;
  std::span<const std::string> hosts_;
  const DeviceMesh& mesh_;
  const HangLimits& limits_;
};

}  // namespace

bool find_hang(std::span<const RankStatus> ranks, const HangLimits& limits) {
  return std::any_of(ranks.begin(), ranks.end(), [&](const RankStatus& rank) {
    const bool at_work = rank.activity.wire != WireState::none || rank.activity.name.front() != '\0';
    return rank.heard && (rank.silent >= limits.timeout || (at_work && rank.unchanged >= limits.timeout));
  });
}

std::string describe_hang(std::span<const RankStatus> ranks, std::span<const std::string> hosts,
                          const DeviceMesh& mesh, const HangLimits& limits) {
  return Report(ranks, hosts, mesh, limits).text();
}

}  // namespace foreshard
