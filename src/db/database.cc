#include "db/database.h"

#include "base/bytes.h"
#include "db/database_state.h"
#include "db/edit_operation.h"
#include "db/keys.h"
#include "db/partition.h"
#include "db/validated_write.h"
#include "db/visibility.h"

#include <algorithm>

namespace divan::db {
namespace {

// What one group takes, unless a single edit is larger.
constexpr std::size_t kGroupBytesMax = 32 << 20;

// Changes the settings row.
class MetaOperation final : public Operation {
  public:
    using Change = std::function<void(format::Meta &)>;
    using Done = UniqueFunction<void(Result<void>)>;
    MetaOperation(Change change, Done done) : change_(std::move(change)), done_(std::move(done)) {}

    Result<void> apply(CommitGroup &group) override {
        change_(group.mutable_meta());
        return {};
    }
    void answer(const Result<void> &outcome) override { done_(outcome); }

  private:
    Change change_;
    Done done_;
};

std::int64_t counter_of(const std::vector<std::int64_t> &counters, Counter counter) {
    auto index = static_cast<std::size_t>(counter);
    return index < counters.size() ? counters[index] : 0;
}

std::uint64_t count_of(const std::vector<std::int64_t> &counters, Counter counter) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, counter_of(counters, counter)));
}

Result<std::vector<std::int64_t>> read_counters(Database::State &state, std::string_view key) {
    DIVAN_TRY(auto value, state.read(kv::Table::documents, key));
    auto counters = kv::decode_counters(value ? *value : std::string());
    counters.resize(kCounterCount);
    return counters;
}

Result<void> change_meta(Database::State &state, MetaOperation::Change change) {
    DIVAN_TRY_VOID(state.check_open());
    return state.run<Result<void>>(
        [&](auto done) { return std::make_unique<MetaOperation>(std::move(change), std::move(done)); });
}

} // namespace

Context::Context(const Store::Services &services, StoreOptions options)
    : engine(services.engine), pool(services.pool), clock(services.clock), random(services.random),
      run_id(random_number()), single_writer(services.engine.capabilities().single_writer),
      validator(services.validator), audit(services.audit) {
    set_options(std::move(options));
}

std::uint64_t Context::hour() const {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::hours>(clock.now()).count());
}

std::uint64_t Context::random_number() const {
    auto bytes = random.bytes(8);
    std::uint64_t number = 0;
    for (char byte : bytes)
        number = number << 8 | static_cast<unsigned char>(byte);
    return number | 1; // never 0
}

Database::State::State(Context &shared_context, std::string database_name, format::CatalogEntry catalog_entry)
    : context(shared_context), name(std::move(database_name)), entry(std::move(catalog_entry)),
      instance_start_time(std::to_string(entry.created_micros)),
      run_id(context.run_id ^ std::hash<std::string>()(entry.uuid)) {
    design_version = context.next_design_version();
    set_meta({});
}

Result<void> Database::State::load() {
    auto hour = context.hour();
    auto mark_key = keys::time_mark(hour);
    kv::KeyRef refs[] = {{kv::Table::documents, keys::kMeta},
                         {kv::Table::documents, mark_key},
                         {kv::Table::documents, keys::kCounters}};
    DIVAN_TRY(auto values, context.engine.read(entry.shard, refs));
    if (values[0]) {
        DIVAN_TRY(auto meta, format::decode_meta(*values[0]));
        set_meta(std::move(meta));
    }
    // The hour's mark says where the hour began: a second one would make tombstones expire early.
    if (values[1])
        time_mark_hour = hour;
    if (values[2])
        design_document_count = counter_of(kv::decode_counters(*values[2]), Counter::design_documents);
    return {};
}

Result<void> Database::State::check_open() const {
    if (deleted)
        return Error(ErrorCode::not_found, "Database does not exist.");
    return {};
}

Result<void> Database::State::check_writable() const {
    DIVAN_TRY_VOID(check_open());
    if (context.disk_full)
        return Error(ErrorCode::insufficient_storage,
                     "Not enough disk space is left to write: free some, or raise "
                     "[disk_monitor] interactive_database_writes_threshold.");
    return {};
}

Result<std::optional<std::string>> Database::State::read(kv::Table table, std::string_view key) {
    kv::KeyRef ref{table, key};
    DIVAN_TRY(auto values, context.engine.read(entry.shard, std::span(&ref, 1)));
    return std::move(values[0]);
}

