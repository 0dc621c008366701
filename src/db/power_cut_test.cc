// What a database keeps when the power goes or a sync fails while many write to it.
//
// Each writer has documents of its own and knows what was acknowledged and what was under way. After
// the cut everything acknowledged is there, what was under way is there whole or not at all, and the
// rows agree with each other. Repeat a failure with --gtest_random_seed=SEED.

#include "crypto/digest.h"
#include "db/database_state.h"
#include "db/format.h"
#include "db/keys.h"
#include "db/store.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/testing/temporary_directory.h"
#include "kv/testing/unsynced_file_system.h"

#include "base/bytes.h"
#include "base/encoding.h"

#include <future>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace divan::db {
namespace {

std::vector<Result<Written>> write(Database &database, std::vector<Edit> edits) {
    std::promise<std::vector<Result<Written>>> promise;
    database.write(std::move(edits), WriteContext::system(),
                   [&](auto answers) { promise.set_value(std::move(answers)); });
    return promise.get_future().get();
}

// What the writers of one round tell the one who cuts the power.
struct Progress {
    std::atomic<std::uint64_t> acknowledged = 0;
    std::atomic<bool> ended = false; // a writer was refused
    std::mutex mutex;
    std::vector<std::string> wrong_errors;

    void add() {
        ++acknowledged;
        acknowledged.notify_all();
    }
    void refused(const Error &error) {
        if (error.code() != ErrorCode::storage_failed) {
            std::lock_guard lock(mutex);
            wrong_errors.push_back(error.reason());
        }
        ended = true;
        add();
    }
    void wait_for(std::uint64_t count) const {
        for (auto seen = acknowledged.load(); seen < count && !ended; seen = acknowledged)
            acknowledged.wait(seen);
    }
};

// Writes until it is refused. Lives on over several rounds.
class Writer {
  public:
    Writer(std::string name, std::uint64_t seed) : name_(std::move(name)), random_(seed) {}
    virtual ~Writer() = default;

    void run(Store &store, Database &database, Progress &progress) {
        for (;;) {
            auto done = step(store, database);
            if (!done.ok())
                return progress.refused(done.error());
            progress.add();
        }
    }
    // Compares what is there with what was acknowledged, and takes it over.
    virtual void check(Store &store, Database &database) = 0;

