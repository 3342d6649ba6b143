//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

// ErrInUse says that another process is the writer of what a lock guards.
var ErrInUse = errors.New("durable: in use by another process")

// Lock takes the lock at path without waiting: ErrInUse when somebody has it.
// Closing the file gives it up, and so does the end of the process, however that
// comes.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return f, nil
}
