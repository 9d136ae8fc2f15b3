#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace foreshard {

/// U, which a writer sees as constant and a reader does not.
template <class T, class U>
concept MaybeConst = std::same_as<std::remove_const_t<T>, U>;

template <class T>
concept PlainMemory = std::is_trivially_copyable_v<T>;

/// Values one after another as bytes, for another process of the same program on a machine with the same byte order.
/// BytesWriter and BytesReader have the same functions, so that one description of a type serves both.
///
/// Example: a point is written by a writer and filled by a reader with
///   template <class Stream, MaybeConst<Point> P>
///   void pass(Stream& bytes, P& point) { bytes.values(point.x, point.name); }
class BytesWriter {
 public:
  template <class... T>
  void values(const T&... values) {
    (value(values), ...);
  }

  template <PlainMemory T>
  void value(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void value(const std::string& text) { list(text); }
  template <PlainMemory T>
  void value(const std::vector<T>& items) {
    list(items);
  }
  template <class T>
  void value(const std::vector<T>& items) {
    each(items, [&](const T& item) { value(item); });
  }

  /// Writes how many items there are, and each by `pass`.
  template <class T, class Pass>
  void each(const std::vector<T>& items, Pass pass) {
    value(static_cast<std::uint64_t>(items.size()));
    for (const T& item : items) pass(item);
  }
  template <class T, class Pass>
  void optional(const std::optional<T>& item, Pass pass) {
    value(item.has_value());
    if (item) pass(*item);
  }

  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  /// Items that lie one behind the other in memory.
  template <class Items>
  void list(const Items& items) {
    value(static_cast<std::uint64_t>(items.size()));
    bytes_.append(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(*items.data()));
  }

  std::string bytes_;
};

/// @throws std::runtime_error where bytes are missing
class BytesReader {
 public:
  /// `bytes` must outlive this object.
  explicit BytesReader(std::string_view bytes) : left_(bytes) {}

  template <class... T>
  void values(T&... values) {
    (value(values), ...);
  }

  template <PlainMemory T>
  void value(T& value) {
    copy(&value, sizeof value);
  }
  void value(std::string& text) { list(text); }
  template <PlainMemory T>
  void value(std::vector<T>& items) {
    list(items);
  }
  template <class T>
  void value(std::vector<T>& items) {
    each(items, [&](T& item) { value(item); });
  }

  template <class T, class Pass>
  void each(std::vector<T>& items, Pass pass) {
    items.resize(count(1));
    for (T& item : items) pass(item);
  }
  template <class T, class Pass>
  void optional(std::optional<T>& item, Pass pass) {
    bool has_item = false;
    value(has_item);
    item.reset();
    if (has_item) pass(item.emplace());
  }

  /// @throws std::runtime_error if bytes are left
  void require_end() const {
    if (!left_.empty()) throw std::runtime_error("a message between ranks is longer than what it holds");
  }

 private:
  static void require(bool enough) {
    if (!enough) throw std::runtime_error("a message between ranks is shorter than what it holds");
  }
  /// The number of items that follow, each of at least so many bytes.
  std::size_t count(std::size_t least_bytes) {
    std::uint64_t count = 0;
    value(count);
    require(count <= left_.size() / least_bytes);
    return static_cast<std::size_t>(count);
  }
  void copy(void* to, std::size_t size) {
    require(size <= left_.size());
    std::memcpy(to, left_.data(), size);
    left_.remove_prefix(size);
  }
  template <class Items>
  void list(Items& items) {
    items.resize(count(sizeof(*items.data())));
    if (!items.empty()) copy(items.data(), items.size() * sizeof(*items.data()));
  }

  std::string_view left_;
};

}  // namespace foreshard
