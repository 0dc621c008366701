#include "simulation/follower.h"

#include <fmt/format.h>

namespace divan::simulation {

Task<void> Follower::run() {
    const std::string json = "application/json";
    while (!asker_.stopped()) {
        bool last = finishing_;
        auto limit = dice_.between(1, 20);
        auto target = fmt::format("/db/_changes?style=all_docs&feed={}&timeout=20000&limit={}&since={}",
                                  last || dice_.percent(30) ? "normal" : "longpoll", limit, since_);
        auto page = co_await asker_.ask(node_, "GET", target, std::string(), json);
        auto rows = page.ok() ? take(page.body) : std::nullopt;
        if (last && rows && *rows < limit) {
            finished_ = true;
            co_return;
        }
        if (!rows || *rows < limit)
            co_await asker_.pause(dice_.between(Millis(200), Millis(2'000)));
    }
}

std::optional<std::size_t> Follower::take(const json::Value &page) {
    const auto *results = page.is_object() ? page.object().find("results") : nullptr;
    const auto *last = page.is_object() ? page.object().find("last_seq") : nullptr;
    if (results == nullptr || last == nullptr)
        return std::nullopt;
    for (const auto &row : results->array()) {
        std::set<std::string> leaves;
        for (const auto &change : row.object().find("changes")->array())
            leaves.insert(change.object().find("rev")->string());
        seen_[row.object().find("id")->string()] = std::move(leaves);
    }
    since_ = last->string();
    return results->array().size();
}

} // namespace divan::simulation
