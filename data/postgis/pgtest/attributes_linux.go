package pgtest

import "syscall"

// attributes let the server end when the test that started it dies.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT} }
