#pragma once

#include <cstddef>
#include <memory>
#include <streambuf>
#include <vector>

namespace foreshard::cli {

/// A stream buffer that compresses what is written to it as a gzip file (RFC 1952) and writes that to another
/// buffer. The same text gives the same bytes, because the header holds neither a name nor a time.
class GzipBuffer : public std::streambuf {
 public:
  /// Keeps a reference to `compressed`, which receives the compressed bytes.
  explicit GzipBuffer(std::streambuf& compressed);
  ~GzipBuffer() override;

  /// Writes the end of the gzip file; nothing may be written afterwards.
  void finish();

 protected:
  int_type overflow(int_type character) override;

 private:
  enum class Flush : bool { as_needed, to_the_end };
  void compress(Flush flush);

  struct Compressor;
  std::streambuf& compressed_;
  std::unique_ptr<Compressor> compressor_;
  std::vector<char> held_;
  std::vector<char> ready_;
};

/// A stream buffer that reads another one: what is compressed by gzip (also several files in one) as it was before, all
/// else as it is.
class GunzipBuffer : public std::streambuf {
 public:
  /// Keeps a reference to `source`.
  explicit GunzipBuffer(std::streambuf& source);
  ~GunzipBuffer() override;

  /// True if the compressed data were damaged or cut off; reading has ended there.
  [[nodiscard]] bool is_damaged() const { return damaged_; }

 protected:
  int_type underflow() override;

 private:
  bool fill();
  std::size_t expand();

  struct Expander;
  std::streambuf& source_;
  std::unique_ptr<Expander> expander_;  ///< null: not compressed
  bool begun_ = false;
  bool damaged_ = false;
  std::vector<char> held_;
  std::vector<char> ready_;
};

}  // namespace foreshard::cli
