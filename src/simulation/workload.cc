#include "simulation/workload.h"

#include "base/encoding.h"
#include "json/writer.h"

#include <fmt/format.h>

namespace divan::simulation {
namespace {

const std::string kJson = "application/json";

// "/db/ID", with a query.
std::string path_of(const std::string &id, const std::string &query = {}) {
    return "/db/" + id + (query.empty() ? "" : "?" + query);
}

std::string rev_query(const std::string &rev) {
    return rev.empty() ? std::string() : "rev=" + rev;
}

} // namespace

Task<void> WorkloadClient::run() {
    while (!asker_.stopped()) {
        auto node = dice_.pick(options_.nodes);
        auto id = draw_id();
        auto what = dice_.below(100);
        if (what < 45)
            co_await edit(node, id);
        else if (what < 57)
            co_await erase(node, id);
        else if (what < 68)
            co_await attach(node, id);
        else if (what < 80)
            co_await replicated_edit(node, id);
        else if (what < 96)
            co_await bulk_edit(node);
        else
            co_await asker_.ask(node, "POST", "/db/_compact", std::string(), kJson);
        co_await asker_.pause(dice_.between(Millis(0), options_.pause_max));
    }
}

std::string WorkloadClient::draw_id() {
    return fmt::format("doc-{}", dice_.below(options_.documents));
}

std::string WorkloadClient::draw_text(std::size_t bytes_max) {
    std::string text(static_cast<std::size_t>(dice_.below(bytes_max + 1)), 'x');
    for (auto &letter : text)
        letter = static_cast<char>('a' + dice_.below(26));
    return text;
}

void WorkloadClient::change(json::Object &document, std::int64_t value) {
    document.set("v", value);
    if (dice_.percent(20))
        document.set("text", draw_text(6'000));
}

void WorkloadClient::conclude(std::size_t number, const Answered &answer) {
    if (answer.ok() && !answer.text("rev").empty())
        history_.acknowledge(number, answer.text("rev"));
    else if (answer.refused())
        history_.refuse(number);
}

// Reads, changes, writes: attachments stay as stubs, unless the document is written anew.
Task<void> WorkloadClient::edit(std::string node, std::string id) {
    auto there = co_await asker_.ask(node, "GET", path_of(id), std::string(), kJson);
    if (!there.ok() && there.status != 404)
        co_return;
    json::Object document;
    if (there.ok() && dice_.percent(70))
        document = there.body.object();
    auto value = history_.next_value();
    change(document, value);
    auto number = history_.begin({.node = node, .id = id, .value = value});
    auto target = path_of(id, rev_query(there.text("_rev")));
    auto answer =
        co_await asker_.ask(node, "PUT", target, json::to_text(json::Value(std::move(document))), kJson);
    conclude(number, answer);
}

Task<void> WorkloadClient::erase(std::string node, std::string id) {
    auto there = co_await asker_.ask(node, "GET", path_of(id), std::string(), kJson);
    if (!there.ok())
        co_return;
    auto number = history_.begin({.node = node, .id = id});
    auto target = path_of(id, rev_query(there.text("_rev")));
    auto answer = co_await asker_.ask(node, "DELETE", target, std::string(), kJson);
    conclude(number, answer);
}

Task<void> WorkloadClient::attach(std::string node, std::string id) {
    auto there = co_await asker_.ask(node, "GET", path_of(id), std::string(), kJson);
    if (!there.ok() && there.status != 404)
        co_return;
    auto name = fmt::format("a{}", dice_.below(3));
    auto bytes = draw_text(5'000);
    auto type = std::string(dice_.percent(50) ? "text/plain" : "image/png");
    auto number =
        history_.begin({.node = node, .id = id, .attachment = name, .attachment_bytes = bytes.size()});
    auto target = path_of(id + "/" + name, rev_query(there.text("_rev")));
    auto answer = co_await asker_.ask(node, "PUT", target, std::move(bytes), std::move(type));
    conclude(number, answer);
}

Task<void> WorkloadClient::replicated_edit(std::string node, std::string id) {
    auto there = co_await asker_.ask(node, "GET", path_of(id, "revs=true"), std::string(), kJson);
    if (!there.ok() && there.status != 404)
        co_return;
    json::Array hashes;
    std::int64_t generation = 1;
    const auto *revisions = there.ok() ? there.body.object().find("_revisions") : nullptr;
    if (revisions != nullptr) {
        generation = revisions->object().find("start")->as_int64().value_or(1);
        hashes = revisions->object().find("ids")->array();
        if (dice_.percent(50))
            ++generation; // a successor
        else
            hashes.erase(hashes.begin()); // a sibling
    }
    auto hash = fmt::format("{:016x}{:016x}", dice_.number(), dice_.number());
    hashes.insert(hashes.begin(), json::Value(hash));
    auto rev = fmt::format("{}-{}", generation, hash);
    auto value = history_.next_value();
    json::Object path;
    path.set("start", generation);
    path.set("ids", std::move(hashes));
    json::Object document;
    document.set("_id", id);
    document.set("_rev", rev);
    document.set("_revisions", std::move(path));
    if (dice_.percent(10))
        document.set("_deleted", true);
    change(document, value);
    auto body = R"({"new_edits":false,"docs":[)" + json::to_text(json::Value(std::move(document))) + "]}";
    auto number = history_.begin({.node = node, .id = id, .value = value});
    auto answer = co_await asker_.ask(node, "POST", "/db/_bulk_docs", std::move(body), kJson);
    if (answer.ok() && answer.body.is_array() && answer.body.array().empty())
        history_.acknowledge(number, rev);
    else if (answer.refused())
        history_.refuse(number);
}

// Some are new, the others conflict.
Task<void> WorkloadClient::bulk_edit(std::string node) {
    std::vector<std::size_t> numbers;
    std::string body = R"({"docs":[)";
    auto count = dice_.between(2, 6);
    for (std::uint64_t i = 0; i < count; ++i) {
        auto value = history_.next_value();
        auto id = dice_.percent(20) ? draw_id() : fmt::format("bulk-{}", value);
        json::Object document;
        document.set("_id", id);
        change(document, value);
        body.append(i > 0 ? "," : "").append(json::to_text(json::Value(std::move(document))));
        numbers.push_back(history_.begin({.node = node, .id = id, .value = value}));
    }
    body.append("]}");
    auto answer = co_await asker_.ask(node, "POST", "/db/_bulk_docs", std::move(body), kJson);
    if (!answer.ok() || !answer.body.is_array() || answer.body.array().size() != numbers.size()) {
        for (auto number : numbers)
            if (answer.refused())
                history_.refuse(number);
        co_return;
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        Answered one{201, answer.body.array()[i]};
        if (one.text("error") == "conflict")
            history_.refuse(numbers[i]);
        else if (one.text("error").empty())
            conclude(numbers[i], one);
    }
}

} // namespace divan::simulation
