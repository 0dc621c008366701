# Warnings, hardening and the faster tools where the machine has them.

add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Wconversion -Wshadow -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Both report false positives inside optimised coroutine frames and std::variant.
  add_compile_options(-Wno-maybe-uninitialized -Wno-mismatched-new-delete
                      -Wno-dangling-else) # GoogleTest macros
endif()

find_program(DIVAN_CCACHE ccache)
if(DIVAN_CCACHE)
  # Hits across checkouts and presets: paths below the source folder do not count.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
                                  CCACHE_NOHASHDIR=1 ${DIVAN_CCACHE})
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
endif()

find_program(DIVAN_MOLD mold)
if(DIVAN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# One use of each heavy header: their definitions are compiled once, in net/boost.cc.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                        BOOST_ASIO_NO_DEPRECATED SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)
