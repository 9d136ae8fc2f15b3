// Compares the emitters with the program written by hand, and checks their programs for every kind of job.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;
using namespace foreshard::testing;

namespace {

const std::string& name_for_people(const Tensor& tensor) { return tensor.label; }
const std::string& name_for_people(const Block& block) { return block.name; }

/// `items` in the order of their names in `like`; items that `like` does not have come last.
template <class Item>
std::vector<std::size_t> order_like(const std::vector<Item>& items, const std::vector<Item>& like) {
  std::map<std::string, std::size_t> rank;
  for (std::size_t i = 0; i < like.size(); ++i) rank[name_for_people(like[i])] = i;
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto rank_of = [&](std::size_t i) {
    const auto found = rank.find(name_for_people(items[i]));
    return found == rank.end() ? like.size() : found->second;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rank_of(a) < rank_of(b); });
  return order;
}

/// The same program with tensors and blocks numbered as in `like`.
StepProgram renumbered(const StepProgram& program, const StepProgram& like) {
  StepProgram result = program;
  const std::vector<std::size_t> tensors = order_like(program.tensors, like.tensors);
  const std::vector<std::size_t> blocks = order_like(program.blocks, like.blocks);
  std::vector<std::size_t> new_tensor(tensors.size());
  std::vector<std::size_t> new_block(blocks.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    result.tensors[i] = program.tensors[tensors[i]];
    new_tensor[tensors[i]] = i;
  }
  for (Tensor& tensor : result.tensors) {
    for (TensorId& of : tensor.of) of = TensorId(new_tensor[of.at()]);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    result.blocks[i] = program.blocks[blocks[i]];
    new_block[blocks[i]] = i;
  }
  for (Block& block : result.blocks) {
    for (Op& op : block.ops) {
      for (Operand& operand : op.operands) operand.tensor = TensorId(new_tensor[operand.tensor.at()]);
    }
  }
  const auto renumber = [&](std::vector<BlockCall>& block_calls) {
    for (BlockCall& block_call : block_calls) block_call.block = BlockId(new_block[block_call.block.at()]);
  };
  for (StageProgram& stage : result.stages) {
    renumber(stage.prologue);
    renumber(stage.epilogue);
    for (Chunk& chunk : stage.chunks) {
      renumber(chunk.forward);
      renumber(chunk.backward);
      renumber(chunk.last_backward);
    }
  }
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("emit: the program written by hand, line by line") {
  const StepProgram by_hand = golden();
  const StepProgram emitted = renumbered(build_step_program(golden_job()), by_hand);
  const std::vector<std::string> found = lines_of(to_json(emitted));
  const std::vector<std::string> expected = lines_of(to_json(by_hand));
  CHECK(found.size() == expected.size());
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) CHECK(found[i] == expected[i]);
}

TEST_CASE("emit: programs of all kinds of jobs are sound") {
  JobDraw draw(20'240'501);
  std::map<std::string, std::string> jobs;  // by complaint without its numbers: the first job that has it
  for (int i = 0; i < 4000; ++i) {
    const JobSpec job = draw.next();
    for (const std::string& problem : check_program(build_step_program(job))) {
      std::string kind = problem;
      std::erase_if(kind, [](char c) { return c >= '0' && c <= '9'; });
      jobs.try_emplace(kind, problem + "\n    of " + words_for(job));
    }
  }
  std::vector<std::string> complaints;
  for (const auto& [kind, text] : jobs) complaints.push_back(text);
  CHECK(complaints == std::vector<std::string>{});
}
