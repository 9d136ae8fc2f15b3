#include "planner/program/check/check_program.hpp"

#include <algorithm>

#include "tests/planner/program/golden.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::testing;

namespace {
using Problems = std::vector<std::string>;

void erase_op(StepProgram& program, const char* block, const char* name) {
  auto& ops = block_named(program, block).ops;
  const auto found = std::find_if(ops.begin(), ops.end(), [&](const Op& op) { return op.name == name; });
  REQUIRE(found != ops.end());
  ops.erase(found);
}

/// Whether any complaint contains this text.
bool complains(const StepProgram& program, const std::string& text) {
  const Problems problems = check_program(program);
  return std::any_of(problems.begin(), problems.end(),
                     [&](const std::string& problem) { return problem.find(text) != std::string::npos; });
}
}  // namespace

TEST_CASE("structure: ids, names and sizes") {
  StepProgram program = golden();
  SECTION("two tensors of one name") {
    tensor_named(program, "labels").label = "ids";
    CHECK(check_program(program) == Problems{"two tensors are called \"ids\""});
  }
  SECTION("two blocks of one name") {
    block_named(program, "head norm").name = "head zero";
    CHECK(check_program(program) == Problems{"two blocks are called \"head zero\""});
  }
  SECTION("no name") {
    block_named(program, "head norm").name.clear();
    CHECK(check_program(program) == Problems{"a block has no name"});
  }
  SECTION("a group is missing") {
    program.groups.pop_back();
    CHECK(check_program(program) == Problems{"there are 12 groups, not one of each of the 13 kinds"});
  }
  SECTION("groups out of order") {
    program.groups[1].kind = GroupKind::ep;
    CHECK(check_program(program) == Problems{"group 1 is ep, not cp"});
  }
  SECTION("an empty group") {
    program.groups[0].size = 0;
    CHECK(check_program(program) == Problems{"group tp has size 0 and stride 1"});
  }
  SECTION("an empty dimension") {
    tensor_named(program, "grad_norm").dims[0].tp = 0;
    CHECK(check_program(program) ==
          Problems{"tensor grad_norm: dimension flat has size 1, cut into tp 0, cp 1, ep 1, dp 1"});
  }
  SECTION("sections that do not fill the leading dimension") {
    tensor_named(program, "layer.qkv.weight").sections = {8, 4};
    CHECK(check_program(program) ==
          Problems{"tensor layer.qkv.weight: its sections sum to 12, not to the leading dimension of 16"});
  }
  SECTION("an operand out of range") {
    op_named(program, "dense_layer forward", "qkv").operands[1].tensor = TensorId(1000);
    CHECK(
        check_program(program) ==
        Problems{"block \"dense_layer forward\", operation \"qkv\" (forward): tensor 1000 is not one of 60"});
  }
  SECTION("a block out of range") {
    program.stages[1].prologue[0].block = BlockId(99);
    CHECK(check_program(program) == Problems{"stage 1, prologue: block 99 is not one of 21"});
  }
  SECTION("a negative layer") {
    program.stages[1].chunks[0].backward[0].layer = LayerId(-1);
    CHECK(check_program(program) == Problems{"stage 1, backward: layer -1"});
  }
  SECTION("a micro-batch out of range") {
    program.stages[0].order[1].micro_batch = MicroBatch(2);
    CHECK(check_program(program) == Problems{"stage 0: its order has pass forward of chunk 0, micro-batch 2; "
                                             "there are 1 chunks and 2 micro-batches"});
  }
  SECTION("a chunk out of range") {
    program.stages[0].order[1].chunk = ChunkId(1);
    CHECK(complains(program, "stage 0: its order has pass forward of chunk 1"));
  }
  SECTION("no stages, no micro-batches") {
    program.stages.clear();
    program.micro_batches = 0;
    CHECK(check_program(program) == Problems{"there are 0 micro-batches", "there are no stages"});
  }
}

TEST_CASE("schedule: forward once, then backward once") {
  StepProgram program = golden();
  auto& order = program.stages[0].order;  // F0 F1 B0 B1
  SECTION("a backward pass is missing") {
    order.pop_back();
    CHECK(check_program(program)[0] == "stage 0: chunk 0, micro-batch 1 runs backward 0 times, not once");
  }
  SECTION("a forward pass runs twice") {
    order.insert(order.begin(), order[0]);
    CHECK(complains(program, "stage 0: chunk 0, micro-batch 0 runs forward 2 times, not once"));
  }
  SECTION("backward first") {
    std::swap(order[1], order[3]);
    CHECK(complains(program, "stage 0: chunk 0, micro-batch 1 runs backward before forward"));
  }
}

