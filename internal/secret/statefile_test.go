package secret_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tegata/internal/durable"
	"tegata/internal/secret"
)

func newSealer(t *testing.T, dir string) *secret.Sealer {
	t.Helper()
	path := filepath.Join(dir, "key")
	if err := secret.CreateKeyFile(durable.Files{}, path, secret.Sandbox); err != nil {
		t.Fatal(err)
	}
	s, err := secret.OpenSealer(path, secret.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAKeyFileIsNotReplacedAndNotSharedWithOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := secret.CreateKeyFile(durable.Files{}, path, secret.Sandbox); err != nil {
		t.Fatal(err)
	}
	if err := secret.CreateKeyFile(durable.Files{}, path, secret.Sandbox); err == nil {
		t.Error("a second key replaced the first")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.OpenSealer(path, secret.Sandbox); err == nil {
		t.Error("a key file that others can read was opened")
	}
}

func TestEveryChangedByteBreaksTheSeal(t *testing.T) {
	s := newSealer(t, t.TempDir())
	sealed := s.Seal("a", []byte("content"))
	if got, err := s.Open("a", sealed); err != nil || string(got) != "content" {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := s.Open("b", sealed); !errors.Is(err, secret.ErrSealBroken) {
		t.Errorf("opened under another name: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.Open("a", changed); !errors.Is(err, secret.ErrSealBroken) {
			t.Fatalf("byte %d changed and the seal opened: %v", i, err)
		}
	}
}

func TestAStatePutBackIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := newSealer(t, dir)
	path, counter := filepath.Join(dir, "state"), filepath.Join(dir, "counter")
	file, err := secret.CreateStateFile(durable.Files{}, s, path, counter, []byte("three tries"))
	if err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(path)
	if err := file.Write([]byte("two tries")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := secret.OpenStateFile(durable.Files{}, s, path, counter); err != nil || string(got) != "two tries" {
		t.Fatalf("got %q, %v", got, err)
	}
	os.WriteFile(path, old, 0o600)
	if _, _, err := secret.OpenStateFile(durable.Files{}, s, path, counter); !errors.Is(err, secret.ErrRolledBack) {
		t.Fatalf("the old state was taken: %v", err)
	}
}

func TestADeletedCounterIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := newSealer(t, dir)
	path, counter := filepath.Join(dir, "state"), filepath.Join(dir, "counter")
	file, err := secret.CreateStateFile(durable.Files{}, s, path, counter, []byte("three tries"))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Write([]byte("two tries")); err != nil {
		t.Fatal(err)
	}
	os.Remove(counter)
	if _, _, err := secret.OpenStateFile(durable.Files{}, s, path, counter); err == nil {
		t.Fatal("a state without its counter was taken")
	}
}

// The process dies at each moment of a write; what is opened afterwards is the
// old state or the new one, and the next write works.
func TestAStopAtAnyMomentOfAWriteCanBeOpened(t *testing.T) {
	for stop := 1; ; stop++ {
		dir := t.TempDir()
		s := newSealer(t, dir)
		path, counter := filepath.Join(dir, "state"), filepath.Join(dir, "counter")
		if _, err := secret.CreateStateFile(durable.Files{}, s, path, counter, []byte("old")); err != nil {
			t.Fatal(err)
		}
		n := 0
		files := durable.Files{Hook: func(durable.Moment) {
			if n++; n == stop {
				panic("stopped")
			}
		}}
		file, _, err := secret.OpenStateFile(files, s, path, counter)
		if err != nil {
			t.Fatal(err)
		}
		stopped := func() (stopped bool) {
			defer func() { stopped = recover() != nil }()
			if err := file.Write([]byte("new")); err != nil {
				t.Fatal(err)
			}
			return false
		}()
		again, got, err := secret.OpenStateFile(durable.Files{}, s, path, counter)
		if err != nil || string(got) != "old" && string(got) != "new" {
			t.Fatalf("stopped at moment %d: got %q, %v", stop, got, err)
		}
		if err := again.Write([]byte("later")); err != nil {
			t.Fatal(err)
		}
		if !stopped {
			if stop < 6 {
				t.Fatalf("only %d moments seen", stop-1)
			}
			return
		}
	}
}

// The fence: a key file opens on its own side, and editing the word in it opens
// nothing that was sealed.
func TestAKeyFileOpensOnItsOwnSideOnly(t *testing.T) {
	for _, side := range []secret.Side{secret.Sandbox, secret.Production} {
		path := filepath.Join(t.TempDir(), "key")
		if err := secret.CreateKeyFile(durable.Files{}, path, side); err != nil {
			t.Fatal(err)
		}
		s, err := secret.OpenSealer(path, side)
		if err != nil {
			t.Fatal(err)
		}
		sealed := s.Seal("a", []byte("content"))
		other := map[secret.Side]secret.Side{secret.Sandbox: secret.Production, secret.Production: secret.Sandbox}[side]
		if _, err := secret.OpenSealer(path, other); !errors.Is(err, secret.ErrOtherSide) {
			t.Errorf("a key file of %s on the side of %s: %v", side, other, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Replace(text, []byte(side), []byte(other), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		edited, err := secret.OpenSealer(path, other)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := edited.Open("a", sealed); !errors.Is(err, secret.ErrSealBroken) {
			t.Errorf("the word was edited and the seal opened: %v", err)
		}
	}
}

func TestWhatIsNoKeyFileDoesNotOpen(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"32 bytes without mark": "0123456789abcdef0123456789abcdef",
		"another side":          "tegata sealing key 1 laptop MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n",
		"a short key":           "tegata sealing key 1 sandbox MDEyMzQ1Njc4OWFiY2RlZg==\n",
		"something behind it":   "tegata sealing key 1 sandbox MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n\n",
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.OpenSealer(path, secret.Sandbox); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
