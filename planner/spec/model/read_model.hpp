#pragma once

#include <string>

#include "planner/spec/library/library.hpp"
#include "planner/spec/types/model_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of a model and of the maps inside it.
KeyTable model_keys();
KeyTable ffn_rule_keys();
KeyTable model_attention_keys();
KeyTable experts_keys();
KeyTable hyper_keys();

/// Reads a model, given by name, by path or as a map. A map with the name of a bundled model, {name:
/// llama3-8b, layers: 4}, is that model with some keys replaced. Defaults are those of Llama: SwiGLU,
/// RMSNorm, no biases, rotary positions, causal, untied embeddings, as many kv heads as heads.
/// Do not use the result if there were complaints.
/// @param owner the place of the key whose value this is
/// @param path the dotted path of that key; "" if the model is a document of its own
ModelSpec read_model(const NodePtr& node, const Place& owner, const std::string& path, Library& library);

/// LLaMA's hidden size of a gated feed-forward network: 2/3 · 4·hidden, times `multiplier`, rounded up to a
/// multiple of `multiple_of`; both products are truncated to whole numbers. Source: meta-llama/llama,
/// llama/model.py, FeedForward.
std::int64_t llama_ffn_hidden(std::int64_t hidden, std::int64_t multiple_of, double multiplier);

}  // namespace foreshard
