// Package durable writes files that are still there after the process dies.
//
// It owns one thing: replacing a file so that a reader sees either the whole old
// content or the whole new content, and that the new content is on the disk when
// the call returns. What the bytes mean, and whether they are sealed, is left to
// package secret and to the caller.
//
// # Trust
//
// The directory is trusted: whoever can write it can put an old file back.
// Package secret's StateFile is what notices that.
package durable

import (
	"fmt"
	"os"
	"path/filepath"
)

// Moment names a point at which a crash would be interesting, for example
// "before write card-1.sealed". Tests that kill the process count moments.
type Moment string

// Files writes files durably. The zero value is ready to use.
type Files struct {
	// Hook, when set, is told of each moment before and after a write. A test
	// may end the process inside it. It is never set in production.
	Hook func(Moment)
}

func (f Files) tell(format string, args ...any) {
	if f.Hook != nil {
		f.Hook(Moment(fmt.Sprintf(format, args...)))
	}
}

// WriteFile replaces the file at path with data and returns once both the data
// and the directory entry have been handed to the disk (fsync). A crash at any
// point leaves the old file or the new one, never a part.
func (f Files) WriteFile(path string, data []byte, perm os.FileMode) error {
	f.tell("before write %s", filepath.Base(path))
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("durable: write %s: %w", filepath.Base(path), err)
	}
	defer os.Remove(tmp.Name()) // gone already when the rename succeeded
	if err := fill(tmp, data, perm); err != nil {
		return fmt.Errorf("durable: write %s: %w", filepath.Base(path), err)
	}
	f.tell("before rename %s", filepath.Base(path))
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("durable: write %s: %w", filepath.Base(path), err)
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("durable: write %s: %w", filepath.Base(path), err)
	}
	f.tell("after write %s", filepath.Base(path))
	return nil
}

// fill writes data into tmp, forces it to the disk and closes it.
func fill(tmp *os.File, data []byte, perm os.FileMode) error {
	defer tmp.Close() // a second Close only returns an error nobody needs
	if _, err := tmp.Write(data); err != nil {
		return err
	}
	if err := tmp.Chmod(perm); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	return tmp.Close()
}

// syncDir makes a rename inside dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
