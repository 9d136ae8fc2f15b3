# Built by Emscripten (scripts/build_web.sh): the libraries from their sources, and no programs but the page's module.
#   FORESHARD_WEB_SOURCES   the folder with yaml-cpp/, fmt/ and zlib/, unpacked, and include/ with the headers of Boost
#                           and nlohmann_json alone: /usr/include has headers of another C library
set(FORESHARD_WEB_SOURCES "" CACHE PATH "Sources of the libraries, as scripts/build_web.sh lays them out")
if(NOT EXISTS ${FORESHARD_WEB_SOURCES}/include)
  message(FATAL_ERROR "FORESHARD_WEB_SOURCES names no folder with sources: use scripts/build_web.sh")
endif()
enable_language(C)
# Exceptions that the browser unwinds: those that Emscripten emulates by default make every call slower.
add_compile_options(-fwasm-exceptions)
add_link_options(-fwasm-exceptions)

function(foreshard_web_headers alias)
  string(REPLACE "::" "_" target ${alias})
  add_library(${target} INTERFACE)
  add_library(${alias} ALIAS ${target})
  target_include_directories(${target} SYSTEM INTERFACE ${FORESHARD_WEB_SOURCES}/include)
endfunction()
foreshard_web_headers(Boost::headers)
foreshard_web_headers(nlohmann_json::nlohmann_json)

add_library(fmt STATIC ${FORESHARD_WEB_SOURCES}/fmt/src/format.cc)
add_library(fmt::fmt ALIAS fmt)
target_include_directories(fmt SYSTEM PUBLIC ${FORESHARD_WEB_SOURCES}/fmt/include)

# Of yaml-cpp, its parser, which is what the planner uses.
set(yaml_sources depthguard directives exceptions exp null parser regex_yaml scanner scanscalar scantag scantoken simplekey singledocparser
  stream tag)
list(TRANSFORM yaml_sources PREPEND ${FORESHARD_WEB_SOURCES}/yaml-cpp/src/)
list(TRANSFORM yaml_sources APPEND .cpp)
add_library(yaml-cpp STATIC ${yaml_sources})
set_target_properties(yaml-cpp PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
target_include_directories(yaml-cpp SYSTEM PUBLIC ${FORESHARD_WEB_SOURCES}/yaml-cpp/include)
target_compile_options(yaml-cpp PRIVATE -w)

set(zlib ${FORESHARD_WEB_SOURCES}/zlib)
add_library(zlib STATIC ${zlib}/adler32.c ${zlib}/crc32.c ${zlib}/deflate.c ${zlib}/inflate.c ${zlib}/inftrees.c
  ${zlib}/inffast.c ${zlib}/trees.c ${zlib}/zutil.c)
add_library(ZLIB::ZLIB ALIAS zlib)
target_include_directories(zlib SYSTEM PUBLIC ${zlib})
target_compile_options(zlib PRIVATE -w)
foreach(library IN ITEMS fmt yaml-cpp zlib)
  target_compile_options(${library} PRIVATE -O1)
endforeach()
