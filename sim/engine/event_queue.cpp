#include "sim/engine/event_queue.hpp"

namespace foreshard {

EventQueue::EventQueue(std::size_t sources) : position_(sources) { heap_.reserve(sources); }

void EventQueue::grow(std::size_t sources) {
  position_.resize(sources);
  heap_.reserve(sources);
}

void EventQueue::push(std::uint32_t source, EventKey key) {
  heap_.emplace_back();
  sift_up(heap_.size() - 1, {key, source});
}

void EventQueue::pop() {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) sift_down(0, last);
}

void EventQueue::move(std::uint32_t source, SimTime time) {
  const std::size_t at = position_[source];
  Entry entry = heap_[at];
  const bool is_earlier = time < entry.key.time;
  entry.key.time = time;
  if (is_earlier) {
    sift_up(at, entry);
  } else {
    sift_down(at, entry);
  }
}

void EventQueue::place(std::size_t at, const Entry& entry) {
  heap_[at] = entry;
  position_[entry.source] = static_cast<std::uint32_t>(at);
}

void EventQueue::sift_up(std::size_t at, const Entry& entry) {
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (heap_[parent].key < entry.key) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void EventQueue::sift_down(std::size_t at, const Entry& entry) {
  for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
    if (child + 1 < heap_.size() && heap_[child + 1].key < heap_[child].key) ++child;
    if (entry.key < heap_[child].key) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

}  // namespace foreshard
