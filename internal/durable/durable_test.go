package durable_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/internal/durable"
)

func TestAWriteReplacesTheWholeFileAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	var files durable.Files
	for _, content := range [][]byte{[]byte("first and long"), []byte("second"), nil} {
		if err := files.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("read %q, %v; want %q", got, err, content)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files, %v; want only the one written", len(entries), err)
	}
}

// A panic inside the hook stands for the death of the process at that moment.
func TestAStopAtAnyMomentLeavesTheOldOrTheNewContent(t *testing.T) {
	for stop := 1; stop <= 3; stop++ {
		path := filepath.Join(t.TempDir(), "state")
		if err := (durable.Files{}).WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		func() {
			defer func() { _ = recover() }()
			files := durable.Files{Hook: func(durable.Moment) {
				if n++; n == stop {
					panic("stopped")
				}
			}}
			_ = files.WriteFile(path, []byte("new"), 0o600)
		}()
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := "old"
		if stop == 3 { // after the rename
			want = "new"
		}
		if string(got) != want {
			t.Errorf("stopped at moment %d: file holds %q, want %q", stop, got, want)
		}
	}
}

func TestAMissingDirectoryIsAnErrorThatNamesTheFile(t *testing.T) {
	err := durable.Files{}.WriteFile(filepath.Join(t.TempDir(), "no", "state"), nil, 0o600)
	if err == nil || !strings.Contains(err.Error(), "state") {
		t.Fatalf("got %v, want an error naming the file", err)
	}
}
