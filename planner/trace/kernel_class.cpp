#include "planner/trace/kernel_class.hpp"

#include <algorithm>
#include <cctype>

namespace foreshard {
namespace {

struct KernelPattern {
  std::string_view text;  ///< in small letters
  TracePart part;
};
/// The first that stands in a name decides: NCCL's before PyTorch's, attention before products.
constexpr auto kPatterns = std::to_array<KernelPattern>({{"nccl", TracePart::collective},
                                                         {"rccl", TracePart::collective},
                                                         {"deep_ep", TracePart::collective},
                                                         {"nvshmem", TracePart::collective},
                                                         {"multi_tensor_apply", TracePart::optimizer},
                                                         {"adam", TracePart::optimizer},
                                                         {"l2norm", TracePart::optimizer},
                                                         {"flash", TracePart::attention},
                                                         {"fmha", TracePart::attention},
                                                         {"sdpa", TracePart::attention},
                                                         {"_attn_", TracePart::attention},
                                                         {"attention", TracePart::attention},
                                                         {"grouped", TracePart::experts},
                                                         {"group_gemm", TracePart::experts},
                                                         {"moe", TracePart::experts},
                                                         {"permute_kernel", TracePart::experts},
                                                         {"topk", TracePart::experts},
                                                         {"router", TracePart::experts},
                                                         {"gemm", TracePart::products},
                                                         {"gemv", TracePart::products},
                                                         {"cublas", TracePart::products},
                                                         {"cutlass", TracePart::products},
                                                         {"nvjet", TracePart::products},
                                                         {"wgmma", TracePart::products},
                                                         {"splitk", TracePart::products},
                                                         {"cijk_", TracePart::products},
                                                         {"convolution", TracePart::products},
                                                         {"winograd", TracePart::products},
                                                         {"wgrad", TracePart::products},
                                                         {"dgrad", TracePart::products},
                                                         {"_mm_", TracePart::products}});

struct CollectiveWord {
  std::string_view text;
  std::string_view word;
};
/// Reduce-scatter and all-reduce before reduce.
constexpr auto kCollectives = std::to_array<CollectiveWord>({{"alltoall", "all-to-all"},
                                                             {"all_to_all", "all-to-all"},
                                                             {"allreduce", "all-reduce"},
                                                             {"all_reduce", "all-reduce"},
                                                             {"reducescatter", "reduce-scatter"},
                                                             {"reduce_scatter", "reduce-scatter"},
                                                             {"allgather", "all-gather"},
                                                             {"all_gather", "all-gather"},
                                                             {"dispatch", "all-to-all"},
                                                             {"combine", "all-to-all"},
                                                             {"sendrecv", "send-receive"},
                                                             {"send", "send-receive"},
                                                             {"recv", "send-receive"},
                                                             {"broadcast", "broadcast"},
                                                             {"reduce", "reduce"}});

std::string small_letters(std::string_view text) {
  std::string letters(text);
  std::transform(letters.begin(), letters.end(), letters.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return letters;
}

}  // namespace

TracePart part_of_kernel(std::string_view name) {
  const std::string letters = small_letters(name);
  for (const KernelPattern& pattern : kPatterns)
    if (letters.find(pattern.text) != std::string::npos) return pattern.part;
  return TracePart::passes;
}

std::string_view collective_word(std::string_view collective, std::string_view kernel) {
  for (const std::string_view text : {collective, kernel}) {
    const std::string letters = small_letters(text);
    for (const CollectiveWord& word : kCollectives)
      if (letters.find(word.text) != std::string::npos) return word.word;
  }
  return "other";
}

}  // namespace foreshard