  protected:
    virtual Result<void> step(Store &store, Database &database) = 0;

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    bool chance(unsigned percent) { return below(100) < percent; }
    std::string id(std::uint64_t number) const { return name_ + "-" + std::to_string(number); }
    // Differs from all before it; now and then too large to lie in the head.
    std::string content() {
        return "{\"number\":" + std::to_string(++number_) + ",\"text\":\"" +
               std::string(below(chance(10) ? 9'000 : 500), 'x') + "\"}";
    }

    const std::string name_;
    std::mt19937_64 random_;
    std::uint64_t number_ = 0;
};

// Documents with attachments: created, edited, deleted, purged, several in one write.
class DocumentWriter final : public Writer {
  public:
    using Writer::Writer;

    void check(Store & /*store*/, Database &database) override {
        for (auto &[id, document] : documents_) {
            auto head = database.head(id);
            ASSERT_TRUE(head.ok()) << head.error().reason();
            auto found = version(database, *head);
            EXPECT_TRUE(found == document.acknowledged || found == document.doubtful)
                << id << " is " << found.text() << ", acknowledged " << document.acknowledged.text();
            document.acknowledged = found;
            document.doubtful.reset();
            document.rev = *head ? std::optional((*head)->rev) : std::nullopt;
        }
    }

  private:
    enum class Presence : std::uint8_t { absent, deleted, live };
    struct Version {
        Presence presence = Presence::absent;
        std::string json = "{}";
        std::vector<StoredData> attachments;
        friend bool operator==(const Version &, const Version &) = default;
        [[nodiscard]] std::string text() const {
            return std::to_string(static_cast<int>(presence)) + " " + json.substr(0, 30) + " with " +
                   std::to_string(attachments.size()) + " attachments";
        }
    };
    struct Document {
        std::optional<doc::RevId> rev;
        Version acknowledged;
        std::optional<Version> doubtful; // sent, not answered
    };

    static Version version(Database &database, const std::optional<Head> &head) {
        Version found;
        if (!head)
            return found;
        found.presence = head->deleted ? Presence::deleted : Presence::live;
        auto body = database.body(*head, head->rev, database.tree(*head)->winner().info);
        if (!body.ok() || !*body) {
            ADD_FAILURE() << "no body of " << head->id;
            return found;
        }
        found.json = (*body)->json;
        for (const auto &attachment : (*body)->attachments)
            found.attachments.push_back(attachment.data);
        return found;
    }

    Result<void> step(Store & /*store*/, Database &database) override {
        if (chance(5))
            return purge(database);
        std::vector<Edit> edits;
        std::vector<std::unique_ptr<AttachmentUpload>> uploads; // kept until the edits are answered
        auto first = below(kDocuments);
        for (std::uint64_t i = 0, count = 1 + below(4); i < count; ++i) {
            DIVAN_TRY(auto edit, make_edit(database, id((first + i) % kDocuments), uploads));
            edits.push_back(std::move(edit));
        }
        auto sent = edits;
        auto answers = write(database, std::move(edits));
        for (std::size_t i = 0; i < sent.size(); ++i) {
            DIVAN_TRY(auto written, std::move(answers[i]));
            auto &document = documents_[sent[i].id];
            document.rev = written.rev;
            document.acknowledged = *std::exchange(document.doubtful, std::nullopt);
        }
        return {};
    }

    Result<Edit> make_edit(Database &database, const std::string &id,
                           std::vector<std::unique_ptr<AttachmentUpload>> &uploads) {
        auto &document = documents_[id];
        Version next{Presence::live, content(), {}};
        Edit edit;
        edit.id = id;
        if (document.acknowledged.presence == Presence::live) {
            edit.parent = document.rev;
            if (chance(20))
                next = {Presence::deleted, "{}", {}};
            else if (!document.acknowledged.attachments.empty() && chance(70)) {
                edit.attachments.push_back({"0", "", {}, {}}); // a stub
                next.attachments.push_back(document.acknowledged.attachments.front());
            }
        }
        if (next.presence == Presence::live && chance(25)) {
            DIVAN_TRY(auto upload, database.upload());
            DIVAN_TRY_VOID(upload->write(std::string(1 + below(3 * kChunkBytes), 'a')));
            DIVAN_TRY_VOID(upload->write(std::to_string(number_)));
            DIVAN_TRY(auto data, upload->finish(Encoding::identity, 0));
            uploads.push_back(std::move(upload));
            if (chance(80)) { // else it is left to the sweeper
                auto name = std::to_string(next.attachments.size());
                edit.attachments.push_back({name, "text/plain", data, {}});
                next.attachments.push_back(data);
            }
        }
        edit.deleted = next.presence == Presence::deleted;
        edit.json = next.json;
        document.doubtful = std::move(next);
        return edit;
    }

    Result<void> purge(Database &database) {
        auto id = Writer::id(below(kDocuments));
        auto &document = documents_[id];
        if (!document.rev)
            return {};
        document.doubtful = Version{};
        DIVAN_TRY(auto purged, database.purge({{id, {*document.rev}}}));
        EXPECT_EQ(purged[id].size(), 1u);
        document = {};
        return {};
    }

    std::map<std::string, Document> documents_;

    static constexpr std::uint64_t kDocuments = 40;

  public:
    static constexpr std::uint64_t kChunkBytes = 4'096;
};

// Replicated revisions that make conflicts. Every one stays in its document's tree.
class ConflictWriter final : public Writer {
  public:
    using Writer::Writer;

    void check(Store & /*store*/, Database &database) override {
        for (const auto &[id, revs] : acknowledged_) {
            if (revs.empty())
                continue;
            auto head = database.head(id).value();
            ASSERT_TRUE(head) << id;
            auto tree = database.tree(*head).value();
            for (const auto &[rev, json] : revs) {
                auto info = tree.find(rev);
                ASSERT_TRUE(info) << id << " " << rev.text();
                auto body = database.body(*head, rev, *info).value();
                EXPECT_TRUE(!body || body->json == json) << id << " " << rev.text();
                EXPECT_TRUE(body || !tree.is_leaf(rev)) << id << " " << rev.text();
            }
        }
    }

  private:
    Result<void> step(Store & /*store*/, Database &database) override {
        Edit edit;
        edit.id = id(below(4));
        edit.json = content();
        edit.deleted = chance(20);
        auto &revs = acknowledged_[edit.id];
        auto made = hex_encode(crypto::md5(name_ + std::to_string(number_)));
        edit.path = doc::RevPath{1, {doc::RevHash::from_text(made)}};
        if (!revs.empty() && chance(90)) {
            auto parent = std::next(revs.begin(), static_cast<std::ptrdiff_t>(below(revs.size())))->first;
            edit.path->start = parent.generation + 1;
            edit.path->hashes.push_back(parent.hash);
        }
        auto json = edit.json;
        auto answers = write(database, {std::move(edit)});
        DIVAN_TRY(auto written, std::move(answers.front()));
        revs.emplace(written.rev, json);
        return {};
    }

    std::map<std::string, std::map<doc::RevId, std::string>> acknowledged_;
};

class LocalWriter final : public Writer {
  public:
    using Writer::Writer;

    void check(Store & /*store*/, Database &database) override {
        for (auto &[id, state] : documents_) {
            auto found = database.local(id);
            ASSERT_TRUE(found.ok()) << found.error().reason();
            auto json = *found ? std::optional((*found)->json) : std::nullopt;
            EXPECT_TRUE(json == state.acknowledged || (state.in_doubt && json == state.doubtful)) << id;
            state = {json, false, {}};
        }
    }

  private:
    struct State {
        std::optional<std::string> acknowledged; // nothing: there is none
        bool in_doubt = false;
        std::optional<std::string> doubtful;
    };

    Result<void> step(Store & /*store*/, Database &database) override {
        auto id = "_local/" + Writer::id(below(10));
        auto &state = documents_[id];
        state.in_doubt = true;
        state.doubtful.reset();
        if (chance(20)) {
            DIVAN_TRY(auto existed, database.erase_local(id));
            EXPECT_EQ(existed, state.acknowledged.has_value());
        } else {
            // Now and then too large for one row.
            state.doubtful = chance(5) ? "\"" + std::string(300'000, 'l') + content() + "\"" : content();
            DIVAN_TRY_VOID(database.write_local(id, *state.doubtful, {}, false));
        }
        state = {state.doubtful, false, {}};
        return {};
    }

    std::map<std::string, State> documents_;
};

// Creates, fills and deletes databases.
class DatabaseWriter final : public Writer {
  public:
    using Writer::Writer;

    void check(Store &store, Database & /*database*/) override {
        for (auto &[name, state] : databases_) {
            auto opened = store.open(name);
            EXPECT_TRUE(state.in_doubt || opened.ok() == state.exists) << name;
            state = {opened.ok(), false, opened.ok() && state.filled};
            if (state.filled) {
                EXPECT_TRUE((*opened)->head("document").value()) << name;
            }
        }
    }

  private:
    struct State {
        bool exists = false;
        bool in_doubt = false;
        bool filled = false; // a document was acknowledged
    };

    Result<void> step(Store &store, Database & /*database*/) override {
        auto name = Writer::id(below(5));
        auto &state = databases_[name];
        state.in_doubt = true;
        if (state.exists) {
            state.filled = false;
            DIVAN_TRY_VOID(store.erase(name));
            state = {};
            return {};
        }
        DIVAN_TRY(auto database, store.create(name, {}));
        state = {true, false, false};
        Edit edit;
        edit.id = "document";
        auto answers = write(*database, {std::move(edit)});
        DIVAN_TRY_VOID(std::move(answers.front()));
        state.filled = true;
        return {};
    }

    std::map<std::string, State> databases_;
};

class DbPowerCut : public testing::Test {
  protected:
    DbPowerCut() {
        start();
        database_ = store_->create("db", {}).value();
    }

    void start() {
        disk_ = std::make_unique<kv::UnsyncedFileSystem>();
        // Memory tables this small are flushed now and then during the test.
        auto engine = kv::open_rocksdb_engine({.directory = directory_.path() / "engine",
                                               .memory_bytes_max = 4 << 20,
                                               .clock = &clock_,
                                               .environment = disk_->environment()});
        ASSERT_TRUE(engine.ok()) << engine.error().reason();
        engine_ = std::move(engine).value();
        pool_ = std::make_unique<ThreadPool>(4);
        StoreOptions options;
        options.attachment_chunk_bytes = DocumentWriter::kChunkBytes;
        store_ = open_store({*engine_, *pool_, clock_, random_}, options).value();
        if (auto opened = store_->open("db"); opened.ok())
            database_ = *opened;
    }

    // The power goes off, if it is not off yet, and comes back.
    void power_cut_and_start(Random *random) {
        disk_->cut_power();
        auto dropped = disk_->drop_unsynced(random);
        ASSERT_TRUE(dropped.ok()) << dropped.error().reason();
        database_.reset();
        pool_->stop();
        store_.reset();
        engine_.reset();
        start();
    }

    // Runs all writers until they are refused; `stop` makes that happen after so many writes.
    void load(std::uint64_t writes, const std::function<void()> &stop) {
        Progress progress;
        std::vector<std::thread> threads;
        for (const auto &writer : writers_)
            threads.emplace_back([&] { writer->run(*store_, *database_, progress); });
        progress.wait_for(writes / 2);
        EXPECT_TRUE(database_->start_compaction().ok());
        store_->housekeep();
        progress.wait_for(writes);
        stop();
        for (auto &thread : threads)
            thread.join();
        EXPECT_EQ(progress.wrong_errors, std::vector<std::string>());
    }

    void add_writers(std::uint64_t seed) {
        for (int i = 0; i < 6; ++i)
            writers_.push_back(std::make_unique<DocumentWriter>("d" + std::to_string(i), seed++));
        writers_.push_back(std::make_unique<DocumentWriter>("_design/x", seed++));
        writers_.push_back(std::make_unique<ConflictWriter>("conflicts", seed++));
        writers_.push_back(std::make_unique<LocalWriter>("local", seed++));
        writers_.push_back(std::make_unique<DatabaseWriter>("databases", seed++));
    }

    void check() {
        for (const auto &writer : writers_)
            writer->check(*store_, *database_);
        check_rows();
    }

    // Every row agrees with the others.
    void check_rows();
    void check_document(const Head &head, const Change &change);
    void check_attachments_have_an_owner();

    kv::TemporaryDirectory directory_;
    ManualClock clock_;
    SystemRandom random_;
    std::unique_ptr<kv::UnsyncedFileSystem> disk_;
    std::unique_ptr<kv::Engine> engine_;
    std::unique_ptr<ThreadPool> pool_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
    std::vector<std::unique_ptr<Writer>> writers_;

    // Recounted by check_rows().
    std::uint64_t external_bytes_ = 0;
    std::uint64_t active_bytes_ = 0;
    std::set<AttachmentId> attachments_;
};

void DbPowerCut::check_rows() {
    std::map<std::string, Change> changes;
    std::vector<kv::Sequence> sequences;
    auto page = database_->changes({.since = kv::Sequence(0), .rows_max = 1'000'000});
    ASSERT_TRUE(page.ok()) << page.error().reason();
    for (auto &change : page->changes) {
        EXPECT_TRUE(sequences.empty() || sequences.back() < change.sequence);
        sequences.push_back(change.sequence);
        EXPECT_TRUE(changes.emplace(change.id, change).second) << change.id << " has two changes";
    }
    external_bytes_ = active_bytes_ = 0;
    attachments_.clear();
    auto heads = database_->scan_heads({.begin = "", .end = {}, .with_deleted = true, .rows_max = 1'000'000});
    ASSERT_TRUE(heads.ok()) << heads.error().reason();
    EXPECT_EQ(heads->heads.size(), changes.size());
    Database::Counts counts{};
    for (const auto &head : heads->heads) {
        ++(head.deleted ? counts.deleted : counts.documents);
        counts.design_documents += !head.deleted && head.id.starts_with("_design/") ? 1 : 0;
        ASSERT_TRUE(changes.contains(head.id)) << head.id;
        check_document(head, changes.at(head.id));
    }
    auto counted = database_->counts().value();
    EXPECT_EQ(counted.documents, counts.documents);
    EXPECT_EQ(counted.deleted, counts.deleted);
    EXPECT_EQ(counted.design_documents, counts.design_documents);
    auto info = database_->info().value();
    EXPECT_EQ(info.external_bytes, external_bytes_);
    EXPECT_EQ(info.active_bytes, active_bytes_);
    for (std::size_t i = 0; i < sequences.size(); i += 1 + sequences.size() / 20)
        EXPECT_EQ(database_->pending(sequences[i]).value(), sequences.size() - 1 - i);
    EXPECT_EQ(database_->pending(kv::Sequence(0)).value(), sequences.size());
    EXPECT_GE(database_->last_sequence().value(), sequences.back());
    check_attachments_have_an_owner();
}

void DbPowerCut::check_document(const Head &head, const Change &change) {
    SCOPED_TRACE(head.id);
    EXPECT_EQ(head.sequence, change.sequence);
    EXPECT_EQ(head.deleted, change.deleted);
    auto tree = database_->tree(head);
    ASSERT_TRUE(tree.ok()) << tree.error().reason();
    auto leaves = tree->leaves();
    EXPECT_EQ(head.leaf_count, leaves.size());
    EXPECT_EQ(head.rev, leaves.front().rev);
    ASSERT_EQ(change.leaves.size(), leaves.size());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        EXPECT_EQ(change.leaves[i].rev, leaves[i].rev);
        EXPECT_EQ(change.leaves[i].info.deleted, leaves[i].info.deleted);
        auto body = database_->body(head, leaves[i].rev, leaves[i].info).value();
        ASSERT_TRUE(body) << leaves[i].rev.text();
        active_bytes_ += format::encode_body(*body).size();
        external_bytes_ += i == 0 ? format::external_bytes(*body) : 0;
        for (const auto &attachment : body->attachments) {
            crypto::Md5 md5;
            auto reader = database_->open_attachment(attachment.data);
            for (;;) {
                auto bytes = reader->read_some();
                ASSERT_TRUE(bytes.ok()) << attachment.name << ": " << bytes.error().reason();
                if (bytes->empty())
                    break;
                md5.update(*bytes);
            }
            EXPECT_EQ(md5.finish(), attachment.data.md5) << attachment.name;
        }
    }
}

// What uploads that were cut off left behind was swept when the database was opened.
void DbPowerCut::check_attachments_have_an_owner() {
    auto shard = database_->state().entry.shard;
    std::set<std::string> owned;
    auto take = [&](const Body &body) {
        for (const auto &attachment : body.attachments)
            owned.insert(keys::attachment(attachment.data.id));
    };
    auto scan = [&](kv::Table table, std::string_view prefix, bool keys_only) {
        return engine_->scan({.shard = shard,
                              .table = table,
                              .begin = std::string(prefix),
                              .end = prefix.empty() ? std::string() : prefix_end(prefix),
                              .keys_only = keys_only,
                              .rows_max = 1'000'000,
                              .bytes_max = 1 << 30});
    };
    auto heads = scan(kv::Table::documents, keys::kHeadPrefix, false).value();
    for (std::size_t i = 0; i < heads.size(); ++i)
        if (auto head = format::decode_head(heads.value(i)).value(); head.body_inline)
            take(format::decode_body(head.body).value());
    auto bodies = scan(kv::Table::documents, keys::kBodyPrefix, false).value();
    for (std::size_t i = 0; i < bodies.size(); ++i)
        take(format::decode_body(format::decode_first_chunk(bodies.value(i))->part).value());
    EXPECT_TRUE(scan(kv::Table::documents, keys::kPendingUploadPrefix, true)->empty());
    auto chunks = scan(kv::Table::attachments, "", true).value();
    std::size_t without_owner = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        auto prefix = chunks.key(i).substr(0, chunks.key(i).size() - sizeof(std::uint32_t));
        without_owner += owned.contains(std::string(prefix)) ? 0 : 1;
    }
    EXPECT_EQ(without_owner, 0u) << "of " << chunks.size() << " chunks";
}

std::uint64_t chosen_seed() {
    auto given = GTEST_FLAG_GET(random_seed);
    return given != 0 ? static_cast<std::uint64_t>(given) : 1 + std::random_device()() % 99'999;
}

TEST_F(DbPowerCut, KeepsWhatWasAcknowledged) {
    auto seed = chosen_seed();
    SCOPED_TRACE("--gtest_random_seed=" + std::to_string(seed));
    std::mt19937_64 dice(seed);
    SeededRandom torn(seed);
    add_writers(seed * 100);
    for (int round = 0; round < 30 && !HasFatalFailure(); ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        load(20 + dice() % 400, [&] { disk_->cut_power(); });
        // Every other time the disk keeps a random part of what was not synced.
        power_cut_and_start(round % 2 == 0 ? nullptr : &torn);
        check();
    }
}

TEST_F(DbPowerCut, AnswersNoSuccessAfterAFailedSync) {
    auto seed = chosen_seed();
    SCOPED_TRACE("--gtest_random_seed=" + std::to_string(seed));
    std::mt19937_64 dice(seed);
    add_writers(seed * 100);
    for (int round = 0; round < 5 && !HasFatalFailure(); ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        load(20 + dice() % 200, [&] { disk_->fail_next_log_sync(); });
        // All writers were refused. It stays so, and says so, while reads go on.
        Edit edit;
        edit.id = "after";
        auto refused = write(*database_, {edit}).front();
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().code(), ErrorCode::storage_failed);
        EXPECT_EQ(refused.error().status(), 503);
        EXPECT_EQ(store_->create("after", {}).error().code(), ErrorCode::storage_failed);
        EXPECT_EQ(database_->write_local("_local/after", "{}", {}, false).error().code(),
                  ErrorCode::storage_failed);
        EXPECT_EQ(database_->set_revs_limit(10).error().code(), ErrorCode::storage_failed);
        EXPECT_FALSE(database_->head("after").value());
        EXPECT_TRUE(database_->changes({}).ok());
        power_cut_and_start(nullptr);
        check();
        EXPECT_FALSE(database_->head("after").value());
        EXPECT_EQ(database_->revs_limit().value(), 1'000u);
    }
}

} // namespace
} // namespace divan::db
