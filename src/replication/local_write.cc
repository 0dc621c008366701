#include "access/gate.h"
#include "replication/local_peer.h"

#include <algorithm>

namespace divan::replication {
namespace {

// Whether the target will not take the document, however often it is tried.
bool refuses(const Error &error) {
    switch (error.code()) {
    case ErrorCode::storage_failed:
    case ErrorCode::insufficient_storage:
    case ErrorCode::service_unavailable:
    case ErrorCode::request_timeout:
    case ErrorCode::outcome_unknown:
    case ErrorCode::missing_stub:
    case ErrorCode::corruption:
    case ErrorCode::cancelled:
        return false;
    case ErrorCode::not_found:
        return error.word() != couch_error_word(ErrorCode::not_found);
    default:
        return true;
    }
}

} // namespace

Task<Result<std::vector<MissingDocument>>> LocalPeer::revs_diff(const std::vector<ChangedDocument> &changes) {
    std::map<std::string, std::vector<doc::RevId>> asked;
    for (const auto &change : changes) {
        auto &revs = asked[change.id];
        revs.insert(revs.end(), change.revs.begin(), change.revs.end());
    }
    auto diff = co_await on_pool([&] { return database_->revs_diff(asked); });
    if (!diff.ok())
        co_return diff.error();
    std::vector<MissingDocument> missing;
    for (auto &[id, revs] : *diff)
        if (!revs.missing.empty())
            missing.push_back({id, std::move(revs.missing), std::move(revs.possible_ancestors)});
    co_return missing;
}

Task<Result<std::vector<Result<db::Written>>>> LocalPeer::commit(std::vector<db::Edit> edits) {
    using Answers = std::vector<Result<db::Written>>;
    auto &loop = context_.context.loop;
    auto answers = co_await suspend<Answers>([&](Resume<Answers> resume) {
        database_->write(
            std::move(edits), db::WriteContext::user(user_context_), [&loop, resume](Answers written) {
                loop.post([resume, written = std::move(written)]() mutable { resume(std::move(written)); });
            });
    });
    co_return answers;
}

Task<Result<std::vector<Refusal>>> LocalPeer::write(std::vector<Document> documents) {
    std::vector<Refusal> refusals;
    std::vector<db::Edit> edits;
    std::vector<std::string> revs;
    // Attachments in the documents themselves are stored on the way.
    auto prepared = co_await on_pool([&]() -> Result<std::vector<wire::PreparedDocument>> {
        std::vector<wire::PreparedDocument> ready;
        for (auto &document : documents) {
            auto id = *document.id;
            auto rev = document.rev->text();
            auto one = wire::prepare_document(context_.context.config, *database_, std::move(document), true);
            if (one.ok()) {
                revs.push_back(std::move(rev));
                ready.push_back(std::move(*one));
            } else if (refuses(one.error())) {
                refusals.push_back({std::move(id), std::move(rev), one.error()});
            } else {
                return one.error();
            }
        }
        return ready;
    });
    if (!prepared.ok())
        co_return prepared.error();
    std::vector<std::string> ids;
    for (auto &document : *prepared) {
        ids.push_back(document.edit.id);
        edits.push_back(std::move(document.edit));
    }
    if (edits.empty())
        co_return refusals;
    auto written = co_await commit(std::move(edits));
    if (!written.ok())
        co_return written.error();
    for (std::size_t i = 0; i < written->size(); ++i) {
        const auto &one = (*written)[i];
        if (one.ok())
            continue;
        if (!refuses(one.error()))
            co_return one.error();
        refusals.push_back({ids[i], revs[i], one.error()});
    }
    co_return refusals;
}

Task<Result<std::optional<Refusal>>> LocalPeer::write_with_data(Document document, AttachmentStream &data) {
    auto rev = document.rev->text();
    auto id = *document.id;
    auto &context = context_.context;
    auto refused = [&](const Error &error) -> Result<std::optional<Refusal>> {
        if (refuses(error))
            return std::optional(Refusal{id, rev, error});
        return error;
    };
    auto prepared = co_await wire::store_following(data, context.config, *database_, context.pool,
                                                   context.loop, std::move(document), true);
    if (!prepared.ok())
        co_return refused(prepared.error());
    std::vector<db::Edit> edits;
    edits.push_back(std::move(prepared->edit));
    auto written = co_await commit(std::move(edits));
    if (!written.ok())
        co_return written.error();
    if (!written->front().ok())
        co_return refused(written->front().error());
    co_return std::optional<Refusal>();
}

} // namespace divan::replication
