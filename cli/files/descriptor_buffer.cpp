#include "cli/files/descriptor_buffer.hpp"

#include <cerrno>
#include <cstddef>
#include <unistd.h>
#include <utility>

#include "cli/files/file_failure.hpp"

namespace foreshard::cli {
namespace {

constexpr std::size_t kHeldBytes = std::size_t{1} << 17U;

}  // namespace

DescriptorBuffer::DescriptorBuffer(int descriptor, std::filesystem::path name)
    : descriptor_(descriptor), name_(std::move(name)), held_(kHeldBytes) {
  setp(held_.data(), held_.data() + held_.size());
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type character) {
  write_out();
  if (!traits_type::eq_int_type(character, traits_type::eof())) sputc(traits_type::to_char_type(character));
  return traits_type::not_eof(character);
}

int DescriptorBuffer::sync() {
  write_out();
  return 0;
}

void DescriptorBuffer::write_out() {
  const char* next = pbase();
  const char* const end = pptr();
  setp(held_.data(), held_.data() + held_.size());
  while (next < end && !reader_is_gone_) {
    const ssize_t written = ::write(descriptor_, next, static_cast<std::size_t>(end - next));
    if (written >= 0) {
      next += written;
    } else if (errno == EPIPE) {
      reader_is_gone_ = true;
    } else if (errno != EINTR) {
      throw file_failure(name_, "write", errno);
    }
  }
}

}  // namespace foreshard::cli
