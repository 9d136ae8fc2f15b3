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

struct GunzipBuffer::Expander {
  z_stream stream{};
  bool between_files = false;  ///< one file has ended; more may follow

  Expander() {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  Expander(const Expander&) = delete;
  Expander& operator=(const Expander&) = delete;
  ~Expander() { inflateEnd(&stream); }
};

GunzipBuffer::GunzipBuffer(std::streambuf& source) : source_(source), held_(kHeldBytes), ready_(kHeldBytes) {}

GunzipBuffer::~GunzipBuffer() = default;

/// Reads the next bytes of the source; false at its end. @pre the bytes before are used up
bool GunzipBuffer::fill() {
  const std::streamsize read = source_.sgetn(held_.data(), static_cast<std::streamsize>(held_.size()));
  if (!begun_) {
    begun_ = true;
    // The first two bytes of every gzip file (RFC 1952).
    if (read >= 2 && held_[0] == '\x1f' && held_[1] == '\x8b') expander_ = std::make_unique<Expander>();
  }
  if (expander_) {
    expander_->stream.next_in = reinterpret_cast<Bytef*>(held_.data());
    expander_->stream.avail_in = static_cast<uInt>(read);
  } else {
    setg(held_.data(), held_.data(), held_.data() + read);
  }
  return read > 0;
}

/// Expands what is held into `ready_`; returns how many bytes there are, 0 if more must be read.
std::size_t GunzipBuffer::expand() {
  z_stream& stream = expander_->stream;
  if (stream.avail_in == 0) return 0;
  if (expander_->between_files) {
    inflateReset(&stream);
    expander_->between_files = false;
  }
  stream.next_out = reinterpret_cast<Bytef*>(ready_.data());
  stream.avail_out = static_cast<uInt>(ready_.size());
  const int outcome = inflate(&stream, Z_NO_FLUSH);
  if (outcome == Z_STREAM_END) expander_->between_files = true;
  if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) damaged_ = true;
  return ready_.size() - stream.avail_out;
}

GunzipBuffer::int_type GunzipBuffer::underflow() {
  if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
  for (;;) {
    if (!expander_ || expander_->stream.avail_in == 0) {
      if (!fill()) {
        if (expander_ && !expander_->between_files) damaged_ = true;
        return traits_type::eof();
      }
      if (!expander_) return traits_type::to_int_type(*gptr());
    }
    const std::size_t expanded = expand();
    if (expanded > 0) {
      setg(ready_.data(), ready_.data(), ready_.data() + expanded);
      return traits_type::to_int_type(*gptr());
    }
    if (damaged_) return traits_type::eof();
  }
}

}  // namespace foreshard::cli
