#include "runtime/measure/measure_link.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

namespace foreshard {
namespace {

using Clock = std::chrono::steady_clock;
using Samples = std::vector<double>;

constexpr std::int64_t kElementBytes = 4;

/// A buffer in the device's memory, filled with ones.
class Ones {
 public:
  Ones(Device& device, std::int64_t elements)
      : memory_(device.allocate(elements * kElementBytes)), buffer_{memory_->data(), elements, DType::fp32} {
    const std::vector<double> ones(static_cast<std::size_t>(elements), 1.0);
    device.write(buffer_, ones.data());
  }
  [[nodiscard]] const Buffer& buffer() const { return buffer_; }

 private:
  std::unique_ptr<DeviceMemory> memory_;
  Buffer buffer_;
};

/// One operation with its memory.
class Operation {
 public:
  Operation(Device& device, Communicator& communicator, GroupKind group, LinkOperation operation,
            Bytes payload)
      : device_(device),
        communicator_(communicator),
        group_(group),
        operation_(operation),
        members_(std::max<std::int64_t>(communicator.group_size(group), 1)),
        // A multiple of the number of members: an all-to-all needs equal parts.
        elements_(round_up(std::max<std::int64_t>(payload.value() / kElementBytes, 1), members_)),
        whole_(device, elements_),
        other_(device, shares() ? elements_ / members_ : elements_) {}

  /// Waits until the operation is done.
  void finish() {
    communicator_.finish();
    device_.finish();
  }

  void run() {
    switch (operation_) {
      case LinkOperation::all_reduce: collective(CollectiveKind::all_reduce, whole_, whole_); return;
      case LinkOperation::all_gather: collective(CollectiveKind::all_gather, other_, whole_); return;
      case LinkOperation::reduce_scatter: collective(CollectiveKind::reduce_scatter, whole_, other_); return;
      case LinkOperation::all_to_all: collective(CollectiveKind::all_to_all, whole_, other_); return;
      case LinkOperation::transfer: round_trip(); return;
      case LinkOperation::exchange: exchange(); return;
    }
  }
  /// The number of consecutive messages of one run().
  [[nodiscard]] double messages() const { return operation_ == LinkOperation::transfer ? 2.0 : 1.0; }

 private:
  [[nodiscard]] bool shares() const {
    return operation_ == LinkOperation::all_gather || operation_ == LinkOperation::reduce_scatter;
  }

  void collective(CollectiveKind kind, const Ones& send, const Ones& receive) {
    const Piece piece{.send = send.buffer(), .receive = receive.buffer()};
    // max, because repeated sums would overflow: the maximum of ones stays one.
    communicator_.run({.kind = kind,
                       .group = group_,
                       .reduction = Reduction::max,
                       .in_place = kind == CollectiveKind::all_reduce,
                       .pieces = std::span(&piece, 1)});
  }

  void move(bool is_send, Peer peer, const Ones& numbers) {
    communicator_.wait(communicator_.start({.is_send = is_send, .peer = peer, .buffer = numbers.buffer()}));
  }

  // Round trips between stages 0 and 1, 2 and 3, …; if the number of stages is odd, the last one does
  // nothing.
  void round_trip() {
    const std::int64_t stage = communicator_.group_rank(GroupKind::pp);
    const bool first = stage % 2 == 0;
    if (first && stage + 1 == communicator_.group_size(GroupKind::pp)) return;
    const Peer peer = first ? Peer::next_stage : Peer::previous_stage;
    move(first, peer, whole_);
    move(!first, peer, other_);
  }

  void exchange() {
    const Ticket received =
        communicator_.start({.is_send = false, .peer = Peer::previous_stage, .buffer = other_.buffer()});
    const Ticket sent = communicator_.start({.peer = Peer::next_stage, .buffer = whole_.buffer()});
    communicator_.wait(received);
    communicator_.wait(sent);
  }

  Device& device_;
  Communicator& communicator_;
  GroupKind group_;
  LinkOperation operation_;
  std::int64_t members_;
  std::int64_t elements_;
  Ones whole_;
  Ones other_;
};

/// Seconds of `runs` consecutive runs that all ranks begin at the same time.
double time_runs(Communicator& communicator, Operation& operation, std::int64_t runs) {
  communicator.barrier();
  const Clock::time_point start = Clock::now();
  for (std::int64_t i = 0; i < runs; ++i) operation.run();
  operation.finish();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// whole / part, rounded up, within limits.
std::int64_t fit(double whole, double part, std::int64_t least, std::int64_t most) {
  const double times = std::ceil(whole / std::max(part, 1e-9));
  return static_cast<std::int64_t>(std::clamp(times, static_cast<double>(least), static_cast<double>(most)));
}

/// A quantile of sorted samples, interpolated between the two nearest.
Seconds quantile(const Samples& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = place - static_cast<double>(below);
  return Seconds(sorted[below] * (1 - weight) + sorted[above] * weight);
}

}  // namespace

LinkTime measure_link(Device& device, Communicator& communicator, GroupKind group, LinkOperation operation,
                      Bytes payload, const LinkBudget& budget) {
  if (operation == LinkOperation::transfer || operation == LinkOperation::exchange) {
    group = GroupKind::pp;
    if (communicator.group_size(group) < 2)
      throw std::invalid_argument("a transfer needs a pipeline of at least two stages to be measured");
  }
  Operation measured(device, communicator, group, operation, payload);
  // The first run touches memory and makes connections. The second one gives the number of runs that fit into
  // the budget. All ranks must use the same numbers, hence the maximum over ranks.
  measured.run();
  const double once = communicator.max_over_world(time_runs(communicator, measured, 1));
  const std::int64_t runs = fit(budget.sample.value(), once, 1, 1000);
  const std::int64_t samples =
      fit(budget.time.value(), once * static_cast<double>(runs), budget.fewest_samples, budget.most_samples);

  Samples times(static_cast<std::size_t>(samples));
  for (double& time : times)
    time = time_runs(communicator, measured, runs) / (static_cast<double>(runs) * measured.messages());
  for (double& time : times) time = communicator.max_over_world(time);
  std::sort(times.begin(), times.end());
  return {.ranks = communicator.group_size(group),
          .median = quantile(times, 0.5),
          .lower_quartile = quantile(times, 0.25),
          .upper_quartile = quantile(times, 0.75),
          .samples = samples};
}

}  // namespace foreshard
