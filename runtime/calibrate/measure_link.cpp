#include "runtime/calibrate/measure_link.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <stdexcept>
#include <vector>

namespace foreshard {
namespace {

using Clock = std::chrono::steady_clock;
using Numbers = std::vector<float>;

constexpr std::int64_t kElementBytes = 4;

Buffer buffer_of(Numbers& numbers) {
  return {.data = reinterpret_cast<std::byte*>(numbers.data()),
          .elements = static_cast<std::int64_t>(numbers.size())};
}

/// One operation with the memory that it works on.
class Operation {
 public:
  Operation(Communicator& communicator, GroupKind group, LinkOperation operation, Bytes payload)
      : communicator_(communicator), group_(group), operation_(operation) {
    const std::int64_t members = communicator.group_size(group);
    // Whole parts for everyone: an all-to-all needs them.
    const std::int64_t elements = round_up(std::max<std::int64_t>(payload.value() / kElementBytes, 1),
                                           std::max<std::int64_t>(members, 1));
    whole_.assign(static_cast<std::size_t>(elements), 1.0F);
    other_.assign(static_cast<std::size_t>(shares() ? elements / members : elements), 1.0F);
  }

  void run() {
    switch (operation_) {
      case LinkOperation::all_reduce: collective(CollectiveKind::all_reduce, whole_, whole_); return;
      case LinkOperation::all_gather: collective(CollectiveKind::all_gather, other_, whole_); return;
      case LinkOperation::reduce_scatter: collective(CollectiveKind::reduce_scatter, whole_, other_); return;
      case LinkOperation::all_to_all: collective(CollectiveKind::all_to_all, whole_, other_); return;
      case LinkOperation::transfer: there_and_back(); return;
      case LinkOperation::exchange: exchange(); return;
    }
  }
  /// Messages that follow one another in one run().
  [[nodiscard]] double messages() const { return operation_ == LinkOperation::transfer ? 2.0 : 1.0; }

 private:
  [[nodiscard]] bool shares() const {
    return operation_ == LinkOperation::all_gather || operation_ == LinkOperation::reduce_scatter;
  }

  void collective(CollectiveKind kind, Numbers& send, Numbers& receive) {
    const Piece piece{.send = buffer_of(send), .receive = buffer_of(receive)};
    // The largest of ones stays one however often it is reduced.
    communicator_.run({.kind = kind,
                       .group = group_,
                       .reduction = Reduction::max,
                       .in_place = kind == CollectiveKind::all_reduce,
                       .pieces = std::span(&piece, 1)});
  }

  void move(bool is_send, Peer peer, Numbers& numbers) {
    communicator_.wait(communicator_.start({.is_send = is_send, .peer = peer, .buffer = buffer_of(numbers)}));
  }

  // Stages 0 and 1, 2 and 3, …; of an odd number the last one looks on.
  void there_and_back() {
    const std::int64_t stage = communicator_.group_rank(GroupKind::pp);
    const bool first = stage % 2 == 0;
    if (first && stage + 1 == communicator_.group_size(GroupKind::pp)) return;
    const Peer peer = first ? Peer::next_stage : Peer::previous_stage;
    move(first, peer, whole_);
    move(!first, peer, other_);
  }

  void exchange() {
    const Ticket received =
        communicator_.start({.is_send = false, .peer = Peer::previous_stage, .buffer = buffer_of(other_)});
    const Ticket sent = communicator_.start({.peer = Peer::next_stage, .buffer = buffer_of(whole_)});
    communicator_.wait(received);
    communicator_.wait(sent);
  }

  Communicator& communicator_;
  GroupKind group_;
  LinkOperation operation_;
  Numbers whole_;
  Numbers other_;
};

/// Seconds of `runs` runs in a row, begun together.
double time_runs(Communicator& communicator, Operation& operation, std::int64_t runs) {
  communicator.barrier();
  const Clock::time_point start = Clock::now();
  for (std::int64_t i = 0; i < runs; ++i) operation.run();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// How many times `part` goes into `whole`, within limits.
std::int64_t fit(double whole, double part, std::int64_t least, std::int64_t most) {
  const double times = std::ceil(whole / std::max(part, 1e-9));
  return static_cast<std::int64_t>(std::clamp(times, static_cast<double>(least), static_cast<double>(most)));
}

/// Of sorted samples, between the two nearest.
Seconds quantile(const Numbers& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = place - static_cast<double>(below);
  return Seconds(static_cast<double>(sorted[below]) * (1 - weight) +
                 static_cast<double>(sorted[above]) * weight);
}

}  // namespace

std::string_view to_string(LinkOperation operation) {
  switch (operation) {
    case LinkOperation::all_reduce: return "all-reduce";
    case LinkOperation::all_gather: return "all-gather";
    case LinkOperation::reduce_scatter: return "reduce-scatter";
    case LinkOperation::all_to_all: return "all-to-all";
    case LinkOperation::transfer: return "transfer";
    case LinkOperation::exchange: return "exchange";
  }
  return "transfer";
}

LinkTime measure_link(Communicator& communicator, GroupKind group, LinkOperation operation, Bytes payload,
                      const LinkBudget& budget) {
  if (operation == LinkOperation::transfer || operation == LinkOperation::exchange) {
    group = GroupKind::pp;
    if (communicator.group_size(group) < 2)
      throw std::invalid_argument("a transfer is measured between stages, and there is one");
  }
  Operation measured(communicator, group, operation, payload);
  // The first run meets cold memory and connections not yet made; the second says how many fit into the
  // budget. All ranks must come to the same numbers.
  measured.run();
  const double once = communicator.max_over_world(time_runs(communicator, measured, 1));
  const std::int64_t runs = fit(budget.sample.value(), once, 1, 1000);
  const std::int64_t samples =
      fit(budget.time.value(), once * static_cast<double>(runs), budget.fewest_samples, budget.most_samples);

  Numbers times(static_cast<std::size_t>(samples));
  for (float& time : times) {
    time = static_cast<float>(time_runs(communicator, measured, runs) /
                              (static_cast<double>(runs) * measured.messages()));
  }
  const Piece slowest{.send = buffer_of(times), .receive = buffer_of(times)};
  communicator.run({.kind = CollectiveKind::all_reduce,
                    .group = GroupKind::world,
                    .reduction = Reduction::max,
                    .in_place = true,
                    .pieces = std::span(&slowest, 1)});
  std::sort(times.begin(), times.end());
  return {.ranks = communicator.group_size(group),
          .median = quantile(times, 0.5),
          .lower_quartile = quantile(times, 0.25),
          .upper_quartile = quantile(times, 0.75),
          .samples = samples};
}

}  // namespace foreshard
