"""One package per outside thing; each translates its driver's errors and hides its driver."""
