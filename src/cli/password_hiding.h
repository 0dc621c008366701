#pragma once

// Arguments can be read by every user of the machine while a process runs, and messages about them stay in
// logs. Pure, but for what it overwrites.

#include <string>

namespace divan::cli {

// Overwrites the passwords of URLs, wherever they stand among the arguments, and that of --admin
// NAME:PASSWORD. The arguments must have been copied.
void hide_passwords(int argc, char **argv);
// A message that may quote arguments, without the passwords of URLs in it.
[[nodiscard]] std::string without_passwords(std::string message);

} // namespace divan::cli
