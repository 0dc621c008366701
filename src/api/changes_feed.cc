#include "api/changes_feed.h"

#include "access/standing.h"
#include "api/document_handlers.h"
#include "api/function_calls.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "db/visibility.h"
#include "telemetry/metrics.h"
#include "json/writer.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace divan::api {
namespace {

// How often a feed without heartbeat looks whether its client is there while a function runs.
constexpr Millis kFilterPause{60'000};

// Rows and where to go on.
struct Part {
    std::string text;
    std::uint64_t rows = 0;
    std::uint64_t examined = 0; // rows that were read for them, by a feed that judges documents
    kv::Sequence at;            // behind the last row read
    bool more = false;          // the feed has rows behind `at` already
    bool full = false;          // the limit was reached
};

// An answer of a worker that the feed waits for.
struct Judgement {
    std::mutex mutex;
    std::optional<Result<std::vector<script::LogLine>>> outcome;
    std::shared_ptr<Event> event = std::make_shared<Event>();

    std::optional<Result<std::vector<script::LogLine>>> take() {
        std::lock_guard lock(mutex);
        return std::exchange(outcome, std::nullopt);
    }
};

class Feed {
  public:
    Feed(Call &call, FeedOptions options)
        : call_(call), options_(std::move(options)),
          standing_(call.services().authenticator, call.principal) {
        standing_.need(call.services().gate, call.permission, *call.database);
    }

    Task<Result<void>> serve();

  private:
    db::Database &database() { return *call_.database; }
    const feed::PageOptions &pages() const { return reader_->options(); }
    std::string heartbeat_text() const;
    bool framed() const { return options_.kind == FeedKind::normal || options_.kind == FeedKind::longpoll; }

    // On the engine pool.
    Result<Part> read_part();
    Result<Part> write_part(feed::Page page);
    Result<void> append_row(std::string &out, const db::Change &change, const std::optional<db::Head> &head);
    Result<void> append_document(std::string &out, const db::Change &change,
                                 const std::optional<db::Head> &head);
    Result<std::optional<std::string>> document_text(const db::Change &change,
                                                     const std::optional<db::Head> &head);
    void append_event(std::string &out, const db::Change &change);
    Result<void> append_change(std::string &out, const db::Change &change,
                               const std::optional<db::Head> &head);
    void append_plain_token(std::string &out, kv::Sequence sequence);
    void append_token(std::string &out, kv::Sequence sequence);
    Result<std::string> closing_text();

    // On the connection.
    Task<Result<Part>> next_part();
    Task<Result<void>> judge(std::shared_ptr<feed::FilterBatch> batch);
    Task<Result<void>> beat();
    std::string etag();
    Task<Result<void>> start();
    Task<Result<void>> write(std::string text);
    Task<Result<void>> run();
    Task<Result<bool>> wait();
    Task<Result<void>> finish();

    Call &call_;
    FeedOptions options_;
    access::Standing standing_;
    std::optional<feed::PageReader> reader_; // from serve() on
    kv::Sequence last_;                      // of the database, when the request came
    std::uint64_t sent_ = 0;
    // Where the last reading began: at the start, or when something was committed while waiting.
    kv::Sequence round_at_;
    std::uint64_t round_sent_ = 0;
    std::uint64_t row_number_ = 0;
    std::uint64_t examined_ = 0; // rows whose documents were judged
    bool started_ = false;
    std::chrono::nanoseconds last_beat_{};
    bool exhausted_ = false; // nothing lies behind the reader
    std::shared_ptr<Event> event_;
    const std::shared_ptr<db::Database> whole_ = db::whole(call_.database);
    std::string plain_token_; // before it is sealed
    std::string token_tail_;  // of tokens in the newest run
    kv::Sequence token_tail_from_{~std::uint64_t{0}};
};

// Tokens of one run differ in their number only.
void Feed::append_plain_token(std::string &out, kv::Sequence sequence) {
    if (sequence < token_tail_from_) {
        auto token = whole_->sequence_token(sequence);
        token_tail_ = token.substr(token.find('-'));
        token_tail_from_ = whole_->newest_run_begin();
        if (sequence < token_tail_from_) {
            out.append(token);
            token_tail_from_ = kv::Sequence(~std::uint64_t{0});
            return;
        }
    }
    out.append(std::to_string(sequence.value)).append(token_tail_);
}

void Feed::append_token(std::string &out, kv::Sequence sequence) {
    const auto *visibility = database().visibility();
    if (visibility == nullptr) {
        append_plain_token(out, sequence);
        return;
    }
    plain_token_.clear();
    append_plain_token(plain_token_, sequence);
    visibility->append_sealed(out, plain_token_);
}

Result<void> Feed::append_document(std::string &out, const db::Change &change,
                                   const std::optional<db::Head> &head) {
    out.append(",\"doc\":");
    DIVAN_TRY(auto text, document_text(change, head));
    if (options_.fields && text)
        options_.fields->append(out, *text);
    else
        out.append(text.value_or("null"));
    return {};
}

// nullopt: there is none (any more).
Result<std::optional<std::string>> Feed::document_text(const db::Change &change,
                                                       const std::optional<db::Head> &head) {
    if (!head)
        return std::optional<std::string>();
    if (options_.document.plain() && head->body && head->rev == change.leaves.front().rev)
        return std::optional(wire::plain_document_json(*head, *head->body));
    DIVAN_TRY(auto tree, database().tree(*head));
    auto document = wire::write_document(database(), *head, tree, tree.winner(), options_.document);
    return document.ok() ? std::optional(std::move(document->json)) : std::nullopt;
}

void Feed::append_event(std::string &out, const db::Change &change) {
    auto colon = change.id.find(':');
    out.append("{\"db_name\":");
    json::write_string(out, std::string_view(change.id).substr(colon + 1));
    out.append(",\"type\":");
    json::write_string(out, std::string_view(change.id).substr(0, colon));
    out.append(",\"seq\":\"");
    append_token(out, change.sequence);
    out.append("\"}");
}

Result<void> Feed::append_row(std::string &out, const db::Change &change,
                              const std::optional<db::Head> &head) {
    bool event_source = options_.kind == FeedKind::eventsource;
    if (event_source)
        out.append("data: ");
    if (options_.database_events) {
        append_event(out, change);
    } else {
        DIVAN_TRY_VOID(append_change(out, change, head));
    }
    if (event_source) {
        out.append("\nid: \"");
        append_token(out, change.sequence);
        out.append("\"\n\n");
    }
    return {};
}

Result<void> Feed::append_change(std::string &out, const db::Change &change,
                                 const std::optional<db::Head> &head) {
    out.append("{\"seq\":");
    // With seq_interval only every n-th row pays for a sequence; counted as fabric_view_changes does,
    // down from the limit.
    constexpr std::uint64_t kLimitDefault = 10'000'000'000'000'000;
    bool with_sequence = (options_.limit.value_or(kLimitDefault) - row_number_) % options_.seq_interval == 0;
    ++row_number_;
    if (with_sequence) {
        out.push_back('"');
        append_token(out, change.sequence);
        out.push_back('"');
    } else {
        out.append("null");
    }
    out.append(",\"id\":");
    json::write_string(out, change.id);
    out.append(",\"changes\":[");
    auto count = pages().all_leaves ? change.leaves.size() : std::min<std::size_t>(1, change.leaves.size());
    for (std::size_t i = 0; i < count; ++i) {
        out.append(i > 0 ? ",{\"rev\":\"" : "{\"rev\":\"");
        change.leaves[i].rev.append_text(out);
        out.append("\"}");
    }
    out.push_back(']');
    if (change.deleted)
        out.append(",\"deleted\":true");
    if (options_.include_docs) {
        DIVAN_TRY_VOID(append_document(out, change, head));
    }
    out.push_back('}');
    return {};
}

// The next page of a reader without a function. More than the rest of the limit and one are not read: the one
// tells whether there is more.
Result<Part> Feed::read_part() {
    std::optional<std::uint64_t> rows_wanted;
    if (options_.limit)
        rows_wanted = *options_.limit - sent_ + 1;
    DIVAN_TRY(auto page, reader_->read(rows_wanted));
    if (options_.database_events)
        std::erase_if(page.changes,
                      [](const db::Change &change) { return change.id.find(':') == std::string::npos; });
    return write_part(std::move(page));
}

Result<Part> Feed::write_part(feed::Page page) {
    Part part;
    part.more = page.more;
    part.at = page.last;
    auto cut = [&](std::size_t count) {
        page.changes.resize(count);
        part.more = true;
        part.at = count == 0 ? reader_->at() : page.changes.back().sequence;
        part.examined = count == 0 || page.examined.empty() ? 0 : page.examined[count - 1];
    };
    if (options_.limit && page.changes.size() > *options_.limit - sent_) {
        cut(static_cast<std::size_t>(*options_.limit - sent_));
        part.full = true;
    }
    std::vector<std::optional<db::Head>> heads(page.changes.size());
    if (options_.include_docs) {
        std::vector<std::string> ids;
        for (const auto &change : page.changes)
            ids.push_back(change.id);
        DIVAN_TRY(heads, database().heads(ids, {.bodies = true, .trees = !options_.document.plain()}));
    }
    part.text.reserve(page.changes.size() * 160);
    bool looked_up_down = pages().descending && reader_->reads_all_at_once(); // read once, as a whole
    for (std::size_t i = 0; i < page.changes.size(); ++i) {
        if (part.text.size() >= db::kPageBytesMax && !looked_up_down) {
            cut(i);
            part.full = false;
            break;
        }
        if (framed() && sent_ + i > 0)
            part.text.append(",\r\n");
        DIVAN_TRY_VOID(append_row(part.text, page.changes[i], heads[i]));
        if (options_.kind == FeedKind::continuous)
            part.text.push_back('\n');
    }
    part.rows = page.changes.size();
    part.full |= options_.limit && sent_ + part.rows >= *options_.limit;
    if (part.examined == 0)
        part.examined = page.examined_count;
    return part;
}

Task<Result<Part>> Feed::next_part() {
    if (!pages().function) {
        co_return co_await call_.on_engine([&] { return read_part(); });
    }
    auto unjudged = co_await call_.on_engine([&] { return reader_->read_unjudged(); });
    if (!unjudged.ok())
        co_return unjudged.error();
    auto judged = co_await judge(unjudged->batch);
    if (!judged.ok())
        co_return judged.error();
    co_return co_await call_.on_engine(
        [&] { return write_part(feed::PageReader::judged(std::move(*unjudged))); });
}

// Has the filter's function judge the batch. The connection is held by nothing: heartbeats go on, and a
// client that goes away is not waited for.
Task<Result<void>> Feed::judge(std::shared_ptr<feed::FilterBatch> batch) {
    while (!batch->done()) {
        auto judgement = std::make_shared<Judgement>();
        batch->judge_some(call_.services().scripts, *pages().function,
                          [batch, judgement](Result<std::vector<script::LogLine>> outcome) {
                              {
                                  std::lock_guard lock(judgement->mutex);
                                  judgement->outcome = std::move(outcome);
                              }
                              judgement->event->notify();
                          });
        auto outcome = judgement->take();
        while (!outcome) {
            auto wake =
                co_await call_.exchange().wait(judgement->event, options_.heartbeat.value_or(kFilterPause));
            if (wake == net::Wake::closed)
                co_return ErrorCode::cancelled;
            auto beaten = co_await beat();
            if (!beaten.ok())
                co_return beaten.error();
            outcome = judgement->take();
        }
        if (!outcome->ok())
            co_return outcome->error();
        log_lines(call_, pages().function->program->design_id, **outcome);
    }
    co_return Result<void>();
}

Result<std::string> Feed::closing_text() {
    std::uint64_t pending = 0;
    if (!database().deleted() && (pages().by_id() || !exhausted_)) {
        // Downwards the rows that were not sent lie below. With these filters CouchDB counts what they left
        // out as pending, too (fabric_rpc:changes_enumerator sees only what they let pass).
        auto since = pages().descending ? kv::Sequence(0) : pages().by_id() ? round_at_ : reader_->at();
        DIVAN_TRY(pending, database().pending(since));
        auto read = pages().by_document() ? examined_ : sent_;
        if (pages().descending || pages().by_id())
            pending -= std::min(pending, pages().descending ? read : round_sent_);
    }
    std::string text = framed() ? "\n],\n\"last_seq\":\"" : "{\"last_seq\":\"";
    append_token(text, reader_->at());
    text.push_back('"');
    if (!options_.database_events)
        text.append(",\"pending\":").append(std::to_string(pending));
    text.append("}\n");
    text.push_back('\n');
    return text;
}

std::string Feed::etag() {
    return "\"" +
           hex_encode(crypto::md5(database().uuid() + database().sequence_token(last_))).substr(0, 25) + "\"";
}

// Sends the head of the answer, once.
Task<Result<void>> Feed::start() {
    if (std::exchange(started_, true))
        co_return Result<void>();
    net::Headers headers;
    if (options_.kind == FeedKind::eventsource) {
        headers.add("Content-Type", "text/event-stream");
        headers.add("Cache-Control", "no-cache");
    }
    if (options_.kind == FeedKind::normal)
        headers.add("ETag", etag());
    auto started = co_await call_.start_json(std::move(headers));
    if (started.ok() && framed())
        started = co_await call_.response().write("{\"results\":[\n");
    co_return started;
}

Task<Result<void>> Feed::write(std::string text) {
    auto started = co_await start();
    if (!started.ok())
        co_return started.error();
    last_beat_ = call_.services().clock.monotonic();
    co_return co_await call_.response().write(std::move(text));
}

// A filter that passes nothing, or takes long, must not look like a dead connection.
Task<Result<void>> Feed::beat() {
    if (!options_.heartbeat || call_.services().clock.monotonic() - last_beat_ < *options_.heartbeat)
        co_return Result<void>();
    co_return co_await write(heartbeat_text());
}

std::string Feed::heartbeat_text() const {
    return options_.kind == FeedKind::eventsource ? "event: heartbeat\ndata: \n\n" : "\n";
}

// true: look again; false: the feed ends.
Task<Result<bool>> Feed::wait() {
    auto started = co_await start();
    if (!started.ok())
        co_return started.error();
    auto pause = options_.heartbeat.value_or(options_.timeout);
    for (;;) {
        if (options_.kind == FeedKind::continuous && !options_.heartbeat && sent_ == 0) {
            auto written = co_await write("\n");
            if (!written.ok())
                co_return written.error();
        }
        auto left = standing_.time_left();
        bool ends = left && *left <= pause;
        auto wake = co_await call_.exchange().wait(event_, ends ? *left : pause);
        if (wake == net::Wake::event)
            co_return !database().deleted();
        if (wake == net::Wake::closed || ends || !options_.heartbeat)
            co_return false;
        auto written = co_await write(heartbeat_text());
        if (!written.ok())
            co_return written.error();
    }
}

Task<Result<void>> Feed::finish() {
    Result<std::string> text = std::string(options_.limit && sent_ >= *options_.limit ? "\n" : "");
    if (options_.kind != FeedKind::eventsource)
        text = co_await call_.on_engine([&] { return closing_text(); });
    if (!text.ok())
        co_return text.error();
    auto written = co_await write(std::move(*text));
    if (!written.ok())
        co_return written.error();
    co_return co_await call_.response().finish();
}

Task<Result<void>> Feed::run() {
    last_beat_ = call_.services().clock.monotonic();
    for (;;) {
        if (options_.limit && sent_ >= *options_.limit)
            break;
        // Who has lost what the feed was given for hears no more of it.
        auto holds = standing_.holds_cached();
        if (!holds)
            holds = co_await call_.on_engine([&] { return standing_.holds(); });
        if (!*holds)
            break;
        auto part = co_await next_part();
        if (!part.ok()) {
            if (database().deleted())
                break;
            co_return part.error();
        }
        reader_->go_on(part->at);
        sent_ += part->rows;
        round_sent_ += part->rows;
        exhausted_ = !part->more;
        examined_ += part->examined;
        Result<void> written;
        if (part->rows > 0)
            written = co_await write(std::move(part->text));
        else
            written = co_await beat();
        if (!written.ok())
            co_return written.error();
        if (part->full)
            break;
        if (part->more)
            continue;
        if (!options_.live() || pages().descending || (options_.kind == FeedKind::longpoll && sent_ > 0))
            break;
        auto again = co_await wait();
        if (!again.ok())
            co_return again.error();
        if (!*again)
            break;
        round_at_ = reader_->at();
        round_sent_ = 0;
    }
    co_return co_await finish();
}

Task<Result<void>> Feed::serve() {
    auto last = co_await call_.on_engine([&] { return database().last_sequence(); });
    if (!last.ok())
        co_return last.error();
    last_ = *last;
    auto since = database().since(options_.since, last_);
    if (!since.ok())
        co_return since.error();
    round_at_ = *since;
    reader_.emplace(database(), std::move(options_.pages), *since, last_);
    if (options_.live()) {
        // Before the first read, so that nothing is committed unseen between reading and waiting.
        event_ = std::make_shared<Event>();
        database().listen(event_);
        standing_.listen(event_);
    }
    if (options_.kind == FeedKind::normal && etag_matches(call_, etag())) {
        net::ResponseHead head;
        head.status = 304;
        head.headers.add("ETag", etag());
        co_return co_await call_.send(std::move(head), std::string());
    }
    // With a function the answer begins with the first row or heartbeat: what it throws before is an error.
    if (!pages().function) {
        auto started = co_await start();
        if (!started.ok())
            co_return started;
    }
    co_return co_await run();
}

} // namespace

Task<Result<void>> serve_feed(Call &call, FeedOptions options) {
    bool live = options.live();
    auto &metrics = call.services().metrics;
    metrics.count(telemetry::Metric::clients_requesting_changes, live ? 1 : 0);
    Feed feed(call, std::move(options));
    auto served = co_await feed.serve();
    metrics.count(telemetry::Metric::clients_requesting_changes, live ? -1 : 0);
    co_return served;
}

} // namespace divan::api
