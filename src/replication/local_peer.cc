#include "access/gate.h"
#include "base/encoding.h"
#include "db/document_text.h"
#include "feed/filters.h"
#include "feed/page_reader.h"
#include "replication/document_retry.h"
#include "replication/document_text.h"
#include "selector/limits.h"
#include "telemetry/log.h"
#include "wire/revision_selection.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {
namespace {

// A wait ends after this, so that a stopped feed is noticed.
constexpr Millis kWaitMax{300'000};

// What a local database answers as a peer; the words are those of remote ones.
Error not_found_error(const Context &context, const Endpoint &endpoint) {
    return {ErrorCode::internal_server_error, "db_not_found",
            fmt::format("could not open {}{}/", context.server_url, percent_encode(endpoint.database))};
}

std::string user_context(const std::string &database, const access::Principal &principal) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("db", std::string_view(database));
    if (principal.anonymous())
        writer.null("name");
    else
        writer.member("name", std::string_view(principal.name));
    writer.value("roles", json::Value(json::Array(principal.roles.begin(), principal.roles.end())));
    writer.close();
    return text;
}

// {"query":{...}}: what a filter function sees of the request.
std::string filter_request(const json::Object &params) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.value("query", json::Value(params));
    writer.close();
    return text;
}

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

class LocalPeer final : public Peer {
  public:
    LocalPeer(PeerContext context, const Endpoint &endpoint, std::shared_ptr<db::Database> database)
        : context_(context), endpoint_(endpoint), database_(std::move(database)),
          user_context_(user_context(endpoint.database, context.replication.principal)) {}

    [[nodiscard]] const Endpoint &endpoint() const override { return endpoint_; }
    Task<Result<PeerInfo>> info() override;
    Task<Result<void>> create(const Replication &replication) override;
    Task<Result<std::optional<json::Object>>> read_document(std::string id) override;
    Task<Result<std::string>> write_local(std::string id, json::Object document) override;
    Task<Result<ChangesPage>> changes(ChangesQuery query) override;
    Task<Result<void>> read(std::vector<MissingDocument> wanted, DocumentReceiver &receiver) override;
    Task<Result<std::vector<MissingDocument>>>
    revs_diff(const std::vector<ChangedDocument> &changes) override;
    Task<Result<std::vector<Refusal>>> write(std::vector<Document> documents) override;
    Task<Result<std::optional<Refusal>>> write_with_data(Document document, AttachmentStream &data) override;
    Task<Result<std::string>> ensure_full_commit() override;

  private:
    template <typename Work> auto on_pool(Work work) {
        return run_on(context_.context.pool, context_.context.loop, std::move(work));
    }
    // What is read of a document at once.
    struct Revision {
        Document document;
        db::Body attachments; // without json
    };
    Result<std::vector<Revision>> read_some(std::vector<MissingDocument> &wanted, std::size_t &at);
    Task<Result<void>> give(Revision revision, DocumentReceiver &receiver);
    Task<Result<void>> read_streamed(const MissingDocument &missing, DocumentReceiver &receiver);
    Result<feed::PageOptions> page_options();
    Task<Result<feed::Page>> read_page(std::size_t rows_max);
    Task<Result<void>> judge(const std::shared_ptr<feed::FilterBatch> &batch);
    [[nodiscard]] Result<void> may_write(std::string_view id) const;
    Task<Result<std::vector<Result<db::Written>>>> commit(std::vector<db::Edit> edits);

    PeerContext context_;
    const Endpoint &endpoint_;
    std::shared_ptr<db::Database> database_;
    const std::string user_context_;
    std::optional<feed::PageReader> reader_;
    std::string reader_at_; // where it is, as it was told
    std::shared_ptr<Event> event_;
};

Task<Result<PeerInfo>> LocalPeer::info() {
    if (!database_)
        co_return not_found_error(context_.context, endpoint_);
    auto info = co_await on_pool([&] { return database_->info(); });
    if (!info.ok())
        co_return info.error();
    co_return PeerInfo{json::to_text(json::Value(info->update_seq)), info->instance_start_time};
}

