#pragma once

// A server over an engine that counts, for the budgets of docs/costs.md.

#include "api/testing/in_process_server.h"
#include "kv/testing/counting_engine.h"
#include "kv/testing/temporary_directory.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace divan::api {

struct Request {
    std::string method;
    std::string target;
    std::string body = {};
    net::Headers headers = {};
};

enum class EngineKind : std::uint8_t {
    memory,
    embedded, // RocksDB in a temporary directory
    remote,   // in memory, every call delayed, nothing cached, other writers possible
};

class MeasuredServer {
  public:
    explicit MeasuredServer(EngineKind kind, std::size_t memory_bytes_max = 64 << 20);

    // Stops the test unless the status is below 400.
    Answer ask(const Request &request);
    // What a request asks of the engine. It may answer anything but a server error.
    kv::EngineCalls cost(const Request &request);
    // Another life of the process; the embedded engine is closed and opened again, too.
    void restart();

    [[nodiscard]] kv::EngineCalls calls() const { return counting_->calls(); }
    [[nodiscard]] kv::EngineStats stats() { return engine_->stats(); }
    [[nodiscard]] InProcessServer &server() { return *server_; }

  private:
    void open();

    const EngineKind kind_;
    const std::size_t memory_bytes_max_;
    kv::TemporaryDirectory directory_;
    ManualClock clock_;
    std::unique_ptr<kv::Engine> engine_;
    std::unique_ptr<kv::CountingEngine> counting_;
    std::unique_ptr<InProcessServer> server_;
};

// A database of a measured server, and shorthand to fill it.
class MeasuredDatabase {
  public:
    MeasuredDatabase(MeasuredServer &server, std::string name);

    [[nodiscard]] MeasuredServer &server() { return server_; }
    [[nodiscard]] const std::string &name() const { return name_; }
    [[nodiscard]] Request request(std::string method, std::string path, std::string body = {}) const;

    // Writes a document and returns its revision.
    std::string put(const std::string &id, const std::string &json = R"({"value":1})");
    // The document `id` with this many revisions; returns the newest one.
    std::string put_revisions(const std::string &id, std::size_t count,
                              const std::string &json = R"({"value":1})");
    // The documents of `{"docs":[...]}`: `count` of them, "d00000" and on, each made by `document`.
    using MakeDocument = std::function<std::string(const std::string &id)>;
    [[nodiscard]] static std::string docs(std::size_t count, const MakeDocument &document);
    // Fills the database with such documents, 1,000 a request.
    void fill(std::size_t count, const std::string &members = R"("value":1)");
    // As fill(), each with two leaves: a conflict.
    void fill_with_conflicts(std::size_t count, const std::string &members = R"("value":1)");
    // The revisions that fill() gave: one for all documents, since revisions come of content.
    [[nodiscard]] const std::string &filled_rev() const { return filled_rev_; }

    [[nodiscard]] static std::string id(std::size_t number);

  private:
    MeasuredServer &server_;
    const std::string name_;
    std::string filled_rev_;
};

// The value of a string member of an answer, "rev" say.
[[nodiscard]] std::string string_member(const Answer &answer, std::string_view name);

} // namespace divan::api
