#pragma once

#include <string>

#include "planner/spec/library/library.hpp"
#include "planner/spec/types/model_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of a model and of the maps inside it.
KeyTable model_keys();
KeyTable ffn_rule_keys();
KeyTable latent_attention_keys();
KeyTable experts_keys();

/// A model given by name, by path or as a map; a map with the name of a bundled model, {name: llama3-8b,
/// layers: 4}, is that model with keys of its own. What it leaves unsaid is chosen as Llama does: SwiGLU,
/// RMSNorm, no biases, rotary positions, causal, untied embeddings, as many kv heads as heads.
/// After complaints the returned model is not to be used.
/// @param owner the key whose value this is; @param path of that key, "" for a document of its own
ModelSpec read_model(const NodePtr& node, const Place& owner, const std::string& path, Library& library);

/// LLaMA's width of a gated feed-forward network: 2/3 of 4·hidden, times the multiplier, rounded up to a
/// multiple; both products truncated. Source: meta-llama/llama, llama/model.py, FeedForward.
std::int64_t llama_ffn_hidden(std::int64_t hidden, std::int64_t multiple_of, double multiplier);

}  // namespace foreshard
