#include "cli/files/gzip_buffer.hpp"

#include <cstddef>
#include <new>
#include <stdexcept>
#include <zlib.h>

namespace foreshard::cli {
namespace {

constexpr std::size_t kHeldBytes = std::size_t{1} << 16U;
constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, and gzip's header and trailer
constexpr int kMemoryLevel = 8;       // zlib's default

}  // namespace

struct GzipBuffer::Compressor {
  z_stream stream{};

  Compressor() {
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() { deflateEnd(&stream); }
};

GzipBuffer::GzipBuffer(std::streambuf& compressed)
    : compressed_(compressed),
      compressor_(std::make_unique<Compressor>()),
      held_(kHeldBytes),
      ready_(kHeldBytes) {
  setp(held_.data(), held_.data() + held_.size());
}

GzipBuffer::~GzipBuffer() = default;

GzipBuffer::int_type GzipBuffer::overflow(int_type character) {
  compress(Flush::as_needed);
  if (!traits_type::eq_int_type(character, traits_type::eof())) sputc(traits_type::to_char_type(character));
  return traits_type::not_eof(character);
}

void GzipBuffer::finish() { compress(Flush::to_the_end); }

void GzipBuffer::compress(Flush flush) {
  z_stream& stream = compressor_->stream;
  // zlib takes unsigned bytes.
  stream.next_in = reinterpret_cast<Bytef*>(pbase());
  stream.avail_in = static_cast<uInt>(pptr() - pbase());
  int outcome = Z_OK;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(ready_.data());
    stream.avail_out = static_cast<uInt>(ready_.size());
    outcome = deflate(&stream, flush == Flush::to_the_end ? Z_FINISH : Z_NO_FLUSH);
    if (outcome == Z_STREAM_ERROR) throw std::logic_error("zlib's state is inconsistent");
    compressed_.sputn(ready_.data(), static_cast<std::streamsize>(ready_.size() - stream.avail_out));
  } while (stream.avail_out == 0);
  setp(held_.data(), held_.data() + held_.size());
}

}  // namespace foreshard::cli
