#include "replication/session.h"

#include "access/gate.h"
#include "base/encoding.h"
#include "replication/document_text.h"
#include "telemetry/log.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::replication {
namespace {

constexpr std::size_t kWrittenBytesMax = 4 << 20; // documents that are written together
constexpr std::size_t kBatchGrowthMax = 4;        // times worker_batch_size
constexpr std::chrono::nanoseconds kFastBatch = std::chrono::milliseconds(500);
constexpr Millis kLastCheckpointMax{5'000};
constexpr std::size_t kDocumentOverheadBytes = 512; // of a small document in memory

// The number that a sequence begins with, in all servers that are known; nullopt if it has none.
std::optional<std::uint64_t> sequence_number(std::string_view json) {
    if (json.starts_with('"'))
        json.remove_prefix(1);
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), number);
    return error == std::errc() ? std::optional(number) : std::nullopt;
}

// Adds the time that it lives to what a stage waited.
class Stopwatch {
  public:
    Stopwatch(Context &context, Progress &progress, Stage stage)
        : clock_(context.clock), waited_(progress.waited[static_cast<std::size_t>(stage)]),
          began_(clock_.monotonic()) {}
    ~Stopwatch() { waited_ += clock_.monotonic() - began_; }
    Stopwatch(const Stopwatch &) = delete;
    Stopwatch &operator=(const Stopwatch &) = delete;

  private:
    Clock &clock_;
    std::chrono::nanoseconds &waited_;
    std::chrono::nanoseconds began_;
};

Statistics larger(Statistics a, const Statistics &b) {
    a.revisions_checked = std::max(a.revisions_checked, b.revisions_checked);
    a.missing_revisions_found = std::max(a.missing_revisions_found, b.missing_revisions_found);
    a.docs_read = std::max(a.docs_read, b.docs_read);
    a.docs_written = std::max(a.docs_written, b.docs_written);
    a.doc_write_failures = std::max(a.doc_write_failures, b.doc_write_failures);
    a.bulk_get_attempts = std::max(a.bulk_get_attempts, b.bulk_get_attempts);
    a.bulk_get_docs = std::max(a.bulk_get_docs, b.bulk_get_docs);
    return a;
}

// Tells whether what is streamed from one end to the other broke off at its origin.
class WatchedStream final : public AttachmentStream {
  public:
    explicit WatchedStream(AttachmentStream &data) : data_(data) {}
    [[nodiscard]] bool failed() const { return failed_; }

    Task<Result<std::optional<Following>>> next() override {
        auto following = co_await data_.next();
        failed_ |= !following.ok();
        co_return following;
    }
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        auto bytes = co_await data_.read_some(bytes_max);
        failed_ |= !bytes.ok();
        co_return bytes;
    }

  private:
    AttachmentStream &data_;
    bool failed_ = false;
};

// Whether an end of a replication is still the database that it was; "0" is of servers that do not tell.
bool same_instance(const std::string &before, const std::string &now) {
    return before == now || before == "0" || now == "0";
}

bool is_of_function(const Error &error) {
    return error.code() == ErrorCode::function_failed || error.code() == ErrorCode::os_process_error ||
           error.code() == ErrorCode::compilation_error || error.code() == ErrorCode::script_failed;
}

} // namespace

// Of documents whose attachments the target has.
class NothingFollows final : public AttachmentStream {
  public:
    Task<Result<std::optional<Following>>> next() override { co_return std::optional<Following>(); }
    Task<Result<std::string>> read_some(std::size_t /*bytes_max*/) override { co_return std::string(); }
};

// ---- Writer: gathers the documents that a worker reads, and writes them

class Session::Writer final : public DocumentReceiver {
  public:
    explicit Writer(Session &session) : session_(session) {}

    Task<Result<void>> receive(Document document, AttachmentStream *data) override {
        if (data != nullptr) {
            auto streamed = co_await write_streamed(std::move(document), *data);
            co_return streamed;
        }
        // The target may lack what a stub names: then this document is read once more, and not a whole batch.
        if (!document.attachments.empty()) {
            NothingFollows nothing;
            auto written = co_await write_streamed(std::move(document), nothing);
            co_return written;
        }
        bytes_ += document.json.size() + kDocumentOverheadBytes;
        documents_.push_back(std::move(document));
        if (bytes_ < kWrittenBytesMax && documents_.size() < session_.batch_size())
            co_return Result<void>();
        auto written = co_await flush();
        co_return written;
    }

