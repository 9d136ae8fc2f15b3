#include "planner/program/json/program_json.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "planner/program/json/object_json.hpp"
#include "planner/program/json/op_json.hpp"

namespace foreshard {
namespace {

using BlockNames = std::unordered_map<std::string, BlockId>;

// ---- Groups, dimensions and tensors: one object each, described once for both directions.

template <class Keys>
void describe(Keys& keys, Group& group) {
  keys("kind", group.kind);
  keys("size", group.size);
  keys("stride", group.stride);
}

template <class Keys>
void describe(Keys& keys, Dim& dim) {
  keys("name", dim.name);
  keys("size", dim.size);
  keys("tp", dim.tp, 1);
  keys("cp", dim.cp, 1);
  keys("ep", dim.ep, 1);
  keys("dp", dim.dp, 1);
}

template <class Keys>
void describe_kind(Keys& keys, Tensor& tensor) {
  keys("name", tensor.label);
  keys("role", tensor.role);
  keys("dtype", tensor.dtype);
  keys("on_host", tensor.on_host, false);
  keys("held", tensor.held, false);
  keys("lifetime", tensor.lifetime);
  keys("part", tensor.meaning.part, ModelPart::none);
  keys("item", tensor.meaning.item, TensorItem::none);
  keys("aspect", tensor.meaning.aspect, TensorAspect::value);
  keys("derivation", tensor.derivation, Derivation::none);
}

template <class T>
Json written(T value) {
  KeyWriter keys;
  describe(keys, value);
  return keys.object();
}

Json written_tensor(Tensor tensor, const StepProgram& program) {
  KeyWriter keys;
  describe_kind(keys, tensor);
  if (!tensor.of.empty()) {
    Json& of = keys.object()["of"] = Json::array();
    for (const TensorId id : tensor.of) of.push_back(program.tensor(id).label);
  }
  if (tensor.layer_kind) keys("layer_kind", tensor.layer_kind->value());
  Json& dims = keys.object()["dims"] = Json::array();
  for (const Dim& dim : tensor.dims) dims.push_back(written(dim));
  if (!tensor.sections.empty()) keys.object()["sections"] = tensor.sections;
  keys("per_layer", tensor.per_layer, true);
  if (tensor.partial) keys("partial", *tensor.partial);
  keys("padding", tensor.padding, 0);
  if (!tensor.column_sections.empty()) keys.object()["column_sections"] = tensor.column_sections;
  keys("update_parts", tensor.update_parts, 1);
  keys("kept_parts", tensor.kept_parts, 1);
  return keys.object();
}

template <class T>
T read_object(const Json& object, const std::string& path) {
  T value;
  KeyReader keys(object, path);
  describe(keys, value);
  keys.finish();
  return value;
}

/// Reads the tensors from which this one is derived. They may come later in the file, so this runs after all
/// names are known.
void read_origin(const Json& object, const std::string& path, const TensorNames& tensors, Tensor& tensor) {
  const auto of = object.find("of");
  if (of == object.end()) return;
  for (const Json& entry : array_value(*of, path + ".of")) {
    const std::string label = text_value(entry, path + ".of");
    const auto found = tensors.find(label);
    if (found == tensors.end()) refuse_json(path + ".of", fmt::format("no tensor is called '{}'", label));
    tensor.of.push_back(found->second);
  }
}

Tensor read_tensor(const Json& object, const std::string& path) {
  Tensor tensor;
  KeyReader keys(object, path);
  describe_kind(keys, tensor);
  keys.optional("of");
  if (const Json* kind = keys.optional("layer_kind")) {
    std::int32_t number = 0;
    read_value(*kind, keys.path_of("layer_kind"), number);
    tensor.layer_kind = LayerKindId(number);
  }
  const auto& dims = array_value(keys.required("dims"), keys.path_of("dims"));
  for (std::size_t i = 0; i < dims.size(); ++i) {
    tensor.dims.push_back(read_object<Dim>(dims[i], fmt::format("{}[{}]", keys.path_of("dims"), i)));
  }
  if (const Json* sections = keys.optional("sections")) {
    for (const Json& section : array_value(*sections, keys.path_of("sections"))) {
      read_value(section, keys.path_of("sections"), tensor.sections.emplace_back());
    }
  }
  keys("per_layer", tensor.per_layer, true);
  if (const Json* partial = keys.optional("partial")) {
    read_value(*partial, keys.path_of("partial"), tensor.partial.emplace());
  }
  keys("padding", tensor.padding, 0);
  if (const Json* sections = keys.optional("column_sections")) {
    for (const Json& section : array_value(*sections, keys.path_of("column_sections"))) {
      read_value(section, keys.path_of("column_sections"), tensor.column_sections.emplace_back());
    }
  }
  keys("update_parts", tensor.update_parts, 1);
  keys("kept_parts", tensor.kept_parts, 1);
  keys.finish();
  return tensor;
}

// ---- Stages. A block call is ["dense_layer forward", 3]; a slot is "F 0 5": forward of chunk 0,
// ---- micro-batch 5.

Json written_block_calls(const std::vector<BlockCall>& block_calls, const StepProgram& program) {
  Json list = Json::array();
  for (const BlockCall& block_call : block_calls) {
    list.push_back(Json::array({program.block(block_call.block).name, block_call.layer.value()}));
  }
  return list;
}

std::vector<BlockCall> read_block_calls(const Json& list, const std::string& path, const BlockNames& blocks) {
  std::vector<BlockCall> block_calls;
  for (const Json& entry : array_value(list, path)) {
    const std::string entry_path = fmt::format("{}[{}]", path, block_calls.size());
    const auto& pair = array_value(entry, entry_path);
    if (pair.size() != 2) refuse_json(entry_path, "expected [\"block name\", layer], found " + entry.dump());
    const std::string name = text_value(pair[0], entry_path);
    const auto block = blocks.find(name);
    if (block == blocks.end()) refuse_json(entry_path, fmt::format("no block is called '{}'", name));
    std::int32_t layer = 0;
    read_value(pair[1], entry_path, layer);
    block_calls.push_back({block->second, LayerId(layer)});
  }
  return block_calls;
}

/// The letter of each pass in a slot. Pass::once has none, because it runs outside the slots.
constexpr std::array<std::pair<Pass, char>, 3> kPassLetters{
    {{Pass::forward, 'F'}, {Pass::backward, 'B'}, {Pass::weight, 'W'}}};

char letter_of(Pass pass) {
  for (const auto& [known, letter] : kPassLetters) {
    if (known == pass) return letter;
  }
  throw std::invalid_argument("a slot is a forward, backward or weight pass");
}

std::optional<Pass> pass_of(char letter) {
  for (const auto& [pass, known] : kPassLetters) {
    if (known == letter) return pass;
  }
  return std::nullopt;
}

constexpr std::string_view kInTurns = " in turns";

std::string written_slot(const Slot& slot) {
  return fmt::format("{} {} {}{}", letter_of(slot.pass), slot.chunk.value(), slot.micro_batch.value(),
                     slot.in_turns ? kInTurns : "");
}

Slot read_slot(const std::string& text, const std::string& path) {
  const bool in_turns = text.size() > kInTurns.size() && text.ends_with(kInTurns);
  const char* const end = text.data() + text.size() - (in_turns ? kInTurns.size() : 0);
  std::int32_t chunk = -1;
  std::int32_t micro_batch = -1;
  const std::optional<Pass> pass = text.empty() ? std::nullopt : pass_of(text[0]);
  bool good = text.size() >= 5 && pass && text[1] == ' ';
  if (good) {
    const auto chunk_end = std::from_chars(text.data() + 2, end, chunk).ptr;
    good =
        chunk_end != end && *chunk_end == ' ' && std::from_chars(chunk_end + 1, end, micro_batch).ptr == end;
  }
  if (!good || chunk < 0 || micro_batch < 0) {
    refuse_json(
        path,
        fmt::format("'{}' is no slot; write 'F', 'B' or 'W', a chunk and a micro-batch: \"F 0 5\"", text));
  }
  return {*pass, ChunkId(chunk), MicroBatch(micro_batch), in_turns};
}

Chunk read_chunk(const Json& object, const std::string& path, const BlockNames& blocks) {
  Chunk chunk;
  KeyReader keys(object, path);
  chunk.forward = read_block_calls(keys.required("forward"), keys.path_of("forward"), blocks);
  if (const Json* first = keys.optional("first_forward")) {
    chunk.first_forward = read_block_calls(*first, keys.path_of("first_forward"), blocks);
  }
  chunk.backward = read_block_calls(keys.required("backward"), keys.path_of("backward"), blocks);
  if (const Json* last = keys.optional("last_backward")) {
    chunk.last_backward = read_block_calls(*last, keys.path_of("last_backward"), blocks);
  }
  if (const Json* weight = keys.optional("weight")) {
    chunk.weight = read_block_calls(*weight, keys.path_of("weight"), blocks);
  }
  if (const Json* last = keys.optional("last_weight")) {
    chunk.last_weight = read_block_calls(*last, keys.path_of("last_weight"), blocks);
  }
  keys.finish();
  return chunk;
}

StageProgram read_stage(const Json& object, const std::string& path, const BlockNames& blocks) {
  StageProgram stage;
  KeyReader keys(object, path);
  stage.prologue = read_block_calls(keys.required("prologue"), keys.path_of("prologue"), blocks);
  for (const Json& chunk : array_value(keys.required("chunks"), keys.path_of("chunks"))) {
    const std::string chunk_path = fmt::format("{}[{}]", keys.path_of("chunks"), stage.chunks.size());
    stage.chunks.push_back(read_chunk(chunk, chunk_path, blocks));
  }
  for (const Json& slot : array_value(keys.required("order"), keys.path_of("order"))) {
    const std::string slot_path = fmt::format("{}[{}]", keys.path_of("order"), stage.order.size());
    stage.order.push_back(read_slot(text_value(slot, slot_path), slot_path));
  }
  stage.epilogue = read_block_calls(keys.required("epilogue"), keys.path_of("epilogue"), blocks);
  keys.finish();
  return stage;
}

Block read_block(const Json& object, const std::string& path, const TensorNames& tensors) {
  Block block;
  KeyReader keys(object, path);
  keys("name", block.name);
  keys("kind", block.kind);
  keys("pass", block.pass);
  for (const Json& op : array_value(keys.required("ops"), keys.path_of("ops"))) {
    const std::string op_path = fmt::format("{}[{}]", keys.path_of("ops"), block.ops.size());
    block.ops.push_back(read_op(op, op_path, tensors));
  }
  keys.finish();
  return block;
}

// ---- Text: one tensor, operation or list of block calls per line.

std::string joined(const std::vector<std::string>& lines, const char* indent) {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += i == 0 ? "\n" : ",\n";
    text += indent + lines[i];
  }
  return text;
}

std::string block_text(const Block& block, const StepProgram& program) {
  std::vector<std::string> ops;
  for (const Op& op : block.ops) ops.push_back(written_op(op, program).dump());
  return fmt::format(R"({{"name":{},"kind":"{}","pass":"{}","ops":[{}{}]}})", Json(block.name).dump(),
                     name_of(block.kind), name_of(block.pass), joined(ops, "   "), ops.empty() ? "" : "\n  ");
}

std::string chunk_text(const Chunk& chunk, const StepProgram& program) {
  std::string text = fmt::format("{{\"forward\":{},\n     \"backward\":{}",
                                 written_block_calls(chunk.forward, program).dump(),
                                 written_block_calls(chunk.backward, program).dump());
  const auto add = [&](const char* key, const std::vector<BlockCall>& block_calls) {
    if (!block_calls.empty())
      text += fmt::format(",\n     \"{}\":{}", key, written_block_calls(block_calls, program).dump());
  };
  add("first_forward", chunk.first_forward);
  add("last_backward", chunk.last_backward);
  add("weight", chunk.weight);
  add("last_weight", chunk.last_weight);
  return text + "}";
}

std::string stage_text(const StageProgram& stage, const StepProgram& program) {
  std::vector<std::string> chunks;
  for (const Chunk& chunk : stage.chunks) chunks.push_back(chunk_text(chunk, program));
  Json order = Json::array();
  for (const Slot& slot : stage.order) order.push_back(written_slot(slot));
  return fmt::format("{{\"prologue\":{},\n   \"chunks\":[{}\n   ],\n   \"order\":{},\n   \"epilogue\":{}}}",
                     written_block_calls(stage.prologue, program).dump(), joined(chunks, "    "),
                     order.dump(), written_block_calls(stage.epilogue, program).dump());
}

/// Registers a name. Throws if another object of the same kind has it.
template <class Names, class Id>
void take_name(Names& names, const std::string& name, Id id, const std::string& path) {
  if (!names.emplace(name, id).second) refuse_json(path, fmt::format("'{}' is already taken", name));
}

Json parsed(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {  // also of a number that is no double
    throw std::runtime_error(std::string("step program: not JSON: ") + error.what());
  }
}

}  // namespace

