# What every target of the project is built with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(FORESHARD_CCACHE ccache)
if(FORESHARD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FORESHARD_CCACHE})
endif()

add_library(foreshard_options INTERFACE)
add_library(foreshard::options ALIAS foreshard_options)
target_compile_features(foreshard_options INTERFACE cxx_std_20)
target_compile_options(foreshard_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  # g++ 12 sees overlapping copies in sums of strings where there are none (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<COMPILE_LANGUAGE:CXX>>:-Wno-restrict>
  $<$<BOOL:${FORESHARD_WERROR}>:-Werror>)

# What makes a fault in a release build end the program instead of being used: checked calls of the C library
# (_FORTIFY_SOURCE, which takes optimised code), stacks that notice being overwritten, executables at random addresses,
# and relocations that are read-only before the program starts.
option(FORESHARD_HARDEN "Build releases with checks of stacks and buffers, as position-independent executables" ON)
if(FORESHARD_HARDEN AND NOT FORESHARD_SANITIZE AND NOT FORESHARD_LIBRARY_LEVEL STREQUAL "-O0")
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES CXX)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(hardened_source $<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>)
  set(is_optimised $<NOT:$<BOOL:$<TARGET_PROPERTY:FORESHARD_UNOPTIMISED>>>)
  target_compile_options(foreshard_options INTERFACE
    $<${hardened_source}:-fstack-protector-strong>
    $<${hardened_source}:-fstack-clash-protection>
    $<$<AND:${hardened_source},${is_optimised}>:-U_FORTIFY_SOURCE>
    $<$<AND:${hardened_source},${is_optimised}>:-D_FORTIFY_SOURCE=2>)
  target_link_options(foreshard_options INTERFACE $<$<CONFIG:Release>:LINKER:-z,relro,-z,now,-z,noexecstack>)
endif()
if(FORESHARD_SANITIZE)
  target_compile_options(foreshard_options INTERFACE -fsanitize=${FORESHARD_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(foreshard_options INTERFACE -fsanitize=${FORESHARD_SANITIZE})
endif()

# Sources of a target compiled several to a translation unit: a header is then parsed once for many of them. A change of
# one source compiles its neighbours again, so that developers may prefer OFF (the preset debug).
option(FORESHARD_UNITY "Compile several sources of a target as one" ON)
set(FORESHARD_UNITY_BATCH 40 CACHE STRING "How many sources at most are compiled as one")
function(foreshard_unity target)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ${FORESHARD_UNITY} UNITY_BUILD_BATCH_SIZE ${FORESHARD_UNITY_BATCH})
  # g++ takes a source that is included for a header, in which a type with linkage should not hold anonymous ones.
  if(FORESHARD_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
  endif()
endfunction()

# What a release build is compiled with in place of -O3, which takes a third longer and makes planning no faster. The
# runtime's kernels keep -O3. The presets tools and ci have lower levels: the first answer comes sooner, and the tests do.
set(FORESHARD_LIBRARY_LEVEL -O2 CACHE STRING "Optimisation of planner and simulator in release builds")
set(FORESHARD_FILES_LEVEL -O1 CACHE STRING "Optimisation of readers, reports and command line in release builds")
set(FORESHARD_TEST_LEVEL -O1 CACHE STRING "Optimisation of the tests' own sources in release builds")
function(foreshard_optimise target level)
  if(level STREQUAL "-O0")
    set_target_properties(${target} PROPERTIES FORESHARD_UNOPTIMISED ON)
  endif()
  target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:${level}>)
endfunction()
