//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

var errNoOwnNetwork = errors.New("bench: only Linux gives a program a network of its own")

func ownNetwork(*exec.Cmd) error { return errNoOwnNetwork }

func loopbackUp() error { return errNoOwnNetwork }
