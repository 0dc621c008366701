#include "feed/filter_batch.h"

#include "db/document_text.h"
#include "design/function_document.h"
#include "design/function_error.h"

namespace divan::feed {
namespace {

// What one call of a worker is given at most, but for a single larger document.
constexpr std::size_t kDocumentsPerCallMax = 100;
constexpr std::size_t kBytesPerCallMax = 1 << 20;

// A revision as selectors see it.
std::string selected_document(std::string_view id, const doc::RevId &rev, bool deleted, const db::Body &body,
                              const std::vector<doc::Leaf> &leaves) {
    std::string text;
    db::begin_document_text(text, id, rev, body.json, deleted);
    db::append_other_leaves(text, "_conflicts", leaves, false);
    db::append_attachment_stubs(text, body);
    text.push_back('}');
    return text;
}

} // namespace

Result<FilterBatch> FilterBatch::read(db::Database &database, std::vector<db::Change> &changes, Texts texts) {
    FilterBatch batch;
    std::vector<std::string> ids;
    for (const auto &change : changes)
        ids.push_back(change.id);
    bool trees = texts.all_leaves || texts.conflicts || texts.revisions;
    DIVAN_TRY(auto heads, database.heads(ids, {.bodies = true, .trees = trees, .leaves = texts.all_leaves}));
    std::size_t bytes = 0;
    while (batch.changes_.size() < changes.size() && bytes < db::kPageBytesMax) {
        auto next = batch.changes_.size();
        if (heads[next] && !changes[next].leaves.empty()) { // otherwise purged meanwhile
            DIVAN_TRY(auto added, batch.add_change(database, changes[next], *heads[next], texts));
            bytes += added;
        }
        batch.changes_.push_back(std::move(changes[next]));
    }
    changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(batch.changes_.size()));
    return batch;
}

// Adds the documents of the change that comes next; returns how large they are.
Result<std::size_t> FilterBatch::add_change(db::Database &database, const db::Change &change,
                                            const db::Head &head, Texts texts) {
    auto number = changes_.size();
    const auto &winner = change.leaves.front();
    bool plain = !texts.all_leaves && !texts.conflicts && !texts.revisions;
    if (plain && head.body && head.rev == winner.rev) {
        documents_.push_back(
            {number, winner, db::document_text(head.id, head.rev, *head.body, head.deleted)});
        return documents_.back().json.size();
    }
    DIVAN_TRY(auto tree, database.tree(head));
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < (texts.all_leaves ? change.leaves.size() : 1); ++i) {
        const auto &leaf = change.leaves[i];
        auto info = tree.find(leaf.rev);
        if (!info)
            continue;
        DIVAN_TRY(auto body, database.body(head, leaf.rev, *info));
        if (!body)
            continue;
        auto conflicting = texts.conflicts ? tree.leaves() : std::vector<doc::Leaf>();
        auto text = texts.revisions
                        ? design::function_document(change.id, *tree.path(leaf.rev), info->deleted, *body,
                                                    conflicting)
                        : selected_document(change.id, leaf.rev, info->deleted, *body, conflicting);
        bytes += text.size();
        documents_.push_back({number, leaf, std::move(text)});
    }
    return bytes;
}

void FilterBatch::match(selector::Matcher &matcher) {
    for (; judged_ < documents_.size(); ++judged_)
        documents_[judged_].passes = matcher.matches(documents_[judged_].json);
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

} // namespace divan::feed