std::string to_json(const StepProgram& program) {
  std::vector<std::string> groups;
  std::vector<std::string> tensors;
  std::vector<std::string> blocks;
  std::vector<std::string> stages;
  for (const Group& group : program.groups) groups.push_back(written(group).dump());
  for (const Tensor& tensor : program.tensors) tensors.push_back(written_tensor(tensor, program).dump());
  for (const Block& block : program.blocks) blocks.push_back(block_text(block, program));
  for (const StageProgram& stage : program.stages) stages.push_back(stage_text(stage, program));
  return fmt::format(
      "{{\"foreshard_step_program\":{},\n \"name\":{},\n \"micro_batches\":{},\n \"sequences\":{},\n "
      "\"sequence_length\":{},\n {}\"groups\":[{}\n ],\n "
      "\"tensors\":[{}\n ],\n \"blocks\":[{}\n ],\n \"stages\":[{}\n ]}}\n",
      StepProgram::kVersion, Json(program.name).dump(), program.micro_batches, program.sequences,
      program.sequence_length, program.steps_overlap ? "\"steps_overlap\":true,\n " : "",
      joined(groups, "  "), joined(tensors, "  "), joined(blocks, "  "), joined(stages, "  "));
}

StepProgram program_from_json(std::string_view text) {
  const Json root = parsed(text);
  KeyReader keys(root, "the file");
  std::int64_t version = 0;
  keys("foreshard_step_program", version);
  if (version != StepProgram::kVersion) {
    refuse_json("foreshard_step_program",
                fmt::format("version {} is not ours, which is {}", version, StepProgram::kVersion));
  }
  StepProgram program;
  keys("name", program.name);
  keys("micro_batches", program.micro_batches);
  keys("sequences", program.sequences, 1);
  keys("sequence_length", program.sequence_length, 1);
  keys("steps_overlap", program.steps_overlap, false);
  for (const Json& group : array_value(keys.required("groups"), "groups")) {
    program.groups.push_back(read_object<Group>(group, fmt::format("groups[{}]", program.groups.size())));
  }
  TensorNames tensors;
  for (const Json& tensor : array_value(keys.required("tensors"), "tensors")) {
    const std::string path = fmt::format("tensors[{}]", program.tensors.size());
    const TensorId id(program.tensors.size());
    const std::string& name = program.tensors.emplace_back(read_tensor(tensor, path)).label;
    if (!is_plain_tensor_name(name)) {
      refuse_json(path + ".name", fmt::format("'{}' is empty or ends like a layer shift", name));
    }
    take_name(tensors, name, id, path + ".name");
  }
  std::size_t number = 0;
  for (const Json& tensor : root["tensors"]) {
    read_origin(tensor, fmt::format("tensors[{}]", number), tensors, program.tensors[number]);
    ++number;
  }
  BlockNames blocks;
  for (const Json& block : array_value(keys.required("blocks"), "blocks")) {
    const std::string path = fmt::format("blocks[{}]", program.blocks.size());
    const BlockId id(program.blocks.size());
    take_name(blocks, program.blocks.emplace_back(read_block(block, path, tensors)).name, id, path + ".name");
  }
  for (const Json& stage : array_value(keys.required("stages"), "stages")) {
    const std::string path = fmt::format("stages[{}]", program.stages.size());
    program.stages.push_back(read_stage(stage, path, blocks));
  }
  keys.finish();
  return program;
}

}  // namespace foreshard
