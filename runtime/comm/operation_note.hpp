#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "planner/program/ops/op.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// What a rank is doing inside its communicator.
enum class WireState : std::uint8_t {
  none,  ///< nothing: the rank computes
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  send,     ///< waits for a transfer that it sends
  receive,  ///< waits for a transfer that arrives
  barrier,  ///< of all ranks
  finish,   ///< waits for the others at the end of the run
};

WireState wire_state(CollectiveKind kind);

/// A copy of what a rank is doing, which can be sent to another rank.
struct RankActivity {
  static constexpr std::size_t kNameLength = 64;

  /// Grows with every begin, enter and leave: while it does not change, the rank makes no progress.
  std::uint64_t changes = 0;
  /// The operation under way, cut to fit. Empty between operations, for example while the rank reads or
  /// prints.
  std::array<char, kNameLength> name{};
  LayerId layer{};
  MicroBatch micro_batch{};
  WireState wire = WireState::none;
  GroupKind group = GroupKind::world;  ///< of the collective
  Rank partner{};                      ///< of the transfer
  /// How many collectives of each group the rank has entered. The last one has the number entered − 1 in the
  /// group's order.
  std::array<std::uint64_t, kGroupKindCount> entered{};

  [[nodiscard]] bool in_collective() const {
    return wire != WireState::none && wire != WireState::send && wire != WireState::receive;
  }
};

/// The record of what this rank is doing now, for error messages and the watchdog. One thread writes it, any
/// thread may read it. Writing costs a few stores: nothing is locked, allocated or copied.
class OperationNote {
 public:
  /// Records the begin of an operation. The pointer `name` is kept: it must stay valid until the next begin
  /// or idle.
  void begin(const char* name, LayerId layer, MicroBatch micro_batch);
  /// Records that the rank is between operations, where it has no time limit.
  void idle() { begin(nullptr, LayerId(0), MicroBatch(0)); }

  /// Communicators call these before and after every call that may wait for other ranks.
  void enter_collective(WireState wire, GroupKind group);
  void enter_transfer(WireState wire, Rank partner);
  void leave();

  [[nodiscard]] RankActivity read() const;

 private:
  template <class Store>
  void write(Store store);

  // A sequence lock: the number is odd during a write. A reader copies, and repeats if the number has
  // changed.
  std::atomic<std::uint64_t> sequence_{0};
  std::atomic<const char*> name_{nullptr};
  std::atomic<std::int32_t> layer_{0};
  std::atomic<std::int32_t> micro_batch_{0};
  std::atomic<WireState> wire_{WireState::none};
  std::atomic<GroupKind> group_{GroupKind::world};
  std::atomic<std::int32_t> partner_{0};
  std::array<std::atomic<std::uint64_t>, kGroupKindCount> entered_{};
};

/// `"qkv" of layer 3, micro-batch 0`, or "no operation of the step".
std::string operation_words(const RankActivity& activity);
/// "all-reduce number 17 of its tp group", "a transfer from rank 3", or "nothing".
std::string wire_words(const RankActivity& activity);
/// "all-reduce", "barrier", "the end of the run".
std::string to_string(WireState wire);

}  // namespace foreshard
