//go:build unix

package conformance

import (
	"os/exec"
	"syscall"
)

// leadGroup makes a program that is about to start the leader of a process group of its own.
func leadGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the program and what it has started, as far as that has not left its group.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// killRest ends what a program that has ended has left running.
func killRest(cmd *exec.Cmd) { killGroup(cmd) }