Task<Result<void>> LocalPeer::create(const Replication &what) {
    db::DatabaseOptions options;
    options.q = what.create_q.value_or(options.q);
    options.n = what.create_n.value_or(options.n);
    options.partitioned = what.create_partitioned;
    auto &gate = *context_.context.gate;
    auto made = co_await on_pool([&]() -> Result<std::shared_ptr<db::Database>> {
        DIVAN_TRY(auto *store, gate.catalog(what.principal));
        auto created = store->create(endpoint_.database, options);
        if (!created.ok() && created.error().code() != ErrorCode::file_exists)
            return created.error();
        return gate.open(what.principal, access::Permission::database_member, endpoint_.database);
    });
    if (!made.ok())
        co_return made.error();
    database_ = std::move(*made);
    co_return Result<void>();
}

Task<Result<std::optional<json::Object>>> LocalPeer::read_document(std::string id) {
    co_return co_await on_pool([&]() -> Result<std::optional<json::Object>> {
        std::string text;
        if (id.starts_with("_local/")) {
            DIVAN_TRY(auto local, database_->local(id));
            if (!local)
                return std::optional<json::Object>();
            DIVAN_TRY(auto value, json::parse(local->json, {.depth_max = json::kAnyDepth}));
            value.object().set("_rev", local->rev);
            return std::optional(std::move(value.object()));
        }
        const std::string ids[] = {id};
        DIVAN_TRY(auto texts, database_->texts(ids));
        if (!texts.front())
            return std::optional<json::Object>();
        DIVAN_TRY(auto value, json::parse(*texts.front(), {.depth_max = json::kAnyDepth}));
        return std::optional(std::move(value.object()));
    });
}

Task<Result<std::string>> LocalPeer::write_local(std::string id, json::Object document) {
    std::optional<std::string> rev;
    if (const auto *given = document.find("_rev"); given != nullptr && given->is_string())
        rev = given->string();
    document.erase("_id");
    document.erase("_rev");
    auto text = json::to_text(json::Value(std::move(document)));
    co_return co_await on_pool(
        [&] { return database_->write_local(std::move(id), std::move(text), rev, false); });
}

Task<Result<std::string>> LocalPeer::ensure_full_commit() {
    if (database_->deleted())
        co_return not_found_error(context_.context, endpoint_);
    co_return database_->instance_start_time();
}

// ---- changes

// Blocks on the engine.
Result<feed::PageOptions> LocalPeer::page_options() {
    feed::PageOptions options;
    options.all_leaves = !context_.replication.winning_revs_only;
    const auto &filter = context_.replication.filter;
    auto &context = context_.context;
    switch (filter.kind) {
    case Filter::Kind::none:
        break;
    case Filter::Kind::doc_ids:
        options.doc_ids.emplace(filter.doc_ids.begin(), filter.doc_ids.end());
        break;
    case Filter::Kind::selector: {
        DIVAN_TRY(auto selector, json::parse(filter.selector));
        DIVAN_TRY(options.selector, selector::Selector::compile(selector, selector::limits(context.config)));
        break;
    }
    case Filter::Kind::function: {
        if (filter.name == "_design") {
            options.design_only = true;
            break;
        }
        DIVAN_TRY(auto function,
                  feed::find_function_filter(database_, *context.designs, "filters", filter.name,
                                             "`filter` must be of the form `designname/filtername`"));
        function.request = filter_request(filter.query_params);
        options.function = std::make_shared<feed::FunctionFilter>(std::move(function));
        break;
    }
    case Filter::Kind::view: {
        const auto *view = filter.query_params.find("view");
        DIVAN_TRY(auto function,
                  feed::find_function_filter(database_, *context.designs, "views",
                                             view != nullptr && view->is_string() ? view->string() : "",
                                             "`view` must be of the form `designname/viewname`"));
        options.function = std::make_shared<feed::FunctionFilter>(std::move(function));
        break;
    }
    }
    return options;
}

Task<Result<void>> LocalPeer::judge(const std::shared_ptr<feed::FilterBatch> &batch) {
    const auto &function = *reader_->options().function;
    auto &context = context_.context;
    using Outcome = Result<std::vector<script::LogLine>>;
    while (!batch->done()) {
        auto outcome = co_await suspend<Outcome>([&](Resume<Outcome> resume) {
            auto &loop = context.loop;
            // The pool: looking for a worker may block.
            context.pool.post([&, resume] {
                batch->judge_some(*context.scripts, function, [&loop, resume](Outcome judged) {
                    loop.post([resume, judged = std::move(judged)]() mutable { resume(std::move(judged)); });
                });
            });
        });
        if (!outcome.ok())
            co_return outcome.error();
        if (context_.cancellation.cancelled())
            co_return ErrorCode::cancelled;
        for (const auto &line : *outcome)
            context.log.info(fmt::format("{} {}: {}", function.program->design_id, line.function, line.text));
    }
    co_return Result<void>();
}