TEST_CASE("schedule: a weight pass of its own once, after backward") {
  StepProgram program = golden();
  StageProgram& stage = program.stages[0];  // F0 F1 B0 B1
  const Slot first{Pass::weight, ChunkId(0), MicroBatch(0)};
  const Slot second{Pass::weight, ChunkId(0), MicroBatch(1)};
  SECTION("where backward has the weight gradients") {
    stage.order.push_back(second);
    CHECK(check_program(program) ==
          Problems{"stage 0: chunk 0, micro-batch 1 runs its weight pass 1 times, but "
                   "its weight gradients are part of its backward pass"});
  }
  SECTION("where the chunk has one") {
    // The embedding's backward is all weight gradient.
    Chunk& chunk = stage.chunks[0];
    chunk.weight = {chunk.backward.back()};
    chunk.backward.pop_back();
    SECTION("once each") {
      stage.order.insert(stage.order.end(), {first, second});
      CHECK(check_program(program) == Problems{});
    }
    SECTION("one is missing") {
      stage.order.push_back(first);
      CHECK(check_program(program)[0] ==
            "stage 0: chunk 0, micro-batch 1 runs its weight pass 0 times, not once");
    }
    SECTION("before backward") {
      stage.order.insert(stage.order.end(), {first, second});
      std::swap(stage.order[3], stage.order[5]);
      CHECK(complains(program, "stage 0: chunk 0, micro-batch 1 runs its weight pass before backward"));
    }
  }
}

TEST_CASE("communication: stages agree on the collectives of a group that spans them") {
  StepProgram program = golden();
  SECTION("one stage calls fewer") {
    auto& epilogue = program.stages[1].epilogue;
    epilogue.erase(epilogue.begin() + 2);
    CHECK(check_program(program) ==
          Problems{"group world: stage 0 calls 1 collectives, but stage 1 calls 0"});
  }
  SECTION("the payloads differ") {
    Block other = block_named(program, "gradient norm");
    other.name = "other norm";
    std::get<Collective>(other.ops[0].kind).reduction = Reduction::max;
    program.blocks.push_back(other);
    program.stages[1].epilogue[2].block = block_id(program, "other norm");
    CHECK(
        check_program(program) ==
        Problems{"group world: at position 0, stage 0 calls all-reduce (sum) of 4 bytes in block \"gradient "
                 "norm\", operation \"all-reduce gradient norm\" (optimizer), but stage 1 calls all-reduce "
                 "(max) of 4 bytes in block \"other norm\", operation \"all-reduce gradient norm\" "
                 "(optimizer)"});
  }
  SECTION("a middle stage is no member of the tied group") {
    Op& op = block_named(program, "gradient norm").ops[0];
    std::get<Collective>(op.kind).group = GroupKind::tied;
    op.lane = Lane::tied;
    CHECK(check_program(program) == Problems{});
    program.stages.insert(program.stages.begin() + 1, program.stages[1]);
    program.groups[static_cast<std::size_t>(GroupKind::tied)].stride =
        2 * program.group(GroupKind::pp).stride;
    CHECK(complains(program, "group tied: stage 1 calls all-reduce (sum) of 4 bytes"));
  }
}

TEST_CASE("communication: every send meets its receive") {
  StepProgram program = golden();
  SECTION("nobody receives") {
    auto& forward = program.stages[1].chunks[0].forward;
    forward.erase(forward.begin());
    CHECK(complains(program, "stage 0 sends 2 times to stage 1, which receives 0 times"));
  }
  SECTION("nobody sends") {
    auto& backward = program.stages[1].chunks[0].backward;
    backward.pop_back();
    CHECK(complains(program, "stage 1 sends 0 times to stage 0, which receives 2 times"));
  }
  SECTION("a share is sent where the whole is expected") {
    std::get<Send>(block_named(program, "send forward").ops[0].kind).payload = Bytes(32);  // 64 / tp
    CHECK(check_program(program) ==
          Problems{"transfer 0 from stage 0 to stage 1: block \"send forward\", operation \"send forward\" "
                   "(forward) sends 32 bytes of layer 1, micro-batch 0, but block \"receive forward\", "
                   "operation \"receive forward\" (forward) receives 64 bytes of layer 1, micro-batch 0"});
  }
  SECTION("micro-batches cross") {
    program.stages[1].order = {{Pass::forward, ChunkId(0), MicroBatch(1)},
                               {Pass::backward, ChunkId(0), MicroBatch(1)},
                               {Pass::forward, ChunkId(0), MicroBatch(0)},
                               {Pass::backward, ChunkId(0), MicroBatch(0)}};
    CHECK(complains(program, "sends 64 bytes of layer 1, micro-batch 0, but"));
    CHECK(complains(program, "receives 64 bytes of layer 1, micro-batch 1"));
  }
}

