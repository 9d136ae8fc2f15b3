#include "cli/files/hashing_buffer.hpp"

#include <cstddef>
#include <string_view>

namespace foreshard::cli {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 16U;

}  // namespace

HashingBuffer::HashingBuffer(std::streambuf& source) : source_(source), held_(kPieceBytes) {}

HashingBuffer::int_type HashingBuffer::underflow() {
  if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
  const std::streamsize read = source_.sgetn(held_.data(), static_cast<std::streamsize>(held_.size()));
  hash_.add(std::string_view(held_.data(), static_cast<std::size_t>(read)));
  setg(held_.data(), held_.data(), held_.data() + read);
  return read > 0 ? traits_type::to_int_type(*gptr()) : traits_type::eof();
}

std::string HashingBuffer::sha256_to_the_end() {
  do {
    setg(held_.data(), held_.data(), held_.data());  // what is held has been hashed
  } while (!traits_type::eq_int_type(underflow(), traits_type::eof()));
  return hash_.hex();
}

}  // namespace foreshard::cli