Task<Result<feed::Page>> LocalPeer::read_page(std::size_t rows_max) {
    if (!reader_->options().function) {
        co_return co_await on_pool([&] { return reader_->read(rows_max); });
    }
    auto unjudged = co_await on_pool([&] { return reader_->read_unjudged(); });
    if (!unjudged.ok())
        co_return unjudged.error();
    auto judged = co_await judge(unjudged->batch);
    if (!judged.ok())
        co_return judged.error();
    co_return feed::PageReader::judged(std::move(*unjudged));
}

Task<Result<ChangesPage>> LocalPeer::changes(ChangesQuery query) {
    if (!event_) {
        // Before the first read, so that nothing is committed unseen between reading and waiting.
        event_ = std::make_shared<Event>();
        database_->listen(event_);
    }
    if (!reader_ || reader_at_ != query.since) {
        auto opened = co_await on_pool([&]() -> Result<void> {
            DIVAN_TRY(auto options, page_options());
            DIVAN_TRY(auto last, database_->last_sequence());
            auto since = json::parse(query.since);
            auto token = since.ok() && since->is_string() ? since->string() : query.since;
            DIVAN_TRY(auto from, database_->since(token, last));
            reader_.emplace(*database_, std::move(options), from, last);
            return {};
        });
        if (!opened.ok())
            co_return opened.error();
    }
    for (;;) {
        auto page = co_await read_page(query.rows_max);
        if (!page.ok())
            co_return page.error();
        if (page->changes.empty() && query.wait && !page->more) {
            auto woken = co_await wait_for(context_.context.loop, event_, kWaitMax, context_.cancellation);
            if (woken == WaitEnd::cancelled)
                co_return ErrorCode::cancelled;
            if (database_->deleted())
                co_return not_found_error(context_.context, endpoint_);
            // What was passed over is behind us.
            bool moved = page->last > reader_->at();
            reader_->go_on(page->last);
            if (woken == WaitEnd::timeout || moved)
                query.wait = false;
            continue;
        }
        ChangesPage changes;
        auto count = std::min(page->changes.size(), query.rows_max);
        bool cut = count < page->changes.size();
        auto last = cut ? page->changes[count - 1].sequence : page->last;
        for (std::size_t i = 0; i < count; ++i) {
            ChangedDocument document{std::move(page->changes[i].id), {}};
            for (const auto &leaf : page->changes[i].leaves) {
                document.revs.push_back(leaf.rev);
                if (context_.replication.winning_revs_only)
                    break;
            }
            changes.changes.push_back(std::move(document));
        }
        reader_->go_on(last);
        changes.end = !cut && !page->more;
        changes.last = reader_at_ = json::to_text(json::Value(database_->sequence_token(last)));
        auto pending = co_await on_pool([&] { return database_->pending(last); });
        if (!pending.ok())
            co_return pending.error();
        changes.pending = *pending;
        co_return changes;
    }
}

// ---- reading

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
    ++context_.progress.statistics.docs_read;
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

// ---- writing

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

// Design documents are an administrator's, as over HTTP.
Result<void> LocalPeer::may_write(std::string_view id) const {
    if (!id.starts_with("_design/"))
        return {};
    return context_.context.gate->authorize(context_.replication.principal,
                                            access::Permission::database_admin);
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
            if (auto allowed = may_write(id); !allowed.ok()) {
                refusals.push_back({std::move(id), std::move(rev), allowed.error()});
                continue;
            }
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
    auto allowed = may_write(id);
    if (!allowed.ok())
        co_return refused(allowed.error());
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

} // namespace

Task<Result<std::unique_ptr<Peer>>> open_local_peer(PeerContext context, const Endpoint &endpoint) {
    auto &gate = *context.context.gate;
    const auto &principal = context.replication.principal;
    auto opened = co_await run_on(context.context.pool, context.context.loop, [&] {
        return gate.open(principal, access::Permission::database_member, endpoint.database);
    });
    std::shared_ptr<db::Database> database;
    if (opened.ok())
        database = std::move(*opened);
    else if (opened.error().code() != ErrorCode::not_found)
        co_return opened.error();
    // One that is not there may be created; info() tells if it was not.
    co_return std::unique_ptr<Peer>(std::make_unique<LocalPeer>(context, endpoint, std::move(database)));
}

} // namespace divan::replication