TEST_CASE("data flow: nothing is read before it is written") {
  StepProgram program = golden();
  SECTION("within a block") {
    auto& ops = block_named(program, "dense_layer forward").ops;
    std::swap(ops[0], ops[1]);  // the qkv product before its norm
    CHECK(check_program(program) ==
          Problems{"stage 0, block \"dense_layer forward\", operation \"qkv\" (forward): reads "
                   "layer.attn_norm.out (layer 0, micro-batch 0) before anything has written it",
                   "stage 1, block \"dense_layer forward\", operation \"qkv\" (forward): reads "
                   "layer.attn_norm.out (layer 1, micro-batch 0) before anything has written it"});
  }
  SECTION("of another layer") {
    program.stages[1].chunks[0].forward[1].layer = LayerId(2);
    CHECK(complains(program,
                    "stage 1, block \"dense_layer forward\", operation \"attention norm\" (forward): "
                    "reads hidden (layer 2, micro-batch 0) before anything has written it"));
  }
  SECTION("gradients are zeroed first") {
    program.stages[0].prologue.erase(program.stages[0].prologue.begin());
    CHECK(check_program(program) ==
          Problems{"stage 0, block \"embedding backward\", operation \"embedding\" (backward_weight): reads "
                   "embedding.weight.grad (layer 0, micro-batch 0) before anything has written it"});
  }
  SECTION("a block's tensors do not outlive it") {
    tensor_named(program, "layer.mid").lifetime = Lifetime::block;
    CHECK(complains(program,
                    "operation \"ffn norm\" (backward_input): reads layer.mid (layer 0, micro-batch 0) "
                    "before anything has written it"));
  }
}

TEST_CASE("data flow: nothing that lives for a micro-batch or less is written in vain") {
  StepProgram program = golden();
  SECTION("a micro-batch tensor") {
    erase_op(program, "head backward", "final norm");
    CHECK(complains(program,
                    "stage 1, block \"head forward\", operation \"final norm\" (forward): writes "
                    "head.norm.stats, which nothing reads"));
  }
  SECTION("a block tensor") {
    Op& residual = op_named(program, "dense_layer forward", "ffn residual");
    residual.operands[1] = residual.operands[0];  // layer.mid + layer.mid
    CHECK(check_program(program) == Problems{"block \"dense_layer forward\", operation \"down\" (forward): "
                                             "writes layer.down, which nothing reads"});
  }
  SECTION("statistics for a backward form that is run elsewhere") {
    Tensor dropped = tensor_named(program, "layer.attn_norm.stats");
    dropped.label = "dropped";
    dropped.lifetime = Lifetime::block;
    program.tensors.push_back(dropped);
    program.blocks.push_back(Block{.name = "again",
                                   .kind = BlockKind::dense_layer,
                                   .pass = Pass::forward,
                                   .ops = {op_named(program, "dense_layer forward", "attention norm")}});
    program.blocks.back().ops[0].operands.back().tensor = TensorId(program.tensors.size() - 1);
    CHECK(check_program(program) == Problems{});
  }
  SECTION("the loss is what the step is for") {
    CHECK_FALSE(complains(program, "head.loss"));
    erase_op(program, "head forward", "loss");
    CHECK_FALSE(complains(program, "head.loss"));
  }
  SECTION("recomputation may write what nobody needs") {
    Op again = op_named(program, "dense_layer forward", "swiglu");
    tensor_named(program, "d.layer.act").role = TensorRole::activation;
    const TensorId unread(program.tensors.size());
    Tensor copy = tensor_named(program, "layer.act");
    copy.label = "again";
    copy.lifetime = Lifetime::block;
    program.tensors.push_back(copy);
    again.operands[1].tensor = unread;
    auto& ops = block_named(program, "dense_layer backward").ops;
    ops.insert(ops.begin(), again);
    CHECK(check_program(program) ==
          Problems{"block \"dense_layer backward\", operation \"swiglu\" (forward): "
                   "writes again, which nothing reads"});
    ops.front().phase = Phase::recompute;
    CHECK(check_program(program) == Problems{});
  }
}
