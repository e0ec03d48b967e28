// Package arena is a network for tests of many processes: hosts of their own, and links between them that can be
// cut, in one direction too, lose packets or delay them.
//
//	             ┌── switch (a bridge) ──┬───────────┬────────────┐
//	Outside: the test's own     Host: namespace  Host: ...   forwarder: reads frames of mangled links,
//	process and address           and veth                   drops or delays them, and passes them on
//
// A link is a direction: who stands behind an address is a permanent neighbour entry of the one who sends. Cut
// points it at a machine that does not exist, Mangle at the forwarder, Heal at the truth. So a sender sees what it
// sees in life, silence, and no kernel module is needed (tc netem is often missing).
//
// All of it lives in a network namespace without a name, which the whole test program enters before its first test
// (Enter), and in namespaces that its threads hold. Nothing has to be removed: with the program, however it ends,
// the kernel takes everything away. It needs Linux and root (ErrForbidden).
package arena
