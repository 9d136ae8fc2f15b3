#pragma once

namespace foreshard::test {

/// Runs the test cases of this program as its arguments say. Compiled once: Catch2 2 takes long to compile.
/// @return the exit code
int run_tests(int argc, char** argv);

}  // namespace foreshard::test
