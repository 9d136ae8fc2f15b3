#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/engine/sim_time.hpp"

namespace foreshard {

/// The position of an event in the order of events: by time, and at equal times by sequence number.
struct EventKey {
  SimTime time;
  std::uint64_t sequence = 0;
  friend constexpr auto operator<=>(const EventKey&, const EventKey&) = default;
};

/// A queue of future events, earliest first, with at most one event for each of a number of sources. The
/// event of a source can be moved to another time. Implemented as a binary heap that stores the position of
/// each source; allocates only in the constructor and in grow().
class EventQueue {
 public:
  explicit EventQueue(std::size_t sources);

  /// Makes room for more sources.
  void grow(std::size_t sources);

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  /// The source whose event comes first. @pre !empty()
  [[nodiscard]] std::uint32_t next() const { return heap_.front().source; }
  [[nodiscard]] EventKey next_key() const { return heap_.front().key; }

  /// @pre `source` has an event
  [[nodiscard]] const EventKey& key(std::uint32_t source) const { return heap_[position_[source]].key; }

  /// @pre `source` has no event
  void push(std::uint32_t source, EventKey key);
  void pop();
  /// Moves the event of `source` to another time; its sequence number stays. @pre `source` has an event
  void move(std::uint32_t source, SimTime time);

 private:
  struct Entry {
    EventKey key;
    std::uint32_t source = 0;
  };
  void place(std::size_t at, const Entry& entry);
  void sift_up(std::size_t at, const Entry& entry);
  void sift_down(std::size_t at, const Entry& entry);

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> position_;  // by source
};

}  // namespace foreshard