    // Writes what is left.
    Task<Result<void>> flush() {
        auto documents = std::exchange(documents_, {});
        bytes_ = 0;
        if (documents.empty())
            co_return Result<void>();
        auto written = co_await write(std::move(documents));
        co_return written;
    }

    // Whether the target failed, and not the source.
    [[nodiscard]] bool failed() const { return failed_; }

  private:
    Task<Result<void>> write(std::vector<Document> documents) {
        auto count = documents.size();
        Stopwatch watch(session_.context_, session_.progress_, Stage::write);
        auto refused = co_await session_.target_->write(std::move(documents));
        if (!refused.ok()) {
            failed_ = true;
            co_return refused.error();
        }
        session_.progress_.statistics.docs_written += count - std::min(count, refused->size());
        for (const auto &refusal : *refused)
            note(refusal);
        co_return Result<void>();
    }

    Task<Result<void>> write_streamed(Document document, AttachmentStream &data) {
        Stopwatch watch(session_.context_, session_.progress_, Stage::write);
        WatchedStream watched(data);
        auto refused = co_await session_.target_->write_with_data(std::move(document), watched);
        failed_ = !refused.ok() && !watched.failed();
        if (!refused.ok())
            co_return refused.error();
        if (*refused)
            note(**refused);
        else
            ++session_.progress_.statistics.docs_written;
        co_return Result<void>();
    }

    void note(const Refusal &refusal) {
        ++session_.progress_.statistics.doc_write_failures;
        if (session_.context_.on_refusal)
            session_.context_.on_refusal(session_.replication_, refusal);
        session_.context_.log.warning(fmt::format("{} does not take document `{}`, revision {}: {} {}",
                                                  session_.target_->endpoint().shown(), refusal.id,
                                                  refusal.rev, refusal.error.word(), refusal.error.reason()));
    }

    Session &session_;
    std::vector<Document> documents_;
    std::size_t bytes_ = 0;
    bool failed_ = false;
};

// ---- Session

Session::Session(Context &context, const Replication &replication, const ReplicationId &id,
                 Progress &progress, Cancellation &cancellation)
    : context_(context), replication_(replication), log_id_("_local/" + id.base), progress_(progress),
      outer_(cancellation), session_id_(hex_encode(context.random.bytes(16))),
      started_at_(context.clock.now()),
      batches_(context.loop, std::max<std::size_t>(1, replication.tuning.worker_processes)),
      tasks_(context.loop) {
    progress_.batch_size = replication.tuning.worker_batch_size;
    progress_.changes_read = 0;
    progress_.changes_in_flight = 0;
    progress_.updated_on = now();
}

std::size_t Session::batch_size() const {
    return std::max<std::size_t>(1, progress_.batch_size);
}

Cause Session::cause_of(const Error &error, Cause side) const {
    const auto &endpoint = side == Cause::target ? replication_.target : replication_.source;
    switch (error.code()) {
    case ErrorCode::unauthorized:
    case ErrorCode::forbidden:
        return Cause::auth;
    case ErrorCode::insufficient_storage:
    case ErrorCode::storage_failed:
        return Cause::disk;
    case ErrorCode::service_unavailable:
    case ErrorCode::request_timeout:
        return endpoint.local() ? side : Cause::network;
    default:
        return side;
    }
}

void Session::fail(const Error &error, Cause side) {
    if (!failure_) {
        failure_ = Failure{.error = error, .cause = cause_of(error, side), .side = side};
        if (error.code() != ErrorCode::cancelled) {
            progress_.last_error = error.reason();
            progress_.cause = failure_->cause;
        }
    }
    end_pipeline();
}

// In the words of couch_replicator_api_wrap:db_open.
void Session::fail_to_open(const Error &error, Cause side) {
    const auto &endpoint = side == Cause::target ? replication_.target : replication_.source;
    auto cause = cause_of(error, side);
    auto told = error;
    if (cause == Cause::auth)
        told = Error(ErrorCode::internal_server_error, "unauthorized",
                     fmt::format("unauthorized to access or create database {}", endpoint.shown()));
    else if (cause == Cause::network)
        told = Error(ErrorCode::internal_server_error, "db_not_found",
                     fmt::format("could not open {}", endpoint.shown()));
    fail(told, side);
    if (error.code() == ErrorCode::cancelled)
        return;
    if (told != error)
        failure_->detail = error.reason();
    progress_.cause = failure_->cause = cause;
    progress_.last_error = failure_->explained();
}

