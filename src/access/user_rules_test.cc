#include "base/encoding.h"

#include "access/password_policy.h"
#include "access/password_regexp.h"
#include "access/testing_users.h"

namespace divan::access {
namespace {

class UserRulesTest : public UsersFixture {
  protected:
    const std::string admin_ = context("anna", R"(["_admin"])");
    const std::string id_ = "org.couchdb.user:bert";
    std::string as_admin(const std::string &json) { return write_as(admin_, id_, json); }
};

TEST_F(UserRulesTest, TellWhatADocumentMustLookLike) {
    const std::pair<const char *, const char *> wrong[] = {
        {"{}", "doc.type must be user"},
        {R"({"type":"user"})", "doc.name is required"},
        {R"({"type":"user","name":"bert"})", "doc.roles must exist"},
        {R"({"type":"user","name":"bert","roles":"x"})", "doc.roles must be an array"},
        {R"({"type":"user","name":"bert","roles":[1]})", "doc.roles can only contain strings"},
        {R"({"type":"user","name":"cleo","roles":[]})", "Doc ID must be of the form org.couchdb.user:name"},
        {R"({"type":"user","name":"bert","roles":["_admin"]})",
         "No system roles (starting with underscore) in users db."},
        {R"({"type":"user","name":"bert","roles":[],"password":1})", "Password value of '1' is invalid."},
        {R"({"type":"user","name":"bert","roles":[],"password_scheme":"bcrypt"})",
         "Password scheme `bcrypt` not supported."},
        {R"({"type":"user","name":"bert","roles":[],"password_scheme":"pbkdf2"})",
         "iterations must be a number."},
    };
    for (const auto &[json, reason] : wrong)
        EXPECT_EQ(as_admin(json), std::string("403 ") + reason) << json;
    EXPECT_TRUE(as_admin(R"({"type":"user","name":"bert","roles":[]})").starts_with("1-"));
}

// CVE-2017-12635: two members `roles`, one of them seen by the check and the other by the login.
TEST_F(UserRulesTest, DuplicateRolesGiveNobodyWhatWasNotChecked) {
    EXPECT_TRUE(as_admin(R"({"type":"user","name":"bert","roles":["_admin"],"roles":[],"password":"x"})")
                    .starts_with("1-"));
    EXPECT_TRUE(log_in("bert", "x")->roles.empty());
    EXPECT_TRUE(as_admin(R"({"type":"user","name":"bert","roles":[],"roles":["_admin"],"password":"x"})")
                    .starts_with("403"));
}

// Nor does a document that came past the rules, say with an engine's files.
TEST_F(UserRulesTest, RolesOfTheSystemInADocumentCountForNothing) {
    std::promise<void> written;
    db::Edit edit;
    edit.id = id_;
    edit.json = R"({"type":"user","name":"bert","roles":["_admin","a"],"password_sha":")" +
                hex_encode(crypto::hash_password("x", "s", 1).key) + "\"}";
    std::vector<db::Edit> edits;
    edits.push_back(std::move(edit));
    database_->write(std::move(edits), db::WriteContext::system(), [&](auto) { written.set_value(); });
    written.get_future().get();
    EXPECT_EQ(users_.find("bert").value()->roles, std::vector<std::string>{"a"});
}

TEST_F(UserRulesTest, UsersChangeTheirOwnDocumentButNotTheirRights) {
    put_user("bert", R"("password":"daisy","roles":["a"])");
    auto own = [&](const std::string &members) {
        return write_as(context("bert", R"(["a"])"), id_, R"({"type":"user","name":"bert",)" + members + "}");
    };
    EXPECT_EQ(own(R"("roles":["a","b"])"), "403 Only _admin may edit roles");
    EXPECT_EQ(own(R"("roles":["a"],"locked":true)"), "403 Only _admin may lock and unlock accounts");
    EXPECT_TRUE(own(R"("roles":["a"],"password":"rose")").starts_with("2-"));
    EXPECT_EQ(outcome(log_in("bert", "rose")), "bert");
    EXPECT_EQ(write_as(context("cleo"), id_, R"({"type":"user","name":"bert","roles":["a"]})"),
              "404 missing");
    EXPECT_EQ(write_as(context("cleo"), id_, "{}", true), "404 missing");
    EXPECT_TRUE(write_as(context("bert"), id_, "{}", true).starts_with("3-"));
}

TEST_F(UserRulesTest, UsersOfAnIdentityProviderGetNoPasswordOfTheirOwn) {
    put_user("bert", R"("identity_provider":"ldap","roles":[])");
    auto own = [&](const std::string &members) {
        return write_as(context("bert"), id_, R"({"type":"user","name":"bert","roles":[])" + members + "}");
    };
    EXPECT_TRUE(own(R"(,"identity_provider":"ldap","password":"rose")").starts_with("403 Your password"));
    EXPECT_TRUE(
        own(R"(,"identity_provider":"ldap","salt":"a","password_sha":"b")").starts_with("403 Your password"));
    EXPECT_EQ(own(R"(,"password":"rose")"), "403 Only _admin may change identity_provider");
    EXPECT_TRUE(own(R"(,"identity_provider":"ldap","city":"Ulm")").starts_with("2-"));
    EXPECT_EQ(write_as(context(""), "org.couchdb.user:cleo",
                       R"({"type":"user","name":"cleo","roles":[],"identity_provider":"ldap"})"),
              "403 Only _admin may change identity_provider");
}

TEST_F(UserRulesTest, AnybodyMaySignUpWithoutRoles) {
    EXPECT_EQ(write_as(context(""), id_, R"({"type":"user","name":"bert","roles":["x"],"password":"p"})"),
              "403 Only _admin may set roles");
    EXPECT_TRUE(write_as(context(""), id_, R"({"type":"user","name":"bert","roles":[],"password":"p"})")
                    .starts_with("1-"));
    EXPECT_EQ(write_as(context(""), id_, R"({"type":"user","name":"bert","roles":[],"password":"q"})"),
              "403 You may only update your own user document.");
}

// It could have set up a second factor that keeps the admin out.
TEST_F(UserRulesTest, NobodySignsUpUnderTheNameOfAServerAdmin) {
    EXPECT_EQ(write_as(context(""), "org.couchdb.user:anna",
                       R"({"type":"user","name":"anna","roles":[],"totp":{"key":"GEZDGNBVGY3TQOJQ"}})"),
              "403 This name belongs to a server admin.");
    EXPECT_EQ(outcome(log_in("anna", "tulip")), "anna");
    EXPECT_TRUE(put_user("anna", R"("roles":[])").starts_with("1-")) << "an admin may";
}

TEST_F(UserRulesTest, PasswordsAreNeverStoredHoweverTheyCome) {
    put_user("bert", R"("password":"daisy","roles":[],"city":"Ulm")");
    auto document = read_document("bert");
    EXPECT_FALSE(document.contains("password"));
    EXPECT_EQ(document.find("password_scheme")->string(), "pbkdf2");
    EXPECT_EQ(document.find("city")->string(), "Ulm");
    // Escaped, and by a replicator.
    put_user("cleo", R"("p\u0061ssword":"daisy","roles":[])");
    db::Edit replicated;
    replicated.id = "org.couchdb.user:dora";
    replicated.path = doc::RevPath{1, {doc::RevId::parse("1-ffffffffffffffffffffffffffffffff")->hash}};
    replicated.json = R"({"type":"user","name":"dora","roles":[],"password":"daisy"})";
    write_edit(admin_, std::move(replicated));
    EXPECT_FALSE(read_document("dora").contains("password"));
    EXPECT_EQ(outcome(log_in("dora", "daisy")), "dora");
}

TEST_F(UserRulesTest, DesignDocumentsAreForAdmins) {
    EXPECT_EQ(write_as(context("bert"), "_design/d", "{}"), "404 missing") << "of the users database";
    EXPECT_TRUE(write_as(admin_, "_design/d", "{}").starts_with("1-"));
    database_ = store_->create("db", {}).value();
    ASSERT_TRUE(database_->set_security(R"({"admins":{"names":["cleo"],"roles":["chief"]}})").ok());
    EXPECT_EQ(write_as(context("bert"), "_design/d", "{}"), "403 You are not a db or server admin.");
    EXPECT_EQ(write_as(context(""), "_design/d", "{}"), "401 You are not a db or server admin.");
    EXPECT_TRUE(write_as(context("cleo"), "_design/d", "{}").starts_with("1-"));
    EXPECT_TRUE(write_as(context("dora", R"(["chief"])"), "_design/d", "{}").starts_with("2-"));
    db::Edit stale;
    stale.id = "_design/d";
    stale.parent = doc::RevId::parse("1-ffffffffffffffffffffffffffffffff").value();
    EXPECT_TRUE(write_edit(context("bert"), std::move(stale)).starts_with("409")) << "a conflict comes first";
}

TEST_F(UserRulesTest, ThePolicyIsAskedOfEveryNewPassword) {
    set("divan", "profile", "enterprise");
    auto put = [&](const std::string &password) {
        return put_user("bert", R"("roles":[],"password":")" + password + "\"");
    };
    EXPECT_EQ(put("short"),
              "400 Password does not conform to requirements. It needs at least 12 characters, an "
              "upper-case letter, a digit, a special character.");
    EXPECT_EQ(put("Longer than that"), "400 Password does not conform to requirements. It needs a digit.");
    EXPECT_TRUE(put("Correct horse 1").starts_with("1-"));
    EXPECT_FALSE(admins_.admin_text("cleo", "short").ok());
    // The last five may not come again, also when the user wipes the own history.
    EXPECT_TRUE(put("Correct horse 1").starts_with("400"));
    for (int i = 2; i <= 6; ++i)
        EXPECT_FALSE(put("Correct horse " + std::to_string(i)).starts_with("400")) << i;
    EXPECT_TRUE(put("Correct horse 2").starts_with("400"));
    EXPECT_FALSE(put("Correct horse 1").starts_with("400"));
    auto document = read_document("bert");
    EXPECT_EQ(document.find("password_history")->array().size(), 5);
    EXPECT_EQ(write_as(context("bert"), id_, R"({"type":"user","name":"bert","roles":[]})").front(), '8');
    EXPECT_EQ(read_document("bert").find("password_history")->array().size(), 5);
}

