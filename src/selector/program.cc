#include "selector/program.h"

#include "selector/normal_form.h"

#include <charconv>
#include <map>

namespace divan::selector {
namespace {

// Machine code is made for patterns up to this size: PCRE2 takes longer for it than for a program.
constexpr std::size_t kFastProgramBytesMax = 16 << 10;

class Compiler {
  public:
    explicit Compiler(const Limits &limits) : limits_(limits) {}

    Result<std::unique_ptr<Scope>> scope(const Node &root) {
        Slots slots;
        const auto number = scopes_++;
        DIVAN_TRY(auto test, compile(root, slots));
        std::vector<Path> paths(slots.size());
        for (const auto &[path, slot] : slots)
            paths[slot] = path;
        return std::make_unique<Scope>(Scope{PathReader(paths), std::move(test), number});
    }

    [[nodiscard]] std::size_t scopes() const { return scopes_; }

  private:
    using Slots = std::map<Path, std::size_t>;

    Result<Test> compile(const Node &node, Slots &slots) {
        Test test;
        test.kind = node.kind;
        test.op = node.op;
        if (node.kind == Node::Kind::condition) {
            DIVAN_TRY(test.argument, argument(node));
            return test;
        }
        if (node.kind == Node::Kind::field) {
            const auto &below = node.children.front();
            test.slot = slots.try_emplace(node.path, slots.size()).first->second;
            test.true_if_missing = below.kind == Node::Kind::condition && below.op == Operator::exists &&
                                   !below.argument.boolean();
        }
        for (const auto &child : node.children) {
            DIVAN_TRY(auto compiled, compile(child, slots));
            test.children.push_back(std::move(compiled));
        }
        return test;
    }

    Result<Test::Argument> argument(const Node &node) {
        const auto &value = node.argument;
        switch (node.op) {
        case Operator::lt:
        case Operator::lte:
        case Operator::eq:
        case Operator::ne:
        case Operator::gte:
        case Operator::gt:
            return Test::Argument(Literal(value));
        case Operator::in:
        case Operator::nin:
            return Test::Argument(LiteralSet(value.array()));
        case Operator::exists:
            return Test::Argument(value.boolean());
        case Operator::type:
            return Test::Argument(value.string());
        case Operator::mod:
            return Test::Argument(Modulus(value.array()[0].number_text(), value.array()[1].number_text()));
        case Operator::regex:
            return regex(value.string());
        case Operator::begins_with:
            return Test::Argument(Prefix(value.string()));
        case Operator::all:
            return Test::Argument(TermSet(value.array()));
        case Operator::size:
            return Test::Argument(size(value.number_text()));
        case Operator::elem_match:
        case Operator::all_match:
        case Operator::key_map_match: {
            DIVAN_TRY(auto below, scope(node.children.front()));
            return Test::Argument(std::move(below));
        }
        case Operator::text:
            break;
        }
        return Test::Argument();
    }

    Result<Test::Argument> regex(const std::string &pattern) {
        auto compiled = Regex::compile(pattern);
        if (!compiled.ok())
            return bad_argument("$regex", pattern);
        if (compiled->memory() <= kFastProgramBytesMax)
            compiled->make_fast();
        regex_bytes_ += compiled->memory();
        if (regex_bytes_ > limits_.regex_program_bytes_max)
            return beyond_limit("The regular expressions take more than " +
                                std::to_string(limits_.regex_program_bytes_max) + " bytes when compiled.");
        return Test::Argument(std::move(*compiled));
    }

    // None if no array can have so many elements.
    static std::optional<std::uint64_t> size(const std::string &text) {
        if (text == "-0")
            return 0;
        std::uint64_t value = 0;
        const auto error = std::from_chars(text.data(), text.data() + text.size(), value).ec;
        return error == std::errc() ? std::optional(value) : std::nullopt;
    }

    const Limits &limits_;
    std::size_t scopes_ = 0;
    std::size_t regex_bytes_ = 0;
};

} // namespace

Result<void> compile_program(const Node &root, const Limits &limits, std::unique_ptr<Scope> &scope,
                             std::size_t &scopes) {
    Compiler compiler(limits);
    DIVAN_TRY(scope, compiler.scope(root));
    scopes = compiler.scopes();
    return {};
}

} // namespace divan::selector
