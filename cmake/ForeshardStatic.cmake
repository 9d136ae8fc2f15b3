# One static program (scripts/build_static.sh): the libraries as archives. Debian has fmt as headers and as a shared library,
# so that its headers are compiled in.
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
set(ZLIB_USE_STATIC_LIBS ON)
find_package(ZLIB REQUIRED)

find_path(FORESHARD_FMT_INCLUDE fmt/format.h REQUIRED)
add_library(fmt INTERFACE)
add_library(fmt::fmt ALIAS fmt)
target_include_directories(fmt SYSTEM INTERFACE ${FORESHARD_FMT_INCLUDE})
target_compile_definitions(fmt INTERFACE FMT_HEADER_ONLY)

find_library(FORESHARD_YAML_ARCHIVE libyaml-cpp.a REQUIRED)
find_path(FORESHARD_YAML_INCLUDE yaml-cpp/parser.h REQUIRED)
add_library(yaml-cpp STATIC IMPORTED)
set_target_properties(yaml-cpp PROPERTIES IMPORTED_LOCATION ${FORESHARD_YAML_ARCHIVE}
  INTERFACE_INCLUDE_DIRECTORIES ${FORESHARD_YAML_INCLUDE})
mark_as_advanced(FORESHARD_FMT_INCLUDE FORESHARD_YAML_ARCHIVE FORESHARD_YAML_INCLUDE)

add_link_options(-static)
