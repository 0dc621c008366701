#pragma once

// A log in memory that tests write, and change as somebody would who has the disk and not the key.

#include "audit/log.h"
#include "audit/verify.h"
#include "base/bytes.h"
#include "kv/memory/memory_engine.h"
#include "kv/reserved_shards.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace divan::audit {

class TestingLog {
  public:
    TestingLog() : engine(kv::make_memory_engine()) {}

    [[nodiscard]] static crypto::Secret key() { return crypto::Secret("0123456789abcdef0123456789abcdef"); }

    static Record record(std::string action, std::string document = {}) {
        Record record;
        record.kind = Kind::security;
        record.action = std::move(action);
        record.principal = "anna";
        record.document = std::move(document);
        return record;
    }

    static std::shared_ptr<Options> all_kinds() {
        auto options = std::make_shared<Options>();
        options->kinds.fill(true);
        options->document_databases = {"*"};
        options->seal_interval = Millis(1);
        return options;
    }

    std::unique_ptr<Log> open(std::shared_ptr<const Options> options = all_kinds()) {
        auto opened = Log::open({*engine, clock, logger, metrics}, key(), "uuid", "node", std::move(options));
        return opened.ok() ? std::move(*opened) : nullptr;
    }

    std::unique_ptr<Sealer> sealer() {
        auto opened = Sealer::open(*engine, clock, key(), "uuid", "node");
        return opened.ok() ? std::move(opened->sealer) : nullptr;
    }

    // Records with the actions "1" to "count", each with those of a seal of its own.
    void write(std::uint64_t count, std::uint64_t of_seal = 1) {
        auto writer = sealer();
        std::vector<std::string> bodies;
        for (std::uint64_t i = 1; i <= count; ++i) {
            clock.advance(std::chrono::seconds(1));
            auto one = record(std::to_string(i));
            one.time = clock.now();
            bodies.push_back(body_of(one, "node"));
            if (bodies.size() == of_seal || i == count)
                ignore_error(writer->seal(std::exchange(bodies, {}), {}), "the reader sees it");
        }
    }

    [[nodiscard]] Anchor anchor() {
        auto at = sealer();
        Anchor made{at->head(), time_text(clock.now()), "node", {}};
        made.seal = at->seal_of_anchor(made.head, made.time);
        return made;
    }

    [[nodiscard]] std::vector<StoredRecord> records() {
        std::vector<StoredRecord> all;
        BlockScan scan(*engine, 1, false);
        for (auto block = scan.next(); block.ok() && *block; block = scan.next())
            for (auto &one : *(*block)->records)
                all.push_back(std::move(one));
        return all;
    }

    // Puts other records in the place of all that there are, in one block for `of_block` of them.
    void replace(const std::vector<StoredRecord> &records, std::size_t of_block = 3) {
        kv::WriteBatch batch;
        batch.erase_range(kv::Table::documents, std::string(kBlockPrefix), prefix_end(kBlockPrefix));
        ignore_error(engine->stage(kv::kAuditShard, std::move(batch)), "the reader sees it");
        kv::WriteBatch rows;
        std::uint64_t key = 0;
        for (std::size_t i = 0; i < records.size(); i += of_block) {
            Block block(records.begin() + static_cast<std::ptrdiff_t>(i),
                        records.begin() +
                            static_cast<std::ptrdiff_t>(std::min(i + of_block, records.size())));
            key = std::max(key + 1, block.front().number);
            rows.put(kv::Table::documents, block_key(key), encode_block(block));
        }
        if (!records.empty())
            ignore_error(engine->stage(kv::kAuditShard, std::move(rows)), "the reader sees it");
    }

    void put(std::string key, std::string value) {
        kv::WriteBatch batch;
        batch.put(kv::Table::documents, std::move(key), std::move(value));
        ignore_error(engine->stage(kv::kAuditShard, std::move(batch)), "the reader sees it");
    }

    void erase(std::string key) {
        kv::WriteBatch batch;
        batch.erase(kv::Table::documents, std::move(key));
        ignore_error(engine->stage(kv::kAuditShard, std::move(batch)), "the reader sees it");
    }

    [[nodiscard]] Verification verify(std::string_view anchors = {}) {
        auto verified = verify_log(*engine, key(), "uuid", parse_anchors(anchors));
        return verified.ok() ? std::move(*verified) : Verification{.finding_count = 1};
    }

    // "changed 3-3, removed 5-7"
    [[nodiscard]] std::string findings(std::string_view anchors = {}) {
        std::string text;
        for (const auto &finding : verify(anchors).findings)
            text.append(text.empty() ? "" : ", ")
                .append(finding_name(finding.what))
                .append(" ")
                .append(std::to_string(finding.first))
                .append("-")
                .append(std::to_string(finding.last));
        return text;
    }

    ManualClock clock;
    std::unique_ptr<kv::Engine> engine;
    telemetry::Logger logger{clock, "node", "", telemetry::Level::none};
    telemetry::Registry metrics;
};

} // namespace divan::audit
