#pragma once

// What the tests of the pool share.

#include "script/pool.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace divan::script::testing {

inline PoolOptions options() {
    PoolOptions options;
    options.command = {DIVAN_PROGRAM, "script-worker"};
    options.workers_max = 2;
    return options;
}

inline std::shared_ptr<Program> program(std::vector<std::string> sources, std::string library = {}) {
    auto made = std::make_shared<Program>();
    made->database = "db";
    made->design_id = "_design/d";
    made->library = std::move(library);
    for (auto &source : sources) {
        made->key += source;
        made->functions.push_back({"f" + std::to_string(made->functions.size()), std::move(source)});
    }
    return made;
}

inline MapAnswer map(Pool &pool, std::shared_ptr<const Program> program, std::vector<std::string> documents) {
    auto answer = wait_for<MapAnswer>(
        [&](auto done) { pool.map({std::move(program), std::move(documents)}, std::move(done)); });
    EXPECT_TRUE(answer.ok()) << answer.error().reason();
    return answer.ok() ? std::move(answer).value() : MapAnswer();
}

// "0/0 key value" for each row, "0/0 error: reason" for each failure.
inline std::string text(const MapAnswer &answer) {
    std::string text;
    for (const auto &row : answer.rows)
        text += std::to_string(row.document) + "/" + std::to_string(row.function) + " " + row.key + " " +
                row.value + "\n";
    for (const auto &failure : answer.failures)
        text += std::to_string(failure.document) + "/" + std::to_string(failure.function) + " " +
                failure.error.error + ": " + failure.error.reason + "\n";
    return text;
}

inline std::string text(const Outcome &outcome) {
    if (const auto *value = std::get_if<std::string>(&outcome))
        return *value;
    const auto &error = std::get<FunctionError>(outcome);
    return error.error + ": " + error.reason;
}

inline std::vector<std::string> call(Pool &pool, std::shared_ptr<const Program> program,
                                     std::vector<Invocation> invocations) {
    auto answer = wait_for<CallAnswer>(
        [&](auto done) { pool.call({std::move(program), std::move(invocations)}, std::move(done)); });
    EXPECT_TRUE(answer.ok()) << answer.error().reason();
    std::vector<std::string> texts;
    if (answer.ok())
        for (const auto &value : answer->values)
            texts.push_back(text(value));
    return texts;
}

// What emit(expression) puts into the index as a key.
inline std::string emitted(Pool &pool, const std::string &expression, const std::string &document = "{}") {
    return text(map(pool, program({"function(doc) { emit(" + expression + "); }"}), {document}));
}

} // namespace divan::script::testing
