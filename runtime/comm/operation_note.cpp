#include "runtime/comm/operation_note.hpp"

#include <cstring>
#include <thread>

#include <fmt/format.h>

namespace foreshard {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

/// A write is a few stores, but the writing thread can lose its core between them for milliseconds, and an attempt that
/// only yields takes well under a microsecond.
constexpr int kReadAttempts = 1'000'000;

}  // namespace

WireState wire_state(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_reduce: return WireState::all_reduce;
    case CollectiveKind::all_gather: return WireState::all_gather;
    case CollectiveKind::reduce_scatter: return WireState::reduce_scatter;
    case CollectiveKind::all_to_all: return WireState::all_to_all;
  }
  return WireState::none;
}

template <class Store>
void OperationNote::write(Store store) {
  const std::uint64_t sequence = sequence_.load(kRelaxed);
  sequence_.store(sequence + 1, kRelaxed);
  std::atomic_thread_fence(std::memory_order_release);
  store();
  sequence_.store(sequence + 2, std::memory_order_release);
}

void OperationNote::begin(const char* name, LayerId layer, MicroBatch micro_batch) {
  write([&] {
    name_.store(name, kRelaxed);
    layer_.store(layer.value(), kRelaxed);
    micro_batch_.store(micro_batch.value(), kRelaxed);
  });
}

void OperationNote::enter_collective(WireState wire, GroupKind group) {
  write([&] {
    wire_.store(wire, kRelaxed);
    group_.store(group, kRelaxed);
    std::atomic<std::uint64_t>& entered = entered_[static_cast<std::size_t>(group)];
    entered.store(entered.load(kRelaxed) + 1, kRelaxed);
  });
}

void OperationNote::enter_transfer(WireState wire, Rank partner) {
  write([&] {
    wire_.store(wire, kRelaxed);
    partner_.store(partner.value(), kRelaxed);
  });
}

void OperationNote::leave() {
  write([&] { wire_.store(WireState::none, kRelaxed); });
}

RankActivity OperationNote::read() const {
  RankActivity copy;
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    const std::uint64_t before = sequence_.load(std::memory_order_acquire);
    const char* name = name_.load(kRelaxed);
    copy.layer = LayerId(layer_.load(kRelaxed));
    copy.micro_batch = MicroBatch(micro_batch_.load(kRelaxed));
    copy.wire = wire_.load(kRelaxed);
    copy.group = group_.load(kRelaxed);
    copy.partner = Rank(partner_.load(kRelaxed));
    for (std::size_t i = 0; i < kGroupKindCount; ++i) copy.entered[i] = entered_[i].load(kRelaxed);
    copy.changes = before;
    copy.name.fill('\0');
    if (name != nullptr) std::strncpy(copy.name.data(), name, copy.name.size() - 1);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && sequence_.load(kRelaxed) == before) break;
    std::this_thread::yield();
  }
  return copy;
}

std::string operation_words(const RankActivity& activity) {
  if (activity.name.front() == '\0') return "no operation of the step";
  return fmt::format("\"{}\" of layer {}, micro-batch {}", activity.name.data(), activity.layer.value(),
                     activity.micro_batch.value());
}

std::string to_string(WireState wire) {
  switch (wire) {
    case WireState::none: return "nothing";
    case WireState::all_reduce: return "all-reduce";
    case WireState::all_gather: return "all-gather";
    case WireState::reduce_scatter: return "reduce-scatter";
    case WireState::all_to_all: return "all-to-all";
    case WireState::send: return "send";
    case WireState::receive: return "receive";
    case WireState::barrier: return "barrier";
    case WireState::finish: return "the end of the run";
  }
  return "nothing";
}

std::string wire_words(const RankActivity& activity) {
  switch (activity.wire) {
    case WireState::send: return fmt::format("a transfer to rank {}", activity.partner.value());
    case WireState::receive: return fmt::format("a transfer from rank {}", activity.partner.value());
    case WireState::none:
    case WireState::finish: return to_string(activity.wire);
    default: break;
  }
  const std::uint64_t entered = activity.entered[static_cast<std::size_t>(activity.group)];
  return fmt::format("{} number {} of its {} group", to_string(activity.wire), entered - 1,
                     to_string(activity.group));
}

}  // namespace foreshard
