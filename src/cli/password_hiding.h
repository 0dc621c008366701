#pragma once

// Arguments can be read by every user of the machine while a process runs.

namespace divan::cli {

// Overwrites the passwords of URLs, wherever they stand among the arguments, and that of --admin
// NAME:PASSWORD. The arguments must have been copied.
void hide_passwords(int argc, char **argv);

} // namespace divan::cli