void Session::end_pipeline() {
    batches_.close();
    requests_.cancel();
    checkpoint_due_->notify();
}

Task<Result<std::unique_ptr<Peer>>> Session::open_peer(const Endpoint &endpoint) {
    PeerContext peer{context_, replication_, progress_, requests_};
    if (endpoint.local()) {
        auto opened = co_await open_local_peer(peer, endpoint);
        co_return opened;
    }
    if (endpoint.clear_text() && context_.config.boolean("replicator", "encrypted_replication"))
        co_return Error(
            ErrorCode::forbidden,
            fmt::format("{} is not encrypted, and [replicator] encrypted_replication asks for it: use https.",
                        endpoint.shown()));
    co_return make_remote_peer(peer, endpoint);
}

Task<Result<void>> Session::open() {
    auto source = co_await open_peer(replication_.source);
    if (!source.ok()) {
        fail(source.error(), Cause::source);
        co_return source.error();
    }
    source_ = std::move(*source);
    auto target = co_await open_peer(replication_.target);
    if (!target.ok()) {
        fail(target.error(), Cause::target);
        co_return target.error();
    }
    target_ = std::move(*target);
    auto source_info = co_await source_->info();
    if (!source_info.ok()) {
        fail_to_open(source_info.error(), Cause::source);
        co_return source_info.error();
    }
    source_info_ = std::move(*source_info);
    progress_.source_seq = source_info_.update_seq;
    if (replication_.create_target) {
        auto created = co_await target_->create(replication_);
        if (!created.ok()) {
            fail(created.error(), Cause::target);
            co_return created.error();
        }
    }
    auto target_info = co_await target_->info();
    if (!target_info.ok()) {
        fail_to_open(target_info.error(), Cause::target);
        co_return target_info.error();
    }
    target_info_ = std::move(*target_info);
    co_return Result<void>();
}

Task<Result<void>> Session::find_start() {
    source_log_.peer = source_.get();
    target_log_.peer = target_.get();
    auto at_source = co_await source_->read_document(log_id_);
    if (!at_source.ok()) {
        fail(at_source.error(), Cause::source);
        co_return at_source.error();
    }
    auto at_target = co_await target_->read_document(log_id_);
    if (!at_target.ok()) {
        fail(at_target.error(), Cause::target);
        co_return at_target.error();
    }
    auto take_rev = [](std::optional<json::Object> &log) {
        std::string rev;
        if (!log)
            return rev;
        if (const auto *given = log->find("_rev"); given != nullptr && given->is_string())
            rev = given->string();
        log->erase("_id");
        log->erase("_rev");
        return rev;
    };
    source_log_.rev = take_rev(*at_source);
    target_log_.rev = take_rev(*at_target);
    auto common = common_point(*at_source ? &**at_source : nullptr, *at_target ? &**at_target : nullptr);
    history_ = std::move(common.history);
    if (*at_source)
        checkpoint_ = std::move(**at_source);
    progress_.statistics = larger(progress_.statistics, counted(history_));
    progress_.before_session = progress_.statistics;
    if (!common.sequence.empty())
        start_seq_ = common.sequence;
    else if (replication_.since_seq)
        start_seq_ = json::to_text(*replication_.since_seq);
    read_seq_ = through_seq_ = checkpointed_seq_ = start_seq_;
    progress_.through_seq = progress_.checkpointed_source_seq = start_seq_;
    co_return Result<void>();
}

// ---- the reader

// Fills a batch from the feed. false: a one-shot replication has read all there was.
Task<Result<bool>> Session::gather(Batch &batch) {
    auto end_number = sequence_number(source_info_.update_seq);
    for (;;) {
        ChangesQuery query;
        query.since = read_seq_;
        query.rows_max = batch_size() - std::min(batch_size() - 1, batch.changes.size());
        query.wait = replication_.continuous && read_to_end_ && batch.changes.empty();
        auto page = co_await source_->changes(std::move(query));
        if (!page.ok())
            co_return page.error();
        batch.changes.insert(batch.changes.end(), std::make_move_iterator(page->changes.begin()),
                             std::make_move_iterator(page->changes.end()));
        read_seq_ = batch.last = page->last;
        read_to_end_ = page->end;
        progress_.changes_pending = page->pending;
        auto number = sequence_number(read_seq_);
        if (number && number > sequence_number(progress_.source_seq))
            progress_.source_seq = read_seq_;
        bool over =
            !replication_.continuous && (page->end || (number && end_number && *number >= *end_number));
        if (over)
            co_return false;
        // Selective filters give few at a time.
        if (page->end || batch.changes.size() >= batch_size())
            co_return true;
    }
}

