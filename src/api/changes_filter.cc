#include "api/changes_filter.h"

#include "api/function_calls.h"
#include "api/request_object.h"
#include "base/encoding.h"
#include "design/design_documents.h"
#include "design/function_document.h"
#include "design/function_error.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {
namespace {

// What one call of a worker is given at most, but for a single larger document.
constexpr std::size_t kDocumentsPerCallMax = 100;
constexpr std::size_t kBytesPerCallMax = 1 << 20;

// "ddoc/name", each decoded once more, as CouchDB does.
std::vector<std::string> name_parts(std::string_view name) {
    std::vector<std::string> parts;
    while (!name.empty()) {
        auto part = name.substr(0, name.find('/'));
        name.remove_prefix(std::min(name.size(), part.size() + 1));
        if (!part.empty())
            parts.push_back(percent_decode(part, true).value_or(std::string(part)));
    }
    return parts;
}

// The source of a view's map.
Result<std::string> map_source(const design::DesignDocument &document, const std::string &name) {
    DIVAN_TRY(auto stored, document.function("views", name));
    const auto *view = document.view(name);
    if (view == nullptr)
        return Error(ErrorCode::not_found, "missing json key: map");
    return view->map;
}

} // namespace

Result<FunctionFilter> find_function_filter(const Call &call, std::string_view section, std::string_view name,
                                            const char *malformed, const std::optional<std::string> &body) {
    auto parts = name_parts(name);
    if (parts.size() != 2)
        return Error(ErrorCode::bad_request, malformed);
    DIVAN_TRY(auto document, call.services().designs.find(call.database, "_design/" + parts[0]));
    FunctionFilter filter;
    filter.is_map = section == "views";
    Result<std::string> source =
        filter.is_map ? map_source(*document, parts[1]) : document->function(section, parts[1]);
    if (!source.ok())
        return source.error();
    DIVAN_TRY_VOID(require_javascript(*document));
    auto path = filter.is_map ? fmt::format("views.{}.map", parts[1]) : fmt::format("filters.{}", parts[1]);
    filter.program = design::function_program(*call.database, *document, std::move(path), std::move(*source));
    if (!filter.is_map) {
        DIVAN_TRY(filter.request, request_object(call, {.body = body}));
    }
    return filter;
}

Result<FilterBatch> FilterBatch::read(db::Database &database, std::vector<db::Change> &changes,
                                      bool all_leaves, bool conflicts) {
    FilterBatch batch;
    std::vector<std::string> ids;
    for (const auto &change : changes)
        ids.push_back(change.id);
    DIVAN_TRY(auto heads, database.heads(ids, {.bodies = true, .trees = true, .leaves = all_leaves}));
    std::size_t bytes = 0;
    std::size_t taken = 0;
    for (; taken < changes.size() && bytes < db::kPageBytesMax; ++taken) {
        if (!heads[taken])
            continue; // purged meanwhile
        DIVAN_TRY(auto tree, database.tree(*heads[taken]));
        const auto &leaves = changes[taken].leaves;
        for (std::size_t leaf = 0; leaf < (all_leaves ? leaves.size() : 1); ++leaf) {
            const auto &rev = leaves[leaf].rev;
            auto info = tree.find(rev);
            if (!info)
                continue;
            DIVAN_TRY(auto body, database.body(*heads[taken], rev, *info));
            if (!body)
                continue;
            auto conflicting = conflicts ? tree.leaves() : std::vector<doc::Leaf>();
            batch.documents_.push_back(
                {taken, leaves[leaf],
                 design::function_document(ids[taken], *tree.path(rev), info->deleted, *body, conflicting)});
            bytes += batch.documents_.back().json.size();
        }
    }
    auto end = changes.begin() + static_cast<std::ptrdiff_t>(taken);
    std::move(changes.begin(), end, std::back_inserter(batch.changes_));
    changes.erase(changes.begin(), end);
    return batch;
}

void FilterBatch::judge_some(script::Pool &scripts, const FunctionFilter &filter,
                             UniqueFunction<void(Result<std::vector<script::LogLine>>)> done) {
    auto first = judged_;
    std::size_t bytes = 0;
    while (judged_ < documents_.size() && judged_ - first < kDocumentsPerCallMax && bytes < kBytesPerCallMax)
        bytes += documents_[judged_++].json.size();
    if (filter.is_map) {
        script::MapRequest request{filter.program, {}};
        for (auto i = first; i < judged_; ++i)
            request.documents.push_back(std::move(documents_[i].json));
        scripts.map(std::move(request),
                    [this, first, done = std::move(done)](Result<script::MapAnswer> answer) mutable {
                        if (answer.ok() && !answer->failures.empty()) {
                            done(design::to_error(answer->failures.front().error));
                            return;
                        }
                        if (answer.ok())
                            for (const auto &row : answer->rows)
                                documents_[first + row.document].passes = true;
                        done(answer.ok() ? Result<std::vector<script::LogLine>>(std::move(answer->log))
                                         : Result<std::vector<script::LogLine>>(answer.error()));
                    });
        return;
    }
    script::CallRequest request{filter.program, {}};
    for (auto i = first; i < judged_; ++i)
        request.invocations.push_back({0, {std::move(documents_[i].json), filter.request}});
    scripts.call(std::move(request),
                 [this, first, done = std::move(done)](Result<script::CallAnswer> answer) mutable {
                     if (!answer.ok()) {
                         done(answer.error());
                         return;
                     }
                     for (std::size_t i = 0; i < answer->values.size(); ++i) {
                         if (const auto *error = std::get_if<script::FunctionError>(&answer->values[i])) {
                             done(design::to_error(*error));
                             return;
                         }
                         const auto &value = std::get<std::string>(answer->values[i]);
                         documents_[first + i].passes = value != "null" && value != "false" && value != "0" &&
                                                        value != "-0" && value != "\"\"";
                     }
                     done(std::move(answer->log));
                 });
}

std::vector<FilterBatch::Passed> FilterBatch::take_passed() {
    std::vector<std::vector<doc::Leaf>> leaves(changes_.size());
    for (const auto &document : documents_)
        if (document.passes)
            leaves[document.change].push_back(document.leaf);
    std::vector<Passed> passed;
    for (std::size_t i = 0; i < changes_.size(); ++i)
        if (!leaves[i].empty()) {
            changes_[i].leaves = std::move(leaves[i]);
            passed.push_back({std::move(changes_[i]), i + 1});
        }
    return passed;
}

} // namespace divan::api
