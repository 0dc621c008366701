#pragma once

// Databases in memory and everything that a replication between them needs, on one thread with a time of its
// own.

#include "access/gate.h"
#include "base/manual_loop.h"
#include "config/config.h"
#include "db/store.h"
#include "design/design_documents.h"
#include "replication/replicate.h"
#include "replication/testing_http.h"
#include "replication/throttle.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "wire/document_input.h"
#include "json/parser.h"

#include <memory>
#include <string>

namespace divan::replication {

class TestingStore {
  public:
    explicit TestingStore(std::unique_ptr<kv::Engine> engine)
        : engine_(std::move(engine)),
          store_(db::open_store({*engine_, loop, loop.clock(), random_}, {}).value()),
          gate_(*store_, *config) {}

    std::shared_ptr<db::Database> create(const std::string &name) { return store_->create(name, {}).value(); }
    void erase(const std::string &name) { DIVAN_CHECK(store_->erase(name).ok()); }

    // Writes a document as `_bulk_docs` with new_edits=false does, or as an edit if it has no `_revisions`.
    Result<db::Written> put(db::Database &database, std::string_view json) {
        auto input = wire::read_document(json::parse(json, {.raw_depth = 1}).value()).value();
        bool replicated = input.path.has_value();
        auto prepared = wire::prepare_document(*config, database, std::move(input), replicated).value();
        std::optional<Result<db::Written>> answer;
        std::vector<db::Edit> edits;
        edits.push_back(std::move(prepared.edit));
        database.write(
            std::move(edits), db::WriteContext::system(),
            [&](std::vector<Result<db::Written>> written) { answer = std::move(written.front()); });
        loop.run_until_idle();
        return *answer;
    }

    [[nodiscard]] static access::Principal admin() { return {"admin", {"_admin"}, "default"}; }
    [[nodiscard]] static Replication between(const std::string &source, const std::string &target) {
        Replication replication;
        replication.source.database = source;
        replication.target.database = target;
        replication.principal = admin();
        return replication;
    }

    // Runs a session until nothing moves any more; one that waits is cancelled.
    SessionEnd run(const Replication &replication) {
        std::optional<SessionEnd> end;
        Cancellation cancellation;
        Progress progress;
        auto task = [&]() -> Task<void> {
            auto id = co_await identify(context, replication, cancellation);
            if (!id.ok()) {
                end = Failure{id.error(), Cause::source};
                co_return;
            }
            end = co_await replicate(context, replication, *id, progress, cancellation);
        };
        spawn(task(), [] {});
        loop.run_until_idle();
        if (!end) {
            cancellation.cancel();
            loop.run_until_idle();
        }
        last_progress = progress;
        return std::move(*end);
    }

    ManualLoop loop;
    std::unique_ptr<config::Config> config = config::Config::load({}, "").value();
    Progress last_progress;

  private:
    SeededRandom random_{1};
    std::unique_ptr<kv::Engine> engine_;
    telemetry::Logger log_{loop.clock(), "test@127.0.0.1", "", telemetry::Level::none};
    telemetry::Registry metrics_;
    std::unique_ptr<db::Store> store_;
    access::Gate gate_;
    NoHttpClient http_;
    Throttle throttle_{loop, 0};
    design::DesignDocuments designs_;

  public:
    Context context{.loop = loop,
                    .pool = loop,
                    .http = http_,
                    .throttle = throttle_,
                    .clock = loop.clock(),
                    .random = random_,
                    .config = *config,
                    .log = log_,
                    .metrics = metrics_,
                    .gate = &gate_,
                    .designs = &designs_,
                    .scripts = nullptr,
                    .server_uuid = "test"};
};

} // namespace divan::replication
