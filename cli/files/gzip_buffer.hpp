#pragma once

#include <memory>
#include <streambuf>
#include <vector>

namespace foreshard::cli {

/// The stream buffer of a gzip file (RFC 1952): compresses what is written to it and hands that on. The same
/// text gives the same bytes: the header holds neither a name nor a time.
class GzipBuffer : public std::streambuf {
 public:
  /// Keeps a reference.
  explicit GzipBuffer(std::streambuf& compressed);
  ~GzipBuffer() override;

  /// Writes the end of the gzip file; nothing may be written behind.
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

}  // namespace foreshard::cli
