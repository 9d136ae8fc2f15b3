#pragma once

#include <string>

namespace foreshard {

/// The `source` of each map in a written accelerator or cluster file. Readers check sources but do not store
/// them, so a writer of figures must be told where they are from. Empty: no source is written.
struct FigureSources {
  std::string memory;
  std::string multiprocessors;
  std::string gemm;  ///< for every data type
  std::string kernels;
  std::string attention;
  std::string link;     ///< between devices of a node
  std::string network;  ///< between nodes
};

}  // namespace foreshard
