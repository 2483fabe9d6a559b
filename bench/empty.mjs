// A module that does nothing: what bench/startup.ts compares with.