Result<std::vector<std::int64_t>> Database::State::counters() {
    return read_counters(*this, keys::kCounters);
}

Result<std::vector<std::int64_t>> Database::State::counters(std::string_view partition) {
    return read_counters(*this, keys::partition_counters(partition));
}

Result<void> Database::State::check_known_id(std::string_view id) const {
    return entry.options.partitioned ? check_names_partition(id) : Result<void>();
}

bool Database::State::enqueue(std::vector<std::unique_ptr<Operation>> operations) {
    std::size_t edits = 0;
    for (const auto &operation : operations)
        edits += operation->edit_count();
    {
        std::lock_guard lock(queue_mutex_);
        if (queued_edits_ == 0 || queued_edits_ + edits <= context.options()->commit_queue_edits_max) {
            queued_edits_ += edits;
            for (auto &operation : operations)
                queue_.push_back(std::move(operation));
            return true;
        }
    }
    for (auto &operation : operations)
        operation->answer(Error(ErrorCode::service_unavailable,
                                "Too many writes are waiting for this database: try again later."));
    return false;
}

void Database::State::submit(std::vector<std::unique_ptr<Operation>> operations) {
    if (enqueue(std::move(operations)))
        post_lead();
}

void Database::State::post_lead() {
    {
        std::lock_guard lock(queue_mutex_);
        // A leader looks for more when its group is done.
        if (leading_ || lead_posted_ || queue_.empty())
            return;
        lead_posted_ = true;
    }
    context.pool.post([self = shared_from_this()] { self->lead(); });
}

void Database::State::lead() {
    {
        std::lock_guard lock(queue_mutex_);
        lead_posted_ = false;
        if (leading_ || queue_.empty())
            return;
        leading_ = true;
    }
    run_group();
}

void Database::State::lead_or_wait(const std::atomic<bool> &answered) {
    {
        std::unique_lock lock(queue_mutex_);
        group_done_.wait(lock, [&] { return answered || (!leading_ && !queue_.empty()); });
        if (answered)
            return;
        leading_ = true;
    }
    run_group();
}

// One group, then the rest goes to the end of the pool's queue, so that no database starves others.
void Database::State::run_group() {
    CommitGroup(*this, take_group()).run();
    {
        std::lock_guard lock(queue_mutex_);
        leading_ = false;
    }
    group_done_.notify_all();
    post_lead();
}

std::vector<std::unique_ptr<Operation>> Database::State::take_group() {
    std::lock_guard lock(queue_mutex_);
    std::vector<std::unique_ptr<Operation>> group;
    std::size_t edits = 0;
    std::size_t bytes = 0;
    auto edits_max = context.options()->commit_group_edits_max;
    while (!queue_.empty()) {
        auto &next = queue_.front();
        if (!group.empty() &&
            (edits + next->edit_count() > edits_max || bytes + next->bytes() > kGroupBytesMax))
            break;
        edits += next->edit_count();
        bytes += next->bytes();
        group.push_back(std::move(next));
        queue_.pop_front();
    }
    queued_edits_ -= edits;
    return group;
}

void Database::State::notify() {
    std::vector<std::shared_ptr<Event>> events;
    {
        std::lock_guard lock(listeners_mutex);
        std::erase_if(listeners, [&](const std::weak_ptr<Event> &listener) {
            auto event = listener.lock();
            if (event)
                events.push_back(std::move(event));
            return listener.expired();
        });
    }
    for (const auto &event : events)
        event->notify();
    if (context.on_event)
        context.on_event({name, DatabaseEvent::Type::updated});
}

Database::Database(std::shared_ptr<State> state) : state_(std::move(state)) {}
Database::~Database() = default;

const std::string &Database::name() const {
    return state_->name;
}

const std::string &Database::uuid() const {
    return state_->entry.uuid;
}

const std::string &Database::instance_start_time() const {
    return state_->instance_start_time;
}

Database::DerivedRows Database::derived_rows() {
    return {state_->context.engine, state_->entry.shard};
}

bool Database::partitioned() const {
    return state_->entry.options.partitioned;
}

std::uint64_t Database::design_version() const {
    return state_->design_version;
}

bool Database::has_design_documents() const {
    return state_->design_document_count > 0;
}

bool Database::deleted() const {
    return state_->deleted;
}

