#include "tests/support/run_tests.hpp"

int main(int argc, char** argv) { return foreshard::test::run_tests(argc, argv); }
