#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace foreshard::detail {

/// One message of Protocol Buffers, written field by field (protobuf.dev, "Encoding"). proto3: a field with its default
/// value need not be written.
class ProtobufMessage {
 public:
  /// A whole number without sign, a truth value or an enumeration's value.
  void add_number(std::uint32_t field, std::uint64_t value) {
    add_tag(field, WireType::varint);
    bytes_ += varint(value);
  }
  void add_text(std::uint32_t field, std::string_view text) {
    add_tag(field, WireType::length);
    bytes_ += varint(text.size());
    bytes_ += text;
  }
  void add_message(std::uint32_t field, const ProtobufMessage& message) { add_text(field, message.bytes_); }
  /// Repeated numbers, packed as proto3 has them; nothing for an empty list.
  void add_numbers(std::uint32_t field, std::span<const std::uint64_t> values) {
    std::string packed;
    for (const std::uint64_t value : values) packed += varint(value);
    if (!packed.empty()) add_text(field, packed);
  }

  /// The message after its length, as files with many messages have it.
  [[nodiscard]] std::string with_length() const { return varint(bytes_.size()) + bytes_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  enum class WireType : std::uint8_t { varint = 0, length = 2 };

  /// Seven bits a byte, the lowest first; the top bit says that more follow. 300 is AC 02.
  static std::string varint(std::uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>((value & 0x7FU) | 0x80U);
    return bytes += static_cast<char>(value);
  }
  void add_tag(std::uint32_t field, WireType type) {
    bytes_ += varint((std::uint64_t{field} << 3U) | static_cast<std::uint64_t>(type));
  }

  std::string bytes_;
};

}  // namespace foreshard::detail