Task<void> Session::read_changes() {
    for (bool more = true; more && !failure_;) {
        Batch batch;
        batch.number = next_number_++;
        Result<bool> gathered = false;
        {
            Stopwatch watch(context_, progress_, Stage::changes);
            gathered = co_await gather(batch);
        }
        if (!gathered.ok()) {
            fail(gathered.error(), is_of_function(gathered.error()) ? Cause::filter : Cause::source);
            break;
        }
        more = *gathered;
        if (batch.changes.empty()) {
            complete(batch.number, std::move(batch.last));
            continue;
        }
        progress_.changes_read += batch.changes.size();
        progress_.changes_in_flight += batch.changes.size();
        auto pushed = co_await batches_.push(std::move(batch));
        if (!pushed)
            break;
    }
    batches_.close();
}

// ---- the workers

Task<void> Session::work() {
    for (;;) {
        auto batch = co_await batches_.pop();
        if (!batch || failure_)
            break;
        auto began = context_.clock.monotonic();
        auto replicated = co_await replicate_batch(*batch);
        if (!replicated.ok())
            break;
        bool fast = context_.clock.monotonic() - began < kFastBatch && batch->changes.size() >= batch_size();
        if (fast)
            progress_.batch_size = std::min(batch_size() + batch_size() / 2,
                                            replication_.tuning.worker_batch_size * kBatchGrowthMax);
        progress_.changes_in_flight -= batch->changes.size();
        complete(batch->number, std::move(batch->last));
    }
}

Task<Result<void>> Session::replicate_batch(Batch &batch) {
    auto &statistics = progress_.statistics;
    for (const auto &change : batch.changes)
        statistics.revisions_checked += change.revs.size();
    Result<std::vector<MissingDocument>> missing = std::vector<MissingDocument>();
    {
        Stopwatch watch(context_, progress_, Stage::revs_diff);
        missing = co_await target_->revs_diff(batch.changes);
    }
    if (!missing.ok()) {
        fail(missing.error(), Cause::target);
        co_return missing.error();
    }
    for (const auto &document : *missing)
        statistics.missing_revisions_found += document.revs.size();
    Writer writer(*this);
    Result<void> written;
    if (!missing->empty()) {
        Stopwatch watch(context_, progress_, Stage::read);
        written = co_await source_->read(std::move(*missing), writer);
    }
    if (written.ok())
        written = co_await writer.flush();
    if (!written.ok())
        fail(written.error(), writer.failed() ? Cause::target : Cause::source);
    co_return written;
}

void Session::complete(std::uint64_t number, std::string last) {
    completed_[number] = std::move(last);
    while (!completed_.empty() && completed_.begin()->first == through_number_) {
        through_seq_ = std::move(completed_.begin()->second);
        completed_.erase(completed_.begin());
        ++through_number_;
    }
    progress_.through_seq = through_seq_;
    progress_.updated_on = now();
    if (progress_.changes_in_flight == 0 && read_to_end_) {
        progress_.caught_up_at = now();
        progress_.cause = Cause::none;
    }
    auto documents = progress_.statistics.docs_written - documents_at_checkpoint_;
    auto due = replication_.tuning.checkpoint_documents;
    if (due > 0 && documents >= due)
        checkpoint_due_->notify();
}

// ---- checkpoints

Task<Result<void>> Session::write_log(Log &log, const json::Object &document, const char *side) {
    auto failed = [&](const Error &error) {
        return Error(error.code(), std::string(error.word()),
                     fmt::format("Error updating the {} checkpoint document: {}", side, error.reason()));
    };
    for (int attempt = 0;; ++attempt) {
        json::Object copy = document;
        copy.set("_id", log_id_);
        if (!log.rev.empty())
            copy.set("_rev", log.rev);
        auto written = co_await log.peer->write_local(log_id_, std::move(copy));
        if (written.ok()) {
            log.rev = std::move(*written);
            co_return Result<void>();
        }
        if (written.error().code() != ErrorCode::conflict || attempt > 0)
            co_return failed(written.error());
        // It may be what an earlier attempt wrote whose answer was lost.
        auto there = co_await log.peer->read_document(log_id_);
        if (!there.ok())
            co_return failed(there.error());
        const auto *session = *there ? (*there)->find("session_id") : nullptr;
        bool ours = session != nullptr && session->is_string() && session->string() == session_id_;
        const auto *rev = *there ? (*there)->find("_rev") : nullptr;
        if (*there && !ours)
            co_return failed(written.error());
        log.rev = rev != nullptr && rev->is_string() ? rev->string() : std::string();
    }
}

