//go:build !unix

package conformance

import (
	"os/exec"
	"strconv"
)

// leadGroup has nothing to do: Windows knows a process's children.
func leadGroup(*exec.Cmd) {}

// killGroup ends the program and its children.
func killGroup(cmd *exec.Cmd) {
	if cmd.ProcessState != nil { // it has ended, and its number may be another's
		return
	}
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
	_ = cmd.Process.Kill()
}
