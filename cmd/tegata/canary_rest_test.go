package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

// fileHit is a hit in a file.
type fileHit struct {
	path string
	hit
}

func (h fileHit) String() string { return h.path + ": " + h.hit.String() }

// inFiles searches every file of the data directory.
func (c *canaries) inFiles(t *testing.T, needles ...needle) (hits []fileHit) {
	t.Helper()
	err := filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, h := range find(content, needles...) {
			hits = append(hits, fileHit{path, h})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// checkFiles searches the databases and all other files, sandbox-secrets.json too:
// these secrets are nobody's but the person's. Then it opens what is sealed, as
// whoever steals the directory with its keys can, and searches that: there are
// verifiers, no secrets.
func (c *canaries) checkFiles(t *testing.T) {
	t.Helper()
	all := c.everything()
	c.checkKept(t)
	databases, err := filepath.Glob(filepath.Join(c.dir, "*", "*.db"))
	if err != nil || len(databases) != len(withTables) {
		t.Errorf("%d databases were searched, %v", len(databases), err)
	}
	opened, lock := 0, []byte(base64.StdEncoding.EncodeToString(c.finger.Credential.ID))
	enrolled := 0
	for room, pattern := range map[string]string{"cards": "*.card", "phone": "elements/*/element.sealed"} {
		sealer, err := secret.OpenSealer(filepath.Join(c.dir, room, "key"), secret.Sandbox)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(c.dir, room, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			sealed, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			state, err := sealer.Open(filepath.Base(file), sealed)
			if err != nil {
				t.Fatal(err)
			}
			if len(state) < 9 || state[8] != '{' { // a version, then JSON
				t.Errorf("%s opened to something that is no state", file)
			}
			for _, h := range find(state, all...) {
				t.Errorf("%s, opened: %v", file, h)
			}
			opened++
			enrolled += bytes.Count(state, lock)
		}
	}
	if opened != 4 {
		t.Errorf("%d sealed states were opened, not those of two cards and two phones", opened)
	}
	if enrolled != 1 {
		t.Errorf("the screen lock's id is in %d sealed states, so the search for its key is worth nothing", enrolled)
	}
}

// lockCodeNeedle is the code that the phone told its person once. They went on
// from that page, so that nothing has it any more.
func (c *canaries) lockCodeNeedle() needle {
	n := needle{name: "the lock code"}
	n.forms = append(encodings("in groups", []byte(c.lockCode)), encodings("digits", []byte(strings.ReplaceAll(c.lockCode, " ", "")))...)
	return n
}

// inVerify says whether the secret is the data of the command VERIFY.
func (h hit) inVerify() bool {
	if strings.HasPrefix(h.form, "VERIFY") {
		return true
	}
	n := len(h.before)
	return n >= 5 && bytes.Equal(h.before[n-5:n-2], []byte{0x00, 0x20, 0x00})
}

// checkMemory takes a core of the running neighbourhood as root can, and searches
// it. What is claimed: after the garbage was collected, which Go does at least
// every two minutes, no secret that was typed is left, in a build that erases.
// What is not: that nothing is there while a secret is being used, between the
// steps of a registration, in a build that does not erase, or on a page of memory
// that the system swapped out.
func (c *canaries) checkMemory(t *testing.T) {
	t.Helper()
	if !secret.Erases {
		if os.Getenv("TEGATA_TOOLS") == "required" {
			t.Error("this build does not erase typed secrets: `make test` builds with GOEXPERIMENT=runtimesecret")
		}
		t.Log("SKIPPED: this build does not erase typed secrets from memory (GOEXPERIMENT=runtimesecret does)")
		return
	}
	if err := c.process.ask("collect", "collected"); err != nil {
		t.Fatal(err)
	}
	core := memoryOf(t, c.process.cmd.Process.Pid)
	if !bytes.Contains(core, []byte(c.dir)) {
		t.Error("the core does not even hold the name of the data directory, so the search is worth nothing")
	}
	for _, h := range find(core, c.needles...) {
		t.Errorf("a core: %v", h)
	}
	tell(t, "canaries: %d MB of memory were searched", len(core)>>20)
}

// memoryOf writes a core of a process and returns its pages that are not empty.
func memoryOf(t *testing.T, pid int) []byte {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "core")
	if out, err := exec.Command(pkitest.Tool(t, "gcore"), "-o", prefix, fmt.Sprint(pid)).CombinedOutput(); err != nil {
		t.Fatalf("gcore: %v: %s", err, out)
	}
	file, err := os.Open(fmt.Sprintf("%s.%d", prefix, pid))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var core []byte
	empty := make([]byte, 4096)
	for page := make([]byte, len(empty)); ; {
		n, err := io.ReadFull(file, page)
		if !bytes.Equal(page[:n], empty[:n]) {
			core = append(core, page[:n]...)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return core
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkCrash has the neighbourhood crash, with all that the system and Go can be
// asked to tell of it: it leaves no core, and what it says tells no secret. A
// command that is waiting for its input crashes beside it, to show that this
// system writes cores.
func (c *canaries) checkCrash(t *testing.T) {
	t.Helper()
	other := exec.Command(os.Args[0], "phone", "sign", newPhone, "-in", os.DevNull, "-out", os.DevNull)
	other.Env, other.Dir = append(os.Environ(), commandEnv+"=1", "GOTRACEBACK=crash"), t.TempDir()
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // until it waits
	if err := other.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	other.Wait()
	if !leftCore(other) {
		t.Log("this system writes no cores; that the neighbourhood leaves none is not shown here")
	}
	if err := c.process.cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	<-c.process.ended
	if leftCore(c.process.cmd) {
		t.Error("the neighbourhood left a core")
	}
	if !strings.Contains(c.process.err.String(), "SIGABRT") {
		t.Error("Go did not tell of the crash")
	}
}

// leftCore says what the system says of a process that has ended.
func leftCore(cmd *exec.Cmd) bool {
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.CoreDump()
}
