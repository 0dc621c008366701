#pragma once

// Runs the cases of test files on a server.

#include "cli/test_expectation.h"
#include "cli/test_file.h"
#include "net/client.h"
#include "script/pool.h"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace divan::cli {

struct CaseResult {
    std::string name; // empty: the file could not be set up, and no case of it was run
    std::vector<Difference> differences;
    std::string reason; // what went wrong besides
    std::chrono::duration<double, std::milli> took{};

    [[nodiscard]] bool ok() const { return differences.empty() && reason.empty(); }
};

class TestRun {
  public:
    // `scripts` runs validation functions; the server all others.
    TestRun(net::Client &client, script::Pool &scripts) : client_(client), scripts_(scripts) {}

    using OnResult = std::function<void(const CaseResult &)>;
    // Makes the database of the file, runs its cases in order, removes the database. Each case sees the
    // documents of the file: after one that may have written the database is made anew.
    void run(const TestFile &file, const OnResult &on_result);

  private:
    Result<net::ClientResponse> send(net::ClientRequest request);
    Result<void> set_up(const TestFile &file);
    Result<void> write_documents(const TestFile &file);
    CaseResult run_case(const TestFile &file, const TestCase &test);
    Result<void> run_view(const TestCase &test, CaseResult &result);
    Result<void> run_filter(const TestCase &test, CaseResult &result);
    Result<void> run_find(const TestCase &test, CaseResult &result);
    Result<void> run_function(const TestCase &test, CaseResult &result);
    Result<void> check_document(const net::ClientResponse &answer, const json::Value &expected,
                                CaseResult &result);
    Result<void> run_validation(const TestFile &file, const TestCase &test, CaseResult &result);

    net::Client &client_;
    script::Pool &scripts_;
    std::string database_; // "/shop"
};

} // namespace divan::cli
