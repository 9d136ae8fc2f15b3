#pragma once

#include <filesystem>
#include <streambuf>
#include <vector>

namespace foreshard::cli {

/// A stream buffer that writes to an open file descriptor. A failed call throws the error of file_failure().
/// If the reader has closed its pipe (`… | head`), everything written afterwards is discarded. @pre SIGPIPE
/// is ignored
class DescriptorBuffer : public std::streambuf {
 public:
  /// Does not own the descriptor. @param name  the file's name in messages
  DescriptorBuffer(int descriptor, std::filesystem::path name);

 protected:
  int_type overflow(int_type character) override;
  int sync() override;

 private:
  void write_out();

  int descriptor_;
  std::filesystem::path name_;
  std::vector<char> held_;
  bool reader_is_gone_ = false;
};

}  // namespace foreshard::cli
