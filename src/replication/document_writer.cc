#include "replication/document_writer.h"

#include "db/store.h"
#include "replication/documents_follower.h"
#include "json/parser.h"
#include "json/writer.h"

namespace divan::replication {
namespace {

constexpr int kAttemptsMax = 10;
constexpr Millis kConflictWait{100};

struct Prepared {
    std::shared_ptr<db::Database> database;
    std::optional<db::Edit> edit; // nothing: there is nothing to write
};

Result<Prepared> prepare(db::Store &store, const std::string &name, const std::string &id,
                         const std::string &essence, const DocumentNote &note, Clock &clock) {
    Prepared prepared;
    auto database = store.open(name);
    if (!database.ok() && database.error().code() == ErrorCode::not_found)
        return prepared;
    if (!database.ok())
        return database.error();
    prepared.database = *database;
    DIVAN_TRY(auto head, prepared.database->head(id));
    if (!head || head->deleted)
        return prepared;
    DIVAN_TRY(auto body, winner_body(*prepared.database, *head));
    DIVAN_TRY(auto document, json::parse(body.json, {.depth_max = json::kAnyDepth}));
    if (document_essence(document.object()) != essence || !apply_note(document.object(), note, clock.now()))
        return prepared;
    db::Edit edit;
    edit.id = id;
    edit.parent = head->rev;
    edit.json = json::to_text(document);
    for (const auto &attachment : body.attachments) {
        db::AttachmentEdit stub;
        stub.name = attachment.name;
        edit.attachments.push_back(std::move(stub));
    }
    prepared.edit = std::move(edit);
    return prepared;
}

Task<Result<db::Written>> write(Context &context, std::shared_ptr<db::Database> database, db::Edit edit) {
    using Answer = Result<db::Written>;
    co_return co_await suspend<Answer>([&context, &database, &edit](Resume<Answer> resume) {
        std::vector<db::Edit> edits;
        edits.push_back(std::move(edit));
        auto &loop = context.loop;
        database->write(std::move(edits), db::WriteContext::system(), [&loop, resume](auto answers) {
            loop.post([resume, answer = std::move(answers.front())]() mutable { resume(std::move(answer)); });
        });
    });
}

} // namespace

Task<Result<bool>> write_note(Context &context, db::Store &store, std::string database, std::string id,
                              std::string essence, DocumentNote note, Cancellation &cancellation) {
    auto wait = kConflictWait;
    for (int attempt = 1;; ++attempt) {
        auto prepared = co_await run_on(context.pool, context.loop, [&] {
            return prepare(store, database, id, essence, note, context.clock);
        });
        if (!prepared.ok())
            co_return prepared.error();
        if (!prepared->edit)
            co_return false;
        auto written = co_await write(context, prepared->database, std::move(*prepared->edit));
        if (written.ok())
            co_return true;
        if (written.error().code() != ErrorCode::conflict || attempt == kAttemptsMax)
            co_return written.error();
        auto slept = co_await pause_for(context.loop, wait, cancellation);
        if (!slept.ok())
            co_return slept.error();
        wait *= 2;
    }
}

} // namespace divan::replication
