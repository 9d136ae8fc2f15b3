#include "planner/units/dtype.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("a tensor takes the bytes of its elements and of their scales") {
  // 4096 elements. Scales: none; 4 bytes for each 128; 1 byte for each 32; 1 byte for each 16.
  CHECK(bytes_of(DType::fp32, 4096) == Bytes(16'384));
  CHECK(bytes_of(DType::bf16, 4096) == Bytes(8'192));
  CHECK(bytes_of(DType::fp8, 4096) == Bytes(4'096));
  CHECK(bytes_of(DType::fp8_rowwise, 4096) == Bytes(4'096));
  CHECK(bytes_of(DType::fp8_block, 4096) == Bytes(4'096 + 32 * 4));
  CHECK(bytes_of(DType::mxfp8, 4096) == Bytes(4'096 + 128));
  CHECK(bytes_of(DType::nvfp4, 4096) == Bytes(2'048 + 256));
  // 64 elements share a byte, 64 · 256 of them 4 bytes.
  CHECK(bytes_of(DType::nf4, 4096) == Bytes(2'048 + 64 + 4));
  CHECK(bytes_of(DType::nf4, 64 * 256 * 10) == Bytes(81'920 + 2'560 + 40));
}

TEST_CASE("what does not fill a byte or a group of one scale takes a whole one") {
  // 33 elements: 17 bytes of 4 bits and 3 scales of 16; 33 bytes and 2 scales of 32.
  CHECK(bytes_of(DType::nvfp4, 33) == Bytes(17 + 3));
  CHECK(bytes_of(DType::mxfp8, 33) == Bytes(33 + 2));
  CHECK(bytes_of(DType::nvfp4, 0) == Bytes(0));
}

TEST_CASE("types of 8 and 4 bits need scales") {
  CHECK(is_scaled(DType::fp8));
  CHECK(is_scaled(DType::nvfp4));
  CHECK_FALSE(is_scaled(DType::bf16));
  CHECK_FALSE(is_scaled(DType::uint8));
}
