#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace foreshard {

/// The hash SHA-256 of bytes that come piece by piece. Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2.
class Sha256 {
 public:
  void add(std::string_view bytes);
  /// The hash of all bytes added so far, as 64 hexadecimal digits. More bytes may be added afterwards.
  [[nodiscard]] std::string hex() const;

 private:
  static constexpr std::size_t kBlockBytes = 64;
  using Block = std::array<unsigned char, kBlockBytes>;

  void mix(const Block& block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  Block pending_{};  ///< its first bytes_ % 64 bytes are not mixed in yet
  std::uint64_t bytes_ = 0;
};

/// The hash of a whole text.
std::string sha256_hex(std::string_view text);

}  // namespace foreshard
