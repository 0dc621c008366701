#include "collation/ascii_key.h"

#include "collation/string_key.h"

#include <cstring>

namespace divan::collation {
namespace {

// ICU's format of sort keys.
constexpr char kLevelSeparator = 1;
constexpr char kLowerLeadFollows = 3; // ends a run of a lead byte
constexpr char kHigherLeadFollows = '\xff';
constexpr char kCommonWeight = 5;
// How runs of common weights are written: COUNT_MAX of them as the middle byte; the rest up from the common
// weight before the end or a lower weight, down from the high byte before a higher weight.
struct CommonRuns {
    std::size_t count_max;
    std::uint8_t middle;
    std::uint8_t high;
};
constexpr CommonRuns kSecondaryRuns{0x21, 0x25, 0x45};
constexpr CommonRuns kTertiaryRuns{0x61, 0x65, 0xc5};

// A primary weight and the end of a run, two tertiary bytes, and less than one byte for counts.
constexpr std::size_t kBytesPerCharacterMax = 8;
constexpr std::size_t kBytesFixed = 16;
constexpr std::size_t kStackCharactersMax = 64;

char *write_full_runs(char *out, std::size_t &count, const CommonRuns &runs) {
    for (; count > runs.count_max; count -= runs.count_max)
        *out++ = static_cast<char>(runs.middle);
    return out;
}

char *write_last_run(char *out, std::size_t count, const CommonRuns &runs) {
    if (count == 0)
        return out;
    out = write_full_runs(out, count, runs);
    *out++ = static_cast<char>(static_cast<std::size_t>(kCommonWeight) + count - 1);
    return out;
}

std::string icu_key(std::string_view ascii) {
    std::string key;
    append_icu_key(key, ascii);
    return key;
}

} // namespace

AsciiKeys::AsciiKeys() {
    usable_ = true;
    for (unsigned c = 0; c < weights_.size() && usable_; ++c)
        usable_ = read_weights(static_cast<unsigned char>(c));
    usable_ = usable_ && agrees_with_icu();
}

// Reads "PRIMARY 1 SECONDARY 1 TERTIARY 0"; false if this is no character that write() can do.
bool AsciiKeys::read_weights(unsigned char c) {
    const std::string text(1, static_cast<char>(c));
    const auto key = icu_key(text);
    const auto primary_end = key.find(kLevelSeparator);
    if (primary_end == std::string::npos)
        return false;
    auto rest = std::string_view(key).substr(primary_end);
    auto &weights = weights_[c];
    if (primary_end == 0)
        return rest == std::string_view("\1\1\0", 3);
    // The secondary weight is the common one, the tertiary weight is one byte.
    if (primary_end > 4 || rest.size() != 5 || !rest.starts_with("\1\5\1") || rest.back() != '\0')
        return false;
    std::memcpy(weights.primary.data(), key.data(), primary_end);
    weights.primary_size = static_cast<std::uint8_t>(primary_end);
    if (rest[3] != kCommonWeight) {
        weights.tertiary = static_cast<std::uint8_t>(rest[3]);
        if (weights.tertiary <= kTertiaryRuns.high)
            return false;
    }
    const auto twice_primary_size = icu_key(text + text).find(kLevelSeparator);
    weights.compressible = twice_primary_size == 2 * primary_end - 1 ? 1 : 0;
    return true;
}

// Every pair of characters, for contractions and the ends of runs, and long texts, for the counts.
bool AsciiKeys::agrees_with_icu() const {
    auto agrees = [&](std::string_view text) {
        std::string own;
        append(own, text);
        return own == icu_key(text);
    };
    char pair[2];
    for (unsigned a = 0; a < 128; ++a) {
        for (unsigned b = 0; b < 128; ++b) {
            pair[0] = static_cast<char>(a);
            pair[1] = static_cast<char>(b);
            if (!agrees({pair, 2}))
                return false;
        }
    }
    std::string text;
    for (unsigned size = 0; size < 256; ++size) {
        if (!agrees(text) || !agrees(text + "A") || !agrees("A" + text) || !agrees(text + "Zz-Z,\t0"))
            return false;
        text.push_back(static_cast<char>(size < 128 ? 'a' : size * 37 % 128));
    }
    return true;
}

void AsciiKeys::append(std::string &out, std::string_view ascii) const {
    if (ascii.size() <= kStackCharactersMax) {
        char buffer[kBytesPerCharacterMax * kStackCharactersMax + kBytesFixed];
        out.append(buffer, write(buffer, ascii));
        return;
    }
    std::string buffer(kBytesPerCharacterMax * ascii.size() + kBytesFixed, '\0');
    out.append(buffer.data(), write(buffer.data(), ascii));
}

char *AsciiKeys::write(char *out, std::string_view ascii) const {
    std::uint8_t run_lead = 0; // the lead byte that is not written again; 0 if none
    unsigned tertiaries = 0;
    std::size_t count = ascii.size(); // of characters that are not ignored
    for (char c : ascii) {
        const auto &weights = weights_[static_cast<unsigned char>(c)];
        const auto size = weights.primary_size;
        if (size == 0) {
            --count;
            continue;
        }
        tertiaries |= weights.tertiary;
        if ((run_lead | weights.compressible) != 0) {
            const auto lead = static_cast<std::uint8_t>(weights.primary[0]);
            if (weights.compressible != 0 && lead == run_lead) {
                std::memcpy(out, weights.primary.data() + 1, 4);
                out += size - 1;
                continue;
            }
            if (run_lead != 0)
                *out++ = lead < run_lead ? kLowerLeadFollows : kHigherLeadFollows;
            run_lead = weights.compressible != 0 ? lead : 0;
        }
        std::memcpy(out, weights.primary.data(), 4);
        out += size;
    }
    *out++ = kLevelSeparator;
    out = write_last_run(out, count, kSecondaryRuns);
    *out++ = kLevelSeparator;
    out = tertiaries == 0 ? write_last_run(out, count, kTertiaryRuns) : write_tertiaries(out, ascii);
    *out++ = '\0';
    return out;
}

char *AsciiKeys::write_tertiaries(char *out, std::string_view ascii) const {
    std::size_t common = 0;
    for (char c : ascii) {
        const auto &weights = weights_[static_cast<unsigned char>(c)];
        if (weights.tertiary == 0) {
            common += weights.primary_size != 0 ? 1 : 0;
            continue;
        }
        if (common != 0) {
            out = write_full_runs(out, common, kTertiaryRuns);
            *out++ = static_cast<char>(kTertiaryRuns.high - (common - 1));
            common = 0;
        }
        *out++ = static_cast<char>(weights.tertiary);
    }
    return write_last_run(out, common, kTertiaryRuns);
}

} // namespace divan::collation
