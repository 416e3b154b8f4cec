package compat_test

// waiting names the families of commands that are not built yet, each with one
// of its commands. Blocks that need one of them wait: they are recorded, and the
// tests say how many there are. A family leaves this list when it is built;
// the tests fail if it is still here when its command answers.
var waiting = map[string]string{}
