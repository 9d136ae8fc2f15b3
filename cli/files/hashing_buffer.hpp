#pragma once

#include <streambuf>
#include <string>
#include <vector>

#include "planner/spec/yaml/sha256.hpp"

namespace foreshard::cli {

/// A stream buffer that passes on what it reads from another one, and hashes it.
class HashingBuffer : public std::streambuf {
 public:
  /// Keeps a reference to `source`.
  explicit HashingBuffer(std::streambuf& source);

  /// Reads what is left, and returns the hash of all bytes of the source (SHA-256).
  std::string sha256_to_the_end();

 protected:
  int_type underflow() override;

 private:
  std::streambuf& source_;
  Sha256 hash_;
  std::vector<char> held_;
};

}  // namespace foreshard::cli
