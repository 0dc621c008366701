#include "cli/replicate_request.h"

#include "replication/replication.h"
#include "json/writer.h"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <map>

namespace divan::cli {
namespace {

Environment variables(std::map<std::string, std::string> values) {
    return [values = std::move(values)](const std::string &name) {
        auto at = values.find(name);
        return at == values.end() ? std::nullopt : std::optional(at->second);
    };
}

std::string object_text(const ReplicateCommand &command, const Environment &environment = variables({})) {
    auto object = replication_object(command, environment);
    return object.ok() ? json::to_text(json::Value(*object)) : object.error().reason();
}

ReplicateCommand between(std::string source, std::string target) {
    ReplicateCommand command;
    command.source = std::move(source);
    command.target = std::move(target);
    return command;
}

TEST(ReplicateRequest, BareNamesAreDatabasesOfTheServer) {
    EXPECT_EQ(object_text(between("a/b", "https://h/x")),
              R"({"source":{"url":"http://127.0.0.1:5984/a%2Fb"},"target":{"url":"https://h/x"}})");
    EXPECT_EQ(object_text(between("a", "b"), variables({{"DIVAN_URL", "http://u:p@h:1/"}})),
              R"({"source":{"url":"http://u:p@h:1/a"},"target":{"url":"http://u:p@h:1/b"}})");
    auto command = between("a", "b");
    command.url = "http://other";
    EXPECT_EQ(object_text(command, variables({{"DIVAN_URL", "http://h"}})),
              R"({"source":{"url":"http://other/a"},"target":{"url":"http://other/b"}})");
}

TEST(ReplicateRequest, CredentialsComeFromTheEnvironment) {
    auto environment =
        variables({{"DIVAN_SOURCE_LOGIN", "s:p:1"}, {"DIVAN_TARGET_LOGIN", "t:2"}, {"T", "abc"}});
    EXPECT_EQ(
        object_text(between("http://h/a", "http://me:own@h/b"), environment),
        R"({"source":{"url":"http://h/a","auth":{"basic":{"username":"s","password":"p:1"}}},"target":{"url":"http://me:own@h/b"}})");
    auto command = between("http://h/a", "http://h/b");
    command.bearer_source = "T";
    EXPECT_EQ(
        object_text(command, environment),
        R"({"source":{"url":"http://h/a","auth":{"bearer":"abc"}},"target":{"url":"http://h/b","auth":{"basic":{"username":"t","password":"2"}}}})");
    command.bearer_source = "NONE";
    EXPECT_EQ(object_text(command, environment),
              "The environment variable NONE, which should hold a token, is not set.");
    EXPECT_EQ(object_text(between("http://h/a", "http://h/b"), variables({{"DIVAN_SOURCE_LOGIN", "secret"}})),
              "The environment variable DIVAN_SOURCE_LOGIN must hold NAME:PASSWORD.");
}

TEST(ReplicateRequest, EveryOptionIsAMemberOfReplicate) {
    auto command = between("http://h/a", "http://h/b");
    command.continuous = command.create_target = command.winning_revs_only = command.no_checkpoints = true;
    command.create_q = 4;
    command.create_partitioned = true;
    command.filter = "d/f";
    command.query_params = {"a=1", "b=x=y"};
    command.since_seq = "12-ab";
    command.tuning.batch_size = 10;
    command.tuning.workers = 2;
    command.tuning.connections = 3;
    command.tuning.timeout_seconds = 7;
    command.tuning.retries = 1;
    command.checkpoint_seconds = 2;
    command.kilobytes_per_second = 100;
    EXPECT_EQ(
        object_text(command),
        R"({"source":{"url":"http://h/a"},"target":{"url":"http://h/b"},"continuous":true,"winning_revs_only":true,"use_checkpoints":false,"create_target":true,"create_target_params":{"q":4,"partitioned":true},"filter":"d/f","query_params":{"a":"1","b":"x=y"},"since_seq":"12-ab","worker_batch_size":10,"worker_processes":2,"http_connections":3,"connection_timeout":7000,"retries_per_request":1,"checkpoint_interval":2000,"kilobytes_per_second":100})");
    auto config = config::Config::load({}, "").value();
    auto replication = replication::read_replication(*replication_object(command, variables({})), *config,
                                                     access::Principal());
    ASSERT_TRUE(replication.ok()) << replication.error().reason();
    EXPECT_EQ(replication->tuning.connection_timeout, Millis(7'000));
    EXPECT_EQ(replication->create_q, 4U);
}

TEST(ReplicateRequest, WaysToChooseDocuments) {
    auto command = between("http://h/a", "http://h/b");
    command.view = "d/v";
    EXPECT_NE(object_text(command).find(R"("filter":"_view","query_params":{"view":"d/v"})"),
              std::string::npos);
    command = between("http://h/a", "http://h/b");
    command.selector = R"({"a": 1})";
    EXPECT_NE(object_text(command).find(R"("selector":{"a":1})"), std::string::npos);
    command.selector = "a=1";
    EXPECT_EQ(object_text(command).find("--selector must be a JSON object"), 0U);

    auto path = testing::TempDir() + "replicate_request_ids";
    std::ofstream(path) << "from file\r\n\n100%\n";
    command = between("http://h/a", "http://h/b");
    command.doc_ids = {"a%20b"};
    command.doc_ids_file = path;
    auto config = config::Config::load({}, "").value();
    auto replication = replication::read_replication(*replication_object(command, variables({})), *config,
                                                     access::Principal());
    std::remove(path.c_str());
    ASSERT_TRUE(replication.ok());
    EXPECT_EQ(replication->filter.doc_ids, (std::vector<std::string>{"100%", "a%20b", "from file"}));
    EXPECT_EQ(object_text(command), "Cannot read " + path + ".");
}

TEST(ReplicateRequest, OptionsThatNeedOthers) {
    auto command = between("a", "b");
    command.query_params = {"a=1"};
    EXPECT_EQ(object_text(command), "--query-param needs --filter or --view.");
    command.filter = "d/f";
    command.view = "d/v";
    EXPECT_EQ(object_text(command), "--filter and --view exclude each other.");
    command.query_params = {"=1"};
    EXPECT_EQ(object_text(command), "--query-param has the form NAME=VALUE.");
    command = between("a", "b");
    command.create_q = 2;
    EXPECT_EQ(object_text(command), "--q and --partitioned need --create-target.");
}

} // namespace
} // namespace divan::cli
