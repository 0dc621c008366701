# The modules, lowest first, and every edge that is allowed between them. Layers point down only.

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(simdjson REQUIRED)
find_package(RocksDB REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(ICU REQUIRED COMPONENTS i18n uc)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SpiderMonkey REQUIRED IMPORTED_TARGET mozjs-102)
pkg_check_modules(Seccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(XxHash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(Pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(Ldap REQUIRED IMPORTED_TARGET ldap)
pkg_check_modules(XmlSec REQUIRED IMPORTED_TARGET xmlsec1-openssl)
if(DIVAN_TESTS)
  find_package(GTest REQUIRED)
endif()

# Layer 0
divan_module(base LINK fmt::fmt Threads::Threads)
divan_module(json DEPENDS base LINK simdjson::simdjson)
divan_module(crypto DEPENDS base LINK OpenSSL::Crypto ICU::uc)
divan_module(crypto/testing DEPENDS base crypto LINK OpenSSL::Crypto)
divan_module(xml DEPENDS base crypto LINK PkgConfig::XmlSec TEST_DEPENDS crypto/testing)
divan_module(xml/testing DEPENDS base crypto xml LINK PkgConfig::XmlSec TEST_DEPENDS crypto/testing)
divan_module(config DEPENDS base crypto LINK yaml-cpp)
divan_module(telemetry DEPENDS base LINK spdlog::spdlog)
divan_module(collation DEPENDS base json LINK ICU::i18n ICU::uc)

# Layer 1
divan_module(kv DEPENDS base)
divan_module(kv/memory DEPENDS base kv)
divan_module(kv/rocksdb DEPENDS base kv LINK RocksDB::rocksdb-shared)
divan_module(kv/testing DEPENDS base kv kv/memory kv/rocksdb LINK RocksDB::rocksdb-shared)
divan_module(doc DEPENDS base)
divan_module(selector DEPENDS base json config collation LINK PkgConfig::Pcre2 ICU::uc)
divan_module(selector/testing DEPENDS base json collation selector LINK ICU::uc)
if(DIVAN_TESTS)
  add_executable(selector_match src/selector/testing/main.cc)
  target_link_libraries(selector_match PRIVATE divan_selector)
endif()
divan_module(script DEPENDS base json TEST_PROGRAM)
divan_module(script/worker DEPENDS base json script LINK PkgConfig::SpiderMonkey PkgConfig::Seccomp)
# SpiderMonkey is built without types at run time, which the sanitizer would look at.
target_compile_options(divan_script_worker PRIVATE -fno-sanitize=vptr)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # SpiderMonkey's roots are a list of addresses on the stack.
  target_compile_options(divan_script_worker PRIVATE -Wno-dangling-pointer)
endif()
divan_module(net DEPENDS base crypto LINK Boost::headers OpenSSL::SSL ZLIB::ZLIB)

# Layer 2
divan_module(db DEPENDS base json crypto config telemetry kv doc TEST_DEPENDS kv/memory kv/rocksdb kv/testing)
divan_module(audit DEPENDS base json crypto config telemetry kv net TEST_DEPENDS kv/memory)
divan_module(audit/testing DEPENDS base audit kv kv/rocksdb)
if(DIVAN_TESTS)
  add_executable(audit_tamper src/audit/testing/main.cc)
  target_link_libraries(audit_tamper PRIVATE divan_audit_testing)
endif()
divan_module(anomaly DEPENDS base json crypto config telemetry net audit TEST_DEPENDS kv kv/memory)

# Layer 3
divan_module(design DEPENDS base json crypto config collation selector script doc kv db TEST_DEPENDS kv/memory kv/rocksdb kv/testing)
divan_module(index DEPENDS base config telemetry kv db TEST_DEPENDS kv/memory)
divan_module(views DEPENDS base json crypto config telemetry collation selector script kv db design index
             LINK PkgConfig::XxHash TEST_DEPENDS kv/memory kv/rocksdb kv/testing)
divan_module(feed DEPENDS base json selector script doc kv db design TEST_DEPENDS kv/memory)
divan_module(wire DEPENDS base json config doc net db TEST_DEPENDS kv kv/memory)
divan_module(mango DEPENDS base json crypto collation selector kv db design views TEST_DEPENDS kv/memory)

# Layer 4
divan_module(access DEPENDS base json crypto xml config telemetry selector doc net kv db audit LINK PkgConfig::Ldap
             TEST_DEPENDS crypto/testing xml/testing kv/memory)
divan_module(replication DEPENDS base json crypto config telemetry selector script doc net kv db design feed wire access
             TEST_DEPENDS kv/memory)

# Layer 5
divan_module(api DEPENDS base json crypto config telemetry collation selector script doc net db audit anomaly design index
                 views mango feed wire access replication
             TEST_DEPENDS kv/memory)
divan_module(api/testing DEPENDS base json collation config telemetry script kv kv/memory kv/rocksdb kv/testing net db design
                                 views access replication api
             TEST_PROGRAM)
target_compile_definitions(divan_api_testing PRIVATE DIVAN_PROGRAM="${CMAKE_BINARY_DIR}/divan")
divan_module(simulation DEPENDS base json crypto config telemetry script doc kv kv/memory net db design views access replication api
             LINK fmt::fmt)

# Layer 6
divan_module(server DEPENDS base json crypto config telemetry selector script kv kv/memory kv/rocksdb net db audit anomaly
             design views wire access replication api)
divan_module(cli DEPENDS base json crypto config telemetry script script/worker net audit design access replication api server
             LINK CLI11::CLI11 fmt::fmt yaml-cpp)

add_executable(divan src/cli/main.cc)
target_link_libraries(divan PRIVATE divan_cli)
