#include "api/testing/measured_server.h"

#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

namespace divan::api {
namespace {

constexpr std::size_t kDocumentsPerRequest = 1'000;

} // namespace

MeasuredServer::MeasuredServer(EngineKind kind, std::size_t memory_bytes_max)
    : kind_(kind), memory_bytes_max_(memory_bytes_max) {
    if (kind_ != EngineKind::embedded)
        engine_ = kv::make_memory_engine();
    open();
}

void MeasuredServer::open() {
    server_.reset();
    counting_.reset();
    if (kind_ == EngineKind::embedded) {
        engine_.reset();
        engine_ = kv::open_rocksdb_engine({.directory = directory_.path() / "engine",
                                           .memory_bytes_max = memory_bytes_max_,
                                           .clock = &clock_})
                      .value();
    }
    counting_ = std::make_unique<kv::CountingEngine>(*engine_);
    if (kind_ == EngineKind::remote)
        counting_->set_latency(Millis(1));
    server_ = std::make_unique<InProcessServer>(*counting_);
}

void MeasuredServer::restart() {
    open();
}

Answer MeasuredServer::ask(const Request &request) {
    auto answer = server_->ask(request.method, request.target, request.body, request.headers);
    if (answer.status >= 400 || answer.aborted)
        std::fprintf(stderr, "%s %s: %d %s\n", request.method.c_str(), request.target.c_str(), answer.status,
                     answer.body.c_str());
    DIVAN_CHECK(answer.status < 400 && !answer.aborted);
    return answer;
}

kv::EngineCalls MeasuredServer::cost(const Request &request) {
    auto before = calls();
    auto answer = server_->ask(request.method, request.target, request.body, request.headers);
    DIVAN_CHECK(answer.status < 500 && !answer.aborted);
    return calls() - before;
}

MeasuredDatabase::MeasuredDatabase(MeasuredServer &server, std::string name)
    : server_(server), name_(std::move(name)) {
    server_.ask({"PUT", "/" + name_});
}

Request MeasuredDatabase::request(std::string method, std::string path, std::string body) const {
    return {std::move(method), "/" + name_ + path, std::move(body)};
}

std::string MeasuredDatabase::put(const std::string &id, const std::string &json) {
    return string_member(server_.ask(request("PUT", "/" + id, json)), "rev");
}

std::string MeasuredDatabase::put_revisions(const std::string &id, std::size_t count,
                                            const std::string &json) {
    auto rev = put(id, json);
    for (std::size_t i = 1; i < count; ++i)
        rev = string_member(server_.ask(request("PUT", "/" + id + "?rev=" + rev, json)), "rev");
    return rev;
}

std::string MeasuredDatabase::id(std::size_t number) {
    return fmt::format("d{:05}", number);
}

std::string MeasuredDatabase::docs(std::size_t count, const MakeDocument &document) {
    std::string text = "{\"docs\":[";
    for (std::size_t i = 0; i < count; ++i)
        text.append(i > 0 ? "," : "").append(document(id(i)));
    return text.append("]}");
}

void MeasuredDatabase::fill(std::size_t count, const std::string &members) {
    for (std::size_t begin = 0; begin < count; begin += kDocumentsPerRequest) {
        std::string text = "{\"docs\":[";
        for (auto i = begin; i < std::min(count, begin + kDocumentsPerRequest); ++i)
            text.append(i > begin ? "," : "").append(fmt::format(R"({{"_id":"{}",{}}})", id(i), members));
        filled_rev_ = string_member(server_.ask(request("POST", "/_bulk_docs", text + "]}")), "rev");
    }
}

void MeasuredDatabase::fill_with_conflicts(std::size_t count, const std::string &members) {
    for (const char *hash : {"aa", "bb"})
        server_.ask(
            request("POST", "/_bulk_docs?new_edits=false", docs(count, [&](const std::string &id) {
                        return fmt::format(
                            R"({{"_id":"{}","_rev":"2-{}","_revisions":{{"start":2,"ids":["{}","00"]}},{}}})",
                            id, hash, hash, members);
                    })));
}

std::string string_member(const Answer &answer, std::string_view name) {
    auto mark = fmt::format("\"{}\":\"", name);
    auto at = answer.body.find(mark);
    DIVAN_CHECK(at != std::string::npos);
    auto begin = at + mark.size();
    return answer.body.substr(begin, answer.body.find('"', begin) - begin);
}

} // namespace divan::api
