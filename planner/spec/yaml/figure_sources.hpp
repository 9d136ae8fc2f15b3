#pragma once

#include <string>

namespace foreshard {

/// Where the figures of a written cluster come from, map by map: the `source` of each. Readers check sources
/// and leave them in the file; whoever writes figures says where they are from. Empty: nothing is written.
struct FigureSources {
  std::string memory;
  std::string multiprocessors;
  std::string gemm;  ///< of every data type
  std::string kernels;
  std::string attention;
  std::string link;     ///< between devices of a node
  std::string network;  ///< between nodes
};

}  // namespace foreshard
