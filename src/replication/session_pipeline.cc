#include "replication/session.h"
#include "replication/stopwatch.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::replication {

using telemetry::Metric;

namespace {

constexpr std::size_t kWrittenBytesMax = 4 << 20; // documents that are written together
constexpr std::size_t kBatchGrowthMax = 4;        // times worker_batch_size
constexpr std::chrono::nanoseconds kFastBatch = std::chrono::milliseconds(500);
constexpr std::size_t kDocumentOverheadBytes = 512; // of a small document in memory

// The number that a sequence begins with, in all servers that are known; nullopt if it has none.
std::optional<std::uint64_t> sequence_number(std::string_view json) {
    if (json.starts_with('"'))
        json.remove_prefix(1);
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), number);
    return error == std::errc() ? std::optional(number) : std::nullopt;
}

bool is_of_function(const Error &error) {
    return error.code() == ErrorCode::function_failed || error.code() == ErrorCode::os_process_error ||
           error.code() == ErrorCode::compilation_error || error.code() == ErrorCode::script_failed;
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

// Of documents whose attachments the target has.
class NothingFollows final : public AttachmentStream {
  public:
    Task<Result<std::optional<Following>>> next() override { co_return std::optional<Following>(); }
    Task<Result<std::string>> read_some(std::size_t /*bytes_max*/) override { co_return std::string(); }
};

} // namespace

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
        session_.count_written(count - std::min(count, refused->size()));
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
            session_.count_written(1);
        co_return Result<void>();
    }

    void note(const Refusal &refusal) {
        session_.count_refused(1);
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

// ---- the reader

// Ids that the target could not hold, by [replicator] max_document_id_length, count as documents that it
// refused.
void Session::refuse_long_ids(std::vector<ChangedDocument> &changes) {
    auto longest =
        static_cast<std::uint64_t>(context_.config.integer("replicator", "max_document_id_length"));
    auto refused = std::erase_if(changes, [&](const auto &change) {
        if (change.id.size() <= longest)
            return false;
        context_.log.warning(
            fmt::format("the id of document `{}` is longer than {} bytes: it is not replicated to {}",
                        change.id, longest, target_->endpoint().shown()));
        return true;
    });
    count_refused(refused);
}

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
        refuse_long_ids(page->changes);
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
            if (gathered.error().code() != ErrorCode::cancelled)
                context_.metrics.count(Metric::replicator_changes_read_failures);
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
    peer_context_.count_checked(batch.changes);
    Result<std::vector<MissingDocument>> missing = std::vector<MissingDocument>();
    {
        Stopwatch watch(context_, progress_, Stage::revs_diff);
        missing = co_await target_->revs_diff(batch.changes);
    }
    if (!missing.ok()) {
        fail(missing.error(), Cause::target);
        co_return missing.error();
    }
    peer_context_.count_missing(*missing);
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

} // namespace divan::replication