std::shared_ptr<Database> Database::shown_by(const std::shared_ptr<Database> &database,
                                             std::shared_ptr<const Visibility> visibility) {
    DIVAN_CHECK(database->visibility_ == nullptr);
    auto handle = std::make_shared<Database>(database->state_);
    handle->whole_ = database;
    handle->visibility_ = std::move(visibility);
    return handle;
}

std::shared_ptr<Database> whole(const std::shared_ptr<Database> &database) {
    return database->whole_ ? database->whole_ : database;
}

Result<DatabaseInfo> Database::info() {
    DIVAN_TRY_VOID(state_->check_open());
    DIVAN_TRY(auto counters, state_->counters());
    DIVAN_TRY(auto last, last_sequence());
    DIVAN_TRY(auto file_bytes, state_->context.engine.approximate_bytes(state_->entry.shard));
    DatabaseInfo info;
    info.name = name();
    info.uuid = uuid();
    info.instance_start_time = instance_start_time();
    info.update_seq = sequence_token(last);
    info.document_count = count_of(counters, Counter::documents);
    info.deleted_count = count_of(counters, Counter::deleted);
    info.purge_seq = state_->meta()->purge_seq;
    info.file_bytes = file_bytes;
    info.active_bytes = count_of(counters, Counter::active_bytes);
    info.external_bytes = count_of(counters, Counter::external_bytes);
    info.compact_running = state_->compacting;
    info.partitioned = partitioned();
    info.q = state_->entry.options.q;
    info.n = state_->entry.options.n;
    if (visibility_ != nullptr)
        info.file_bytes = info.active_bytes = info.external_bytes = 0; // with what is hidden
    if (hides_documents()) {
        DIVAN_TRY(auto shown, counts());
        info.document_count = shown.documents;
        info.deleted_count = info.purge_seq = 0;
    }
    return info;
}

Result<Database::Counts> Database::counts() {
    DIVAN_TRY_VOID(state_->check_open());
    if (hides_documents())
        return shown_counts();
    DIVAN_TRY(auto counters, state_->counters());
    return Counts{count_of(counters, Counter::documents), count_of(counters, Counter::deleted),
                  count_of(counters, Counter::design_documents)};
}

Result<PartitionInfo> Database::partition_info(std::string_view partition) {
    DIVAN_TRY_VOID(check_partition_name(partition));
    if (!partitioned())
        return Error(ErrorCode::bad_request, "database is not partitioned");
    DIVAN_TRY_VOID(state_->check_open());
    if (hides_documents()) {
        auto begin = std::string(partition) + ":";
        DIVAN_TRY(auto shown, count_shown(begin, prefix_end(begin)));
        return PartitionInfo{shown.documents, 0, 0, 0};
    }
    DIVAN_TRY(auto counters, state_->counters(partition));
    PartitionInfo info{count_of(counters, Counter::documents), count_of(counters, Counter::deleted), 0, 0};
    if (visibility_ == nullptr) {
        info.active_bytes = count_of(counters, Counter::active_bytes);
        info.external_bytes = count_of(counters, Counter::external_bytes);
    }
    return info;
}

Result<void> Database::check_known_id(std::string_view id) const {
    return state_->check_known_id(id);
}

Result<void> Database::check_id(std::string_view id) const {
    DIVAN_TRY_VOID(check_document_id(id));
    return partitioned() ? check_partitioned_id(id) : Result<void>();
}

void Database::State::submit_edits(std::vector<Edit> edits, const WriteContext &author,
                                   std::shared_ptr<ExpectedStates> expected, WriteDone done) {
    auto audited = context.audit != nullptr ? std::make_shared<const WriteContext>(author) : nullptr;
    submit(make_edit_operations(std::move(edits), std::move(audited), std::move(expected),
                                context.options()->commit_group_edits_max, kGroupBytesMax, std::move(done)));
}

namespace {

// The answers of a write of which some edits were refused, and the places of the others among them.
struct Admitted {
    std::vector<Result<Written>> answers;
    std::vector<std::size_t> places;
};

Admitted take_refused(std::vector<Edit> &edits, const std::vector<Result<void>> &verdicts) {
    Admitted admitted{std::vector<Result<Written>>(edits.size(), Result<Written>(ErrorCode::cancelled)), {}};
    std::vector<Edit> rest;
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (!verdicts[i].ok()) {
            admitted.answers[i] = verdicts[i].error();
            continue;
        }
        admitted.places.push_back(i);
        rest.push_back(std::move(edits[i]));
    }
    edits = std::move(rest);
    return admitted;
}

} // namespace

