#include "crypto/scram.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/testing/scram_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::crypto {
namespace {

constexpr const char *kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr const char *kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr const char *kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr const char *kClientFinal = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr const char *kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramVerifier verifier_of(std::string_view password) {
    auto salt = *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
    return scram_verifier_from_password(password, salt, 4096).value();
}

ScramServer server() {
    return ScramServer(parse_scram_client_first(kClientFirst).value(), verifier_of("pencil"), kServerNonce);
}

// The message, or "e=word status".
std::string outcome(const Result<std::string> &message) {
    return message.ok()
               ? *message
               : fmt::format("{} {}", scram_error_message(message.error()), message.error().status());
}

std::string outcome_of_first(std::string_view message) {
    auto first = parse_scram_client_first(message);
    return first.ok() ? first->username
                      : fmt::format("{} {}", scram_error_message(first.error()), first.error().status());
}

// RFC 7677, section 3.
TEST(Scram, VectorOfTheRfc) {
    auto login = server();
    EXPECT_EQ(login.username(), "user");
    EXPECT_EQ(login.server_first(), kServerFirst);
    EXPECT_EQ(outcome(login.finish(kClientFinal)), kServerFinal);
    ScramClient client("user", "pencil", "rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(client.client_first(), kClientFirst);
    EXPECT_EQ(client.client_final(kServerFirst), kClientFinal);
    EXPECT_TRUE(client.server_is_known(kServerFinal));
}

TEST(Scram, WrongPasswordsAreRefused) {
    for (const char *password : {"pencil2", "Pencil", " pencil"}) {
        auto login = server();
        ScramClient client("user", password, "rOprNGfwEbeRWgbNEkqO");
        EXPECT_EQ(outcome(login.finish(client.client_final(login.server_first()))), "e=invalid-proof 401");
    }
}

TEST(Scram, ALoginHasOneAttempt) {
    auto login = server();
    EXPECT_EQ(outcome(login.finish("")), "e=invalid-encoding 400");
    EXPECT_EQ(outcome(login.finish(kClientFinal)), "e=other-error 400");
}

TEST(Scram, NamesAreUnescaped) {
    ScramClient client("a=b,c\u00fc", "x", "r");
    EXPECT_EQ(client.client_first(), "n,,n=a=3Db=2Cc\u00fc,r=r");
    EXPECT_EQ(outcome_of_first(client.client_first()), "a=b,c\u00fc");
    for (const char *name : {"", "=", "=2", "=2c", "=3d", "a=41", "a=", "=2C="})
        EXPECT_EQ(outcome_of_first(fmt::format("n,,n={},r=r", name)), "e=invalid-username-encoding 400")
            << name;
}

TEST(Scram, FirstMessages) {
    struct Case {
        std::string message, outcome;
    };
    for (const auto &[message, expected] :
         std::initializer_list<Case>{{"y,,n=user,r=x", "user"},
                                     {"n,a=user,n=user,r=x", "user"},
                                     {"n,,n=user,r=x,x=1,Y=2", "user"},
                                     {"n,a=other,n=user,r=x", "e=other-error 400"},
                                     {"n,a=,n=user,r=x", "user"},
                                     {"n,user,n=user,r=x", "e=invalid-encoding 400"},
                                     {"p=tls-unique,,n=user,r=x", "e=channel-binding-not-supported 400"},
                                     {"p=tls-exporter,,n=user,r=x", "e=channel-binding-not-supported 400"},
                                     {"n,,m=x,n=user,r=x", "e=extensions-not-supported 400"},
                                     {"n,,n=user,r=x,m=x", "e=extensions-not-supported 400"},
                                     {"", "e=invalid-encoding 400"},
                                     {"n", "e=invalid-encoding 400"},
                                     {"n,", "e=invalid-encoding 400"},
                                     {"n,,", "e=invalid-encoding 400"},
                                     {"p", "e=invalid-encoding 400"},
                                     {"x,,n=user,r=x", "e=invalid-encoding 400"},
                                     {"n=user,r=x", "e=invalid-encoding 400"},
                                     {"n,,r=x,n=user", "e=invalid-encoding 400"},
                                     {"n,,n=user", "e=invalid-encoding 400"},
                                     {"n,,n=user,", "e=invalid-encoding 400"},
                                     {"n,,n=user,r=", "e=invalid-encoding 400"},
                                     {"n,,n=user,r=x,", "e=invalid-encoding 400"},
                                     {"n,,n=user,r=x,1=2", "e=invalid-encoding 400"},
                                     {"n,,n=user,r=x,x=", "e=invalid-encoding 400"},
                                     {"n,,n=user,r=x y", "e=invalid-encoding 400"},
                                     {"n,,n=user,r=\u00fc", "e=invalid-encoding 400"},
                                     {"n,,n=\xff,r=x", "e=invalid-encoding 400"},
                                     {std::string("n,,n=us\0er,r=x", 14), "e=invalid-encoding 400"},
                                     {"n,,n=" + std::string(4096, 'a') + ",r=x", "e=other-error 400"}})
        EXPECT_EQ(outcome_of_first(message), expected) << message;
}

TEST(Scram, LastMessages) {
    std::string good = kClientFinal;
    auto proof = good.substr(good.rfind(",p="));
    auto nonce = good.substr(7, good.rfind(",p=") - 7);
    auto decoded = *base64_decode(proof.substr(3));
    struct Case {
        std::string message, outcome;
    };
    for (const auto &[message, expected] : std::initializer_list<Case>{
             {"c=biws," + nonce + "x" + proof, "e=other-error 400"},
             {"c=biws," + nonce.substr(0, nonce.size() - 1) + proof, "e=other-error 400"},
             {"c=biws,r=rOprNGfwEbeRWgbNEkqO" + proof, "e=other-error 400"},
             {"c=eSws," + nonce + proof, "e=channel-bindings-dont-match 400"},
             {"c=biws=," + nonce + proof, "e=channel-bindings-dont-match 400"},
             {"c=," + nonce + proof, "e=channel-bindings-dont-match 400"},
             {"c=biws," + nonce + ",m=1" + proof, "e=extensions-not-supported 400"},
             {"c=biws," + nonce + ",x=1" + proof, "e=invalid-proof 401"}, // it is signed
             {nonce + ",c=biws" + proof, "e=invalid-encoding 400"},
             {"c=biws," + nonce, "e=invalid-encoding 400"},
             {"c=biws" + proof, "e=invalid-encoding 400"},
             {"c=biws," + nonce + "," + proof, "e=invalid-encoding 400"},
             {good + ",x=1", "e=invalid-encoding 400"},
             {good + "=", "e=invalid-encoding 400"},
             {good.substr(0, good.size() - 1), "e=invalid-encoding 400"},
             {"c=biws," + nonce + ",p=", "e=invalid-encoding 400"},
             {"c=biws," + nonce + ",p=" + base64_encode(decoded + '\0'), "e=invalid-encoding 400"},
             {"c=biws," + nonce + ",p=" + base64_encode(decoded.substr(1)), "e=invalid-encoding 400"},
             {"c=biws," + nonce + ",p=" + base64_encode(std::string(32, '\0')), "e=invalid-proof 401"}})
        EXPECT_EQ(outcome(server().finish(message)), expected) << message;
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(server().finish(good.substr(0, size)).ok()) << size;
}

TEST(Scram, PasswordsAreNormalized) {
    auto login = ScramServer(parse_scram_client_first("n,,n=user,r=x").value(), verifier_of("u\u0308"), "y");
    ScramClient client("user", "\u00fc", "x");
    EXPECT_TRUE(login.finish(client.client_final(login.server_first())).ok());
    for (const char *password : {"", "\u00ad", "a\tb", "\xff"})
        EXPECT_FALSE(scram_verifier_from_password(password, "salt", 4096).ok()) << password;
}

// What CouchDB keeps of a password is SaltedPassword.
TEST(Scram, VerifierFollowsFromADocumentOfCouchDb) {
    auto salt = std::string("0123456789abcdef0123456789abcdef");
    auto derived_key = pbkdf2(HashFunction::sha256, "pencil", salt, 5000);
    auto from_document = scram_verifier_from_salted_password(derived_key, salt, 5000).value();
    auto from_password = scram_verifier_from_password("pencil", salt, 5000).value();
    EXPECT_EQ(to_text(from_document).stored_key, to_text(from_password).stored_key);
    EXPECT_EQ(to_text(from_document).server_key, to_text(from_password).server_key);
    ScramServer login(parse_scram_client_first("n,,n=user,r=x").value(), std::move(from_document), "y");
    ScramClient client("user", "pencil", "x");
    auto server_final = login.finish(client.client_final(login.server_first()));
    ASSERT_TRUE(server_final.ok());
    EXPECT_TRUE(client.server_is_known(*server_final));
    EXPECT_FALSE(scram_verifier_from_salted_password(derived_key.substr(1), salt, 5000).ok());
    EXPECT_FALSE(scram_verifier_from_salted_password(derived_key, "", 5000).ok());
    for (std::uint32_t iterations : {0u, 1u, 4095u, 100'000'001u})
        EXPECT_FALSE(scram_verifier_from_salted_password(derived_key, salt, iterations).ok());
}

TEST(Scram, VerifierTextReadsBack) {
    auto text = to_text(verifier_of("pencil"));
    EXPECT_EQ(text.salt, "W22ZaJ0SNY7soEsUEjb6gQ==");
    auto read = scram_verifier_from_text(text).value();
    EXPECT_EQ(to_text(read).stored_key, text.stored_key);
    EXPECT_EQ(to_text(read).server_key, text.server_key);
    EXPECT_EQ(read.iterations, 4096u);
    for (auto member :
         {&ScramVerifierText::salt, &ScramVerifierText::stored_key, &ScramVerifierText::server_key})
        for (const char *bad : {"", "%", "c2FsdA", "c2FsdB=="}) {
            auto damaged = text;
            damaged.*member = bad;
            EXPECT_FALSE(scram_verifier_from_text(damaged).ok()) << bad;
        }
    text.iterations = 1;
    EXPECT_FALSE(scram_verifier_from_text(text).ok());
}

TEST(Scram, UnknownUsersLookLikeKnownOnes) {
    auto fake = fake_scram_verifier("server secret", "nobody", 4096);
    EXPECT_EQ(to_text(fake).salt, to_text(fake_scram_verifier("server secret", "nobody", 4096)).salt);
    EXPECT_NE(fake.salt, fake_scram_verifier("server secret", "somebody", 4096).salt);
    EXPECT_NE(fake.salt, fake_scram_verifier("another secret", "nobody", 4096).salt);
    EXPECT_EQ(fake.salt.size(), 32u);
    EXPECT_EQ(fake.salt.find_first_not_of("0123456789abcdef"), std::string::npos);
    ScramServer login(parse_scram_client_first("n,,n=nobody,r=x").value(), std::move(fake), "y");
    ScramClient client("nobody", "pencil", "x");
    EXPECT_EQ(outcome(login.finish(client.client_final(login.server_first()))), "e=invalid-proof 401");
}

} // namespace
} // namespace divan::crypto
