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
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
	_ = cmd.Process.Kill()
}

// killRest has nothing to do: once a program has ended nobody knows its children, and its number may be another's.
func killRest(*exec.Cmd) {}