void Database::write(std::vector<Edit> edits, WriteContext context, WriteDone done) {
    // Who judges looks at what is there, and not at what is shown.
    if (whole_ != nullptr) {
        whole_->write(std::move(edits), std::move(context), std::move(done));
        return;
    }
    auto *validator = state_->context.validator;
    if (validator == nullptr || context.is_system()) {
        write_admitted(std::move(edits), std::move(context), std::move(done));
        return;
    }
    if (!validator->amends_slowly(*this, edits)) {
        write_amended(std::move(edits), std::move(context), std::move(done));
        return;
    }
    state_->context.pool.post([state = state_, edits = std::move(edits), context = std::move(context),
                               done = std::move(done)]() mutable {
        Database(state).write_amended(std::move(edits), std::move(context), std::move(done));
    });
}

void Database::write_amended(std::vector<Edit> edits, WriteContext context, WriteDone done) {
    auto verdicts = state_->context.validator->amend(whole_ ? *whole_ : *this, context, edits);
    if (std::any_of(verdicts.begin(), verdicts.end(), [](const auto &verdict) { return !verdict.ok(); })) {
        auto admitted = take_refused(edits, verdicts);
        if (edits.empty()) {
            state_->context.pool.post([done = std::move(done), admitted = std::move(admitted)]() mutable {
                done(std::move(admitted.answers));
            });
            return;
        }
        done = [admitted = std::move(admitted),
                done = std::move(done)](std::vector<Result<Written>> answers) mutable {
            for (std::size_t i = 0; i < answers.size(); ++i)
                admitted.answers[admitted.places[i]] = std::move(answers[i]);
            done(std::move(admitted.answers));
        };
    }
    write_admitted(std::move(edits), std::move(context), std::move(done));
}

void Database::write_admitted(std::vector<Edit> edits, WriteContext context, WriteDone done) {
    if (auto writable = state_->check_writable(); !writable.ok()) {
        auto answers = std::vector<Result<Written>>(edits.size(), Result<Written>(writable.error()));
        state_->context.pool.post(
            [done = std::move(done), answers = std::move(answers)]() mutable { done(std::move(answers)); });
        return;
    }
    auto may_be_judged = [&] {
        auto *validator = state_->context.validator;
        if (validator == nullptr || context.is_system())
            return false;
        std::vector<const Edit *> pointers;
        for (const auto &edit : edits)
            pointers.push_back(&edit);
        auto judged = validator->judged_cached(*this, context, pointers);
        return !judged || !judged->empty();
    };
    if (may_be_judged())
        write_validated(state_, std::move(edits), std::move(context), std::move(done));
    else
        state_->submit_edits(std::move(edits), context, nullptr, std::move(done));
}

void Database::listen(const std::shared_ptr<Event> &event) {
    std::lock_guard lock(state_->listeners_mutex);
    state_->listeners.push_back(event);
}

Result<std::uint64_t> Database::revs_limit() {
    DIVAN_TRY_VOID(state_->check_open());
    return state_->meta()->revs_limit;
}

Result<void> Database::set_revs_limit(std::uint64_t limit) {
    return change_meta(*state_, [limit](format::Meta &meta) { meta.revs_limit = limit; });
}

Result<std::string> Database::security() {
    DIVAN_TRY_VOID(state_->check_open());
    auto meta = state_->meta();
    return meta->security.empty() ? state_->context.options()->default_security : meta->security;
}

Result<void> Database::set_security(std::string json) {
    return change_meta(*state_, [json = std::move(json)](format::Meta &meta) { meta.security = json; });
}

Result<std::string> Database::auto_purge() {
    DIVAN_TRY_VOID(state_->check_open());
    auto meta = state_->meta();
    return meta->auto_purge.empty() ? std::string("{}") : meta->auto_purge;
}

Result<void> Database::set_auto_purge(std::string json) {
    return change_meta(*state_, [json = std::move(json)](format::Meta &meta) { meta.auto_purge = json; });
}

Result<std::uint64_t> Database::purged_infos_limit() {
    DIVAN_TRY_VOID(state_->check_open());
    return state_->meta()->purge_infos_max;
}

Result<void> Database::set_purged_infos_limit(std::uint64_t limit) {
    return change_meta(*state_, [limit](format::Meta &meta) { meta.purge_infos_max = limit; });
}

} // namespace divan::db
