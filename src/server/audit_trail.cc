#include "server/audit_trail.h"

#include "audit/key_file.h"

namespace divan::server {
namespace {

void append_ends(json::Object &details, const replication::Replication &replication) {
    details.append("source", replication.source.shown());
    details.append("target", replication.target.shown());
}

} // namespace

Result<std::unique_ptr<AuditTrail>> AuditTrail::open(const audit::Log::Services &services,
                                                     const config::Config &config, Random &random,
                                                     const std::string &data_directory, std::string node) {
    if (!config.boolean("audit", "enable"))
        return std::unique_ptr<AuditTrail>();
    DIVAN_TRY(auto key, audit::open_key_file(config.text("audit", "key_file"), data_directory, random));
    DIVAN_TRY(auto log, audit::Log::open(services, key, config.text("couchdb", "uuid"), std::move(node),
                                         audit::read_options(config)));
    return std::unique_ptr<AuditTrail>(new AuditTrail(std::move(log), config, services.clock));
}

void AuditTrail::note_server(std::string_view action) {
    audit::Record record;
    record.kind = audit::Kind::audit;
    record.action = action;
    record.authenticated = "server";
    ignore_error(log_->note_durable(std::move(record)), "the log has written it to the server's log");
}

Result<void> AuditTrail::note_database(std::string_view action, const std::string &database,
                                       std::string_view why) {
    audit::Record record;
    record.kind = audit::Kind::database;
    record.action = action;
    record.authenticated = "server";
    record.database = database;
    record.reason = why;
    return log_->note_durable(std::move(record));
}

Result<void> AuditTrail::note_target(const replication::Replication &replication) {
    audit::Record record;
    record.kind = audit::Kind::database;
    record.action = "created";
    record.principal = replication.principal.name;
    record.database = replication.target.database;
    record.reason = "create_target of a replication";
    append_ends(record.details, replication);
    return log_->note_durable(std::move(record));
}

void AuditTrail::note_job(const replication::Replication &replication, std::string_view id,
                          std::string_view event, std::string_view reason) {
    audit::Record record;
    record.kind = audit::Kind::replication;
    record.action = "job_" + std::string(event);
    record.outcome =
        event == "crashed" || event == "failed" ? audit::Outcome::failed : audit::Outcome::granted;
    record.principal = replication.principal.name;
    record.database = replication.document_database;
    record.document = replication.document_id;
    record.reason = reason;
    record.details.append("job", id);
    append_ends(record.details, replication);
    record.details.append("continuous", replication.continuous);
    log_->note_or_lose(std::move(record));
}

void AuditTrail::apply_settings() {
    log_->set_options(audit::read_options(config_));
}

} // namespace divan::server
