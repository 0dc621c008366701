#include "db/document_text.h"
#include "replication/document_retry.h"
#include "replication/document_text.h"
#include "replication/local_peer.h"
#include "wire/revision_selection.h"

#include <algorithm>

namespace divan::replication {
namespace {

Document to_document(const std::string &id, const doc::RevPath &path, bool deleted, db::Body body,
                     const std::vector<doc::RevId> &ancestors) {
    Document document;
    document.id = id;
    document.path = path;
    document.rev = doc::RevId{path.start, path.hashes.front()};
    document.deleted = deleted;
    document.json = std::move(body.json);
    auto known = newest_known(path, ancestors);
    for (const auto &stored : body.attachments) {
        wire::AttachmentInput attachment;
        attachment.name = stored.name;
        attachment.content_type = stored.content_type;
        attachment.revpos = stored.revpos;
        attachment.digest = db::attachment_digest(stored.data);
        attachment.content_length = stored.data.content_bytes;
        attachment.length = stored.data.stored_bytes;
        attachment.gzip = stored.data.encoding == db::Encoding::gzip;
        attachment.follows = !known || stored.revpos > *known;
        document.attachments.push_back(std::move(attachment));
    }
    return document;
}

// The stored bytes of the attachments that follow.
class StoredAttachments final : public AttachmentStream {
  public:
    StoredAttachments(Context &context, db::Database &database, const db::Body &body,
                      const Document &document)
        : context_(context), database_(database) {
        for (std::size_t i = 0; i < document.attachments.size(); ++i)
            if (document.attachments[i].follows)
                following_.push_back(body.attachments[i]);
    }

    Task<Result<std::optional<Following>>> next() override {
        reader_.reset();
        if (at_ == following_.size())
            co_return std::optional<Following>();
        const auto &attachment = following_[at_++];
        reader_ = database_.open_attachment(attachment.data);
        left_.clear();
        co_return std::optional(Following{attachment.name, attachment.data.encoding == db::Encoding::gzip});
    }
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        if (left_.empty()) {
            auto bytes = co_await run_on(context_.pool, context_.loop, [&] { return reader_->read_some(); });
            if (!bytes.ok())
                co_return bytes.error();
            left_ = std::move(*bytes);
        }
        auto part = left_.substr(0, bytes_max);
        left_.erase(0, part.size());
        co_return part;
    }

  private:
    Context &context_;
    db::Database &database_;
    std::vector<db::Attachment> following_;
    std::size_t at_ = 0;
    std::unique_ptr<db::AttachmentReader> reader_;
    std::string left_;
};

} // namespace

// Some of the documents from `at` on, as many as fit into a page. Blocks on the engine.
Result<std::vector<LocalPeer::Revision>> LocalPeer::read_some(std::vector<MissingDocument> &wanted,
                                                              std::size_t &at) {
    std::vector<Revision> revisions;
    std::vector<std::string> ids;
    constexpr std::size_t kIdsMax = 500;
    for (auto i = at; i < wanted.size() && ids.size() < kIdsMax; ++i)
        ids.push_back(wanted[i].id);
    DIVAN_TRY(auto heads, database_->heads(ids, {.bodies = true, .trees = true, .leaves = true}));
    std::size_t bytes = 0;
    for (const auto &head : heads) {
        const auto &missing = wanted[at++];
        if (!head)
            continue; // purged meanwhile
        DIVAN_TRY(auto tree, database_->tree(*head));
        for (const auto &leaf : wire::select_revisions(tree, missing.revs, true).found) {
            DIVAN_TRY(auto body, database_->body(*head, leaf.rev, leaf.info));
            if (!body)
                continue;
            bytes += body->json.size();
            db::Body attachments;
            attachments.attachments = body->attachments;
            revisions.push_back({to_document(head->id, *tree.path(leaf.rev), leaf.info.deleted,
                                             std::move(*body), missing.possible_ancestors),
                                 std::move(attachments)});
        }
        if (bytes >= db::kPageBytesMax)
            break;
    }
    return revisions;
}

Task<Result<void>> LocalPeer::give(Revision revision, DocumentReceiver &receiver) {
    context_.count_read();
    if (!has_following(revision.document)) {
        auto given = co_await receiver.receive(std::move(revision.document), nullptr);
        co_return given;
    }
    StoredAttachments data(context_.context, *database_, revision.attachments, revision.document);
    auto given = co_await receiver.receive(std::move(revision.document), &data);
    co_return given;
}

Task<Result<void>> LocalPeer::read(std::vector<MissingDocument> wanted, DocumentReceiver &receiver) {
    std::size_t at = 0;
    std::vector<MissingDocument> streamed; // documents with attachments: one by one
    while (at < wanted.size()) {
        auto first = at;
        auto revisions = co_await on_pool([&] { return read_some(wanted, at); });
        if (!revisions.ok())
            co_return revisions.error();
        for (auto &revision : *revisions) {
            if (context_.replication.tuning.use_bulk_get)
                ++context_.progress.statistics.bulk_get_attempts;
            if (!revision.document.attachments.empty()) {
                auto same = [&](const auto &missing) { return missing.id == *revision.document.id; };
                auto origin = std::find_if(wanted.begin() + static_cast<std::ptrdiff_t>(first),
                                           wanted.begin() + static_cast<std::ptrdiff_t>(at), same);
                streamed.push_back(
                    {*revision.document.id, {*revision.document.rev}, origin->possible_ancestors});
                continue;
            }
            if (context_.replication.tuning.use_bulk_get)
                ++context_.progress.statistics.bulk_get_docs;
            auto given = co_await give(std::move(revision), receiver);
            if (!given.ok())
                co_return given;
        }
    }
    auto read_once = [&](const MissingDocument &missing) { return read_streamed(missing, receiver); };
    for (auto &missing : streamed) {
        auto read = co_await read_persistently(context_, Cause::source, std::move(missing), read_once);
        if (!read.ok())
            co_return read;
    }
    co_return Result<void>();
}

Task<Result<void>> LocalPeer::read_streamed(const MissingDocument &missing, DocumentReceiver &receiver) {
    std::vector<MissingDocument> one = {missing};
    std::size_t at = 0;
    auto revisions = co_await on_pool([&] { return read_some(one, at); });
    if (!revisions.ok())
        co_return revisions.error();
    for (auto &revision : *revisions) {
        auto given = co_await give(std::move(revision), receiver);
        if (!given.ok())
            co_return given;
    }
    co_return Result<void>();
}

} // namespace divan::replication