TEST(PasswordRegexp, ReadsErlangLists) {
    using List = std::vector<PasswordRegexp>;
    EXPECT_EQ(parse_password_regexps(""), List());
    EXPECT_EQ(parse_password_regexps("[]"), List());
    EXPECT_EQ(parse_password_regexps(R"([{".{10,}", "At least 10."}, "\\d+", {"a"}])"),
              (List{{".{10,}", "At least 10."}, {"\\d+", ""}, {"a", ""}}));
    for (const char *wrong : {"x", "[", "[\"a\"", "[{\"a\", b}]", "[\"a\"] x", "[a]", "[\"\\"})
        EXPECT_EQ(parse_password_regexps(wrong), std::nullopt) << wrong;
}

TEST(PasswordRegexp, RefusesWithItsReason) {
    PasswordPolicy policy;
    policy.regexps = R"([{".{10,}", "At least 10."}, "\\d+"])";
    EXPECT_EQ(check_password_policy("short1", policy).error().reason(),
              "Password does not conform to requirements. At least 10.");
    EXPECT_EQ(check_password_policy("long enough", policy).error().reason(),
              "Password does not conform to requirements.");
    EXPECT_TRUE(check_password_policy("long enough 1", policy).ok());
    EXPECT_TRUE(check_password_regexps(policy.regexps).ok());
    for (const char *wrong : {"(", "[\"(\"]"})
        EXPECT_EQ(check_password_regexps(wrong).error().status(), 400);
    policy.regexps = "(";
    EXPECT_EQ(check_password_policy("long enough 1", policy).error().status(), 403);
    policy.regexps = "[\"(\"]";
    EXPECT_EQ(check_password_policy("long enough 1", policy).error().status(), 403);
}

} // namespace
} // namespace divan::access
