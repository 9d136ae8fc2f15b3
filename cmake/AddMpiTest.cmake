# What a test under mpirun needs in its environment, whatever the machine: more ranks than cores (which then yield
# while they wait, and are not bound, so that tests side by side do not share a core), and root, as in a container.
# Open MPI 4 reads OMPI_MCA_*, Open MPI 5 also PRTE_*. It keeps memory until the process ends, which is no leak of ours.
set(FORESHARD_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
  OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
  OMPI_MCA_mpi_yield_when_idle=1
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0)

# Many more ranks than cores prove little that fewer do not, and take minutes: they are for the night.
option(FORESHARD_MANY_RANKS "Run tests under mpirun on the rank counts behind MORE_RANKS too" OFF)

# add_mpi_test(NAME name SOURCES source… RANKS count… [MORE_RANKS count…] [LIBRARIES target…] [TIMEOUT seconds]): one
# executable of Catch test cases; for each rank count one ctest entry, "name: N ranks", that runs them all under mpirun.
function(add_mpi_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT" "SOURCES;RANKS;MORE_RANKS;LIBRARIES")
  if(NOT arg_NAME OR NOT arg_SOURCES OR NOT arg_RANKS OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "add_mpi_test(NAME name SOURCES source… RANKS count… [MORE_RANKS count…] [LIBRARIES target…] [TIMEOUT seconds])")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(FORESHARD_MANY_RANKS)
    list(APPEND arg_RANKS ${arg_MORE_RANKS})
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE foreshard_mpi_test_main foreshard::runtime ${arg_LIBRARIES} foreshard::options)
  foreshard_unity(${arg_NAME})
  foreshard_optimise(${arg_NAME} -O1)
  foreshard_precompile(${arg_NAME} mpi_tests)
  target_compile_definitions(${arg_NAME} PRIVATE FORESHARD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  foreach(ranks IN LISTS arg_RANKS)
    set(test "${arg_NAME}: ${ranks} ranks")
    string(REGEX REPLACE ": 1 ranks$" ": 1 rank" test "${test}")
    add_test(NAME "${test}" COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${arg_NAME}>)
    set_tests_properties("${test}" PROPERTIES LABELS mpi TIMEOUT ${arg_TIMEOUT} PROCESSORS ${ranks}
      ENVIRONMENT "${FORESHARD_MPI_ENVIRONMENT};FORESHARD_CONFIGS=${PROJECT_SOURCE_DIR}/configs")
  endforeach()
endfunction()
