#pragma once

#include <filesystem>
#include <streambuf>
#include <vector>

namespace foreshard::cli {

/// The stream buffer of an open file descriptor that is written to. A failed call throws what file_failure
/// says. A reader that has gone (`… | head`) has what it wanted: from then on everything is dropped.
/// @pre SIGPIPE is ignored
class DescriptorBuffer : public std::streambuf {
 public:
  /// Does not own the descriptor. @param name  of the file, in messages
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
