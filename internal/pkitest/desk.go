package pkitest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Desk is a directory in which a foreign program works.
type Desk struct {
	Program, Dir string
}

// NewDesk finds the program, as Tool does, and gives it an empty directory.
func NewDesk(t testing.TB, program string) Desk {
	t.Helper()
	return Desk{Tool(t, program), t.TempDir()}
}

// Write puts a file on the desk and returns its path.
func (d Desk) Write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(d.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Try runs the program in the desk's directory; what it says is returned.
func (d Desk) Try(args ...string) (string, error) {
	cmd := exec.Command(d.Program, args...)
	cmd.Dir = d.Dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Run is Try for a call that must not fail.
func (d Desk) Run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := d.Try(args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(d.Program), strings.Join(args, " "), err, out)
	}
	return out
}
