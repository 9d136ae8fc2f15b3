# Install rules; the package config comes with them.
