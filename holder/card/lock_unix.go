//go:build unix

package card

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the lock at path without waiting: ErrInUse when somebody has
// it. It is given up by closing the file, and by the end of the process however
// that comes.
func lockFile(path string) (*os.File, error) {
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
