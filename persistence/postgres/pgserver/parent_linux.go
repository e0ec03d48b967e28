package pgserver

import "syscall"

// dieWithParent ends the server when the test binary is killed. SIGINT: a fast, orderly stop. The signal
// follows the thread that started the child, so it may come early if that thread ends; the Go runtime
// ends threads only when a goroutine locked to one returns, which nothing here does.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
