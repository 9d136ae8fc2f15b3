#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace foreshard {

/// A first-in first-out queue in a circular array. The array grows by doubling, so a queue of bounded length
/// soon stops allocating. It takes no memory until the first push.
template <class T>
class Ring {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The i-th element from the front. @pre i < size()
  [[nodiscard]] T& operator[](std::size_t i) { return slots_[(first_ + i) & (slots_.size() - 1)]; }
  [[nodiscard]] const T& operator[](std::size_t i) const {
    return slots_[(first_ + i) & (slots_.size() - 1)];
  }
  [[nodiscard]] T& front() { return (*this)[0]; }
  [[nodiscard]] const T& front() const { return (*this)[0]; }

  void push(const T& value) {
    if (size_ == slots_.size()) grow();
    ++size_;
    (*this)[size_ - 1] = value;
  }
  /// Removes the first `count` elements. @pre count <= size()
  void pop(std::size_t count = 1) {
    first_ = (first_ + count) & (slots_.size() - 1);
    size_ -= count;
  }

 private:
  static constexpr std::size_t kFirstSize = 16;  // a power of two: positions wrap by masking

  void grow() {
    std::vector<T> larger(std::max(slots_.size() * 2, kFirstSize));
    for (std::size_t i = 0; i < size_; ++i) larger[i] = (*this)[i];
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace foreshard