Task<Result<void>> Session::checkpoint() {
    if (!replication_.tuning.use_checkpoints || through_seq_ == checkpointed_seq_)
        co_return Result<void>();
    auto sequence = through_seq_;
    Stopwatch watch(context_, progress_, Stage::checkpoint);
    auto at_source = co_await source_->ensure_full_commit();
    if (!at_source.ok())
        co_return Error(at_source.error().code(), "Failure on source commit: " + at_source.error().reason());
    auto at_target = co_await target_->ensure_full_commit();
    if (!at_target.ok())
        co_return Error(at_target.error().code(), "Failure on target commit: " + at_target.error().reason());
    bool same_source = same_instance(source_info_.instance_start_time, *at_source);
    bool same_target = same_instance(target_info_.instance_start_time, *at_target);
    if (!same_source || !same_target) {
        const char *which = same_source ? "target" : same_target ? "source" : "source and target";
        co_return Error(
            ErrorCode::internal_server_error, "checkpoint_commit_failure",
            fmt::format("instance_start_time on {} database has changed since last checkpoint.", which));
    }
    CheckpointEntry entry{session_id_, started_at_, now(), start_seq_, sequence, progress_.statistics};
    auto document = make_checkpoint(entry, history_, replication_.filter.kind == Filter::Kind::doc_ids);
    auto written = co_await write_log(source_log_, document, "source");
    if (written.ok())
        written = co_await write_log(target_log_, document, "target");
    if (!written.ok())
        co_return written;
    checkpoint_ = std::move(document);
    checkpointed_ = true;
    checkpointed_seq_ = sequence;
    documents_at_checkpoint_ = progress_.statistics.docs_written;
    progress_.checkpointed_source_seq = std::move(sequence);
    co_return Result<void>();
}

// Writes checkpoints until the pipeline has ended.
Task<void> Session::keep_checkpoints() {
    while (!workers_ended_ && !failure_) {
        auto woken = co_await wait_for(context_.loop, checkpoint_due_,
                                       replication_.tuning.checkpoint_interval, requests_);
        if (woken == WaitEnd::cancelled || workers_ended_ || failure_)
            break;
        auto written = co_await checkpoint();
        if (!written.ok())
            fail(written.error(), Cause::target);
    }
}

// After a failure or a stop: what is written need not be looked at again. Bounded in time.
Task<Result<void>> Session::last_checkpoint() {
    requests_.renew();
    auto timer = context_.loop.after(kLastCheckpointMax, [this] { requests_.cancel(); });
    auto written = co_await checkpoint();
    co_return written;
}

SessionResult Session::result() const {
    SessionResult result;
    result.statistics = progress_.statistics;
    if (!replication_.tuning.use_checkpoints) {
        result.checkpoint.append("use_checkpoints", false);
        return result;
    }
    if (!checkpointed_)
        result.checkpoint.append("no_changes", true);
    for (const auto &member : checkpoint_)
        result.checkpoint.set(member.key, member.value);
    return result;
}

Task<SessionEnd> Session::run() {
    auto stopped = outer_.on_cancel([this] {
        if (!failure_)
            failure_ = Failure{Error(ErrorCode::cancelled), Cause::none};
        end_pipeline();
    });
    if (outer_.cancelled())
        co_return Failure{Error(ErrorCode::cancelled), Cause::none};
    auto opened = co_await open();
    if (opened.ok())
        opened = co_await find_start();
    if (!opened.ok())
        co_return *failure_;

    TaskGroup checkpoints(context_.loop);
    checkpoints.start(keep_checkpoints());
    tasks_.start(read_changes());
    for (std::size_t i = 0; i < std::max<std::size_t>(1, replication_.tuning.worker_processes); ++i)
        tasks_.start(work());
    co_await tasks_.join();
    workers_ended_ = true;
    checkpoint_due_->notify();
    co_await checkpoints.join();
    if (failure_) {
        bool other_database = failure_->error.word() == "checkpoint_commit_failure";
        if (!other_database)
            ignore_error(co_await last_checkpoint(), "the session has failed already, or was stopped");
        co_return *failure_;
    }
    auto written = co_await checkpoint();
    if (!written.ok()) {
        fail(written.error(), Cause::target);
        co_return *failure_;
    }
    co_return result();
}

} // namespace divan::replication
