#include "planner/spec/hugging_face/hugging_face_parts.hpp"

namespace foreshard::detail {

namespace {

std::vector<Family> all_families() {
  std::vector<Family> all;
  for (const std::vector<Family>& some :
       {hybrid_families(), latent_families(), expert_families(), dense_families(), older_families()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

constexpr std::string_view kLightning = "lightning attention (linear attention with a fixed decay)";
constexpr std::string_view kMamba1 = "Mamba-1 layers";
constexpr std::string_view kParallelMixers = "Mamba and attention side by side in one layer";

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> all = all_families();
  return all;
}

const std::vector<UnplannedFamily>& unplanned_families() {
  static const std::vector<UnplannedFamily> all{
      {"KimiK3", "kimi_k3", "attention over the outputs of earlier layers (attn_res_block_size)"},
      {"LongcatFlash", "longcat_flash", "two attention sublayers in a layer, and experts that do nothing"},
      {"Gemma3n", "gemma3n", "embeddings per layer, streams that are mixed (AltUp), shared keys and values"},
      {"MiniMaxText01", "minimax_text_01", kLightning},
      {"MiniMaxM1", "minimax_m1", kLightning},
      {"MiniMax", "minimax", kLightning},
      {"BailingMoeLinear", "bailing_moe_linear", kLightning},
      {"BailingMoeLinearV2", "bailing_moe_linear_v2", kLightning},
      {"BailingMoeV2_5", "bailing_hybrid", kLightning},
      {"FalconH1", "falcon_h1", kParallelMixers},
      {"Hymba", "hymba", kParallelMixers},
      {"Zamba2", "zamba2", "attention blocks whose weights several layers share"},
      {"Zamba", "zamba", "attention blocks whose weights several layers share"},
      {"Jamba", "jamba", kMamba1},
      {"Mamba", "mamba", kMamba1},
      {"FalconMamba", "falcon_mamba", kMamba1},
      {"Phi4Flash", "phi4flash", kMamba1},
      {"Lfm2", "lfm2", "gated short convolutions"},
      {"Lfm2Moe", "lfm2_moe", "gated short convolutions"},
      {"RecurrentGemma", "recurrent_gemma", "recurrent layers (RG-LRU)"},
      {"Rwkv", "rwkv", "recurrent layers (RWKV)"},
      {"Rwkv7", "rwkv7", "recurrent layers (RWKV)"},
      {"Arctic", "arctic", "a dense FFN beside the experts, with a residual of its own"},
      {"GPTJ", "gptj", "biases of the feed-forward network alone"},
      {"T5", "t5", "an encoder and a decoder with cross-attention"},
      {"Bart", "bart", "an encoder and a decoder with cross-attention"},
      {"Whisper", "whisper", "an encoder and a decoder with cross-attention"},
      {"Mllama", "mllama", "cross-attention to images in some layers"},
  };
  return all;
}

}  // namespace foreshard::detail
