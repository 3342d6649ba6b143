package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
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

// inFiles searches every file of the data directory.
func (c *canaries) inFiles(t *testing.T, needles ...needle) (hits []string) {
	t.Helper()
	err := filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, h := range find(content, needles...) {
			hits = append(hits, path+": "+h.String())
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
	all := append(c.needles, c.lockCodeNeedle())
	for _, h := range c.inFiles(t, all...) {
		t.Error(h)
	}
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
	if opened != 2 {
		t.Errorf("%d sealed states were opened, not those of the card and the phone", opened)
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

// checkStreams searches all that went over the loopback. Two directions may hold
// a secret, and must: to the phone's pages and door, in a body; and from a reader
// to a card, in VERIFY.
func (c *canaries) checkStreams(t *testing.T, streams []stream) {
	t.Helper()
	role := map[uint16]string{}
	for _, d := range doors() {
		role[portOf(t, c.settings.listenAt(d.role))] = d.role
	}
	for _, r := range c.readers {
		role[portOf(t, r)] = "reader"
	}
	found, seen := map[string]int{}, map[string]int{}
	for _, s := range streams {
		way := fmt.Sprintf("%s%s", arrow(role[s.to], "to "), arrow(role[s.from], "from "))
		seen[way] += len(s.content)
		if way == "" {
			t.Errorf("somebody speaks to a port that is no role's: %d to %d", s.from, s.to)
		}
		if bytes.Contains(s.content, []byte("\r\nContent-Encoding:")) {
			t.Errorf("%s: a body is compressed, and was not searched", way)
		}
		for _, h := range find(s.content, append(c.needles, c.lockCodeNeedle())...) {
			switch {
			case way == "to phone" && h.needle != "the lock code" && inBody(s.content, h.at):
			case way == "from reader" && h.inVerify() && strings.HasPrefix(h.needle, "the card's "):
			case way == "from phone" && h.needle == "the lock code":
			case (way == "to portal" || way == "to issuer") && h.needle == "the lock code" && inBody(s.content, h.at): // it stops a phone, and nothing else
			default:
				t.Errorf("%s: %v", way, h)
			}
			found[h.needle+" "+way]++
		}
	}
	for _, want := range []string{"the card's password to phone", "the card's password from reader", "the card's PIN from reader",
		"the card's PIN to phone", "the phone's PIN to phone", "the phone's password to phone", "the phone's new PIN to phone", "the phone's new password to phone",
		"the lock code from phone", "the lock code to portal", "the lock code to issuer"} {
		if found[want] == 0 {
			t.Errorf("not found where it must be, so the search is worth nothing: %s", want)
		}
	}
	for _, d := range doors() {
		if d.role != "municipality" && seen["to "+d.role] == 0 { // nobody moves house here
			t.Errorf("nothing was heard of %s", d.role)
		}
	}
	tell(t, "canaries: %d streams of the loopback were searched: %v", len(streams), seen)
}

func arrow(role, word string) string {
	if role == "" {
		return ""
	}
	return word + role
}

func portOf(t *testing.T, addr string) uint16 {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(a.Port)
}

// inBody says whether a place of a client's half of a connection is in a body: no
// line ends between the end of the headers and it.
func inBody(content []byte, at int) bool {
	end := bytes.LastIndex(content[:at], []byte("\r\n"))
	return end >= 2 && bytes.Equal(content[end-2:end], []byte("\r\n"))
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
	c.expectNone(t, "a core", core)
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
